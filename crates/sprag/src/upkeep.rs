//! What is due without anybody asking for it: one row, and when the next thing is due.
//!
//! It does none of it: [`Client::wake`](crate::Client::wake) does.

use sprag_core::prekey::PrekeyId;
use sprag_core::wire::{Reader, Writer};

use crate::codec::{self, Row, ok, read_list, write_list};
use crate::error::Result;
use crate::event::Hint;
use crate::rows::UPKEEP;
use crate::store::{Snapshot, Table, Tx};

/// A jump of the clock, in seconds, beyond which nothing is deleted: 48 hours.
const JUMP: u64 = 48 * 3_600;

/// Seconds between two calls of `wake`, where nothing is due sooner. Also how often old things are looked for.
const DAY: u64 = 24 * 3_600;

/// Values that one call looks at for damage.
const SCRUB: usize = 500;

/// The newest signed prekey.
#[derive(Clone, Copy)]
pub(crate) struct Newest {
    pub(crate) id: PrekeyId,
    pub(crate) created: u64,
    /// Whether the directory said that it has it.
    pub(crate) published: bool,
}

/// What is due.
pub(crate) struct Upkeep {
    /// When `wake` last ran, Unix seconds.
    pub(crate) last_wake: u64,
    /// When what is old was last looked for and deleted.
    pub(crate) pruned: u64,
    /// The sequence of our list that the directory acknowledged.
    pub(crate) published: u64,
    pub(crate) signed: Option<Newest>,
    /// Signed prekeys before the newest that no acknowledged one has replaced.
    pub(crate) unreplaced: Vec<PrekeyId>,
    /// How many one-time prekeys the directory said that it has, until more are made.
    pub(crate) one_time_left: Option<u32>,
    /// When a request that was put off is to be offered again.
    pub(crate) retry_at: Option<u64>,
    /// Contacts that began a session which nothing has answered yet, perhaps.
    pub(crate) owed: Vec<i64>,
    /// The session up to which it was looked who has been silent for long.
    pub(crate) listened: i64,
    /// How far the store was looked through for damage: the table's place, and the row.
    scrubbed: (u64, i64),
}

/// What is to be thought of the clock.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    /// It may be relied on.
    Plausible,
    /// It jumped ahead, or nobody looked for long. Nothing is deleted this time.
    Jumped,
    /// It is wrong by so many seconds. Nothing is deleted, and the app is told.
    Wrong(i64),
}

impl Upkeep {
    pub(crate) const fn new(now: u64) -> Self {
        Self {
            last_wake: now,
            pruned: now,
            published: 0,
            signed: None,
            unreplaced: Vec::new(),
            one_time_left: None,
            retry_at: None,
            owed: Vec::new(),
            listened: 0,
            scrubbed: (0, 0),
        }
    }

    pub(crate) fn load(snapshot: &Snapshot<'_>) -> Result<Self> {
        codec::decode(snapshot.require(Table::Meta, UPKEEP)?.expose_secret())
    }

    pub(crate) fn save(&self, tx: &Tx<'_>) -> Result<()> {
        Ok(tx.put(Table::Meta, UPKEEP, codec::encode(self).expose_secret())?)
    }

    /// Notes that a contact waits for an answer.
    pub(crate) fn owe(tx: &Tx<'_>, contact: i64) -> Result<()> {
        let mut upkeep = Self::load(tx)?;
        if upkeep.owed.contains(&contact) {
            return Ok(());
        }
        upkeep.owed.push(contact);
        upkeep.save(tx)
    }

    /// Notes that a request waits until `at`.
    pub(crate) fn put_off(tx: &Tx<'_>, at: u64, now: u64) -> Result<()> {
        let mut upkeep = Self::load(tx)?;
        upkeep.retry_at = Some(upkeep.retry_at.filter(|known| *known > now).map_or(at, |known| known.min(at)));
        upkeep.save(tx)
    }

    /// Milliseconds until `wake`, and then `requests`, have something to do.
    pub(crate) fn next_ms(&self, now: u64) -> u64 {
        if !self.owed.is_empty() {
            return 0;
        }
        let daily = self.last_wake.saturating_add(DAY).saturating_sub(now).min(DAY);
        let retry = self.retry_at.map_or(daily, |at| at.saturating_sub(now));
        daily.min(if retry == 0 { daily } else { retry }).saturating_mul(1_000)
    }

    /// Whether it is time to look for what is old.
    pub(crate) const fn prune_due(&self, now: u64) -> bool {
        now >= self.pruned.saturating_add(DAY)
    }

    /// Looks at a part of the store that is next: whether all is whole there. Damage is to be known before it is met.
    pub(crate) fn scrub(&mut self, snapshot: &Snapshot<'_>) -> Result<bool> {
        let (place, after) = self.scrubbed;
        let at = usize::try_from(place).unwrap_or(0) % Table::ALL.len();
        let Some(table) = Table::ALL.get(at) else { return Ok(true) };
        let (damaged, last) = snapshot.scrub(*table, after, SCRUB)?;
        let next = (at as u64 + 1, 0);
        self.scrubbed = last.map_or(next, |last| (at as u64, last));
        Ok(damaged == 0)
    }

    /// What the clock is worth. Only a server's word, or a clock that runs backwards, says that it is wrong; one that
    /// is far ahead of the last call may just as well belong to an app that was not opened for a week.
    pub(crate) fn clock(&self, hint: Hint, now: u64) -> Clock {
        let ahead = |of: u64| i64::try_from(now).unwrap_or(i64::MAX).saturating_sub_unsigned(of);
        let far = |skew: i64| skew.unsigned_abs() > JUMP;
        match hint.server_time.map(ahead) {
            Some(skew) if far(skew) => Clock::Wrong(skew),
            Some(_) => Clock::Plausible,
            None => match ahead(self.last_wake) {
                skew if far(skew) && skew < 0 => Clock::Wrong(skew),
                skew if far(skew) => Clock::Jumped,
                _ => Clock::Plausible,
            },
        }
    }
}

impl Row for PrekeyId {
    fn write(&self, writer: &mut Writer) {
        writer.bytes(&self.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.fixed()).map(Self)
    }
}

impl Row for Newest {
    fn write(&self, writer: &mut Writer) {
        self.id.write(writer.array(3));
        writer.uint(self.created).bool(self.published);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(3))?;
        Ok(Self { id: Row::read(reader)?, created: Row::read(reader)?, published: Row::read(reader)? })
    }
}

impl Row for Upkeep {
    fn write(&self, writer: &mut Writer) {
        writer.array(11).uint(self.last_wake).uint(self.pruned).uint(self.published);
        self.signed.write(writer);
        write_list(writer, &self.unreplaced);
        self.one_time_left.write(writer);
        self.retry_at.write(writer);
        write_list(writer, &self.owed);
        self.listened.write(writer);
        writer.uint(self.scrubbed.0);
        self.scrubbed.1.write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(11))?;
        Ok(Self {
            last_wake: Row::read(reader)?,
            pruned: Row::read(reader)?,
            published: Row::read(reader)?,
            signed: Row::read(reader)?,
            unreplaced: read_list(reader)?,
            one_time_left: Row::read(reader)?,
            retry_at: Row::read(reader)?,
            owed: read_list(reader)?,
            listened: Row::read(reader)?,
            scrubbed: (Row::read(reader)?, Row::read(reader)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn hint(server_time: Option<u64>) -> Hint {
        Hint { server_time, one_time_left: None }
    }

    #[test]
    fn the_clock_is_judged_by_the_server_else_by_the_last_call() {
        let upkeep = Upkeep::new(NOW);
        let judged = |server, now| upkeep.clock(hint(server), now);
        assert!(judged(None, NOW + 3_600) == Clock::Plausible);
        assert!(judged(None, NOW + 7 * DAY) == Clock::Jumped);
        assert!(judged(Some(NOW + 7 * DAY), NOW + 7 * DAY) == Clock::Plausible);
        assert!(judged(None, NOW - 3 * DAY) == Clock::Wrong(-259_200));
        assert!(judged(Some(NOW), NOW + 3 * DAY) == Clock::Wrong(259_200));
        assert!(judged(Some(u64::MAX), NOW) != Clock::Plausible);
    }

    #[test]
    fn the_next_call_is_when_the_first_thing_is_due() {
        let mut upkeep = Upkeep::new(NOW);
        assert_eq!(upkeep.next_ms(NOW), DAY * 1_000);
        assert_eq!(upkeep.next_ms(NOW + DAY + 5), 0);
        upkeep.retry_at = Some(NOW + 30);
        assert_eq!(upkeep.next_ms(NOW), 30_000);
        assert_eq!(upkeep.next_ms(NOW + 30), (DAY - 30) * 1_000);
        upkeep.owed.push(4);
        assert_eq!(upkeep.next_ms(NOW), 0);
    }
}
