//! What waits to leave: messages in order, and requests for keys. An entry stays until the server's answer is here.
//!
//! It does no network and no cryptography. An entry's row is its request's id.
//!
//! ```text
//!   send ──▶ Waiting (no keys yet, or held) ──seal──▶ Outbox + Cargo ──lease──▶ Request ──answer──▶ gone
//! ```

mod ahead;
mod circle;
mod figures;
mod hold;
mod leave;
mod message;
mod seal;
mod shelf;

use sprag_core::wire::{Reader, Writer};

pub(crate) use self::circle::{Circle, complete, lane, members};
pub(crate) use self::figures::figures;
pub(crate) use self::hold::{hold, hold_back, take_back};
pub(crate) use self::leave::{Leaving, leave, wait};
pub(crate) use self::message::{
    Echo, Index, Load, Queued, Scope, Waiting, digest, fresh_id, progress, release, stop_waiting,
};
pub(crate) use self::seal::{Attempt, HANDSHAKE, Sealed, armored as body, flush, inside, room, seal};
pub(crate) use self::shelf::{Addressed, find as find_shelved, keep as shelve, prune as prune_shelf};
use crate::codec::{self, CORRUPT, Row, ok, read_list, write_list};
use crate::error::Result;
use crate::event::{MessageState, Reason};
use crate::id::RequestId;
use crate::request::{Action, Request};
use crate::store::{Snapshot, Table, Tx};

/// Messages of one conversation that are handed out and not answered, at most.
pub(crate) const IN_FLIGHT: usize = 8;

/// Entries up to which `send` looks whether its own can go at once. With more, `requests` hands it out.
const SHORT: u64 = 64;

/// Entries up to which every call tells exactly how many can be handed out.
const LONG: u64 = 256;

/// The longest lease and the longest delay, in seconds. A time further ahead was noted while the clock was wrong, and
/// binds nobody now: it would hold a request back for as long as the clock was off.
const MAX_LEASE: u64 = 3_600;
pub(crate) const MAX_DELAY: u64 = 86_400;

fn runs(until: u64, now: u64, most: u64) -> bool {
    until > now && (until - now <= most || broken!("wrong-clocks-bind"))
}

/// Whose turn it is: what is looked through whenever something is handed out.
pub(crate) struct Entry {
    /// Of a message the conversation in which it keeps its place, of a request for keys the contact.
    pub(crate) lane: i64,
    /// Whether it is a message.
    is_send: bool,
    pub(crate) attempt: u32,
    created: u64,
    lease_until: u64,
    not_before: u64,
}

/// What an entry carries.
pub(crate) struct Cargo {
    pub(crate) action: Action,
    /// The message in it, to be sealed again if need be.
    pub(crate) message: Option<Queued>,
    /// The sessions whose handshake it carries.
    pub(crate) carried: Vec<Carried>,
    /// Why the message is not to be sealed again by itself: somebody it was meant for may be somebody else by now.
    pub(crate) bound: Option<Reason>,
    /// The devices that it was sealed for, if it may be sealed again for one of them.
    pub(crate) addressed: Vec<Addressed>,
}

/// A session whose handshake a message carries: the contact's row, and the session's number.
pub(crate) struct Carried {
    pub(crate) contact: i64,
    pub(crate) ordinal: u32,
}

impl Entry {
    /// Puts a request that is no message into the outbox; yields its number.
    pub(crate) fn request(tx: &Tx<'_>, lane: i64, action: Action, now: u64) -> Result<i64> {
        let row = tx.reserve(Table::Outbox)?;
        Self::put(tx, row, lane, &Cargo::request(action), now).map(|()| row)
    }

    /// Puts something into the outbox under a number that was reserved for it.
    pub(crate) fn put(tx: &Tx<'_>, row: i64, lane: i64, cargo: &Cargo, now: u64) -> Result<()> {
        let is_send = matches!(cargo.action, Action::Send(_));
        let entry = Self { lane, is_send, attempt: 0, created: now, lease_until: 0, not_before: 0 };
        tx.put(Table::Cargo, row, codec::encode(cargo).expose_secret())?;
        entry.save(tx, row)
    }

    pub(crate) fn load(snapshot: &Snapshot<'_>, row: i64) -> Result<Option<Self>> {
        snapshot.get(Table::Outbox, row)?.map(|value| codec::decode(value.expose_secret())).transpose()
    }

    fn save(&self, tx: &Tx<'_>, row: i64) -> Result<()> {
        Ok(tx.put(Table::Outbox, row, codec::encode(self).expose_secret())?)
    }

    pub(crate) fn remove(tx: &Tx<'_>, row: i64) -> Result<()> {
        tx.delete(Table::Outbox, row)?;
        tx.delete(Table::Cargo, row)?;
        Ok(())
    }

    /// Whether somebody has it.
    pub(crate) fn is_leased(&self, now: u64) -> bool {
        runs(self.lease_until, now, MAX_LEASE)
    }

    /// Ends the lease, and offers it again from `not_before` on.
    pub(crate) fn put_off(&mut self, tx: &Tx<'_>, row: i64, not_before: u64) -> Result<()> {
        self.lease_until = 0;
        self.not_before = not_before;
        self.save(tx, row)
    }

    fn all(snapshot: &Snapshot<'_>) -> Result<Vec<(i64, Self)>> {
        let rows = snapshot.scan(Table::Outbox, 0, usize::MAX >> 1)?;
        rows.into_iter().map(|(row, value)| Ok((row, codec::decode(value.expose_secret())?))).collect()
    }
}

impl Cargo {
    /// A request that is no message.
    pub(crate) const fn request(action: Action) -> Self {
        Self { action, message: None, carried: Vec::new(), bound: None, addressed: Vec::new() }
    }

    /// A message that was sealed.
    pub(crate) fn sealed(sealed: Sealed, message: Queued) -> Self {
        let Sealed { send, carried, addressed } = sealed;
        Self { action: Action::Send(send), message: Some(message), carried, bound: None, addressed }
    }

    pub(crate) fn load(snapshot: &Snapshot<'_>, row: i64) -> Result<Self> {
        codec::decode(snapshot.require(Table::Cargo, row)?.expose_secret())
    }

    pub(crate) fn save(&self, tx: &Tx<'_>, row: i64) -> Result<()> {
        Ok(tx.put(Table::Cargo, row, codec::encode(self).expose_secret())?)
    }

    /// The action alone, of everything that is in the outbox.
    pub(crate) fn all(snapshot: &Snapshot<'_>) -> Result<Vec<Self>> {
        snapshot.ids(Table::Outbox, 0, usize::MAX >> 1)?.into_iter().map(|row| Self::load(snapshot, row)).collect()
    }
}

/// What is asked of a directory, with the numbers of the requests.
pub(crate) fn asked(snapshot: &Snapshot<'_>) -> Result<Vec<(u64, Action)>> {
    let mut asked = Vec::new();
    for (row, _) in Entry::all(snapshot)?.into_iter().filter(|(_, entry)| !entry.is_send) {
        asked.push((u64::try_from(row).map_err(|_| CORRUPT)?, Cargo::load(snapshot, row)?.action));
    }
    Ok(asked)
}

/// How many requests can be handed out now. Of a long outbox the count alone is told, for looking it through with every
/// call would take longer than the call.
pub(crate) fn due(snapshot: &Snapshot<'_>, now: u64) -> Result<u64> {
    let count = snapshot.count(Table::Outbox)?;
    if count > LONG { Ok(count) } else { count_due(snapshot, now) }
}

fn count_due(snapshot: &Snapshot<'_>, now: u64) -> Result<u64> {
    let entries = Entry::all(snapshot)?;
    let mut turns = Turns::new(&entries, now);
    Ok(entries.iter().filter(|(_, entry)| turns.take(entry)).count() as u64)
}

/// Whether there is anything that [`lease`] would hand out.
pub(crate) fn is_any_due(snapshot: &Snapshot<'_>, now: u64) -> Result<bool> {
    Ok(snapshot.count(Table::Outbox)? > 0 && count_due(snapshot, now)? > 0)
}

/// When the first of the requests that were put off may go.
pub(crate) fn put_off_until(snapshot: &Snapshot<'_>, now: u64) -> Result<Option<u64>> {
    let times = Entry::all(snapshot)?.into_iter().map(|(_, entry)| entry.not_before);
    Ok(times.filter(|at| runs(*at, now, MAX_DELAY)).min())
}

/// Leases what can go now: at most `max`, in each conversation the oldest first and not too many at once.
pub(crate) fn lease(tx: &Tx<'_>, max: usize, seconds: u64, now: u64) -> Result<Vec<Request>> {
    lease_of(tx, None, max, seconds, now)
}

/// Leases what can go in a conversation, and the requests for the keys that it needs, if finding out is quick.
pub(crate) fn lease_for(tx: &Tx<'_>, lanes: &[i64], seconds: u64, now: u64) -> Result<Vec<Request>> {
    if tx.count(Table::Outbox)? > SHORT {
        return Ok(Vec::new());
    }
    lease_of(tx, Some(lanes), IN_FLIGHT, seconds, now)
}

fn lease_of(tx: &Tx<'_>, only: Option<&[i64]>, max: usize, seconds: u64, now: u64) -> Result<Vec<Request>> {
    let entries = Entry::all(tx)?;
    let mut turns = Turns::new(&entries, now);
    let mut leased = Vec::new();
    for (row, mut entry) in entries {
        if leased.len() >= max {
            break;
        }
        if only.is_some_and(|lanes| !lanes.contains(&entry.lane)) || !turns.take(&entry) {
            continue;
        }
        let Cargo { action, message, .. } = Cargo::load(tx, row)?;
        if entry.attempt == 0 && matches!(&action, Action::Send(send) if send.expires.is_some_and(|at| at <= now)) {
            turns.give_back(&entry);
            expire(tx, row, message, now)?;
            continue;
        }
        entry.attempt = entry.attempt.saturating_add(1);
        entry.lease_until = now.saturating_add(seconds.min(MAX_LEASE));
        entry.save(tx, row)?;
        let id = RequestId(u64::try_from(row).map_err(|_| CORRUPT)?);
        leased.push(Request::new(id, entry.attempt, entry.created, entry.lease_until, action));
    }
    Ok(leased)
}

/// Whose turn it is, asked entry by entry, the oldest first.
struct Turns {
    now: u64,
    in_flight: InFlight,
    /// Conversations in which an older message has to go first.
    blocked: Vec<i64>,
}

impl Turns {
    fn new(entries: &[(i64, Entry)], now: u64) -> Self {
        let mut in_flight = InFlight::default();
        for (_, entry) in entries.iter().filter(|(_, entry)| entry.is_send && entry.is_leased(now)) {
            in_flight.add(entry.lane);
        }
        Self { now, in_flight, blocked: Vec::new() }
    }

    /// Whether an entry may be handed out; if so, it counts as on its way.
    fn take(&mut self, entry: &Entry) -> bool {
        if entry.is_leased(self.now) {
            return false;
        }
        let is_put_off = runs(entry.not_before, self.now, MAX_DELAY);
        if !entry.is_send {
            return !is_put_off;
        }
        if is_put_off || self.blocked.contains(&entry.lane) || self.in_flight.is_full(entry.lane) {
            // What was put off holds back what came after it in the same conversation.
            self.blocked.push(entry.lane);
            return false;
        }
        self.in_flight.add(entry.lane);
        true
    }

    /// The entry that was taken does not go after all.
    fn give_back(&mut self, entry: &Entry) {
        if entry.is_send {
            self.in_flight.remove(entry.lane);
        }
    }
}

/// Ends a message that was not handed out before its time was over.
fn expire(tx: &Tx<'_>, row: i64, message: Option<Queued>, now: u64) -> Result<()> {
    if let Some(message) = message {
        progress(tx, &message, MessageState::Failed, Some(Reason::Expired), now)?;
    }
    Entry::remove(tx, row)
}

/// How many messages of each conversation are on their way.
#[derive(Default)]
struct InFlight(Vec<(i64, usize)>);

impl InFlight {
    fn add(&mut self, lane: i64) {
        match self.0.iter_mut().find(|(known, _)| *known == lane) {
            Some((_, count)) => *count += 1,
            None => self.0.push((lane, 1)),
        }
    }

    fn remove(&mut self, lane: i64) {
        if let Some((_, count)) = self.0.iter_mut().find(|(known, _)| *known == lane) {
            *count = count.saturating_sub(1);
        }
    }

    fn is_full(&self, lane: i64) -> bool {
        self.0.iter().any(|(known, count)| *known == lane && *count >= IN_FLIGHT)
    }
}

impl Row for Entry {
    fn write(&self, writer: &mut Writer) {
        writer.array(6);
        self.lane.write(writer);
        writer.bool(self.is_send).uint(self.attempt.into()).uint(self.created);
        writer.uint(self.lease_until).uint(self.not_before);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(6))?;
        Ok(Self {
            lane: Row::read(reader)?,
            is_send: Row::read(reader)?,
            attempt: Row::read(reader)?,
            created: Row::read(reader)?,
            lease_until: Row::read(reader)?,
            not_before: Row::read(reader)?,
        })
    }
}

impl Row for Carried {
    fn write(&self, writer: &mut Writer) {
        self.contact.write(writer.array(2));
        writer.uint(self.ordinal.into());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(2))?;
        Ok(Self { contact: Row::read(reader)?, ordinal: Row::read(reader)? })
    }
}

impl Row for Cargo {
    fn write(&self, writer: &mut Writer) {
        self.action.write(writer.array(5));
        self.message.write(writer);
        write_list(writer, &self.carried);
        self.bound.write(writer);
        write_list(writer, &self.addressed);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(5))?;
        Ok(Self {
            action: Row::read(reader)?,
            message: Row::read(reader)?,
            carried: read_list(reader)?,
            bound: Row::read(reader)?,
            addressed: read_list(reader)?,
        })
    }
}
