//! What came in: found, opened and checked without changing anything; then, and only then, committed.
//!
//! ```text
//!   parse → hints: of `from`, of everybody known → own and seen commitments → initial slots → payload, commitment, lists,
//!   pin, filing ──▶ Examined ──▶ commit
//! ```
//! Whatever is wrong with the bytes is a finding, never an error. What opens in a session cannot have been opened before,
//! for its key would be gone: so that only what does not open is looked up among what was seen.

mod check;
mod commit;
mod first;

use std::borrow::Cow;

use sprag_core::armor;
use sprag_core::content::Content as Wire;
use sprag_core::envelope::Envelope;
use sprag_core::identity::{DeviceList, Pin};
use sprag_core::prekey::PrekeyId;
use sprag_core::ratchet::{Delta, HINT, Located, Progress};
use sprag_core::secret::Secret;
use sprag_core::wire::{self, Kind};

pub(crate) use self::commit::{class_of, commit, door_content};
use crate::account::Own;
use crate::codec::CORRUPT;
use crate::contact::{Known, SessionRef};
use crate::error::Result;
use crate::event::{Finding, Incoming, Reason, What};
use crate::healing::{self, Unopened};
use crate::id::{AccountId, Conversation};
use crate::lists::Statement;
use crate::outbox::Echo;
use crate::session::Stored;
use crate::store::{Snapshot, Table};

/// Whether a body is ours: an object by its first bytes, or one in armor with any text around it. Nothing is believed by it.
#[must_use]
pub fn recognise(bytes: &[u8]) -> bool {
    is_object(bytes) || armor_in(bytes).is_some_and(|object| is_object(&object))
}

/// Whether an object is a part of a card.
pub(crate) fn is_card(bytes: &[u8]) -> bool {
    matches!(wire::kind_of(bytes), Ok(Kind::Card))
}

fn is_object(bytes: &[u8]) -> bool {
    matches!(wire::kind_of(bytes), Ok(Kind::Envelope | Kind::Link | Kind::Card))
}

fn armor_in(body: &[u8]) -> Option<Vec<u8>> {
    core::str::from_utf8(body).ok().and_then(armor::find)
}

/// The same messages, each without its armor if it came in one.
pub(crate) fn bare(batch: &[Incoming]) -> Cow<'_, [Incoming]> {
    let object = |incoming: &Incoming| {
        if is_object(&incoming.bytes) || broken!("armor-unread") {
            return None;
        }
        armor_in(&incoming.bytes).filter(|object| is_object(object))
    };
    let mut bare = Cow::Borrowed(batch);
    for (at, incoming) in batch.iter().enumerate() {
        if let Some(object) = object(incoming) {
            bare.to_mut()[at].bytes = object;
        }
    }
    bare
}

/// Steps along a chain, about a millisecond's worth, that are not worth letting go of the store for.
const MANY_STEPS: u32 = 1_000;

/// Slots that are tried in one session. One is meant for it; whoever repeats its hint a thousand times wants our time.
const MAX_SLOTS: usize = 2;

/// How much work may be done at the moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Somebody waits for the store: no key agreement with a stranger, no long way along a chain.
    Light,
    /// Whatever it takes.
    Full,
}

/// What was found out about bytes, before anything changes.
pub(crate) enum Examined {
    /// Nothing to do.
    Plain(Finding),
    /// A part of somebody's card.
    Card,
    /// More work than the effort allows: to be examined again with more.
    Heavy,
    /// Not to be read; from this account, where a session proved it.
    Unreadable(Reason, Option<AccountId>),
    /// Not to be read as it is, and perhaps if it were sealed again.
    Unopened(Box<Unopened>),
    /// What is needed to read it is damaged.
    Damaged,
    /// What one honest device cannot send, in this session.
    Evidence(Box<Known>, u32),
    /// From somebody who may not be pinned under the id that was claimed.
    Quarantined {
        fingerprint: [u8; 32],
        /// The pinned contact under whose name it came, and its list: the user is to decide.
        offered: Option<Box<(Known, DeviceList)>>,
    },
    /// An authentic message.
    Opened(Box<Opened>),
}

/// An authentic message, with all that it is to change.
pub(crate) struct Opened {
    known: Known,
    /// The contact as it was under another identity, which this one follows.
    before: Option<Box<Known>>,
    ordinal: u32,
    stored: Stored,
    delta: Delta,
    fresh: Option<Fresh>,
    adopted: Option<(Pin, DeviceList)>,
    conflict: Option<What>,
    /// Another list of ours than the one that we know, of the same number.
    parted: Option<DeviceList>,
    /// The number of our own list that the sender knows.
    knows: u64,
    /// A number of our own list that the sender knows and we do not.
    ahead: Option<u64>,
    /// What the sender says of somebody's list that we do not know.
    claim: Option<Statement>,
    commitment: [u8; 32],
    pub(crate) device: u32,
    pub(crate) conversation: Conversation,
    pub(crate) content: Wire,
}

/// What comes with a session that began with this message.
struct Fresh {
    reference: SessionRef,
    signed: PrekeyId,
    one_time: Option<PrekeyId>,
    /// The session that it continues, and how far the peer has shown itself to be in that.
    continues: Option<(u32, Progress)>,
}

/// A slot of ours that opened.
struct Found {
    ordinal: u32,
    stored: Stored,
    key: Secret<32>,
    delta: Delta,
}

/// Why a slot that is ours by its hint does not open, and in which session.
#[derive(Clone, Copy)]
struct Failure {
    reason: Reason,
    ordinal: u32,
}

impl Failure {
    /// All sessions of a pair of devices have one hint: what the one says that the slot was meant for must not be
    /// forgotten over another that merely does not open it.
    const fn weight(self) -> u8 {
        match self.reason {
            Reason::Evidence => 3,
            Reason::Damaged => 2,
            Reason::KeyGone => 0,
            _ => 1,
        }
    }

    fn heavier(known: Option<Self>, other: Self) -> Option<Self> {
        let is_kept = |known: &Self| known.weight() >= other.weight() && !broken!("evidence-forgotten");
        Some(known.filter(is_kept).unwrap_or(other))
    }
}

enum Tried {
    NotHis,
    Heavy,
    Failed(Failure),
    Found(Box<Found>),
}

/// Finds out about incoming bytes.
pub(crate) fn examine(
    snapshot: &Snapshot<'_>,
    own: &Own,
    incoming: &Incoming,
    effort: Effort,
    now: u64,
) -> Result<Examined> {
    if is_card(&incoming.bytes) {
        return Ok(Examined::Card);
    }
    if !matches!(wire::kind_of(&incoming.bytes), Ok(Kind::Envelope)) {
        return Ok(Examined::Plain(Finding::Foreign));
    }
    let envelope = match Envelope::parse(&incoming.bytes) {
        Ok(envelope) => envelope,
        Err(error) => return Ok(Examined::Unreadable(error.into(), None)),
    };
    let named = match &incoming.from {
        Some(from) => Known::find(snapshot, from)?,
        None => None,
    };
    let named_row = named.as_ref().map(|known| known.row);
    let mut failed = None;
    if let Some(known) = named {
        match try_contact(snapshot, &known, &envelope, effort, now)? {
            Tried::Found(found) => return check::check(snapshot, own, known, *found, None, &envelope, incoming),
            Tried::Heavy => return Ok(Examined::Heavy),
            _ if known.has_seen(snapshot, envelope.commitment())? => return Ok(DUPLICATE),
            Tried::Failed(failure) => failed = Some((failure, known)),
            Tried::NotHis => {}
        }
    }
    if let Some(message) = Echo::find(snapshot, envelope.commitment())? {
        return Ok(Examined::Plain(Finding::OwnEcho { message }));
    }
    if failed.is_none() {
        // The app named somebody else, or nobody: everybody is looked at, while nobody waits for it.
        if effort == Effort::Light && snapshot.count(Table::Contact)? > u64::from(named_row.is_some()) {
            return Ok(Examined::Heavy);
        }
        for known in Known::all(snapshot)?.into_iter().filter(|known| Some(known.row) != named_row) {
            match try_contact(snapshot, &known, &envelope, effort, now)? {
                Tried::NotHis => {}
                Tried::Found(found) => return check::check(snapshot, own, known, *found, None, &envelope, incoming),
                Tried::Heavy => return Ok(Examined::Heavy),
                Tried::Failed(_) if known.has_seen(snapshot, envelope.commitment())? => return Ok(DUPLICATE),
                Tried::Failed(failure) => failed = Some((failure, known)),
            }
        }
    }
    if let Some(examined) = first::examine(snapshot, own, &envelope, incoming, effort, now)? {
        return Ok(examined);
    }
    Ok(match failed {
        None => orphaned(snapshot, own, &envelope, incoming)?,
        Some((Failure { reason: Reason::Evidence, ordinal }, known)) => Examined::Evidence(Box::new(known), ordinal),
        Some((failure, known)) => unopened(known, failure, &envelope),
    })
}

/// What a slot is worth that is ours by its hint, and that its session does not open.
fn unopened(mut known: Known, failure: Failure, envelope: &Envelope<'_>) -> Examined {
    let Failure { reason, ordinal } = failure;
    let session = known.sessions.iter().find(|session| session.ordinal == ordinal);
    let device = session.filter(|session| healing::is_listed(&known, session.device, &session.device_key));
    let Some(device) = device.map(|session| session.device).filter(|_| healing::is_curable(reason)) else {
        return if reason == Reason::Damaged { Examined::Damaged } else { Examined::Unreadable(reason, None) };
    };
    if reason == Reason::Damaged {
        known.mark_damaged(ordinal);
    }
    let commitment = *envelope.commitment();
    Examined::Unopened(Box::new(Unopened { known, device, commitment, reason, is_unknown: false }))
}

/// A plain slot of ours by its hint, from a listed device that we have no session with: it was lost, or is over.
fn orphaned(snapshot: &Snapshot<'_>, own: &Own, envelope: &Envelope<'_>, incoming: &Incoming) -> Result<Examined> {
    let nothing = Examined::Plain(Finding::NotAddressed);
    let Some(from) = &incoming.from else { return Ok(nothing) };
    let Some(known) = Known::find(snapshot, from)? else { return Ok(nothing) };
    let commitment = *envelope.commitment();
    let hints = envelope.slots().iter().map(|slot| &slot[..HINT]);
    let Some(device) = healing::device_of(own, &known, hints, &commitment) else { return Ok(nothing) };
    Ok(Examined::Unopened(Box::new(Unopened { known, device, commitment, reason: Reason::KeyGone, is_unknown: false })))
}

const DUPLICATE: Examined = Examined::Plain(Finding::Duplicate { message: None });

/// Tries every session of a contact whose hint is in the envelope.
fn try_contact(
    snapshot: &Snapshot<'_>,
    known: &Known,
    envelope: &Envelope<'_>,
    effort: Effort,
    now: u64,
) -> Result<Tried> {
    let mut failed = None;
    for reference in &known.sessions {
        let hint = reference.hint.hint(&reference.device_key, envelope.commitment());
        let plain = envelope.slots().iter().map(|slot| (slot, None));
        let initial = envelope.initial().iter().map(|initial| (&initial.slot, Some(&initial.fields_hash)));
        let mut ours = plain.chain(initial).filter(|(slot, _)| slot[..HINT] == hint).take(MAX_SLOTS).peekable();
        if ours.peek().is_none() {
            continue;
        }
        let fail = |reason| Failure { reason, ordinal: reference.ordinal };
        let stored = match Stored::load(snapshot, known.session_row(reference.ordinal)) {
            Ok(stored) => stored,
            // One damaged session must not keep every other message from being taken in.
            Err(CORRUPT) => {
                failed = Failure::heavier(failed, fail(Reason::Damaged));
                continue;
            }
            Err(error) => return Err(error),
        };
        for (slot, fields) in ours {
            let binding = envelope.binding(fields);
            let opened = match stored.session.locate(slot, binding) {
                Ok(located) if effort == Effort::Light && is_heavy(&located) => return Ok(Tried::Heavy),
                Ok(located) => stored.session.open_located(located, Some(now)),
                Err(error) => Err(error),
            };
            match opened {
                Ok((key, delta)) => {
                    let ordinal = reference.ordinal;
                    return Ok(Tried::Found(Box::new(Found { ordinal, stored, key, delta })));
                }
                // A handshake that we do not know yet is tried as such later.
                Err(sprag_core::Error::Open) if fields.is_some() => {}
                Err(sprag_core::Error::KeyGone)
                    if stored.is_taken(snapshot, known.row, slot, (binding, envelope.commitment()))? =>
                {
                    failed = Failure::heavier(failed, fail(Reason::Evidence));
                }
                // Of a chain that is long over, or not genuine: once its header key is gone, nobody can tell.
                Err(sprag_core::Error::Open) => failed = Failure::heavier(failed, fail(Reason::KeyGone)),
                Err(error) => failed = Failure::heavier(failed, fail(error.into())),
            }
        }
    }
    Ok(failed.map_or(Tried::NotHis, Tried::Failed))
}

/// Whether opening a slot means a long way along a chain, or a key agreement of the braid.
fn is_heavy(located: &Located<'_>) -> bool {
    located.skips() > MANY_STEPS || located.agrees()
}

impl Opened {
    /// Whom it is from.
    pub(crate) const fn account(&self) -> &AccountId {
        &self.known.account
    }
}
