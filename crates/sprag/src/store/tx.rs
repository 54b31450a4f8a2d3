//! What a transaction can do: rows by table and number, contacts by name, and tallies that make a vanished row damage.
//!
//! Each table keeps, in its row 0, how many rows it has, a keyed sum over which they are, and the next number to hand
//! out. It lies in the table itself because it then mostly shares a page with the row that changed.

use std::cell::RefCell;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use rusqlite::{Connection, OptionalExtension, params};
use sprag_core::random::Random;
use sprag_core::secret::SecretBytes;
use sprag_core::wire::{Reader, Writer};

use super::error::{Error, Result};
use super::seal::Keyring;
use super::table::Table;
use crate::context::Generator;

/// The row of a table's tally.
const TALLY: i64 = 0;

/// Bits of the random part of a number that is handed out.
const RANDOM_BITS: u32 = 24;

/// Bytes of the keyed hash of a contact's name, and of a tally's sum.
const HASH: usize = 16;

/// A `data_version` that SQLite never has.
pub(super) const UNCHECKED: i64 = -1;

/// Rows read at a time where all of them are.
#[cfg(test)]
const PAGE: usize = 256;

/// What a table's row 0 says.
#[derive(Clone, Copy)]
struct Tally {
    count: u64,
    next: u64,
    /// The keyed hashes of all rows' numbers (and contacts' names), combined by exclusive or.
    sum: [u8; HASH],
}

impl Tally {
    const EMPTY: Self = Self { count: 0, next: 1, sum: [0; HASH] };

    fn toggle(&mut self, element: &[u8; HASH]) {
        self.sum.iter_mut().zip(element).for_each(|(sum, byte)| *sum ^= byte);
    }

    fn encode(&self) -> SecretBytes {
        let mut writer = Writer::new();
        writer.array(3).uint(self.count).uint(self.next).bytes(&self.sum);
        writer.finish_secret()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        reader.array_of(3).ok()?;
        let tally = Self { count: reader.uint().ok()?, next: reader.uint().ok()?, sum: reader.fixed().ok()? };
        reader.end().ok()?;
        Some(tally)
    }
}

/// A transaction that reads: everything it answers is of one moment.
pub(crate) struct Snapshot<'a> {
    conn: &'a Connection,
    ring: Arc<Keyring>,
    suspended: &'a AtomicBool,
    /// The `data_version` for which the names of contacts were found whole; [`UNCHECKED`] before.
    checked: &'a AtomicI64,
    tallies: RefCell<[Option<(Tally, bool)>; Table::ALL.len()]>,
}

/// A row as it stands in the file: number, what else identifies it, sealed value.
type Raw = (i64, Option<Vec<u8>>, Vec<u8>);

impl<'a> Snapshot<'a> {
    pub(super) const fn new(
        conn: &'a Connection,
        ring: Arc<Keyring>,
        suspended: &'a AtomicBool,
        checked: &'a AtomicI64,
    ) -> Self {
        Self { conn, ring, suspended, checked, tallies: RefCell::new([None; Table::ALL.len()]) }
    }

    /// The connection, unless the store was suspended meanwhile: then the transaction is to end.
    fn conn(&self) -> Result<&'a Connection> {
        if self.suspended.load(Ordering::SeqCst) { Err(Error::Unavailable) } else { Ok(self.conn) }
    }

    fn raw(&self, table: Table, id: i64) -> Result<Option<Raw>> {
        let mut statement = self.conn()?.prepare_cached(table.sql().get)?;
        Ok(statement.query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?)
    }

    fn open(&self, table: Table, (id, extra, sealed): &Raw) -> Result<SecretBytes> {
        self.ring.open(table, *id, extra.as_deref().unwrap_or_default(), sealed)
    }

    fn element(&self, table: Table, id: i64, extra: &[u8]) -> Result<[u8; HASH]> {
        let hash = self.ring.lookup("row", &[&[table.number()], id.to_be_bytes().as_slice(), extra].concat());
        hash.first_chunk().copied().ok_or(Error::Misuse("hash"))
    }

    fn tally(&self, table: Table) -> Result<Tally> {
        if let Some((tally, _)) = self.tallies.borrow().get(table.index()).copied().flatten() {
            return Ok(tally);
        }
        let raw = self.raw(table, TALLY)?.ok_or(Error::Corrupt)?;
        let tally = Tally::decode(self.open(table, &raw)?.expose_secret()).ok_or(Error::Corrupt)?;
        self.set_tally(table, tally, false);
        Ok(tally)
    }

    fn set_tally(&self, table: Table, tally: Tally, changed: bool) {
        if let Some(slot) = self.tallies.borrow_mut().get_mut(table.index()) {
            *slot = Some((tally, changed));
        }
    }

    /// The value of a row. `None` is only as good as the caller's knowledge that there need not be one: where another
    /// row names it, ask [`Snapshot::require`].
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the value is not what was put there.
    pub(crate) fn get(&self, table: Table, id: i64) -> Result<Option<SecretBytes>> {
        check_id(id)?;
        self.raw(table, id)?.map(|raw| self.open(table, &raw)).transpose()
    }

    /// The value of a row that must be there.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if it is not.
    pub(crate) fn require(&self, table: Table, id: i64) -> Result<SecretBytes> {
        self.get(table, id)?.ok_or(Error::Corrupt)
    }

    /// Up to `max` rows with numbers above `after` (0 for the beginning), ascending.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if a value is damaged; or if it saw the whole table and a row is missing.
    pub(crate) fn scan(&self, table: Table, after: i64, max: usize) -> Result<Vec<(i64, SecretBytes)>> {
        let rows = self.rows(table, after.max(TALLY), max)?;
        let mut opened = Vec::with_capacity(rows.len());
        for raw in &rows {
            opened.push((raw.0, self.open(table, raw)?));
        }
        if after <= TALLY && rows.len() < max {
            let mut seen = Tally::EMPTY;
            for (id, extra, _) in &rows {
                seen.count += 1;
                seen.toggle(&self.element(table, *id, extra.as_deref().unwrap_or_default())?);
            }
            self.compare(table, &seen)?;
        }
        Ok(opened)
    }

    /// The numbers alone of up to `max` rows above `after`, ascending. Cheap where values are large.
    pub(crate) fn ids(&self, table: Table, after: i64, max: usize) -> Result<Vec<i64>> {
        Ok(self.keys(table, after.max(TALLY), max)?.into_iter().map(|(id, _)| id).collect())
    }

    fn rows(&self, table: Table, after: i64, max: usize) -> Result<Vec<Raw>> {
        let mut statement = self.conn()?.prepare_cached(table.sql().scan)?;
        let rows = statement
            .query_map(params![after, limit(max)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<rusqlite::Result<Vec<Raw>>>()?;
        Ok(rows)
    }

    fn keys(&self, table: Table, after: i64, max: usize) -> Result<Vec<(i64, Option<Vec<u8>>)>> {
        let mut statement = self.conn()?.prepare_cached(table.sql().ids)?;
        let rows = statement
            .query_map(params![after, limit(max)], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(rows)
    }

    fn compare(&self, table: Table, seen: &Tally) -> Result<()> {
        let tally = self.tally(table)?;
        let whole = tally.count == seen.count && tally.sum == seen.sum;
        if whole || broken!("vanished-rows-believed") { Ok(()) } else { Err(Error::Corrupt) }
    }

    /// How many rows a table has, without counting them.
    pub(crate) fn count(&self, table: Table) -> Result<u64> {
        Ok(self.tally(table)?.count)
    }

    /// That exactly the rows that were put are there. Reads every number of the table and no value.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if a row is missing or one too many.
    #[cfg(test)]
    pub(crate) fn verify(&self, table: Table) -> Result<()> {
        let mut seen = Tally::EMPTY;
        let mut after = TALLY;
        loop {
            let keys = self.keys(table, after, PAGE)?;
            for (id, extra) in &keys {
                seen.count += 1;
                seen.toggle(&self.element(table, *id, extra.as_deref().unwrap_or_default())?);
                after = *id;
            }
            if keys.len() < PAGE {
                return self.compare(table, &seen);
            }
        }
    }

    /// Looks at up to `max` values above `after`: how many of them are damaged, and the last row if there may be more.
    pub(crate) fn scrub(&self, table: Table, after: i64, max: usize) -> Result<(usize, Option<i64>)> {
        let rows = self.rows(table, after.max(TALLY), max)?;
        let damaged = rows.iter().filter(|raw| self.open(table, raw).is_err()).count();
        Ok((damaged, rows.last().filter(|_| rows.len() == max).map(|(id, ..)| *id)))
    }

    /// That every value of a table opens, and [`Snapshot::verify`].
    #[cfg(test)]
    pub(crate) fn verify_values(&self, table: Table) -> Result<()> {
        let mut after = TALLY;
        loop {
            let rows = self.rows(table, after, PAGE)?;
            for raw in &rows {
                self.open(table, raw)?;
                after = raw.0;
            }
            if rows.len() < PAGE {
                return self.verify(table);
            }
        }
    }

    /// What changes whenever another connection than this one has written.
    pub(super) fn moment(&self) -> Result<i64> {
        Ok(self.conn()?.pragma_query_value(None, "data_version", |row| row.get(0))?)
    }

    /// The bytes of the database, without its write-ahead log.
    pub(crate) fn size(&self) -> Result<u64> {
        let number = |pragma| self.conn()?.pragma_query_value(None, pragma, |row| row.get(0)).map_err(Error::from);
        let (pages, each): (i64, i64) = (number("page_count")?, number("page_size")?);
        Ok(pages.saturating_mul(each).unsigned_abs())
    }

    /// The number of the store's format.
    pub(crate) fn format(&self) -> Result<u32> {
        Ok(self.conn()?.pragma_query_value(None, "user_version", |row| row.get(0))?)
    }

    /// SQLite's own verdict on the file: "ok", or what is wrong.
    #[cfg(test)]
    pub(super) fn quick_check(&self) -> Result<String> {
        Ok(self.conn()?.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?)
    }

    /// The contact of this name: its row and value. `None` means that it is new: that is believed only of a table that
    /// was found whole, for a contact that vanished must never be taken for a stranger.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if a contact is missing or damaged.
    pub(crate) fn contact(&self, name: &[u8]) -> Result<Option<(i64, SecretBytes)>> {
        let hash = self.name_hash(name)?;
        let mut statement = self.conn()?.prepare_cached("SELECT id, name_hash, v FROM contact WHERE name_hash = ?1")?;
        let raw: Option<Raw> =
            statement.query_row([hash], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
        match raw {
            Some(raw) => Ok(Some((raw.0, self.open(Table::Contact, &raw)?))),
            None => {
                // Once, and again whenever another connection wrote: 100,000 names take a while.
                let version = self.conn()?.pragma_query_value(None, "data_version", |row| row.get(0))?;
                if self.checked.load(Ordering::Relaxed) != version {
                    self.verify_names()?;
                    self.checked.store(version, Ordering::Relaxed);
                }
                Ok(None)
            }
        }
    }

    /// [`Snapshot::verify`] for contacts through the index of names, since that is what finds them.
    fn verify_names(&self) -> Result<()> {
        let mut seen = Tally::EMPTY;
        let mut statement = self
            .conn()?
            .prepare_cached("SELECT id, name_hash FROM contact WHERE name_hash IS NOT NULL ORDER BY name_hash")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let hash: Vec<u8> = row.get(1)?;
            seen.count += 1;
            seen.toggle(&self.element(Table::Contact, row.get(0)?, &hash)?);
        }
        self.compare(Table::Contact, &seen)
    }

    fn name_hash(&self, name: &[u8]) -> Result<[u8; HASH]> {
        self.ring.lookup("contact", name).first_chunk().copied().ok_or(Error::Misuse("hash"))
    }

    /// A hash under a key that only this store has and that is never changed: for finding something again by what must
    /// not stand in the file. Each purpose hashes differently.
    pub(crate) fn keyed_hash(&self, purpose: &str, bytes: &[u8]) -> [u8; 32] {
        // The store's own purposes have no such prefix.
        self.ring.lookup(&["engine ", purpose].concat(), bytes)
    }
}

fn limit(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}

const fn check_id(id: i64) -> Result<()> {
    if id > TALLY { Ok(()) } else { Err(Error::Misuse("rows are numbered from 1")) }
}

/// A transaction that writes. It reads like a [`Snapshot`], its own writes included.
pub(crate) struct Tx<'a> {
    snapshot: Snapshot<'a>,
    random: RefCell<Generator>,
}

impl<'a> Deref for Tx<'a> {
    type Target = Snapshot<'a>;

    fn deref(&self) -> &Self::Target {
        &self.snapshot
    }
}

impl<'a> Tx<'a> {
    pub(super) const fn new(snapshot: Snapshot<'a>, random: Generator) -> Self {
        Self { snapshot, random: RefCell::new(random) }
    }

    /// Makes the tallies of a new store.
    pub(super) fn found(&self) -> Result<()> {
        for table in Table::ALL {
            let sealed = self.seal(table, TALLY, &[], Tally::EMPTY.encode().expose_secret())?;
            self.conn()?.prepare_cached(table.sql().insert)?.execute(params![TALLY, sealed])?;
        }
        Ok(())
    }

    /// Writes the tallies that changed; the last thing before the commit.
    pub(super) fn finish(&self) -> Result<()> {
        for table in Table::ALL {
            let slot = self.tallies.borrow().get(table.index()).copied().flatten();
            if let Some((tally, true)) = slot
                && !self.update(table, TALLY, &[], tally.encode().expose_secret())?
            {
                return Err(Error::Corrupt);
            }
        }
        // Suspended just now: what was done is rolled back.
        self.conn().map(|_| ())
    }

    fn seal(&self, table: Table, id: i64, extra: &[u8], value: &[u8]) -> Result<Vec<u8>> {
        self.ring.seal(table, id, extra, value, &mut *self.random.borrow_mut())
    }

    fn update(&self, table: Table, id: i64, extra: &[u8], value: &[u8]) -> Result<bool> {
        let sealed = self.seal(table, id, extra, value)?;
        Ok(self.conn()?.prepare_cached(table.sql().update)?.execute(params![id, sealed])? == 1)
    }

    /// Puts a value into a row, whether or not there is one. A contact's row must be there: only its name makes it.
    pub(crate) fn put(&self, table: Table, id: i64, value: &[u8]) -> Result<()> {
        check_id(id)?;
        if table == Table::Contact {
            let hash = self.extra(table, id)?.ok_or(Error::Misuse("no such contact"))?;
            return if self.update(table, id, &hash, value)? { Ok(()) } else { Err(Error::Corrupt) };
        }
        if self.update(table, id, &[], value)? {
            return Ok(());
        }
        let sealed = self.seal(table, id, &[], value)?;
        self.conn()?.prepare_cached(table.sql().insert)?.execute(params![id, sealed])?;
        self.add(table, id, &[])
    }

    /// Puts a value into a new row and says which. Numbers ascend, are never given twice, and in `Outbox` and `Event`
    /// carry a random part: one that the app kept from another time hits nothing.
    pub(crate) fn insert(&self, table: Table, value: &[u8]) -> Result<i64> {
        if table == Table::Contact {
            return Err(Error::Misuse("a contact has a name"));
        }
        let id = self.number(table)?;
        let sealed = self.seal(table, id, &[], value)?;
        self.conn()?.prepare_cached(table.sql().insert)?.execute(params![id, sealed])?;
        self.add(table, id, &[])?;
        Ok(id)
    }

    /// Puts a new contact and says its row, which is below 2^21.
    ///
    /// # Errors
    /// [`Error::Misuse`] if there is one of this name; [`Error::Corrupt`] if a contact is missing.
    pub(crate) fn insert_contact(&self, name: &[u8], value: &[u8]) -> Result<i64> {
        if self.contact(name)?.is_some() {
            return Err(Error::Misuse("the contact exists"));
        }
        let id = self.number(Table::Contact)?;
        if id >= 1 << 21 {
            return Err(Error::Misuse("contacts exhausted"));
        }
        let hash = self.name_hash(name)?;
        let sealed = self.seal(Table::Contact, id, &hash, value)?;
        self.conn()?
            .prepare_cached("INSERT INTO contact (id, name_hash, v) VALUES (?1, ?2, ?3)")?
            .execute(params![id, hash, sealed])?;
        self.add(Table::Contact, id, &hash)?;
        Ok(id)
    }

    /// Deletes a row and says whether there was one. Its bytes are overwritten in the database; in the write-ahead log
    /// they are until the next checkpoint that empties it.
    pub(crate) fn delete(&self, table: Table, id: i64) -> Result<bool> {
        check_id(id)?;
        let extra = if table == Table::Contact { self.extra(table, id)?.unwrap_or_default() } else { Vec::new() };
        if self.conn()?.prepare_cached(table.sql().delete)?.execute([id])? == 0 {
            return Ok(false);
        }
        let element = self.element(table, id, &extra)?;
        let mut tally = self.tally(table)?;
        tally.count = tally.count.checked_sub(1).ok_or(Error::Corrupt)?;
        tally.toggle(&element);
        self.set_tally(table, tally, true);
        Ok(true)
    }

    /// Random bytes for this transaction, hedged by nothing: of the environment's generator.
    pub(crate) fn random(&self, out: &mut [u8]) {
        self.random.borrow_mut().fill(out);
    }

    fn extra(&self, table: Table, id: i64) -> Result<Option<Vec<u8>>> {
        Ok(self.raw(table, id)?.and_then(|(_, extra, _)| extra))
    }

    /// A number for a row that is put later, here or in a table that shares the numbers. It is not given again.
    pub(crate) fn reserve(&self, table: Table) -> Result<i64> {
        let id = self.number(table)?;
        let mut tally = self.tally(table)?;
        tally.next += 1;
        self.set_tally(table, tally, true);
        Ok(id)
    }

    fn number(&self, table: Table) -> Result<i64> {
        let next = i64::try_from(self.tally(table)?.next).map_err(|_| Error::Corrupt)?;
        if !table.random_ids() {
            return Ok(next);
        }
        if next >= 1 << (i64::BITS - 1 - RANDOM_BITS) {
            return Err(Error::Misuse("numbers exhausted"));
        }
        let mut random = [0; 4];
        self.random(&mut random);
        Ok((next << RANDOM_BITS) | i64::from(u32::from_be_bytes(random) >> (u32::BITS - RANDOM_BITS)))
    }

    fn add(&self, table: Table, id: i64, extra: &[u8]) -> Result<()> {
        let element = self.element(table, id, extra)?;
        let mut tally = self.tally(table)?;
        tally.count += 1;
        tally.toggle(&element);
        let number = if table.random_ids() { id >> RANDOM_BITS } else { id };
        let after = u64::try_from(number).map_err(|_| Error::Corrupt)?.saturating_add(1);
        tally.next = tally.next.max(after);
        self.set_tally(table, tally, true);
        Ok(())
    }

    /// Seals up to `max` rows above `after` anew that are not of the newest generation, tallies among them. Yields the
    /// last row that was looked at, or `None` if there was none left.
    pub(super) fn reseal(&self, table: Table, after: i64, max: usize) -> Result<Option<i64>> {
        let head = self.ring.head()?;
        let mut statement = self.conn()?.prepare_cached(table.sql().stale)?;
        let rows = statement
            .query_map(params![after, limit(max), head], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<rusqlite::Result<Vec<Raw>>>()?;
        for raw in &rows {
            let value = self.open(table, raw)?;
            self.update(table, raw.0, raw.1.as_deref().unwrap_or_default(), value.expose_secret())?;
        }
        Ok(rows.last().map(|(id, ..)| *id))
    }

    pub(super) const fn ring(&self) -> &Arc<Keyring> {
        &self.snapshot.ring
    }

    /// Commits what was done so far and begins anew, which nobody ever should.
    #[cfg(feature = "sabotage")]
    pub(crate) fn commit_early(&self) -> Result<()> {
        self.finish()?;
        Ok(self.conn()?.execute_batch("COMMIT; BEGIN IMMEDIATE")?)
    }

    /// Writes a value as it is, which nobody ever should.
    #[cfg(feature = "sabotage")]
    pub(crate) fn leak(&self, value: &[u8]) -> Result<()> {
        self.conn()?
            .prepare_cached("INSERT OR REPLACE INTO keyring (id, v) VALUES (99, ?1)")?
            .execute(params![value])?;
        Ok(())
    }

    pub(super) fn set_keyring(&self, id: i64, v: &[u8]) -> Result<()> {
        let mut statement = self.conn()?.prepare_cached("UPDATE keyring SET v = ?2 WHERE id = ?1")?;
        if statement.execute(params![id, v])? == 1 { Ok(()) } else { Err(Error::Corrupt) }
    }

    pub(super) fn with_random<T>(&self, work: impl FnOnce(&mut dyn Random) -> T) -> T {
        work(&mut *self.random.borrow_mut())
    }
}
