//! What came in: found, opened and checked without changing anything; then, and only then, committed.
//!
//! ```text
//!   parse → own commitment → seen commitment → hints: of `from`, of everybody known → initial slots → payload,
//!   commitment, lists, pin, filing ──▶ Examined ──▶ commit
//! ```
//! Whatever is wrong with the bytes is a finding, never an error.

use sprag_core::content::{Body, Content as Wire, EXT_CLASS, EXT_LIST, EXT_SESSIONS};
use sprag_core::envelope::{Envelope, InitialSlot};
use sprag_core::franking::Audience;
use sprag_core::handshake::{self, Claim};
use sprag_core::identity::{DeviceList, Pin};
use sprag_core::prekey::PrekeyId;
use sprag_core::ratchet::{Delta, HINT, HintKey, Session};
use sprag_core::safety_number::SafetyNumber;
use sprag_core::secret::Secret;
use sprag_core::wire::{self, Kind};

use crate::account::{Own, core_id, door_id};
use crate::contact::{Known, SessionRef};
use crate::error::Result;
use crate::event::{Finding, Healing, Incoming, ListRef, Message, Reason, What};
use crate::id::{AccountId, BlobId, Class, Content, Conversation, DeviceId, MessageId, Sender, Trust};
use crate::outbox::{next_ordinal, raise};
use crate::prekeys::{self, Named};
use crate::session::{Seen, Stored};
use crate::store::{Snapshot, Tx};

/// The most sessions announced by a contact that are remembered.
const MAX_ANNOUNCED: usize = 8;

/// Whether bytes are an envelope of ours, by their first bytes alone. Nothing is believed by it.
#[must_use]
pub fn recognise(bytes: &[u8]) -> bool {
    matches!(wire::kind_of(bytes), Ok(Kind::Envelope))
}

/// What was found out about bytes, before anything changes.
pub(crate) enum Examined {
    /// Nothing to do.
    Plain(Finding),
    /// For this device, and unreadable.
    Unreadable(Reason),
    /// From somebody who may not be pinned under the id that was claimed.
    Quarantined {
        fingerprint: [u8; 32],
        /// A pinned contact whose identity the server says has changed.
        changed: Option<(Box<Known>, String)>,
    },
    /// An authentic message.
    Opened(Box<Opened>),
}

/// An authentic message, with all that it is to change.
pub(crate) struct Opened {
    known: Known,
    ordinal: u32,
    stored: Stored,
    delta: Delta,
    fresh: Option<Fresh>,
    adopted: Option<(Pin, DeviceList)>,
    conflict: Option<What>,
    commitment: [u8; 32],
    pub(crate) device: u32,
    pub(crate) content: Wire,
}

/// What comes with a session that began with this message.
struct Fresh {
    reference: SessionRef,
    used: Option<(i64, PrekeyId)>,
}

/// A slot of ours that opened.
struct Found {
    ordinal: u32,
    stored: Stored,
    key: Secret<32>,
    delta: Delta,
}

enum Tried {
    NotHis,
    Duplicate,
    Failed(Reason),
    Found(Box<Found>),
}

/// Finds out about incoming bytes.
pub(crate) fn examine(snapshot: &Snapshot<'_>, own: &Own, incoming: &Incoming) -> Result<Examined> {
    if !recognise(&incoming.bytes) {
        return Ok(Examined::Plain(Finding::Foreign));
    }
    let envelope = match Envelope::parse(&incoming.bytes) {
        Ok(envelope) => envelope,
        Err(error) => return Ok(Examined::Unreadable(error.into())),
    };
    if Seen::has(snapshot, 0, envelope.commitment())? {
        return Ok(Examined::Plain(Finding::OwnEcho { message: None }));
    }
    let named = match &incoming.from {
        Some(from) => Known::find(snapshot, from)?,
        None => None,
    };
    let mut failed = None;
    let named_row = named.as_ref().map(|known| known.row);
    for known in named.into_iter().chain(Others::new(snapshot, named_row)?) {
        match try_contact(snapshot, &known, &envelope)? {
            Tried::NotHis => {}
            Tried::Duplicate => return Ok(Examined::Plain(Finding::Duplicate { message: None })),
            Tried::Failed(reason) => failed = Some(reason),
            Tried::Found(found) => return check(own, known, *found, None, &envelope, incoming),
        }
    }
    for slot in envelope.initial() {
        if let Some(examined) = try_initial(snapshot, own, slot, &envelope, incoming)? {
            return Ok(examined);
        }
    }
    Ok(failed.map_or(Examined::Plain(Finding::NotAddressed), Examined::Unreadable))
}

/// All contacts but one, read only if they are asked for.
struct Others(std::vec::IntoIter<Known>);

impl Others {
    fn new(snapshot: &Snapshot<'_>, but: Option<i64>) -> Result<Self> {
        let mut all = Known::all(snapshot)?;
        all.retain(|known| Some(known.row) != but);
        Ok(Self(all.into_iter()))
    }
}

impl Iterator for Others {
    type Item = Known;

    fn next(&mut self) -> Option<Known> {
        self.0.next()
    }
}

/// Tries every session of a contact whose hint is in the envelope.
fn try_contact(snapshot: &Snapshot<'_>, known: &Known, envelope: &Envelope<'_>) -> Result<Tried> {
    if Seen::has(snapshot, known.row, envelope.commitment())? {
        return Ok(Tried::Duplicate);
    }
    let mut tried = Tried::NotHis;
    for reference in &known.sessions {
        let hint = reference.hint.hint(&reference.device_key, envelope.commitment());
        let plain = envelope.slots().iter().map(|slot| (slot, None));
        let initial = envelope.initial().iter().map(|initial| (&initial.slot, Some(&initial.fields_hash)));
        for (slot, fields) in plain.chain(initial).filter(|(slot, _)| slot[..HINT] == hint) {
            let stored = Stored::load(snapshot, known.session_row(reference.ordinal))?;
            match stored.session.open(slot, envelope.binding(fields)) {
                Ok((key, delta)) => {
                    let ordinal = reference.ordinal;
                    return Ok(Tried::Found(Box::new(Found { ordinal, stored, key, delta })));
                }
                // A handshake that we do not know yet is tried as such later.
                Err(sprag_core::Error::Open) if fields.is_some() => {}
                Err(error) => tried = Tried::Failed(error.into()),
            }
        }
    }
    Ok(tried)
}

/// Tries a slot that begins a session; none if it is for another device.
fn try_initial(
    snapshot: &Snapshot<'_>,
    own: &Own,
    slot: &InitialSlot,
    envelope: &Envelope<'_>,
    incoming: &Incoming,
) -> Result<Option<Examined>> {
    let fields = &slot.fields;
    let (signed, one_time) = match prekeys::find(snapshot, fields.signed_prekey, fields.one_time_prekey)? {
        Named::Foreign => return Ok(None),
        Named::Gone => return Ok(Some(Examined::Unreadable(Reason::KeyGone))),
        Named::Ours(signed, one_time) => (signed, one_time),
    };
    let used = one_time.as_ref().map(|(row, prekey)| (*row, prekey.id()));
    let account = own.account.account();
    let one_time = one_time.map(|(_, prekey)| prekey);
    let unsealed = match handshake::unseal(account, &own.device, &signed, one_time, fields) {
        Ok(unsealed) => unsealed,
        Err(error) => return Ok(Some(Examined::Unreadable(error.into()))),
    };
    let claim = unsealed.claim().clone();
    let begun = HintKey::between(own.device.identity(), &claim.identity_key).and_then(|hint| {
        if slot.slot[..HINT] != hint.hint(&claim.device_key, envelope.commitment()) {
            return Err(sprag_core::Error::Mismatch);
        }
        let session = Session::respond(unsealed.finish(None)?, signed.ratchet_key());
        let (key, delta) = session.open(&slot.slot, envelope.binding(Some(&slot.fields_hash)))?;
        Ok((hint, session, key, delta))
    });
    let (hint, session, key, delta) = match begun {
        Ok(begun) => begun,
        Err(error) => return Ok(Some(Examined::Unreadable(error.into()))),
    };
    let known = match claimed(snapshot, own, &claim, incoming)? {
        Ok(known) => known,
        Err(quarantined) => return Ok(Some(quarantined)),
    };
    let reference = SessionRef {
        ordinal: 0,
        device: claim.device,
        device_key: claim.device_key,
        transcript: *session.transcript(),
        heard: true,
        hint,
    };
    let found = Found { ordinal: 0, stored: Stored { session, fields: None }, key, delta };
    check(own, known, found, Some((claim, Fresh { reference, used })), envelope, incoming).map(Some)
}

/// The contact that a claim is about, if it may be pinned under the id that it claims: the id is the one that the app
/// names, and no other key is pinned under it.
fn claimed(
    snapshot: &Snapshot<'_>,
    own: &Own,
    claim: &Claim,
    incoming: &Incoming,
) -> Result<core::result::Result<Known, Examined>> {
    let fingerprint = claim.account.fingerprint();
    let id = door_id(&claim.account.id)?;
    if incoming.from.as_ref() != Some(&id) || id == own.id()? {
        return Ok(Err(Examined::Quarantined { fingerprint, changed: None }));
    }
    let known = Known::find(snapshot, &id)?.unwrap_or_else(|| Known::unseen(id));
    match &known.pin {
        Some(pin) if *pin.account() != claim.account => {
            let number = SafetyNumber::between(own.account.account(), &claim.account).digits();
            Ok(Err(Examined::Quarantined { fingerprint, changed: Some((Box::new(known), number)) }))
        }
        _ => Ok(Ok(known)),
    }
}

/// Opens the payload and checks everything else about it.
fn check(
    own: &Own,
    known: Known,
    found: Found,
    begun: Option<(Claim, Fresh)>,
    envelope: &Envelope<'_>,
    incoming: &Incoming,
) -> Result<Examined> {
    let sender = core_id(&known.account)?;
    let audience = Audience::direct(&sender, &own.account.account().id);
    let franked = envelope.open(&found.key).and_then(|unfranked| {
        if unfranked.recipient().is_some() { Err(sprag_core::Error::Misfiled) } else { unfranked.verify(&audience) }
    });
    let franked = match franked {
        Ok(franked) => franked,
        Err(error) => return Ok(Examined::Unreadable(error.into())),
    };
    if matches!(&incoming.conversation, Some(Conversation::Direct(filed)) if *filed != known.account) {
        return Ok(Examined::Unreadable(Reason::Misfiled));
    }
    let listed = match lists(&known, franked.content.extensions.get(EXT_LIST)) {
        Ok(listed) => listed,
        Err(reason) => return Ok(Examined::Unreadable(reason)),
    };
    let list = listed.adopted.as_ref().map(|(_, list)| list).or(known.list.as_ref());
    let device = match &begun {
        Some((claim, _)) => claim.device,
        None => known.sessions.iter().find(|s| s.ordinal == found.ordinal).map_or(0, |s| s.device),
    };
    let honest = list.is_some_and(|list| match &begun {
        Some((claim, _)) => claim.check(list).is_ok(),
        None => list.device(device).is_some(),
    });
    if !honest {
        return Ok(Examined::Unreadable(Reason::NotListed));
    }
    let conflict = listed.conflict.or_else(|| disagreement(own, &known, list, &franked));
    Ok(Examined::Opened(Box::new(Opened {
        known,
        ordinal: found.ordinal,
        stored: found.stored,
        delta: found.delta,
        fresh: begun.map(|(_, fresh)| fresh),
        adopted: listed.adopted,
        conflict,
        commitment: *envelope.commitment(),
        device,
        content: franked.content,
    })))
}

#[derive(Default)]
struct Listed {
    adopted: Option<(Pin, DeviceList)>,
    conflict: Option<What>,
}

/// What a list that came in the message changes. An older one is only old mail, unless it differs from what was known.
fn lists(known: &Known, carried: Option<&[u8]>) -> core::result::Result<Listed, Reason> {
    let Some(bytes) = carried else { return Ok(Listed::default()) };
    let list = DeviceList::open(bytes)?;
    if list.account().id.as_bytes() != known.account.as_bytes() {
        return Err(Reason::Mismatch);
    }
    let Some(pin) = &known.pin else { return Ok(Listed { adopted: Some((Pin::first(&list), list)), conflict: None }) };
    if *pin.account() != *list.account() {
        return Err(Reason::IdentityChanged);
    }
    let stepped = if list.sequence() > pin.sequence() {
        pin.accept(&list).map(|accepted| Some(accepted.pin))
    } else {
        pin.check_old(&list).map(|()| None)
    };
    Ok(match stepped {
        Ok(pin) => Listed { adopted: pin.map(|pin| (pin, list)), conflict: None },
        Err(_) => Listed { adopted: None, conflict: Some(conflict_with(known, list.sequence(), *list.hash())) },
    })
}

/// Whether the message was sent under other lists than those we know under the same numbers: a split view.
fn disagreement(
    own: &Own,
    known: &Known,
    theirs: Option<&DeviceList>,
    franked: &sprag_core::envelope::Franked,
) -> Option<What> {
    let differs = |index: usize, list: &DeviceList| {
        let stated = franked.content.lists.get(index)?;
        (stated.sequence == list.sequence() && !franked.states(index, list.hash())).then_some(stated.sequence)
    };
    let sequence = differs(0, theirs?).or_else(|| differs(1, &own.list))?;
    Some(conflict_with(known, sequence, [0; 32]))
}

fn conflict_with(known: &Known, sequence: u64, hash: [u8; 32]) -> What {
    let (mine, mine_hash) = known
        .pin
        .as_ref()
        .map_or((0, [0; 32]), |pin| (pin.sequence(), pin.hash_of(pin.sequence()).copied().unwrap_or([0; 32])));
    What::ListConflict {
        account: known.account.clone(),
        mine: ListRef { sequence: mine, hash: mine_hash },
        theirs: ListRef { sequence, hash },
    }
}

/// Makes the changes of what was found out, and tells the app.
pub(crate) fn commit(tx: &Tx<'_>, own: &Own, examined: Examined, incoming: &Incoming, now: u64) -> Result<Finding> {
    match examined {
        Examined::Plain(finding) => Ok(finding),
        Examined::Unreadable(reason) => {
            let healing = Healing::Final;
            let what = What::Unreadable {
                app_ref: incoming.app_ref.clone(),
                blob_id: BlobId::of(&incoming.bytes),
                from: incoming.from.clone(),
                reason,
                healing,
            };
            raise(tx, what, now)?;
            Ok(Finding::Unreadable { reason, healing })
        }
        Examined::Quarantined { fingerprint, changed } => {
            if let Some((known, new_number)) = changed {
                identity_changed(tx, own, *known, new_number, Vec::new(), now)?;
            }
            Ok(Finding::Quarantined { fingerprint })
        }
        Examined::Opened(opened) => commit_opened(tx, *opened, incoming, now),
    }
}

/// Holds sending to a contact under whose id another key has appeared, and says so once.
pub(crate) fn identity_changed(
    tx: &Tx<'_>,
    own: &Own,
    mut known: Known,
    new_number: String,
    held: Vec<MessageId>,
    now: u64,
) -> Result<()> {
    if known.trust == Trust::Changed {
        return Ok(());
    }
    known.trust = Trust::Changed;
    let old_number = known
        .pin
        .as_ref()
        .map_or_else(String::new, |pin| SafetyNumber::between(own.account.account(), pin.account()).digits());
    let account = known.account.clone();
    known.save(tx)?;
    raise(tx, What::IdentityChanged { account, old_number, new_number, was_verified: false, held }, now).map(|_| ())
}

fn commit_opened(tx: &Tx<'_>, opened: Opened, incoming: &Incoming, now: u64) -> Result<Finding> {
    let Opened { mut known, mut ordinal, mut stored, delta, fresh, adopted, conflict, commitment, device, content } =
        opened;
    let first_contact = known.pin.is_none();
    stored.session.commit(delta, now)?;
    stored.fields = None;
    if let Some((pin, list)) = adopted {
        known.adopt(pin, list);
    }
    if known.row == 0 {
        known.save(tx)?;
    }
    let mut events = Vec::new();
    match fresh {
        Some(Fresh { reference, used }) => {
            if restarted(&mut known, &reference) {
                let (account, device) = (known.account.clone(), DeviceId(device));
                let what = What::SessionRestarted { account, device, resumed: false, reason: None };
                events.push(raise(tx, what, now)?);
            }
            ordinal = next_ordinal(&mut known)?;
            for gone in known.add_session(SessionRef { ordinal, ..reference }) {
                Stored::delete(tx, known.session_row(gone))?;
            }
            known.owes_answer = true;
            if let Some((row, id)) = used {
                prekeys::use_up(tx, row, id, now)?;
            }
        }
        None => {
            if let Some(reference) = known.sessions.iter_mut().find(|s| s.ordinal == ordinal) {
                reference.heard = true;
            }
        }
    }
    announced(&mut known, content.extensions.get(EXT_SESSIONS));
    stored.save(tx, known.session_row(ordinal))?;
    Seen::add(tx, known.row, &commitment)?;
    known.save(tx)?;
    if let Some(conflict) = conflict {
        events.push(raise(tx, conflict, now)?);
    }
    if let Some(what) = shown(&known, device, content, incoming, first_contact)? {
        events.push(raise(tx, what, now)?);
    }
    Ok(Finding::Opened { events })
}

/// Whether a new session stands beside one that was heard, though the peer had not said that it is on its way.
fn restarted(known: &mut Known, fresh: &SessionRef) -> bool {
    let name = &fresh.transcript[..8];
    let announced = known.announced.iter().any(|known| known == name);
    known.announced.retain(|known| known != name);
    !announced && known.sessions.iter().any(|s| s.device == fresh.device && s.heard)
}

fn announced(known: &mut Known, names: Option<&[u8]>) {
    for name in names.unwrap_or_default().chunks_exact(8) {
        let here = known.sessions.iter().any(|s| &s.transcript[..8] == name);
        if !here && !known.announced.iter().any(|known| known == name) && known.announced.len() < MAX_ANNOUNCED {
            known.announced.push(name.to_vec());
        }
    }
}

/// What the app shows of a content; control messages show nothing.
fn shown(known: &Known, device: u32, content: Wire, incoming: &Incoming, first_contact: bool) -> Result<Option<What>> {
    let sender = Sender { account: known.account.clone(), device: DeviceId(device) };
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
    let conversation = Conversation::Direct(known.account.clone());
    let mut message = Message::new(blob_id, id, sender, conversation, body, content.sent);
    message.app_ref = incoming.app_ref.clone();
    message.class = class;
    message.trust = known.trust;
    message.first_contact = first_contact;
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

impl Opened {
    /// Whom it is from.
    pub(crate) const fn account(&self) -> &AccountId {
        &self.known.account
    }
}
