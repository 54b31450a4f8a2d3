//! A contact: the account that is pinned, its list, and which sessions there are with its devices.
//!
//! It holds no ratchets; and no message is sent or shown here.

use core::cmp::Reverse;

use sprag_core::crypto::sign::VerifyKey;
use sprag_core::identity::{DeviceList, Pin};
use sprag_core::ratchet::HintKey;
use sprag_core::secret::{Secret, SecretBytes};
use sprag_core::wire::{Reader, Writer};

use crate::account::{Own, Stage};
use crate::codec::{self, CORRUPT, Row, ok, read_list, write_list};
use crate::error::Result;
use crate::event::{LinkPhase, ListRef, What};
use crate::id::{AccountId, DeviceId, Trust};
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

/// Seconds for which a device without keys is not asked about again: an hour.
const WITHOUT_KEYS: u64 = 3_600;

/// Numbers that a contact's sessions can have, and the highest of them.
const NUMBERS: i64 = 65_536;
const MAX_ORDINAL: u32 = 65_535;

/// Ends sending in every session with others: what we are from now on, a new one says. What comes in them is read.
fn begin_anew(tx: &Tx<'_>, ours: i64) -> Result<()> {
    for mut known in Known::all(tx)?.into_iter().filter(|known| known.row != ours) {
        known.sessions.iter_mut().for_each(|session| session.marks |= SPENT);
        known.save(tx)?;
    }
    Ok(())
}

/// What is wrong with a session.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Warning {
    /// Two copies of the peer's state are in use, or it lies.
    Clone = 1,
    /// The braid makes no progress.
    Stalled = 2,
}

/// What is kept of an account that we write to or heard from.
pub(crate) struct Known {
    pub(crate) row: i64,
    pub(crate) account: AccountId,
    pub(crate) pin: Option<Pin>,
    pub(crate) list: Option<DeviceList>,
    /// The user compared the number of the pinned identity.
    pub(crate) is_verified: bool,
    /// Somebody else may act as it, and the user has not decided yet what to do.
    pub(crate) is_suspect: bool,
    /// The list of another identity that appeared under its name and that the user has not accepted.
    pub(crate) offered: Option<DeviceList>,
    pub(crate) sessions: Vec<SessionRef>,
    pub(crate) next_ordinal: u32,
    /// Its keys have been asked for.
    pub(crate) fetching: bool,
    /// It began a session that none of our messages has answered.
    pub(crate) owes_answer: bool,
    /// Sessions that it said it has begun and that have not come yet: 8 bytes of the transcript each.
    pub(crate) announced: Vec<Vec<u8>>,
    /// Devices that published no keys, and when that was found out: messages go to the others meanwhile.
    pub(crate) without_keys: Vec<(u32, u64)>,
    /// What its row says; none if there is no row.
    saved: Option<SecretBytes>,
}

impl Known {
    /// The contact with this id.
    pub(crate) fn find(snapshot: &Snapshot<'_>, account: &AccountId) -> Result<Option<Self>> {
        match snapshot.contact(account.as_bytes())? {
            Some((row, value)) => Self::decode(row, value).map(Some),
            None => Ok(None),
        }
    }

    /// The contact in this row.
    pub(crate) fn load(snapshot: &Snapshot<'_>, row: i64) -> Result<Self> {
        Self::decode(row, snapshot.require(Table::Contact, row)?)
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

    /// All contacts.
    pub(crate) fn all(snapshot: &Snapshot<'_>) -> Result<Vec<Self>> {
        let rows = snapshot.scan(Table::Contact, 0, usize::MAX >> 1)?;
        rows.into_iter().map(|(row, value)| Self::decode(row, value)).collect()
    }

    /// An account that nothing is known of yet; its row is made by [`Self::save`].
    pub(crate) const fn unseen(account: AccountId) -> Self {
        Self {
            row: 0,
            account,
            pin: None,
            list: None,
            is_verified: false,
            is_suspect: false,
            offered: None,
            sessions: Vec::new(),
            next_ordinal: 0,
            fetching: false,
            owes_answer: false,
            announced: Vec::new(),
            without_keys: Vec::new(),
            saved: None,
        }
    }

    /// Writes the row, if it would say anything else than it does.
    pub(crate) fn save(&mut self, tx: &Tx<'_>) -> Result<()> {
        let value = codec::encode(self);
        if self.row == 0 {
            self.row = tx.insert_contact(self.account.as_bytes(), value.expose_secret())?;
        } else if self.saved.as_ref().is_none_or(|saved| saved.expose_secret() != value.expose_secret()) {
            tx.put(Table::Contact, self.row, value.expose_secret())?;
        }
        self.saved = Some(value);
        Ok(())
    }

    fn decode(row: i64, value: SecretBytes) -> Result<Self> {
        let mut known: Self = codec::decode(value.expose_secret())?;
        known.row = row;
        known.saved = Some(value);
        Ok(known)
    }

    /// Pins a list that was checked, or steps to it, and tells the app which devices came and went. Sessions with devices
    /// that are not on it end. The contact has a row, and is to be saved after. Our own account is followed likewise.
    pub(crate) fn adopt(&mut self, tx: &Tx<'_>, own: &Own, pin: Pin, list: DeviceList, now: u64) -> Result<()> {
        let is_listed = |session: &SessionRef| {
            broken!("unlisted-sessions-kept")
                || list.device(session.device).is_some_and(|device| device.device_key == session.device_key)
        };
        let (kept, gone) = core::mem::take(&mut self.sessions).into_iter().partition(is_listed);
        self.sessions = kept;
        for session in Vec::<SessionRef>::from_iter(gone) {
            Stored::delete(tx, self.row, self.session_row(session.ordinal))?;
        }
        let is_own = own.is_own(&self.account);
        // Of our own account every device is told, under whichever key: a thief's succession would bring his.
        let is_told = |before: &&DeviceList| is_own || before.account() == list.account();
        if let Some(before) = self.list.as_ref().filter(is_told) {
            self.tell_devices(tx, before, &list, is_own, now)?;
        }
        if is_own {
            if own.account() != list.account() {
                begin_anew(tx, self.row)?;
            }
            match Own::adopt(tx, list.clone())? {
                (Stage::Member, Stage::Removed) => raise(tx, What::Removed, now).map(|_| ())?,
                (Stage::Joining, Stage::Member) => {
                    raise(tx, What::Link { phase: LinkPhase::Joined, device: None }, now)?;
                }
                _ => {}
            }
        }
        self.pin = Some(pin);
        self.list = Some(list);
        Ok(())
    }

    fn tell_devices(&self, tx: &Tx<'_>, before: &DeviceList, after: &DeviceList, is_own: bool, now: u64) -> Result<()> {
        let beyond = |these: &DeviceList, those: &DeviceList| -> Vec<DeviceId> {
            let missing = these.devices().filter(|device| those.device(device.id).is_none());
            missing.map(|device| DeviceId(device.id)).collect()
        };
        let (added, removed) = (beyond(after, before), beyond(before, after));
        if (added.is_empty() && removed.is_empty()) || broken!("devices-untold") {
            return Ok(());
        }
        raise(tx, What::DevicesChanged { account: self.account.clone(), added, removed, own: is_own }, now).map(|_| ())
    }

    /// Whether there is a session with any of its devices.
    pub(crate) fn is_reachable(&self) -> bool {
        self.list.iter().flat_map(DeviceList::devices).any(|device| self.session_with(device.id).is_some())
    }

    /// Notes that a device has no keys to begin a session with, as of now.
    pub(crate) fn note_without_keys(&mut self, device: u32, now: u64) {
        self.without_keys.retain(|(known, _)| *known != device);
        self.without_keys.push((device, now));
    }

    /// Whether a device was lately found to have no keys. A time that was noted while the clock was wrong delays nothing.
    pub(crate) fn is_without_keys(&self, device: u32, now: u64) -> bool {
        self.without_keys.iter().any(|(known, at)| *known == device && now.abs_diff(*at) < WITHOUT_KEYS)
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

    /// What is known of the contact's list.
    pub(crate) fn list_ref(&self) -> ListRef {
        self.pin.as_ref().map_or(ListRef { sequence: 0, hash: [0; 32] }, |pin| {
            let sequence = pin.sequence();
            ListRef { sequence, hash: pin.hash_of(sequence).copied().unwrap_or([0; 32]) }
        })
    }

    /// How far its identity can be trusted.
    pub(crate) const fn trust(&self) -> Trust {
        match &self.pin {
            _ if self.is_held() => Trust::Changed,
            None => Trust::Unseen,
            Some(_) if self.is_verified => Trust::Verified,
            Some(_) => Trust::Pinned,
        }
    }

    /// Whether nothing is to be sealed for it before the user has decided.
    pub(crate) const fn is_held(&self) -> bool {
        self.offered.is_some() || self.is_suspect
    }

    /// Forgets the identity with all that hangs on it; the sessions end. The name stays, and what was asked for under it. The
    /// contact is to be saved after.
    pub(crate) fn clear(&mut self, tx: &Tx<'_>) -> Result<()> {
        for session in core::mem::take(&mut self.sessions) {
            Stored::delete(tx, self.row, self.session_row(session.ordinal))?;
        }
        let (row, next_ordinal, fetching) = (self.row, self.next_ordinal, self.fetching);
        let saved = self.saved.take();
        *self = Self { row, next_ordinal, fetching, saved, ..Self::unseen(self.account.clone()) };
        Ok(())
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

impl Row for Known {
    fn write(&self, writer: &mut Writer) {
        writer.array(12);
        self.account.write(writer);
        match &self.pin {
            Some(pin) => pin.write(writer),
            None => {
                writer.null();
            }
        }
        for list in [&self.list, &self.offered] {
            match list {
                Some(list) => writer.bytes(list.as_bytes()),
                None => writer.null(),
            };
        }
        writer.bool(self.is_verified).bool(self.is_suspect);
        write_list(writer, &self.sessions);
        writer.uint(self.next_ordinal.into()).bool(self.fetching).bool(self.owes_answer);
        write_list(writer, &self.announced);
        writer.array(self.without_keys.len() * 2);
        self.without_keys.iter().for_each(|(device, at)| {
            writer.uint((*device).into()).uint(*at);
        });
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(12))?;
        let list = |reader: &mut Reader<'_>| {
            if reader.take_null() { Ok(None) } else { ok(DeviceList::reopen(ok(reader.bytes())?)).map(Some) }
        };
        let mut known = Self::unseen(Row::read(reader)?);
        known.pin = if reader.take_null() { None } else { Some(ok(Pin::read(reader))?) };
        known.list = list(reader)?;
        known.offered = list(reader)?;
        known.is_verified = Row::read(reader)?;
        known.is_suspect = Row::read(reader)?;
        known.sessions = read_list(reader)?;
        known.next_ordinal = Row::read(reader)?;
        known.fetching = Row::read(reader)?;
        known.owes_answer = Row::read(reader)?;
        known.announced = read_list(reader)?;
        for _ in 0..ok(reader.array())? / 2 {
            known.without_keys.push((Row::read(reader)?, Row::read(reader)?));
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use sprag_core::crypto::dh::DhSecret;
    use sprag_core::handshake::Established;
    use sprag_core::ratchet::Session;

    use super::*;
    use crate::config::Policy;
    use crate::context::Environment;
    use crate::store::{Barrier, Store};

    fn session(own: &Own, device: u32) -> SessionRef {
        SessionRef {
            ordinal: 0,
            device,
            device_key: own.device.device_key(),
            transcript: [9; 32],
            heard: true,
            hint: HintKey::from_secret(Secret::new([1; 32])),
            marks: 0,
            knows: 0,
            generation: 0,
        }
    }

    fn stored() -> Stored {
        let secret = || Secret::new([1; 32]);
        let established = Established {
            transcript: [9; 32],
            root_key: secret(),
            header_key: secret(),
            next_header_key: secret(),
            braid_authenticator: secret(),
            braid_chains: secret(),
        };
        let prekey = DhSecret::random(&mut Environment::platform().generator().unwrap());
        Stored::new(Session::respond(established, &prekey))
    }

    /// A device that was taken from the list, or whose key is another one, is not written to or heard any more.
    #[test]
    fn sessions_of_devices_that_are_not_listed_end() {
        let nothing = |_: &Tx<'_>| Result::<()>::Ok(());
        let store = Store::create(None, &Secret::new([7; 32]), &Environment::platform(), nothing).unwrap();
        store
            .write(Barrier::Normal, |tx| -> Result<()> {
                let account = AccountId::new("bob").unwrap();
                let random = || Environment::platform().generator().unwrap();
                let own = Own::create(&account, Policy::default(), 1_000, &mut random())?;
                let other = Own::create(&account, Policy::default(), 1_000, &mut random())?;
                let mut known = Known::unseen(account);
                known.save(tx)?;
                let listed = own.device.id();
                for (keys, device) in [(&own, listed), (&own, listed ^ 1), (&other, listed), (&own, listed)] {
                    let ordinal = known.add_session(tx, session(keys, device))?;
                    stored().save(tx, known.session_row(ordinal))?;
                }
                let us = Own::create(&AccountId::new("us").unwrap(), Policy::default(), 1_000, &mut random())?;
                known.adopt(tx, &us, Pin::first(&own.list), own.list.clone(), 1_000)?;
                let kept: Vec<u32> = known.sessions.iter().map(|session| session.ordinal).collect();
                assert_eq!(kept, [1, 4]);
                assert_eq!((tx.count(Table::Session)?, tx.count(Table::SessionCold)?), (2, 2));
                Ok(())
            })
            .unwrap();
    }
}
