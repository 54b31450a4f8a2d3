//! The rows of a session: what every message changes of its ratchets and what few do, the keys of messages that have not
//! come, and, until it is answered, the handshake that its messages repeat.
//!
//! It does not know whom the session is with.

use sprag_core::handshake::Fields;
use sprag_core::ratchet::{BLOCK_IDS, Binding, MAX_SKIPPED, Position, Progress, SLOT, Session};
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

/// Elements of a session's row.
const HOT: usize = 5;

/// Seconds in a day.
const DAY: u64 = 86_400;

/// Seconds after which a session that nobody answered is begun anew: 7 days.
const PATIENCE: u64 = 7 * DAY;

/// Messages in a row that a device answers by itself, and seconds after the first of them: 7 days. A part of each is added
/// that depends on the session, so that not everybody answers at once.
const IN_A_ROW: u32 = 50;
const SILENCE: u64 = 7 * DAY;

/// What was heard in a session since we sent in it last.
#[derive(Clone, Copy, Default)]
struct Silence {
    /// How many messages that a person wrote.
    messages: u32,
    /// When the first of them came.
    since: u64,
}

impl Silence {
    fn is_long(self, transcript: &[u8; 32], now: u64) -> bool {
        let [first, second, ..] = *transcript;
        let (more, later) = (u32::from(first % 16), u64::from(second) * DAY / 256);
        let is_long = self.messages >= IN_A_ROW + more || now.abs_diff(self.since) >= SILENCE + later;
        self.messages > 0 && is_long && !broken!("silent-for-ever")
    }
}

/// A session as it is stored.
pub(crate) struct Stored {
    pub(crate) session: Session,
    /// The envelopes opened last, which are in no block of [`seen`] yet: this row is written with every message, a block
    /// would be one page more.
    recent: Recent,
    silence: Silence,
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
        Self { session, recent: Recent::NONE, silence: Silence { messages: 0, since: 0 }, cold: None }
    }

    /// Remembers an envelope that was opened in this session.
    pub(crate) fn saw(&mut self, tx: &Tx<'_>, contact: i64, commitment: &[u8; 32], at: Position) -> Result<()> {
        self.recent.add(tx, commitment, at);
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

    /// Whether a slot whose key is gone claims a position at which another envelope was opened.
    pub(crate) fn is_taken(
        &self,
        snapshot: &Snapshot<'_>,
        contact: i64,
        slot: &[u8; SLOT],
        envelope: (Binding<'_>, &[u8; 32]),
    ) -> Result<bool> {
        let (binding, commitment) = envelope;
        let Some(at) = self.session.claimed_position(slot, binding).filter(|_| !broken!("positions-forgotten")) else {
            return Ok(false);
        };
        match self.recent.has_another(snapshot, at, commitment) {
            Some(is_other) => Ok(is_other),
            None => seen::has_another(snapshot, contact, at, commitment),
        }
    }

    /// Whether a message was among those shown last in the session of this row. Damage is told where the session is needed.
    pub(crate) fn row_has_shown(snapshot: &Snapshot<'_>, row: i64, name: &seen::Name) -> Result<bool> {
        let read = || -> Result<Recent> {
            let hot = snapshot.require(Table::Session, row)?;
            let mut reader = Reader::new(hot.expose_secret());
            ok(reader.array_of(HOT))?;
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

    /// A message that a person wrote came. Whether so many did, or for so long, that the device is to answer by itself.
    pub(crate) fn heard(&mut self, now: u64) -> bool {
        if self.silence.messages == 0 {
            self.silence.since = now;
        }
        self.silence.messages = self.silence.messages.saturating_add(1);
        self.silence.is_long(self.session.transcript(), now)
    }

    /// Something was sealed in it.
    pub(crate) const fn spoke(&mut self) {
        self.silence = Silence { messages: 0, since: 0 };
    }

    /// The rows of sessions, of `most` after a row, in which the device has been silent for too long; and the last row that
    /// was looked at, if there may be more.
    pub(crate) fn silent(
        snapshot: &Snapshot<'_>,
        after: i64,
        most: usize,
        now: u64,
    ) -> Result<(Vec<i64>, Option<i64>)> {
        let ids = snapshot.ids(Table::Session, after, most)?;
        let mut silent = Vec::new();
        for row in &ids {
            match Self::load(snapshot, *row) {
                Ok(stored) if stored.silence.is_long(stored.session.transcript(), now) => silent.push(*row),
                Ok(_) | Err(CORRUPT) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((silent, if ids.len() < most { None } else { ids.last().copied() }))
    }

    pub(crate) fn load(snapshot: &Snapshot<'_>, row: i64) -> Result<Self> {
        let hot = snapshot.require(Table::Session, row)?;
        let mut reader = Reader::new(hot.expose_secret());
        ok(reader.array_of(HOT))?;
        let state = ok(reader.bytes())?;
        let skipped = ok(reader.uint())?;
        let recent = Recent::read(&mut reader)?;
        let silence = Silence { messages: Row::read(&mut reader)?, since: Row::read(&mut reader)? };
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
        if session.skipped() as u64 == skipped {
            Ok(Self { session, recent, silence, cold: Some(cold) })
        } else {
            Err(CORRUPT)
        }
    }

    /// Writes the ratchets, and of what few messages change what has changed.
    pub(crate) fn save(&self, tx: &Tx<'_>, row: i64) -> Result<()> {
        let mut writer = Writer::new();
        writer.array(HOT).bytes(self.session.encode().expose_secret()).uint(self.session.skipped() as u64);
        self.recent.write(&mut writer);
        writer.uint(self.silence.messages.into()).uint(self.silence.since);
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
        match Self::load(tx, row) {
            Ok(mut stored) => seen::add(tx, contact, stored.recent.take())?,
            // A damaged one remembers nothing any more, and is to go all the same.
            Err(CORRUPT) => {}
            Err(error) => return Err(error),
        }
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
    /// How far we were in the session that it continues, if it does.
    pub(crate) continues: Option<Progress>,
    /// When the session was begun, Unix seconds.
    began: u64,
    /// How many messages that carried the handshake the server took, and when it took the last one. What was merely sealed
    /// does not count: it may never leave.
    accepted: u32,
    last: u64,
}

impl Unanswered {
    pub(crate) const fn new(fields: Fields, continues: Option<Progress>, now: u64) -> Self {
        Self { fields, continues, began: now, accepted: 0, last: 0 }
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

    /// Whether the server took a message that carried it.
    pub(crate) const fn has_left(&self) -> bool {
        self.accepted > 0
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
        writer.array(5);
        self.fields.write(writer.array(5));
        match &self.continues {
            Some(Progress { turns, epoch }) => writer.array(2).uint(*turns).uint(*epoch),
            None => writer.null(),
        };
        writer.uint(self.began).uint(self.accepted.into()).uint(self.last);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(5))?;
        ok(reader.array_of(5))?;
        let fields = ok(Fields::read(reader))?;
        let continues = if reader.take_null() {
            None
        } else {
            ok(reader.array_of(2))?;
            Some(Progress { turns: Row::read(reader)?, epoch: Row::read(reader)? })
        };
        Ok(Self {
            fields,
            continues,
            began: Row::read(reader)?,
            accepted: Row::read(reader)?,
            last: Row::read(reader)?,
        })
    }
}
