//! The rows of a session: what every message changes of its ratchets and what few do, the keys of messages that have not
//! come, and, until it is answered, the handshake that its messages repeat.
//!
//! It does not know whom the session is with.

use sprag_core::handshake::Fields;
use sprag_core::ratchet::{BLOCK_IDS, MAX_SKIPPED, Session};
use sprag_core::secret::SecretBytes;
use sprag_core::wire::{Reader, Writer};

use crate::codec::{self, CORRUPT, Row, ok};
use crate::error::Result;
use crate::seen::{self, Recent};
use crate::store::{Snapshot, Table, Tx};

/// Bits of the number of a block of skipped keys, below those of its session.
const BLOCK_BITS: u32 = BLOCK_IDS.ilog2();

/// More blocks than a session can have: no two keys in one.
const MAX_BLOCKS: usize = MAX_SKIPPED + 1;

/// First messages that repeat the handshake; after them one a day does.
const REPEATS: u32 = 8;

/// Seconds in a day.
const DAY: u64 = 86_400;

/// Seconds after which a session that nobody answered is begun anew: 7 days.
const PATIENCE: u64 = 7 * DAY;

/// A session as it is stored.
pub(crate) struct Stored {
    pub(crate) session: Session,
    /// The envelopes opened last, which are in no block of [`seen`] yet: this row is written with every message, a block
    /// would be one page more.
    recent: Recent,
    /// What the cold row says; none if there is none.
    cold: Option<SecretBytes>,
}

/// The cold row of a session, and beside it that of its handshake.
const fn cold_row(row: i64) -> i64 {
    row << 1
}

const fn unanswered_row(row: i64) -> i64 {
    row << 1 | 1
}

impl Stored {
    /// A session that is in no store yet.
    pub(crate) const fn new(session: Session) -> Self {
        Self { session, recent: Recent::NONE, cold: None }
    }

    /// Remembers an envelope that was opened in this session.
    pub(crate) fn saw(&mut self, tx: &Tx<'_>, contact: i64, commitment: &[u8; 32]) -> Result<()> {
        self.recent.add(tx, commitment);
        if self.recent.is_full() { seen::add(tx, contact, self.recent.take()) } else { Ok(()) }
    }

    /// Remembers a message that was shown.
    pub(crate) fn showed(&mut self, tx: &Tx<'_>, contact: i64, name: &seen::Name) -> Result<()> {
        self.recent.add_name(name);
        if self.recent.is_full() { seen::add(tx, contact, self.recent.take()) } else { Ok(()) }
    }

    /// Whether a message was among those shown last in this session.
    pub(crate) fn has_shown(&self, name: &seen::Name) -> bool {
        self.recent.has_name(name)
    }

    /// Whether this envelope is among those that were opened last.
    pub(crate) fn has_seen(&self, snapshot: &Snapshot<'_>, commitment: &[u8; 32]) -> bool {
        self.recent.has(snapshot, commitment)
    }

    /// Whether a message was among those shown last in the session of this row. Damage is told where the session is needed.
    pub(crate) fn row_has_shown(snapshot: &Snapshot<'_>, row: i64, name: &seen::Name) -> Result<bool> {
        let read = || -> Result<Recent> {
            let hot = snapshot.require(Table::Session, row)?;
            let mut reader = Reader::new(hot.expose_secret());
            ok(reader.array_of(3))?;
            ok(reader.bytes())?;
            ok(reader.uint())?;
            Recent::read(&mut reader)
        };
        match read() {
            Ok(recent) => Ok(recent.has_name(name)),
            Err(CORRUPT) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn load(snapshot: &Snapshot<'_>, row: i64) -> Result<Self> {
        let hot = snapshot.require(Table::Session, row)?;
        let mut reader = Reader::new(hot.expose_secret());
        ok(reader.array_of(3))?;
        let state = ok(reader.bytes())?;
        let skipped = ok(reader.uint())?;
        let recent = Recent::read(&mut reader)?;
        ok(reader.end())?;
        let mut blocks = Vec::new();
        if skipped > 0 {
            let first = row << BLOCK_BITS;
            let rows = snapshot.scan(Table::Skipped, first - 1, MAX_BLOCKS)?;
            blocks = rows.into_iter().take_while(|(id, _)| id >> BLOCK_BITS == row).map(|(_, block)| block).collect();
        }
        let cold = snapshot.require(Table::SessionCold, cold_row(row))?;
        let blocks = blocks.iter().map(SecretBytes::expose_secret);
        let session = ok(Session::decode(state, cold.expose_secret(), blocks))?;
        // A block that vanished is damage, not a message that came.
        if session.skipped() as u64 == skipped { Ok(Self { session, recent, cold: Some(cold) }) } else { Err(CORRUPT) }
    }

    /// Writes the ratchets, and of what few messages change what has changed.
    pub(crate) fn save(&self, tx: &Tx<'_>, row: i64) -> Result<()> {
        let mut writer = Writer::new();
        writer.array(3).bytes(self.session.encode().expose_secret()).uint(self.session.skipped() as u64);
        self.recent.write(&mut writer);
        tx.put(Table::Session, row, writer.finish_secret().expose_secret())?;
        let cold = self.session.encode_cold();
        if self.cold.as_ref().is_none_or(|known| known.expose_secret() != cold.expose_secret()) {
            tx.put(Table::SessionCold, cold_row(row), cold.expose_secret())?;
        }
        for (id, block) in self.session.changed_skipped() {
            let id = row << BLOCK_BITS | i64::from(id);
            match block {
                Some(block) => tx.put(Table::Skipped, id, block.expose_secret())?,
                None => {
                    tx.delete(Table::Skipped, id)?;
                }
            }
        }
        Ok(())
    }

    /// Drops the keys of messages that have not come for too long, in every session that keeps any.
    pub(crate) fn expire_all(tx: &Tx<'_>, now: u64) -> Result<()> {
        let mut rows: Vec<i64> =
            tx.ids(Table::Skipped, 0, usize::MAX >> 1)?.iter().map(|id| id >> BLOCK_BITS).collect();
        rows.dedup();
        for row in rows {
            let mut stored = Self::load(tx, row)?;
            if stored.session.expire(now) {
                stored.save(tx, row)?;
            }
        }
        Ok(())
    }

    /// Deletes the session of a contact; which envelopes were opened in it is remembered.
    pub(crate) fn delete(tx: &Tx<'_>, contact: i64, row: i64) -> Result<()> {
        seen::add(tx, contact, Self::load(tx, row)?.recent.take())?;
        tx.delete(Table::Session, row)?;
        tx.delete(Table::SessionCold, cold_row(row))?;
        tx.delete(Table::SessionCold, unanswered_row(row))?;
        for id in tx.ids(Table::Skipped, (row << BLOCK_BITS) - 1, MAX_BLOCKS)? {
            if id >> BLOCK_BITS != row {
                break;
            }
            tx.delete(Table::Skipped, id)?;
        }
        Ok(())
    }
}

/// The handshake of a session of ours that nobody has answered.
pub(crate) struct Unanswered {
    pub(crate) fields: Fields,
    /// When the session was begun, Unix seconds.
    began: u64,
    /// How many messages that carried the handshake the server took, and when it took the last one. What was merely sealed
    /// does not count: it may never leave.
    accepted: u32,
    last: u64,
}

impl Unanswered {
    pub(crate) const fn new(fields: Fields, now: u64) -> Self {
        Self { fields, began: now, accepted: 0, last: 0 }
    }

    pub(crate) fn load(snapshot: &Snapshot<'_>, row: i64) -> Result<Option<Self>> {
        let value = snapshot.get(Table::SessionCold, unanswered_row(row))?;
        value.map(|value| codec::decode(value.expose_secret())).transpose()
    }

    pub(crate) fn save(&self, tx: &Tx<'_>, row: i64) -> Result<()> {
        Ok(tx.put(Table::SessionCold, unanswered_row(row), codec::encode(self).expose_secret())?)
    }

    /// The session was answered: nothing is repeated any more.
    pub(crate) fn delete(tx: &Tx<'_>, row: i64) -> Result<()> {
        tx.delete(Table::SessionCold, unanswered_row(row))?;
        Ok(())
    }

    /// Whether the next message is to carry the handshake. A time that was noted while the clock was wrong delays nothing.
    pub(crate) const fn is_due(&self, now: u64) -> bool {
        self.accepted < REPEATS || now.abs_diff(self.last) >= DAY
    }

    /// The server took a message that carried it.
    pub(crate) const fn accepted(&mut self, now: u64) {
        self.accepted = self.accepted.saturating_add(1);
        self.last = now;
    }

    /// Whether messages went out in vain for so long that the session is to be begun anew.
    pub(crate) const fn is_lost(&self, now: u64) -> bool {
        self.accepted > 0 && now.abs_diff(self.began) >= PATIENCE
    }
}

impl Row for Unanswered {
    fn write(&self, writer: &mut Writer) {
        writer.array(4);
        self.fields.write(writer.array(5));
        writer.uint(self.began).uint(self.accepted.into()).uint(self.last);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(4))?;
        ok(reader.array_of(5))?;
        let fields = ok(Fields::read(reader))?;
        Ok(Self { fields, began: Row::read(reader)?, accepted: Row::read(reader)?, last: Row::read(reader)? })
    }
}
