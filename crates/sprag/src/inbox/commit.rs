//! What an examined message changes, and what the app is told of it.

use sprag_core::content::{
    Body, Content as Wire, Continues, EXT_CARD, EXT_CLASS, EXT_CONTINUES, EXT_RECOVERS, EXT_SESSIONS,
};
use sprag_core::ratchet::Progress;

use super::{Examined, Fresh, Opened};
use crate::account::Own;
use crate::cards::{self, Received};
use crate::config::Directory;
use crate::contact::{Known, Warning};
use crate::conversation;
use crate::decisions;
use crate::devices;
use crate::directory;
use crate::error::{Error, Result};
use crate::event::{Finding, Healing, Hint, Incoming, Message, Reason, What};
use crate::healing;
use crate::id::{AccountId, BlobId, Class, Content, Conversation, DeviceId, MessageId, Sender};
use crate::lists::{self, Statement};
use crate::notice::{raise, raise_sparingly, trouble};
use crate::outbox::{complete, members};
use crate::prekeys;
use crate::protection;
use crate::request::Why;
use crate::seen;
use crate::session::{Stored, Unanswered};
use crate::store::{Table, Tx};
use crate::succession;
use crate::trust;
use crate::upkeep::{Clock, Upkeep};
use crate::welcome;

/// The most sessions announced by a contact that are remembered.
const MAX_ANNOUNCED: usize = 8;

/// Makes the changes of what was found out, and tells the app.
pub(crate) fn commit(tx: &Tx<'_>, own: &Own, examined: Examined, incoming: &Incoming, now: u64) -> Result<Finding> {
    match examined {
        Examined::Plain(finding) => {
            if finding == Finding::Foreign {
                protection::foreign(tx, incoming, now)?;
            }
            Ok(finding)
        }
        Examined::Card => card(tx, own, incoming, now),
        Examined::Heavy => Err(Error::Internal("examined with too little effort")),
        Examined::Unreadable(reason, proved) => unreadable(tx, reason, proved, Healing::Final, incoming, now),
        Examined::Unopened(unopened) => {
            let mut unopened = *unopened;
            if unopened.reason == Reason::Damaged {
                trouble(tx, now)?;
            }
            unopened.known.save(tx)?;
            let (healing, at) = healing::lost(tx, own, &unopened, incoming, now)?;
            match at {
                Some(at) if at <= now => directory::ask_for_keys(tx, &mut unopened.known, now)?,
                Some(at) => Upkeep::put_off(tx, at, now)?,
                None => {}
            }
            unreadable(tx, unopened.reason, None, healing, incoming, now)
        }
        Examined::Damaged => {
            trouble(tx, now)?;
            unreadable(tx, Reason::Damaged, None, Healing::Final, incoming, now)
        }
        Examined::Evidence(mut known, ordinal) => {
            suspected(tx, &mut known, ordinal, now)?;
            known.save(tx)?;
            unreadable(tx, Reason::Evidence, None, Healing::Final, incoming, now)
        }
        Examined::Quarantined { fingerprint, offered } => {
            if let Some((known, list)) = offered.map(|offered| *offered) {
                trust::offer(tx, own, known, list, now)?;
            }
            Ok(Finding::Quarantined { fingerprint })
        }
        Examined::Opened(mut opened) => {
            if let (Some(before), Some((pin, _))) = (opened.before.take(), &opened.adopted) {
                opened.known = *before;
                trust::succeed(tx, own, &mut opened.known, pin.account(), now)?;
            }
            commit_opened(tx, own, *opened, incoming, now)
        }
    }
}

/// A part of somebody's card. It is only of use where there is no directory.
fn card(tx: &Tx<'_>, own: &Own, incoming: &Incoming, now: u64) -> Result<Finding> {
    let nothing = Finding::Opened { events: Vec::new() };
    let from = match &incoming.from {
        Some(from) if own.policy.directory == Directory::InBand => from,
        _ => return Ok(Finding::NotAddressed),
    };
    match cards::receive(tx, own, from, &incoming.bytes)? {
        Received::Waits => Ok(nothing),
        Received::Refused(reason) => unreadable(tx, reason, None, Healing::Final, incoming, now),
        Received::Another(fingerprint) => Ok(Finding::Quarantined { fingerprint }),
        Received::Whole if own.is_own(from) => Ok(nothing),
        Received::Whole => {
            let mut known = Known::find(tx, from)?.unwrap_or_else(|| Known::unseen(from.clone()));
            known.save(tx)?;
            directory::ask_for_keys(tx, &mut known, now)?;
            Ok(nothing)
        }
    }
}

/// Two copies of a device's state are in use: told once, and a reason to ask the user.
fn suspected(tx: &Tx<'_>, known: &mut Known, ordinal: u32, now: u64) -> Result<()> {
    if known.warn(tx, ordinal, Warning::Clone, now)? {
        trust::suspect(tx, known, Reason::Evidence, now)
    } else {
        Ok(())
    }
}

fn unreadable(
    tx: &Tx<'_>,
    reason: Reason,
    proved: Option<AccountId>,
    healing: Healing,
    incoming: &Incoming,
    now: u64,
) -> Result<Finding> {
    if broken!("refusals-write") {
        for (row, value) in tx.scan(Table::Contact, 0, usize::MAX >> 1)? {
            tx.put(Table::Contact, row, value.expose_secret())?;
        }
    }
    let what = What::Unreadable {
        app_ref: incoming.app_ref.clone(),
        blob_id: BlobId::of(&incoming.bytes),
        from: proved.or_else(|| incoming.from.clone()),
        reason,
        healing,
    };
    raise_sparingly(tx, what, now)?;
    Ok(Finding::Unreadable { reason, healing })
}

fn commit_opened(tx: &Tx<'_>, own: &Own, opened: Opened, incoming: &Incoming, now: u64) -> Result<Finding> {
    let Opened { mut known, mut ordinal, mut stored, delta, fresh, adopted, conflict, .. } = opened;
    let Opened { knows, parted, ahead, claim, commitment, device, conversation, content, .. } = opened;
    let (own_id, first_contact) = (own.id()?, known.pin.is_none());
    // A clock that may be wrong dates no key: one dated years ahead would never be dropped, or all others at once.
    let is_plausible = Upkeep::load(tx)?.clock(Hint::default(), now) == Clock::Plausible;
    let position = delta.position();
    stored.session.commit(delta, is_plausible.then_some(now))?;
    if known.row == 0 {
        known.save(tx)?;
    }
    let is_stepped = adopted.is_some();
    if let Some((pin, list)) = adopted {
        known.adopt(tx, own, pin, list, now)?;
    }
    let mut events = Vec::new();
    match fresh {
        Some(mut fresh) => {
            events.extend(restarted(tx, own, &mut known, &mut fresh, &content, now)?);
            ordinal = begin(tx, &mut known, fresh, now)?;
        }
        None => answered(tx, &mut known, ordinal)?,
    }
    if stored.session.is_confirmed() {
        known.note_confirmed(ordinal);
    }
    if stored.session.is_broken() || broken!("suspected-without-evidence") {
        suspected(tx, &mut known, ordinal, now)?;
    }
    if stored.session.is_stalled() {
        known.warn(tx, ordinal, Warning::Stalled, now)?;
    }
    if let Some(session) = known.sessions.iter_mut().find(|session| session.ordinal == ordinal) {
        session.knows = session.knows.max(knows);
    }
    if matches!(content.body, Body::Renew(_)) {
        known.prefer(ordinal);
    }
    announced(&mut known, content.extensions.get(EXT_SESSIONS));
    if let (Directory::InBand, Some(card), Some(pin)) =
        (own.policy.directory, content.extensions.get(EXT_CARD), &known.pin)
    {
        cards::carried(tx, &known.account, pin.account(), card)?;
    }
    let is_written = matches!(content.body, Body::Text(_) | Body::App { .. } | Body::Unknown { .. });
    let is_sent_in = known.session_with(device).is_some_and(|session| session.ordinal == ordinal);
    if is_written && stored.heard(now) && is_sent_in {
        known.owes_answer = true;
        Upkeep::owe(tx, known.row)?;
    }
    let again = shows_again(tx, &known, ordinal, &mut stored, &content)?;
    stored.saw(tx, known.row, &commitment, position)?;
    stored.save(tx, known.session_row(ordinal))?;
    known.save(tx)?;
    if let Some(conflict) = conflict {
        events.push(raise(tx, conflict, now)?);
    }
    if broken!("messages-lost") && incoming.bytes.last().is_some_and(|byte| byte % 16 == 0) {
        return Ok(Finding::Opened { events });
    }
    if let Some(named) = incoming.from.as_ref().filter(|named| **named != known.account) {
        let (app_ref, blob_id) = (incoming.app_ref.clone(), BlobId::of(&incoming.bytes));
        let what = What::SenderDiffers { app_ref, blob_id, named: named.clone(), proved: known.account.clone() };
        events.push(raise(tx, what, now)?);
    }
    let healed = match content.extensions.get(EXT_RECOVERS) {
        Some(commitment) => healing::recovered(tx, &known, device, commitment, again.is_some(), now)?,
        None => None,
    };
    match &content.body {
        Body::Gone(named) => healing::gone(tx, &known, device, named, now)?,
        Body::Renew(named) => {
            healing::requested(tx, &known, device, named, now)?;
            Upkeep::owe(tx, known.row)?;
        }
        _ => {}
    }
    if let Some(message) = again {
        return Ok(Finding::Duplicate { message: Some(message) });
    }
    let sender = Sender { account: known.account.clone(), device: DeviceId(device) };
    let filed = incoming.conversation.as_ref().filter(|filed| !members(filed).is_empty());
    // A server may name any members: what cannot be a room is no word about one.
    let filed = filed.and_then(|filed| complete(&own_id, filed).ok());
    if let Some(differs) = conversation::compare(tx, &sender, &conversation, filed.as_ref())? {
        events.push(raise(tx, differs, now)?);
    }
    if let Some(sequence) = ahead {
        devices::claimed(tx, own, sequence, now)?;
    }
    if let Some(other) = parted {
        devices::parted(tx, &other, now)?;
    }
    if is_stepped {
        lists::settle(tx, &known, false, now)?;
    }
    if let Some(claim) = claim {
        claimed(tx, own, claim, now)?;
    }
    match &content.body {
        Body::State(page) if own.is_own(&sender.account) => welcome::receive(tx, device, page)?,
        Body::Rekey(object) if own.is_own(&sender.account) => succession::asked(tx, &known, device, object, now)?,
        Body::Entry(entry) if own.is_own(&sender.account) => succession::signed(tx, device, entry, now)?,
        Body::AskState if own.is_own(&sender.account) => welcome::asked(tx, own, &known, device, now)?,
        Body::Decision(decision) if own.is_own(&sender.account) => {
            decisions::heard(tx, own, decision, content.sent, now)?;
        }
        Body::Retire if own.is_own(&sender.account) => devices::retired(tx, device, now)?,
        _ => {}
    }
    let place = Filed { conversation, outgoing: own.is_own(&known.account), first_contact, recovers: healed };
    let of = place.conversation.clone();
    if let Some(what) = shown(&known, sender, content, incoming, place)? {
        events.push(raise(tx, what, now)?);
        events.extend(protection::encrypted(tx, own, &of, now)?);
    }
    Ok(Finding::Opened { events })
}

/// Somebody speaks of a contact's list that we do not know: the directory is asked for it. Where there is none, it comes with
/// what the contact writes.
fn claimed(tx: &Tx<'_>, own: &Own, claim: Statement, now: u64) -> Result<()> {
    let account = claim.account.clone();
    if !lists::claimed(tx, claim, now)? || own.policy.directory == Directory::InBand {
        return Ok(());
    }
    match Known::find(tx, &account)? {
        Some(mut known) => directory::ask(tx, &mut known, Why::Refresh, now),
        None => Ok(()),
    }
}

/// The id of a message that was shown before: its sender never heard that the server had it, and sealed it anew. Only the
/// last few are looked at, for anew it comes soon.
fn shows_again(
    tx: &Tx<'_>,
    known: &Known,
    ordinal: u32,
    stored: &mut Stored,
    content: &Wire,
) -> Result<Option<MessageId>> {
    let (Body::Text(_) | Body::App { .. }, Some(pin)) = (&content.body, &known.pin) else { return Ok(None) };
    let name = seen::message_key(tx, &pin.account().key, &content.id);
    if known.has_shown(tx, stored, ordinal, &name)? && !broken!("sealed-anew-shown-twice") {
        return MessageId::new(&content.id).map(Some);
    }
    stored.showed(tx, known.row, &name)?;
    Ok(None)
}

/// Takes up a session that the contact began, and uses up the prekeys that it began it with.
fn begin(tx: &Tx<'_>, known: &mut Known, fresh: Fresh, now: u64) -> Result<u32> {
    let Fresh { reference, signed, one_time, .. } = fresh;
    prekeys::use_up(tx, signed, one_time, &reference.transcript, now)?;
    let ordinal = known.add_session(tx, reference)?;
    known.owes_answer = true;
    Upkeep::owe(tx, known.row)?;
    Ok(ordinal)
}

/// The contact was heard in a session: if it was ours, its handshake is not repeated any more.
fn answered(tx: &Tx<'_>, known: &mut Known, ordinal: u32) -> Result<()> {
    let row = known.session_row(ordinal);
    if let Some(reference) = known.sessions.iter_mut().find(|session| session.ordinal == ordinal && !session.heard) {
        reference.heard = true;
        Unanswered::delete(tx, row)?;
    }
    Ok(())
}

/// What a session that was begun is to those before it, and what the app is told of that. One that continues another takes its
/// place. One that stands beside others without knowing them, though the peer had not said that it is on its way, is the peer
/// who has lost them, or a thief.
fn restarted(
    tx: &Tx<'_>,
    own: &Own,
    known: &mut Known,
    fresh: &mut Fresh,
    content: &Wire,
    now: u64,
) -> Result<Option<u64>> {
    let name = fresh.reference.transcript.first_chunk().copied().unwrap_or_default();
    let announced = known.announced.iter().any(|known| *known == name);
    known.announced.retain(|known| *known != name);
    let device = fresh.reference.device;
    let (account, told) = (known.account.clone(), DeviceId(device));
    let mut reason = None;
    let is_copied = known.is_copied(device);
    if let Some((old, proven)) = fresh.continues {
        // What was announced was begun by whoever went on in the old one, where they are further by now than they said.
        if !is_copied && (announced || !is_put_back(content, &name, proven)) {
            fresh.reference.generation = known.generation_after(Some(old), device);
            let what = What::SessionRestarted { account, device: told, resumed: true, reason: None };
            return raise(tx, what, now).map(Some);
        }
        // Either of two copies can renew: neither is given the place of the other.
        suspected(tx, known, old, now)?;
        fresh.reference.mark_copied();
        reason = Some(Reason::Evidence);
    }
    let beside = known.sessions.iter().any(|session| session.device == device && session.heard);
    if reason.is_none() && (announced || !beside) {
        // As the one who began it counts, too.
        fresh.reference.generation = known.generation_after(None, device);
        return Ok(None);
    }
    let is_held = (reason.is_some() || trust::is_asked(own, known)) && known.is_confirmed(device);
    let is_held = is_held && !broken!("restarts-take-over");
    if known.is_confirmed(device) {
        fresh.reference.mark_restarted(is_held);
    }
    if !is_held {
        fresh.reference.generation = known.generation_after(None, device);
    }
    let event = raise(tx, What::SessionRestarted { account, device: told, resumed: false, reason }, now)?;
    trust::suspect(tx, known, Reason::Restarted, now)?;
    Ok(Some(event))
}

/// Whether the peer says that it is less far in the old session than it has shown: its state was put back, or copied.
fn is_put_back(content: &Wire, name: &[u8; 8], proven: Progress) -> bool {
    let all = content.extensions.get(EXT_CONTINUES).and_then(|value| Continues::decode_all(value).ok());
    let stated = all.into_iter().flatten().find(|stated| stated.session == *name);
    stated.is_some_and(|stated| stated.turns < proven.turns || stated.epoch < proven.epoch)
        && !broken!("put-back-resumes")
}

fn announced(known: &mut Known, names: Option<&[u8]>) {
    for name in names.unwrap_or_default().chunks_exact(8) {
        let here = known.sessions.iter().any(|s| &s.transcript[..8] == name);
        if !here && !known.announced.iter().any(|known| known == name) {
            known.announced.push(name.to_vec());
        }
    }
    // The oldest go first: what was announced and never came must not stand in the way for ever.
    let surplus = known.announced.len().saturating_sub(MAX_ANNOUNCED);
    known.announced.drain(..surplus);
}

/// Where a message is shown.
struct Filed {
    conversation: Conversation,
    outgoing: bool,
    first_contact: bool,
    recovers: Option<BlobId>,
}

/// What the app shows of a content; control messages show nothing.
fn shown(known: &Known, sender: Sender, content: Wire, incoming: &Incoming, filed: Filed) -> Result<Option<What>> {
    let blob_id = BlobId::of(&incoming.bytes);
    let class = class_of(&content);
    let body = match content.body {
        Body::Empty => return Ok(None),
        Body::Unknown { kind, .. } => {
            return Ok(Some(What::Unsupported { app_ref: incoming.app_ref.clone(), blob_id, sender, kind }));
        }
        body => door_content(body),
    };
    let Some(body) = body else { return Ok(None) };
    let id = MessageId::new(&content.id)?;
    let mut message = Message::new(blob_id, id, sender, filed.conversation, body, content.sent);
    message.app_ref = incoming.app_ref.clone();
    message.class = class;
    message.outgoing = filed.outgoing;
    message.trust = known.trust();
    message.first_contact = filed.first_contact;
    message.recovers = filed.recovers;
    Ok(Some(What::Message(message)))
}

pub(crate) fn class_of(content: &Wire) -> Class {
    if content.extensions.get(EXT_CLASS) == Some(&[2]) { Class::Quiet } else { Class::Message }
}

pub(crate) fn door_content(body: Body) -> Option<Content> {
    match body {
        Body::Text(text) => Some(Content::Text(text)),
        Body::App { kind, bytes } => Some(Content::App { kind, bytes }),
        _ => None,
    }
}
