//! What happened how often: numbers for a support ticket, and nothing of whom or what.
//!
//! What goes wrong is told to the app in an event, and counted in the transaction that raises it. What merely came in is
//! counted in memory and written with the next upkeep, so that a message costs no page more.

use std::sync::atomic::{AtomicU64, Ordering};

use sprag_core::wire::{Reader, Writer};

use crate::codec::{self, CORRUPT, Row, ok, read_list, write_list};
use crate::error::{Error, Result};
use crate::event::{MessageState, Reason, Verdict, What};
use crate::rows::COUNTERS;
use crate::store::{Snapshot, Table, Tx};

/// Counters that are kept, at most. All kinds with all reasons are fewer; a later release may have left more.
const MOST: usize = 256;

const DAY: u64 = 86_400;

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Counted {
    /// What was found in a message, by the number of the finding.
    Verdict = 1,
    /// What the app was told, by the number of the event.
    Event = 2,
}

/// How often something happened.
pub(crate) struct Counter {
    /// [`Counted`] as a number: one of a later release stays as it is.
    pub(crate) kind: u32,
    pub(crate) code: u32,
    /// The number of the reason; 0 without one.
    pub(crate) reason: u32,
    pub(crate) count: u64,
    /// The day on which it last rose, since the Unix epoch. No closer: nobody's ticket is to tell when somebody wrote.
    pub(crate) last: u64,
}

/// All counters, and since which day they count.
pub(crate) struct Counters {
    pub(crate) since: u64,
    pub(crate) all: Vec<Counter>,
}

impl Counters {
    /// Those that are stored. Nothing hangs on them: what is damaged is begun anew rather than stand in the way.
    pub(crate) fn load(snapshot: &Snapshot<'_>, now: u64) -> Result<Self> {
        let stored = snapshot.get(Table::Meta, COUNTERS).map_err(Error::from);
        match stored.and_then(|value| value.map(|value| codec::decode(value.expose_secret())).transpose()) {
            Ok(Some(counters)) => Ok(counters),
            Ok(None) | Err(CORRUPT) => Ok(Self { since: now / DAY, all: Vec::new() }),
            Err(error) => Err(error),
        }
    }

    fn save(&self, tx: &Tx<'_>) -> Result<()> {
        Ok(tx.put(Table::Meta, COUNTERS, codec::encode(self).expose_secret())?)
    }

    fn add(&mut self, kind: Counted, code: u32, reason: u32, times: u64, now: u64) {
        let kind = kind as u32;
        let is_it = |counter: &&mut Counter| (counter.kind, counter.code, counter.reason) == (kind, code, reason);
        if let Some(counter) = self.all.iter_mut().find(is_it) {
            counter.count = counter.count.saturating_add(times);
            counter.last = now / DAY;
        } else if self.all.len() < MOST {
            self.all.push(Counter { kind, code, reason, count: times, last: now / DAY });
        }
    }

    /// Counts what was found in messages.
    pub(crate) fn note(&mut self, found: &Found, now: u64) {
        for (code, times) in (0u32..).zip(found.0).filter(|(_, times)| *times > 0) {
            self.add(Counted::Verdict, code, 0, times, now);
        }
    }
}

/// Counts what the app is told, unless it is the course of things: a message that came, or one of ours that went its way.
pub(crate) fn happened(tx: &Tx<'_>, what: &What, now: u64) -> Result<()> {
    let reason = match what {
        What::Message(_) => return Ok(()),
        What::Progress { state, .. } if *state != MessageState::Failed => return Ok(()),
        What::Progress { reason, .. } | What::SessionRestarted { reason, .. } => *reason,
        What::Unreadable { reason, .. } => Some(*reason),
        _ => None,
    };
    let mut counters = Counters::load(tx, now)?;
    counters.add(Counted::Event, what.code(), reason.map_or(0, Reason::code), 1, now);
    counters.save(tx)
}

/// Findings by their numbers, and how often.
const FINDINGS: usize = 8;

/// How often what was found.
#[derive(Clone, Copy)]
pub(crate) struct Found([u64; FINDINGS]);

impl Found {
    fn is_nothing(&self) -> bool {
        self.0.iter().all(|times| *times == 0)
    }

    /// Writes it beside what is due, which `wake` writes anyway.
    pub(crate) fn save(&self, tx: &Tx<'_>, now: u64) -> Result<()> {
        if self.is_nothing() {
            return Ok(());
        }
        let mut counters = Counters::load(tx, now)?;
        counters.note(self, now);
        counters.save(tx)
    }
}

/// What was found since it was last written. A process that ends without [`Client::wake`](crate::Client::wake) takes it along.
#[derive(Default)]
pub(crate) struct Unwritten([AtomicU64; FINDINGS]);

impl Unwritten {
    pub(crate) fn note(&self, verdicts: &[Verdict]) {
        for code in verdicts.iter().filter_map(|verdict| usize::try_from(verdict.finding.code()).ok()) {
            self.add(code, 1);
        }
    }

    fn add(&self, code: usize, times: u64) {
        if let Some(counter) = self.0.get(code) {
            counter.fetch_add(times, Ordering::Relaxed);
        }
    }

    pub(crate) fn look(&self) -> Found {
        Found(core::array::from_fn(|code| self.0.get(code).map_or(0, |counter| counter.load(Ordering::Relaxed))))
    }

    /// Takes it to be written.
    pub(crate) fn take(&self) -> Found {
        Found(core::array::from_fn(|code| self.0.get(code).map_or(0, |counter| counter.swap(0, Ordering::Relaxed))))
    }

    /// It was not written.
    pub(crate) fn give_back(&self, found: &Found) {
        found.0.iter().enumerate().for_each(|(code, times)| self.add(code, *times));
    }
}

impl Row for Counter {
    fn write(&self, writer: &mut Writer) {
        writer.array(5).uint(u64::from(self.kind)).uint(u64::from(self.code)).uint(u64::from(self.reason));
        writer.uint(self.count).uint(self.last);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(5))?;
        let (kind, code, reason) = (Row::read(reader)?, Row::read(reader)?, Row::read(reader)?);
        Ok(Self { kind, code, reason, count: Row::read(reader)?, last: Row::read(reader)? })
    }
}

impl Row for Counters {
    fn write(&self, writer: &mut Writer) {
        writer.array(2).uint(self.since);
        write_list(writer, &self.all);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(2))?;
        Ok(Self { since: Row::read(reader)?, all: read_list(reader)? })
    }
}

#[cfg(test)]
mod tests {
    use sprag_core::secret::Secret;

    use super::*;
    use crate::context::Environment;
    use crate::event::Healing;
    use crate::id::BlobId;
    use crate::store::{Barrier, Store};

    fn unreadable(reason: Reason) -> What {
        What::Unreadable { app_ref: None, blob_id: BlobId([0; 32]), from: None, reason, healing: Healing::Final }
    }

    fn store() -> Store {
        Store::create(None, &Secret::new([7; 32]), &Environment::platform(), |_| Ok::<_, Error>(())).unwrap()
    }

    fn counts(store: &Store, now: u64) -> Vec<(u32, u32, u32, u64, u64)> {
        let counters = store.read(|snapshot| Counters::load(snapshot, now)).unwrap();
        counters.all.iter().map(|c| (c.kind, c.code, c.reason, c.count, c.last)).collect()
    }

    #[test]
    fn what_happened_is_counted_by_its_reason() {
        let store = store();
        let told = [(Reason::Open, 10), (Reason::KeyGone, 10), (Reason::Open, 11)];
        store
            .write(Barrier::Normal, |tx| {
                told.iter().try_for_each(|(reason, day)| happened(tx, &unreadable(*reason), day * DAY + 77))
            })
            .unwrap();
        assert_eq!(counts(&store, 0), [(2, 2, 7, 2, 11), (2, 2, 9, 1, 10)]);
    }

    #[test]
    fn there_is_an_end_to_them_and_damage_is_no_obstacle() {
        let store = store();
        store
            .write(Barrier::Normal, |tx| {
                let mut counters = Counters::load(tx, 0)?;
                (0..1_000).for_each(|code| counters.add(Counted::Event, code, 0, 1, 0));
                counters.save(tx)
            })
            .unwrap();
        assert_eq!(counts(&store, 0).len(), MOST);
        store.write(Barrier::Normal, |tx| tx.put(Table::Meta, COUNTERS, b"?").map_err(Error::from)).unwrap();
        store.write(Barrier::Normal, |tx| happened(tx, &unreadable(Reason::Open), 5 * DAY)).unwrap();
        assert_eq!(counts(&store, 0), [(2, 2, 7, 1, 5)]);
    }

    #[test]
    fn what_was_not_written_is_not_lost() {
        let unwritten = Unwritten::default();
        unwritten.add(3, 2);
        unwritten.add(99, 1);
        let taken = unwritten.take();
        assert!(unwritten.look().is_nothing());
        unwritten.give_back(&taken);
        assert_eq!(unwritten.look().0[3], 2);
    }
}
