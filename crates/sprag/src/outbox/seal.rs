//! Sealing a message for every device of its circle, in one envelope.
//!
//! It does not know what becomes of it.

use sprag_core::armor;
use sprag_core::content::{
    Body, Content as Wire, Continues, EXT_CARD, EXT_CLASS, EXT_CONTINUES, EXT_LIST, EXT_RECOVERS, EXT_SESSIONS,
    ListStatement,
};
use sprag_core::envelope::{SealedPayload, Sealing};
use sprag_core::handshake::Fields;
use sprag_core::identity::{DeviceList, Pin, SignedEntry};
use sprag_core::random::Random;
use sprag_core::ratchet::HINT;
use sprag_core::secret::SecretBytes;
use sprag_core::wire::Extensions;

use super::ahead;
use super::circle::{self, Circle, members};
use super::message::{Echo, Load, Queued, Scope, Waiting, progress};
use super::shelf::Addressed;
use super::{Cargo, Carried, Entry};
use crate::account::Own;
use crate::cards;
use crate::codec::ok;
use crate::config::{Armor, Directory};
use crate::contact::{ENOUGH, Known, SessionRef};
use crate::error::{Error, Result};
use crate::event::{MessageState, Reason};
use crate::id::{AccountId, BlobId, Class, Content, Conversation};
use crate::lists;
use crate::protection;
use crate::request::Send;
use crate::session::{Stored, Unanswered};
use crate::store::{Table, Tx};

/// The most names of unanswered sessions that a message carries.
const MAX_NAMES: usize = 32;

/// About the most bytes of a slot, without and with a handshake.
pub(super) const SLOT_LENGTH: usize = 160;
pub(crate) const HANDSHAKE: usize = 2_000;

/// A session that a message is sealed in.
pub(super) struct Lane<'a> {
    pub(super) contact: &'a Known,
    pub(super) reference: &'a SessionRef,
    row: i64,
    stored: Stored,
    /// The handshake, where this message is to carry it.
    pub(super) carries: Option<Unanswered>,
}

/// A message that is ready to leave.
pub(crate) struct Sealed {
    pub(crate) send: Send,
    /// The sessions whose handshake it carries.
    pub(crate) carried: Vec<Carried>,
    /// The devices that can open it.
    pub(crate) addressed: Vec<Addressed>,
}

/// What became of sealing.
pub(crate) enum Attempt {
    /// It can leave.
    Sealed(Box<Sealed>),
    /// The keys of these contacts, by their rows, are needed first; of none, handshakes have to go ahead.
    Missing(Vec<i64>),
    /// The conversation is plain, and somebody in it cannot read it.
    Plain,
}

impl<'a> Lane<'a> {
    /// None if the session is to be begun anew.
    fn load(tx: &Tx<'_>, contact: &'a Known, reference: &'a SessionRef, now: u64) -> Result<Option<Self>> {
        let row = contact.session_row(reference.ordinal);
        let unanswered = if reference.heard { None } else { Unanswered::load(tx, row)? };
        if unanswered.as_ref().is_some_and(|unanswered| unanswered.is_lost(now)) {
            return Ok(None);
        }
        let stored = Stored::load(tx, row)?;
        if stored.session.remaining() < ENOUGH {
            return Ok(None);
        }
        let carries = unanswered.filter(|unanswered| unanswered.is_due(now));
        Ok(Some(Self { contact, reference, row, stored, carries }))
    }

    /// The lanes to a contact's devices; none if keys are needed first.
    fn to(
        tx: &Tx<'_>,
        own: &Own,
        contact: &'a Known,
        message: &Queued,
        to_ourselves: bool,
        now: u64,
    ) -> Result<Option<Vec<Self>>> {
        let Some(list) = &contact.list else { return Ok(None) };
        if message.load.is_content() && !own.is_own(&contact.account) && own.policy.directory != Directory::InBand {
            // Whoever is to be taken off by the next one must not be written to for ever.
            if lists::is_due(tx, contact, now)? {
                return Ok(None);
            }
        }
        let mut lanes = Vec::new();
        let mut is_complete = true;
        for device in list.devices().filter(|device| message.scope.covers(own, contact, device.id, to_ourselves)) {
            // What is asked for is to come in the session that was begun for it.
            let session = match message.load {
                Load::Renew(_) => contact.newest_with(device.id),
                _ => contact.session_with(device.id),
            };
            match session {
                Some(reference) => match Self::load(tx, contact, reference, now)? {
                    Some(lane) => lanes.push(lane),
                    None if contact.is_without_keys(device.id, now) => is_complete = false,
                    None => return Ok(None),
                },
                // Whoever published nothing must not keep the message from everybody else.
                None if contact.is_without_keys(device.id, now) => is_complete = false,
                None => return Ok(None),
            }
        }
        let is_reached = !lanes.is_empty() || is_complete || own.is_own(&contact.account);
        Ok(is_reached.then_some(lanes))
    }

    /// What is said of the session that this one continues, with the handshake.
    fn continues(&self) -> Option<Continues> {
        let progress = self.carries.as_ref()?.continues?;
        let session = self.reference.transcript.first_chunk().copied()?;
        Some(Continues { session, turns: progress.turns, epoch: progress.epoch })
    }

    fn fields(&self) -> Option<&Fields> {
        self.carries.as_ref().map(|unanswered| &unanswered.fields)
    }
}

/// Seals a message for every device of its circle, if there is a session with each; else tells whose keys are needed.
///
/// # Errors
/// [`Error::Misuse`] if it does not fit `max_body`, or there is no device to send it to.
pub(crate) fn seal(
    tx: &Tx<'_>,
    own: &Own,
    circle: &mut Circle,
    message: &Queued,
    now: u64,
    random: &mut dyn Random,
) -> Result<Attempt> {
    own.check_member()?;
    if message.load.is_content() && !protection::may_seal(tx, own, &message.conversation, &circle.others)? {
        return Ok(Attempt::Plain);
    }
    let to_ourselves = circle.others.is_empty();
    let (mut lanes, mut missing) = (Vec::new(), Vec::new());
    for known in circle.everybody() {
        match Lane::to(tx, own, known, message, to_ourselves, now)? {
            Some(found) => lanes.extend(found),
            None => missing.push(known.row),
        }
    }
    if !missing.is_empty() {
        return Ok(Attempt::Missing(missing));
    }
    if lanes.is_empty() {
        return Err(Error::Misuse("a message to oneself has nobody to go to"));
    }
    let is_read_along = lanes.iter().any(|lane| own.is_own(&lane.contact.account));
    let place = circle::place(message, is_read_along)?;
    let audience = circle::audience(own, message, &place)?;
    let lists = Lists::stated(own, circle);
    let mut content = Wire {
        id: message.id.to_vec(),
        sent: message.sent,
        conversation: place,
        lists: lists.statements,
        body: body(&message.load)?,
        extensions: extensions(tx, own, message, &lanes)?,
    };
    if message.load.is_shown() && ahead::is_too_long(own, &content, &lanes, true)? && !broken!("nothing-goes-ahead") {
        ahead::lighten(&mut lanes);
        content.extensions = extensions(tx, own, message, &lanes)?;
        let is_for_handshakes = !ahead::is_too_long(own, &content, &lanes, false)?;
        let is_too_long = ahead::is_too_long(own, &content, &lanes, true)?;
        if is_too_long && is_for_handshakes && ahead::send(tx, own, &lanes, now, random)? {
            return Ok(Attempt::Missing(Vec::new()));
        }
    }
    let keys: Vec<_> = lanes.iter().map(|lane| lane.reference.device_key).collect();
    let hedge = own.device.hedge();
    let sealing = Sealing { hedge: &hedge, audience: &audience, list_hashes: &lists.hashes, devices: &keys };
    let payload = SealedPayload::seal(&mut content, &sealing, random)?;
    let object = envelope(own, &payload, &mut lanes, random)?;
    let blob = armored(own, &object)?;
    // Before anything is written: one message that does not fit must not move the ratchets of those after it.
    if blob.len() > usize::try_from(own.policy.max_body).unwrap_or(usize::MAX) {
        return Err(Error::Misuse("the message does not fit max_body"));
    }
    for lane in &lanes {
        if broken!("handshakes-counted-when-sealed") {
            lane.contact.handshake_left(tx, lane.reference.ordinal, now)?;
        }
        lane.stored.save(tx, lane.row)?;
    }
    let shown = message.load.is_content().then_some(&message.id);
    if shown.is_some() {
        protection::encrypted(tx, own, &message.conversation, now)?;
    }
    let named = message.load.is_shown().then_some(&message.id);
    Echo::save(tx, payload.commitment(), named, now)?;
    let carrying = lanes.iter().filter(|lane| lane.carries.is_some());
    let carried = carrying.map(|lane| Carried { contact: lane.contact.row, ordinal: lane.reference.ordinal }).collect();
    let addressed = keys.iter().filter(|_| message.load.is_content()).map(|key| Addressed::new(tx, key)).collect();
    let to = match message.scope {
        Scope::One { contact, .. } => {
            circle.everybody().filter(|known| known.row == contact).map(|known| known.account.clone()).collect()
        }
        _ => recipients(own, &message.conversation, is_read_along)?,
    };
    let mut send = Send::new(message.conversation.clone(), to, blob, *payload.commitment());
    send.blob_id = BlobId::of(&object);
    send.message = shown.cloned();
    send.class = message.class;
    send.notify = message.load.is_shown() && message.class == Class::Message;
    send.expires = message.expires;
    let answered: Vec<i64> = lanes.iter().map(|lane| lane.contact.row).collect();
    drop(lanes);
    // What one of our devices is told alone is not what all of them are owed.
    let is_for_all = matches!(message.scope, Scope::Everybody | Scope::Others);
    let ours = Some(&mut circle.own).filter(|_| is_for_all);
    for known in circle.others.iter_mut().chain(ours).filter(|known| answered.contains(&known.row)) {
        known.owes_answer = false;
    }
    Ok(Attempt::Sealed(Box::new(Sealed { send, carried, addressed })))
}

/// An object as the app's server carries it.
pub(crate) fn armored(own: &Own, object: &[u8]) -> Result<Vec<u8>> {
    match own.policy.armor {
        Armor::Binary => Ok(object.to_vec()),
        Armor::Text => Ok(armor::wrap(&own.policy.fallback_text, object)?.into_bytes()),
    }
}

/// The most bytes of an object that fits into a body.
pub(crate) fn room(own: &Own) -> usize {
    inside(own, usize::try_from(own.policy.max_body).unwrap_or(usize::MAX))
}

/// The most bytes of an object in a body of this length.
pub(crate) fn inside(own: &Own, length: usize) -> usize {
    match own.policy.armor {
        Armor::Binary => length,
        // 11 letters for 8 bytes, after a header and the fallback.
        Armor::Text => {
            let around = own.policy.fallback_text.len() + 1 + armor::armored_len(0);
            length.saturating_sub(around) / 11 * 8
        }
    }
}

/// The lists that a message is sent under: ours, then one for each other account, in order of ids.
struct Lists {
    statements: Vec<ListStatement>,
    hashes: Vec<[u8; 32]>,
}

impl Lists {
    fn stated(own: &Own, circle: &Circle) -> Self {
        let ours = (own.list.sequence(), *own.list.hash());
        let theirs = circle.others.iter().filter_map(|known| {
            let hash = known.list.as_ref().map(DeviceList::hash)?;
            Some((known.pin.as_ref().map_or(0, Pin::sequence), *hash))
        });
        let (mut statements, mut hashes) = (Vec::new(), Vec::new());
        for (sequence, hash) in [ours].into_iter().chain(theirs) {
            statements.push(ListStatement { sequence, mac: [0; 8] });
            hashes.push(hash);
        }
        Self { statements, hashes }
    }
}

/// Whom the server is to hand a message to.
fn recipients(own: &Own, conversation: &Conversation, is_read_along: bool) -> Result<Vec<AccountId>> {
    let me = own.id()?;
    let mut to: Vec<AccountId> = members(conversation).iter().filter(|account| **account != me).cloned().collect();
    if is_read_along {
        to.push(me);
    }
    Ok(to)
}

/// The slots of every device around one payload, in order of their hints: an order that says nothing.
fn envelope(own: &Own, payload: &SealedPayload, lanes: &mut [Lane<'_>], random: &mut dyn Random) -> Result<Vec<u8>> {
    let mut sealed = Vec::with_capacity(lanes.len());
    for lane in &mut *lanes {
        let binding_hash = lane.fields().map(Fields::binding);
        let binding = payload.binding(binding_hash.as_ref());
        lane.stored.spoke();
        let mut slot = lane.stored.session.seal(binding, payload.content_key(), random)?;
        let hint = lane.reference.hint.hint(&own.device.device_key(), payload.commitment());
        slot[..HINT].copy_from_slice(&hint);
        sealed.push(slot);
    }
    let (mut slots, mut initial) = (Vec::new(), Vec::new());
    for (lane, slot) in lanes.iter().zip(sealed) {
        match lane.fields() {
            Some(fields) => initial.push((fields, slot)),
            None => slots.push(slot),
        }
    }
    slots.sort_unstable();
    initial.sort_unstable_by_key(|(_, slot)| *slot);
    Ok(payload.envelope(&slots, &initial)?)
}

fn body(load: &Load) -> Result<Body> {
    Ok(match load {
        Load::Content(Content::Text(text)) | Load::Again(Content::Text(text), _) => Body::Text(text.clone()),
        Load::Content(Content::App { kind, bytes }) | Load::Again(Content::App { kind, bytes }, _) => {
            Body::App { kind: kind.clone(), bytes: bytes.clone() }
        }
        Load::Nothing => Body::Empty,
        Load::Retire => Body::Retire,
        Load::Decision(decision) => Body::Decision(decision.clone()),
        Load::AskState => Body::AskState,
        Load::Rekey(object) => Body::Rekey(object.clone()),
        Load::Entry(entry) => Body::Entry(ok(SignedEntry::decode(entry))?),
        Load::Renew(named) => Body::Renew(named.clone()),
        Load::Gone(named) => Body::Gone(named.clone()),
        Load::State(page) => Body::State(SecretBytes::new(page.expose_secret().to_vec())),
    })
}

fn extensions(tx: &Tx<'_>, own: &Own, message: &Queued, lanes: &[Lane<'_>]) -> Result<Extensions> {
    let mut extensions = Extensions::new();
    if message.class == Class::Quiet && message.load.is_shown() {
        extensions.insert(EXT_CLASS, vec![2]);
    }
    if let Load::Again(_, commitment) = &message.load {
        extensions.insert(EXT_RECOVERS, commitment.to_vec());
    }
    let is_behind = |lane: &Lane<'_>| lane.carries.is_some() || lane.reference.knows < own.list.sequence();
    if lanes.iter().any(is_behind) {
        extensions.insert(EXT_LIST, own.list.as_bytes().to_vec());
        if own.policy.directory == Directory::InBand {
            let card = match cards::own(tx, own) {
                Ok(card) => card.encode(),
                Err(Error::NotAllowed) => Vec::new(),
                Err(error) => return Err(error),
            };
            let content = if let Load::Content(content) = &message.load { content.as_bytes().len() } else { 0 };
            let slots = lanes.iter().map(|lane| if lane.carries.is_some() { HANDSHAKE } else { SLOT_LENGTH });
            let rest = content + own.list.as_bytes().len() + slots.sum::<usize>();
            // Where it does not fit into a short body it has gone ahead, in parts; an eighth is for padding.
            if !card.is_empty() && card.len() + rest < room(own) / 8 * 7 {
                extensions.insert(EXT_CARD, card);
            }
        }
    }
    let continues: Vec<_> = lanes.iter().filter_map(Lane::continues).collect();
    if !continues.is_empty() {
        extensions.insert(EXT_CONTINUES, Continues::encode_all(&continues));
    }
    let mut names = Vec::new();
    for lane in lanes {
        let used = |other: &&SessionRef| lanes.iter().any(|lane| lane.reference.transcript == other.transcript);
        let of_device = lane.contact.sessions.iter().filter(|session| session.device == lane.reference.device);
        let others = of_device.filter(|session| !session.heard).filter(|session| !used(session));
        names.extend(others.map(|session| &session.transcript[..8]));
    }
    names.truncate(MAX_NAMES);
    if !names.is_empty() {
        extensions.insert(EXT_SESSIONS, names.concat());
    }
    Ok(extensions)
}

/// Seals what waits and can go, in order. Yields the rows of the contacts whose keys are still needed.
pub(crate) fn flush(
    tx: &Tx<'_>,
    own: &Own,
    answered: &AccountId,
    now: u64,
    random: &mut dyn Random,
) -> Result<Vec<i64>> {
    if own.check_member().is_err() {
        // Nothing waits for what cannot come any more.
        for (row, Waiting { message, .. }) in Waiting::for_keys(tx)? {
            progress(tx, &message, MessageState::Failed, Some(Reason::NotListed), now)?;
            tx.delete(Table::Waiting, row)?;
        }
        return Ok(Vec::new());
    }
    let (mut blocked, mut wanted) = (Vec::new(), Vec::new());
    for (row, Waiting { lane, message, .. }) in Waiting::for_keys(tx)? {
        if blocked.contains(&lane) || !concerns(own, &message, answered) {
            continue;
        }
        let mut circle = Circle::load(tx, own, &message.conversation)?;
        if circle.is_held() {
            blocked.push(lane);
            continue;
        }
        match seal(tx, own, &mut circle, &message, now, random) {
            Ok(Attempt::Sealed(sealed)) => {
                circle.save(tx)?;
                tx.delete(Table::Waiting, row)?;
                progress(tx, &message, MessageState::Ready, None, now)?;
                Entry::put(tx, row, lane, &Cargo::sealed(*sealed, message), now)?;
            }
            Ok(Attempt::Missing(missing)) => {
                blocked.push(lane);
                wanted.extend(missing);
            }
            Ok(Attempt::Plain) => {
                progress(tx, &message, MessageState::Failed, Some(Reason::NotReady), now)?;
                tx.delete(Table::Waiting, row)?;
            }
            Err(Error::Misuse(_)) => {
                progress(tx, &message, MessageState::Failed, Some(Reason::TooLarge), now)?;
                tx.delete(Table::Waiting, row)?;
            }
            Err(error) => return Err(error),
        }
    }
    wanted.sort_unstable();
    wanted.dedup();
    Ok(wanted)
}

/// Whether a message needed the keys of an account.
fn concerns(own: &Own, message: &Queued, account: &AccountId) -> bool {
    members(&message.conversation).contains(account) || (own.is_own(account) && message.scope != Scope::Others)
}
