//! The sessions with a contact's devices: which is sent in, which take each other's place, and which go.
//!
//! It holds no ratchets, and knows nobody's identity.

use core::cmp::Reverse;

use sprag_core::crypto::sign::VerifyKey;
use sprag_core::identity::DeviceList;
use sprag_core::ratchet::HintKey;
use sprag_core::secret::Secret;
use sprag_core::wire::{Reader, Writer};

use super::Known;
use crate::codec::{CORRUPT, Row, ok};
use crate::error::Result;
use crate::event::What;
use crate::id::DeviceId;
use crate::notice::raise;
use crate::seen;
use crate::session::{Stored, Unanswered};
use crate::store::{Snapshot, Table, Tx};

/// The sessions with one device that are kept in any case: the one that is sent in, the one that it continues, in which
/// messages may be on their way, and one that is being begun. Beyond that go those in which the peer sends no more.
const MAX_SESSIONS: usize = 3;

/// The most with one device. Either side begins anew every week for as long as it hears nothing, and messages can be on
/// their way for a month: answers in each of four of ours and four of theirs are still to be read.
const MAX_ANY: usize = 8;

/// Where a session is and how its messages are found.
pub(crate) struct SessionRef {
    pub(crate) ordinal: u32,
    pub(crate) device: u32,
    pub(crate) device_key: VerifyKey,
    pub(crate) transcript: [u8; 32],
    pub(crate) heard: bool,
    pub(crate) hint: HintKey,
    /// What is noted of it: the [`Warning`]s that the app was given, [`SPENT`], [`CONFIRMED`] and those
    /// after it.
    pub(crate) marks: u32,
    /// How many sessions it continues, one after the other. The later one takes the place of those before.
    pub(crate) generation: u32,
    /// The number of our own list that the device last said it knows. While it is lower than ours, our list rides along.
    pub(crate) knows: u64,
}

/// Near the end of its counters.
const SPENT: u32 = 4;

/// The peer has shown that it has the session, too.
const CONFIRMED: u32 = 8;

/// Begun beside a confirmed session by somebody who did not know it, with a contact about whom the user decides: nothing is
/// sent in it before they did.
const UNPROVEN: u32 = 16;

/// Begun beside a confirmed session without knowing it: the user has not said that it is the same person.
const RESTARTED: u32 = 32;

/// Its row is damaged.
const DAMAGED: u32 = 64;

/// Messages that a session must still have room for, or it is begun anew: one whose counter ended could not say so.
pub(crate) const ENOUGH: u32 = 1_000;

/// Numbers that a contact's sessions can have, and the highest of them.
const NUMBERS: i64 = 65_536;
const MAX_ORDINAL: u32 = 65_535;

/// What is wrong with a session.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Warning {
    /// Two copies of the peer's state are in use, or it lies.
    Clone = 1,
    /// The braid makes no progress.
    Stalled = 2,
}

impl Known {
    /// Nothing is sent in any of them any more. What comes in them is read.
    pub(super) fn end_sending(&mut self) {
        self.sessions.iter_mut().for_each(|session| session.marks |= SPENT);
    }

    /// The contact that has its session of this row with a device, if it is the one that is sent in.
    pub(crate) fn with_session(snapshot: &Snapshot<'_>, session: i64) -> Result<Option<Self>> {
        let (row, ordinal) = (session.div_euclid(NUMBERS), session.rem_euclid(NUMBERS));
        let Some(value) = snapshot.get(Table::Contact, row)? else { return Ok(None) };
        let known = Self::decode(row, value)?;
        let found = known.sessions.iter().find(|session| i64::from(session.ordinal) == ordinal);
        let is_sent_in = found.and_then(|found| known.session_with(found.device));
        let is_sent_in = is_sent_in.is_some_and(|session| i64::from(session.ordinal) == ordinal);
        Ok(Some(known).filter(|_| is_sent_in))
    }

    /// Whether there is a session with any of its devices.
    pub(crate) fn is_reachable(&self) -> bool {
        self.list.iter().flat_map(DeviceList::devices).any(|device| self.session_with(device.id).is_some())
    }

    /// The session to send on to a device: of those heard the one that continues the most others, and among equals the one
    /// with the lowest transcript; else our latest; never one whose counters are near their end, or that is not proven.
    pub(crate) fn session_with(&self, device: u32) -> Option<&SessionRef> {
        let is_open = |session: &&SessionRef| session.marks & (SPENT | DAMAGED) == 0 && session.is_proven();
        let ranked = self.by_rank(device).into_iter().find(|session| session.heard && is_open(session));
        let of_device = move |session: &&SessionRef| session.device == device;
        ranked.or_else(|| self.sessions.iter().filter(of_device).rfind(is_open))
    }

    /// The session with a device that was begun last.
    pub(crate) fn newest_with(&self, device: u32) -> Option<&SessionRef> {
        self.sessions.iter().rfind(|session| session.device == device)
    }

    /// The sessions with a device, the one to be preferred first.
    pub(crate) fn by_rank(&self, device: u32) -> Vec<&SessionRef> {
        let mut all: Vec<_> = self.sessions.iter().filter(|session| session.device == device).collect();
        all.sort_by_key(|session| {
            (!session.is_proven(), !session.heard, Reverse(session.generation), session.transcript)
        });
        all
    }

    /// The sessions with a device in the order in which either side prefers those that both have.
    fn by_order(&self, device: u32) -> Vec<&SessionRef> {
        let mut all: Vec<_> = self.sessions.iter().filter(|s| s.device == device && s.is_proven()).collect();
        all.sort_by_key(|session| (Reverse(session.generation), session.transcript));
        all
    }

    /// Whether the peer has shown that it has a session with us.
    pub(crate) fn is_confirmed(&self, device: u32) -> bool {
        self.sessions.iter().any(|session| session.device == device && session.marks & CONFIRMED != 0)
    }

    /// The generation of a session that continues the one of this number; or, if there is none, that takes the place of
    /// whatever is confirmed. It is above all in which the peer was heard: who begins it cannot read every one of those.
    /// What neither side has heard yet counts for nothing, so that of two that cross both sides prefer the same.
    pub(crate) fn generation_after(&self, old: Option<u32>, device: u32) -> u32 {
        let continued = self.sessions.iter().find(|session| Some(session.ordinal) == old);
        let of_device = self.sessions.iter().filter(|session| session.device == device);
        let heard = of_device.filter(|session| session.heard || broken!("crossing-restarts-diverge"));
        let heard = heard.map(|session| session.generation).max();
        let before = match continued {
            Some(session) => heard.max(Some(session.generation)),
            None if self.is_confirmed(device) => heard,
            None => None,
        };
        before.map_or(0, |generation| generation.saturating_add(1))
    }

    /// The peer asks in this session for what it could not read: it does not read every one of the others.
    pub(crate) fn prefer(&mut self, ordinal: u32) {
        let Some(asked) = self.sessions.iter().find(|session| session.ordinal == ordinal) else { return };
        let (device, mut generation) = (asked.device, asked.generation);
        for other in self.sessions.iter().filter(|other| other.device == device && other.heard) {
            if other.ordinal != ordinal {
                generation = generation.max(other.generation.saturating_add(1));
            }
        }
        if let Some(session) = self.sessions.iter_mut().find(|session| session.ordinal == ordinal) {
            session.generation = generation;
        }
    }

    /// Whether the session that is sent in goes on from what was confirmed before, or the user has accepted it.
    pub(crate) fn is_continuous(&self, device: u32) -> bool {
        let is_unsure = |session: &SessionRef| session.marks & (RESTARTED | UNPROVEN) != 0;
        !self.sessions.iter().any(|session| session.device == device && is_unsure(session))
            || broken!("resent-to-anybody")
    }

    /// Whether two copies of a device seem to be in use.
    pub(crate) fn is_copied(&self, device: u32) -> bool {
        self.sessions.iter().any(|session| session.device == device && session.marks & Warning::Clone as u32 != 0)
    }

    /// Takes note that a session cannot be read any more.
    pub(crate) fn mark_damaged(&mut self, ordinal: u32) {
        if let Some(session) = self.sessions.iter_mut().find(|session| session.ordinal == ordinal) {
            session.marks |= DAMAGED;
        }
    }

    /// Takes note that the peer has a session, too.
    pub(crate) fn note_confirmed(&mut self, ordinal: u32) {
        if let Some(session) = self.sessions.iter_mut().find(|session| session.ordinal == ordinal) {
            session.marks |= CONFIRMED;
        }
    }

    /// The user goes on with whoever began anew: what was begun without proof takes the place of what was before.
    pub(crate) fn accept_restarts(&mut self) {
        self.sessions.iter_mut().for_each(|session| session.marks &= !RESTARTED);
        let mut unproven: Vec<u32> = Vec::new();
        unproven.extend(self.sessions.iter().filter(|session| !session.is_proven()).map(|session| session.ordinal));
        for ordinal in unproven {
            let device = self.sessions.iter().find(|session| session.ordinal == ordinal).map_or(0, |s| s.device);
            let generation = self.generation_after(None, device);
            if let Some(session) = self.sessions.iter_mut().find(|session| session.ordinal == ordinal) {
                (session.marks, session.generation) = (session.marks & !UNPROVEN, generation);
            }
        }
    }

    /// Notes which sessions with a device are near the end of their counters: nothing is sent on them any more.
    pub(crate) fn mark_spent(&mut self, snapshot: &Snapshot<'_>, device: u32) -> Result<()> {
        let row = self.row;
        for session in self.sessions.iter_mut().filter(|session| session.device == device) {
            let stored = Stored::load(snapshot, row * NUMBERS + i64::from(session.ordinal))?;
            if stored.session.remaining() < ENOUGH {
                session.marks |= SPENT;
            }
        }
        Ok(())
    }

    /// Whether an envelope of theirs was opened before.
    pub(crate) fn has_seen(&self, snapshot: &Snapshot<'_>, commitment: &[u8; 32]) -> Result<bool> {
        if broken!("nothing-is-a-duplicate") {
            return Ok(false);
        }
        for session in &self.sessions {
            match Stored::load(snapshot, self.session_row(session.ordinal)) {
                Ok(stored) if stored.has_seen(snapshot, commitment) => return Ok(true),
                // What is damaged is told where it is needed.
                Ok(_) | Err(CORRUPT) => {}
                Err(error) => return Err(error),
            }
        }
        seen::has(snapshot, self.row, commitment)
    }

    /// Whether a message of this name was shown; `current` is the session that it came in now, of number `ordinal`. One that
    /// was sealed anew may have come in another session with the same device before.
    pub(crate) fn has_shown(
        &self,
        snapshot: &Snapshot<'_>,
        current: &Stored,
        ordinal: u32,
        name: &seen::Name,
    ) -> Result<bool> {
        if current.has_shown(name) || seen::has_shown(snapshot, self.row, name)? {
            return Ok(true);
        }
        let device = self.sessions.iter().find(|session| session.ordinal == ordinal).map(|session| session.device);
        let is_other = |other: &&SessionRef| Some(other.device) == device && other.ordinal != ordinal;
        let others = self.sessions.iter().filter(is_other).filter(|_| !broken!("shown-once-in-each-session"));
        for other in others {
            if Stored::row_has_shown(snapshot, self.session_row(other.ordinal), name)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The row of a session.
    pub(crate) const fn session_row(&self, ordinal: u32) -> i64 {
        self.row * NUMBERS + ordinal as i64
    }

    /// The server took a message that carried the handshake of one of our sessions.
    pub(crate) fn handshake_left(&self, tx: &Tx<'_>, ordinal: u32, now: u64) -> Result<()> {
        let row = self.session_row(ordinal);
        if let Some(mut unanswered) = Unanswered::load(tx, row)? {
            unanswered.accepted(now);
            unanswered.save(tx, row)?;
        }
        Ok(())
    }

    /// Tells the app what is wrong with a session, once, and whether it did. The contact is to be saved after.
    pub(crate) fn warn(&mut self, tx: &Tx<'_>, ordinal: u32, warning: Warning, now: u64) -> Result<bool> {
        let Some(session) = self.sessions.iter_mut().find(|session| session.ordinal == ordinal) else {
            return Ok(false);
        };
        let bit = warning as u32;
        if session.marks & bit != 0 || broken!("clones-untold") {
            return Ok(false);
        }
        session.marks |= bit;
        let (account, device) = (self.account.clone(), DeviceId(session.device));
        let what = match warning {
            Warning::Clone => What::CloneSuspected { account, device },
            Warning::Stalled => What::BraidStalled { account, device },
        };
        raise(tx, what, now).map(|_| true)
    }

    /// Takes up a new session, under a number that is used once; those that have to go for it are deleted. The contact
    /// is to be saved after.
    pub(crate) fn add_session(&mut self, tx: &Tx<'_>, session: SessionRef) -> Result<u32> {
        // Numbers go round: a contact that begins anew for ever must not come to an end of them.
        let mut ordinal = self.next_ordinal;
        loop {
            ordinal = ordinal % MAX_ORDINAL + 1;
            if self.sessions.iter().all(|session| session.ordinal != ordinal) {
                break;
            }
        }
        self.next_ordinal = ordinal;
        let device = session.device;
        self.sessions.push(SessionRef { ordinal, ..session });
        for gone in self.surplus(device) {
            Stored::delete(tx, self.row, self.session_row(gone))?;
        }
        Ok(ordinal)
    }

    fn surplus(&mut self, device: u32) -> Vec<u32> {
        let mut gone = Vec::new();
        while let Some(ordinal) = self.dispensable(device) {
            self.sessions.retain(|session| session.ordinal != ordinal);
            gone.push(ordinal);
        }
        gone
    }

    /// The session with a device that goes next, if there are too many. Never the newest, the one that is sent on, the last
    /// that both are known to have, or the one before that: the peer may still send in those, or continue them.
    fn dispensable(&self, device: u32) -> Option<u32> {
        let count = self.sessions.iter().filter(|session| session.device == device).count();
        let ranked = self.by_order(device);
        let common = ranked.iter().position(|session| session.marks & (CONFIRMED | DAMAGED) == CONFIRMED);
        // The peer sends in none of these any more, for it has one that it prefers: what is on its way was sent before.
        let over = common.and_then(|at| ranked.get(at + 1..)).unwrap_or_default();
        let kept = [
            self.session_with(device),
            self.newest_with(device),
            common.and_then(|at| ranked.get(at).copied()),
            over.first().copied(),
        ];
        let is_kept = |session: &SessionRef| kept.iter().flatten().any(|kept| kept.ordinal == session.ordinal);
        let is_over = |session: &SessionRef| over.iter().any(|over| over.ordinal == session.ordinal);
        let mut spare = self.sessions.iter().filter(|session| session.device == device && !is_kept(session));
        let oldest = if count > MAX_ANY {
            spare.min_by_key(|session| (!is_over(session), session.is_proven(), session.heard))
        } else if count > MAX_SESSIONS {
            spare.find(|session| is_over(session) || broken!("sessions-given-up-early"))
        } else {
            None
        };
        oldest.map(|session| session.ordinal)
    }
}

impl SessionRef {
    /// Whether it was begun as it should be, or the user has accepted it.
    pub(crate) const fn is_proven(&self) -> bool {
        self.marks & UNPROVEN == 0
    }

    /// Takes note that nothing is to be sent in it.
    pub(crate) const fn mark_spent(&mut self) {
        self.marks |= SPENT;
    }

    /// Takes note that it is of a device of which two copies are in use: the app was told before.
    pub(crate) const fn mark_copied(&mut self) {
        self.marks |= Warning::Clone as u32;
    }

    /// Takes note that it was begun without proof, and whether nothing is to be sent in it therefore.
    pub(crate) const fn mark_restarted(&mut self, is_held: bool) {
        self.marks |= if is_held { RESTARTED | UNPROVEN } else { RESTARTED };
    }
}

impl Row for SessionRef {
    fn write(&self, writer: &mut Writer) {
        writer
            .array(9)
            .uint(self.ordinal.into())
            .uint(self.device.into())
            .bytes(self.device_key.as_bytes())
            .bytes(&self.transcript)
            .bool(self.heard)
            .bytes(self.hint.expose_secret())
            .uint(self.marks.into())
            .uint(self.knows)
            .uint(self.generation.into());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(9))?;
        Ok(Self {
            ordinal: Row::read(reader)?,
            device: Row::read(reader)?,
            device_key: VerifyKey::reopen(ok(reader.fixed())?),
            transcript: Row::read(reader)?,
            heard: Row::read(reader)?,
            hint: HintKey::from_secret(ok(Secret::from_slice(ok(reader.bytes())?))?),
            marks: Row::read(reader)?,
            knows: Row::read(reader)?,
            generation: Row::read(reader)?,
        })
    }
}
