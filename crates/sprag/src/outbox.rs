//! What waits to leave: messages in order, and requests for keys. An entry stays until the server's answer is here.
//!
//! It does no network. An entry's row is its request's id.

use sprag_core::content::{Body, Content as Wire, EXT_CLASS, EXT_LIST, EXT_SESSIONS, ListStatement};
use sprag_core::envelope::{SealedPayload, Sealing};
use sprag_core::franking::Audience;
use sprag_core::handshake;
use sprag_core::identity::DeviceList;
use sprag_core::prekey::{Bundle, ReceivedPrekey};
use sprag_core::random::Random;
use sprag_core::ratchet::{HINT, HintKey, Session};
use sprag_core::wire::{Extensions, Reader, Writer};

use crate::account::{Own, core_id};
use crate::codec::{self, CORRUPT, Row, ok};
use crate::contact::{Known, SessionRef};
use crate::error::{Error, Result};
use crate::event::{Event, MessageState, Reason, What};
use crate::id::{Class, Content, Conversation, MessageId, RequestId};
use crate::request::{Action, FetchKeys, Request, Send, Wanted, Why};
use crate::session::{Seen, Stored};
use crate::store::{Snapshot, Table, Tx};

/// Messages of one conversation that are handed out and not answered, at most.
const IN_FLIGHT: usize = 8;

/// Where the index of messages begins among the rows of `meta`.
const INDEX: i64 = 1 << 62;

/// Seconds for which a message's id is remembered after it has left: 30 days.
const INDEX_RETENTION: u64 = 30 * 86_400;

/// A message of ours, or the empty answer to a handshake (`content` is none).
pub(crate) struct Queued {
    pub(crate) id: MessageId,
    pub(crate) class: Class,
    pub(crate) content: Option<Content>,
    pub(crate) sent: u64,
    pub(crate) expires: Option<u64>,
    pub(crate) state: MessageState,
}

/// One entry.
pub(crate) struct Entry {
    pub(crate) contact: i64,
    pub(crate) attempt: u32,
    pub(crate) created: u64,
    pub(crate) lease_until: u64,
    pub(crate) not_before: u64,
    pub(crate) action: Option<Action>,
    pub(crate) message: Option<Queued>,
}

/// What is remembered of a message by its id.
pub(crate) struct Index {
    pub(crate) row: i64,
    pub(crate) digest: Vec<u8>,
    pub(crate) state: MessageState,
    pub(crate) at: u64,
}

impl Entry {
    /// A request that is no message.
    pub(crate) const fn request(contact: i64, action: Action, now: u64) -> Self {
        Self { contact, attempt: 0, created: now, lease_until: 0, not_before: 0, action: Some(action), message: None }
    }

    /// A message that is not sealed yet.
    pub(crate) const fn message(contact: i64, message: Queued, now: u64) -> Self {
        Self { contact, attempt: 0, created: now, lease_until: 0, not_before: 0, action: None, message: Some(message) }
    }

    pub(crate) fn load(snapshot: &Snapshot<'_>, row: i64) -> Result<Option<Self>> {
        snapshot.get(Table::Outbox, row)?.map(|value| codec::decode(value.expose_secret())).transpose()
    }

    pub(crate) fn insert(&self, tx: &Tx<'_>) -> Result<i64> {
        Ok(tx.insert(Table::Outbox, codec::encode(self).expose_secret())?)
    }

    pub(crate) fn save(&self, tx: &Tx<'_>, row: i64) -> Result<()> {
        Ok(tx.put(Table::Outbox, row, codec::encode(self).expose_secret())?)
    }

    /// All entries, oldest first.
    pub(crate) fn all(snapshot: &Snapshot<'_>) -> Result<Vec<(i64, Self)>> {
        let rows = snapshot.scan(Table::Outbox, 0, usize::MAX >> 1)?;
        rows.into_iter().map(|(row, value)| Ok((row, codec::decode(value.expose_secret())?))).collect()
    }

    fn is_send(&self) -> bool {
        matches!(self.action, Some(Action::Send(_)))
    }
}

/// The digest by which a repeated `send` is told from another one under the same id.
pub(crate) fn digest(snapshot: &Snapshot<'_>, conversation: &Conversation, content: &Content) -> Vec<u8> {
    let mut writer = Writer::new();
    conversation.write(&mut writer);
    content.write(&mut writer);
    snapshot.keyed_hash("message", writer.finish_secret().expose_secret()).to_vec()
}

fn index_row(snapshot: &Snapshot<'_>, id: &MessageId) -> i64 {
    let hash = snapshot.keyed_hash("message id", id.as_bytes());
    let number = hash.iter().take(8).fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
    INDEX | i64::try_from(number >> 2).unwrap_or(0)
}

impl Index {
    pub(crate) fn find(snapshot: &Snapshot<'_>, id: &MessageId) -> Result<Option<Self>> {
        let value = snapshot.get(Table::Meta, index_row(snapshot, id))?;
        value.map(|value| codec::decode(value.expose_secret())).transpose()
    }

    pub(crate) fn save(&self, tx: &Tx<'_>, id: &MessageId) -> Result<()> {
        Ok(tx.put(Table::Meta, index_row(tx, id), codec::encode(self).expose_secret())?)
    }

    /// Forgets messages that left long ago.
    pub(crate) fn prune(tx: &Tx<'_>, now: u64) -> Result<()> {
        for (row, value) in tx.scan(Table::Meta, INDEX - 1, usize::MAX >> 1)? {
            let index: Self = codec::decode(value.expose_secret())?;
            let left = matches!(index.state, MessageState::Accepted | MessageState::Failed | MessageState::Cancelled);
            if left && index.at.saturating_add(INDEX_RETENTION) < now {
                tx.delete(Table::Meta, row)?;
            }
        }
        Ok(())
    }
}

/// Notes a new state of a message, and tells the app.
pub(crate) fn progress(
    tx: &Tx<'_>,
    message: &Queued,
    known: &Known,
    state: MessageState,
    reason: Option<Reason>,
    now: u64,
) -> Result<()> {
    if message.content.is_none() {
        return Ok(());
    }
    if let Some(mut index) = Index::find(tx, &message.id)? {
        index.state = state;
        index.at = now;
        index.save(tx, &message.id)?;
    }
    let what = What::Progress { message: message.id.clone(), account: Some(known.account.clone()), state, reason };
    raise(tx, what, now).map(|_| ())
}

/// Puts an event where the app finds it; yields its id.
pub(crate) fn raise(tx: &Tx<'_>, what: What, now: u64) -> Result<u64> {
    let row = tx.insert(Table::Event, Event::new(0, now, what).encode().expose_secret())?;
    u64::try_from(row).map_err(|_| CORRUPT)
}

/// Asks for the keys of a contact, once.
pub(crate) fn ask_for_keys(tx: &Tx<'_>, known: &mut Known, now: u64) -> Result<()> {
    if known.fetching {
        return Ok(());
    }
    known.fetching = true;
    let known_sequence = known.pin.as_ref().map_or(0, sprag_core::identity::Pin::sequence);
    let wanted = Wanted { account: known.account.clone(), known_sequence };
    let fetch = FetchKeys::new(vec![wanted], true, Why::Send, true);
    known.save(tx)?;
    Entry::request(known.row, Action::FetchKeys(fetch), now).insert(tx).map(|_| ())
}

/// Begins a session with every device on the contact's list that has none, from what a directory returned.
///
/// # Errors
/// `Err` of a [`Reason`] inside: why a device could not be reached. Whatever was begun before it stays.
pub(crate) fn begin_sessions(
    tx: &Tx<'_>,
    own: &Own,
    known: &mut Known,
    list: &DeviceList,
    prekeys: &[ReceivedPrekey],
    now: u64,
    random: &mut dyn Random,
) -> Result<core::result::Result<(), Reason>> {
    for device in list.devices() {
        if known.session_with(device.id).is_some() {
            continue;
        }
        let begun = Bundle::pick(list, device.id, prekeys)
            .and_then(|bundle| bundle.verify(now))
            .and_then(|bundle| handshake::initiate(own.account.account(), &own.device, bundle, None, random))
            .and_then(|begun| {
                let hint = HintKey::between(own.device.identity(), &begun.device.identity_key)?;
                let session = Session::initiate(begun.established, begun.their_ratchet_key, random)?;
                Ok((begun.fields, session, hint))
            });
        let (fields, session, hint) = match begun {
            Ok(begun) => begun,
            Err(sprag_core::Error::KeyGone) => return Ok(Err(Reason::NoKeys)),
            Err(error) => return Ok(Err(error.into())),
        };
        let ordinal = next_ordinal(known)?;
        let transcript = *session.transcript();
        Stored { session, fields: Some(fields) }.save(tx, known.session_row(ordinal))?;
        let reference =
            SessionRef { ordinal, device: device.id, device_key: device.device_key, transcript, heard: false, hint };
        for gone in known.add_session(reference) {
            Stored::delete(tx, known.session_row(gone))?;
        }
    }
    Ok(Ok(()))
}

/// The number of the contact's next session; every number is used once.
pub(crate) fn next_ordinal(known: &mut Known) -> Result<u32> {
    known.next_ordinal += 1;
    if known.next_ordinal > 65_535 { Err(Error::Internal("session numbers exhausted")) } else { Ok(known.next_ordinal) }
}

/// Seals a message for every device of the contact, if there is a session with each; else tells that keys are needed.
pub(crate) fn seal(
    tx: &Tx<'_>,
    own: &Own,
    known: &Known,
    message: &Queued,
    random: &mut dyn Random,
) -> Result<Option<Send>> {
    let (Some(list), Some(pin)) = (&known.list, &known.pin) else { return Ok(None) };
    let devices: Vec<_> = list.devices().collect();
    let Some(sessions) =
        devices.iter().map(|device| known.session_with(device.id)).collect::<Option<Vec<&SessionRef>>>()
    else {
        return Ok(None);
    };
    let mut stored =
        sessions.iter().map(|s| Stored::load(tx, known.session_row(s.ordinal))).collect::<Result<Vec<_>>>()?;
    let unanswered = stored.iter().any(|s| s.fields.is_some());
    let mut content = Wire {
        id: message.id.to_vec(),
        sent: message.sent,
        recipient: None,
        lists: vec![
            ListStatement { sequence: own.list.sequence(), mac: [0; 8] },
            ListStatement { sequence: pin.sequence(), mac: [0; 8] },
        ],
        body: body(message.content.as_ref()),
        extensions: extensions(own, known, message, &sessions, unanswered),
    };
    let audience = Audience::direct(&own.account.account().id, &core_id(&known.account)?);
    let keys: Vec<_> = devices.iter().map(|device| device.device_key).collect();
    let sealing = Sealing {
        hedge: &own.device.hedge(),
        audience: &audience,
        list_hashes: &[*own.list.hash(), *list.hash()],
        devices: &keys,
    };
    let payload = SealedPayload::seal(&mut content, &sealing, random)?;
    let (mut slots, mut initial) = (Vec::new(), Vec::new());
    for (stored, reference) in stored.iter_mut().zip(&sessions) {
        let binding_hash = stored.fields.as_ref().map(handshake::Fields::binding);
        let binding = payload.binding(binding_hash.as_ref());
        let mut slot = stored.session.seal(binding, payload.content_key(), random)?;
        slot[..HINT].copy_from_slice(&reference.hint.hint(&own.device.device_key(), payload.commitment()));
        stored.save(tx, known.session_row(reference.ordinal))?;
        match &stored.fields {
            Some(fields) => initial.push((fields, slot)),
            None => slots.push(slot),
        }
    }
    let blob = payload.envelope(&slots, &initial)?;
    if blob.len() > usize::try_from(own.policy.max_body).unwrap_or(usize::MAX) {
        return Err(Error::Misuse("the message does not fit max_body"));
    }
    Seen::add(tx, 0, payload.commitment())?;
    let conversation = Conversation::Direct(known.account.clone());
    let mut send = Send::new(conversation, vec![known.account.clone()], blob, *payload.commitment());
    send.message = message.content.is_some().then(|| message.id.clone());
    send.class = message.class;
    send.notify = message.content.is_some() && message.class == Class::Message;
    send.expires = message.expires;
    Ok(Some(send))
}

fn body(content: Option<&Content>) -> Body {
    match content {
        None => Body::Empty,
        Some(Content::Text(text)) => Body::Text(text.clone()),
        Some(Content::App { kind, bytes }) => Body::App { kind: kind.clone(), bytes: bytes.clone() },
    }
}

fn extensions(own: &Own, known: &Known, message: &Queued, sessions: &[&SessionRef], unanswered: bool) -> Extensions {
    let mut extensions = Extensions::new();
    if message.class == Class::Quiet && message.content.is_some() {
        extensions.insert(EXT_CLASS, vec![2]);
    }
    if unanswered {
        extensions.insert(EXT_LIST, own.list.as_bytes().to_vec());
    }
    let others = known.sessions.iter().filter(|s| !s.heard && !sessions.iter().any(|used| used.ordinal == s.ordinal));
    let names: Vec<u8> = others.flat_map(|s| s.transcript[..8].to_vec()).collect();
    if !names.is_empty() {
        extensions.insert(EXT_SESSIONS, names);
    }
    extensions
}

/// Seals what waits for this contact, in order.
pub(crate) fn flush(tx: &Tx<'_>, own: &Own, known: &Known, now: u64, random: &mut dyn Random) -> Result<()> {
    for (row, mut entry) in Entry::all(tx)? {
        let Some(message) = entry.message.as_mut().filter(|_| entry.contact == known.row && entry.action.is_none())
        else {
            continue;
        };
        if message.state != MessageState::WaitingKeys {
            continue;
        }
        match seal(tx, own, known, message, random) {
            Ok(Some(send)) => {
                message.state = MessageState::Ready;
                progress(tx, message, known, MessageState::Ready, None, now)?;
                entry.action = Some(Action::Send(send));
                entry.save(tx, row)?;
            }
            Ok(None) => return Ok(()),
            Err(Error::Misuse(_)) => {
                progress(tx, message, known, MessageState::Failed, Some(Reason::TooLarge), now)?;
                tx.delete(Table::Outbox, row)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Ends the messages that wait for this contact's keys: failed, or held until the app decides.
pub(crate) fn stop_waiting(
    tx: &Tx<'_>,
    known: &Known,
    state: MessageState,
    reason: Reason,
    now: u64,
) -> Result<Vec<MessageId>> {
    let mut stopped = Vec::new();
    for (row, mut entry) in Entry::all(tx)? {
        let Some(message) = entry.message.as_mut().filter(|_| entry.contact == known.row && entry.action.is_none())
        else {
            continue;
        };
        if message.state != MessageState::WaitingKeys {
            continue;
        }
        progress(tx, message, known, state, Some(reason), now)?;
        message.state = state;
        stopped.push(message.id.clone());
        if state == MessageState::Held {
            entry.save(tx, row)?;
        } else {
            tx.delete(Table::Outbox, row)?;
        }
    }
    Ok(stopped)
}

/// Leases what can go now: at most `max`, in each conversation the oldest first and not too many at once.
pub(crate) fn lease(tx: &Tx<'_>, only: Option<i64>, max: usize, seconds: u64, now: u64) -> Result<Vec<Request>> {
    let entries = Entry::all(tx)?;
    let mut in_flight: Vec<(i64, usize)> = Vec::new();
    for (_, entry) in entries.iter().filter(|(_, entry)| entry.is_send() && entry.lease_until > now) {
        count(&mut in_flight, entry.contact);
    }
    let mut blocked: Vec<i64> = Vec::new();
    let mut leased = Vec::new();
    for (row, mut entry) in entries {
        if leased.len() >= max {
            break;
        }
        let Some(action) = entry.action.clone() else { continue };
        if entry.lease_until > now || only.is_some_and(|contact| contact != entry.contact) {
            continue;
        }
        let send = entry.is_send();
        if entry.not_before > now || (send && blocked.contains(&entry.contact)) {
            // What was put off holds back what came after it in the same conversation.
            blocked.push(entry.contact);
            continue;
        }
        if send && count(&mut in_flight, entry.contact) > IN_FLIGHT {
            blocked.push(entry.contact);
            continue;
        }
        entry.attempt = entry.attempt.saturating_add(1);
        entry.lease_until = now.saturating_add(seconds);
        entry.save(tx, row)?;
        let id = RequestId(u64::try_from(row).map_err(|_| CORRUPT)?);
        leased.push(Request::new(id, entry.attempt, entry.created, entry.lease_until, action));
    }
    Ok(leased)
}

fn count(in_flight: &mut Vec<(i64, usize)>, contact: i64) -> usize {
    match in_flight.iter_mut().find(|(known, _)| *known == contact) {
        Some((_, count)) => {
            *count += 1;
            *count
        }
        None => {
            in_flight.push((contact, 1));
            1
        }
    }
}

impl Row for Queued {
    fn write(&self, writer: &mut Writer) {
        writer.array(6);
        self.id.write(writer);
        self.class.write(writer);
        self.content.write(writer);
        self.sent.write(writer);
        self.expires.write(writer);
        self.state.code().write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(6))?;
        Ok(Self {
            id: Row::read(reader)?,
            class: Row::read(reader)?,
            content: Row::read(reader)?,
            sent: Row::read(reader)?,
            expires: Row::read(reader)?,
            state: MessageState::from_code(Row::read(reader)?).ok_or(CORRUPT)?,
        })
    }
}

impl Row for Entry {
    fn write(&self, writer: &mut Writer) {
        writer.array(7);
        self.contact.write(writer);
        self.attempt.write(writer);
        self.created.write(writer);
        self.lease_until.write(writer);
        self.not_before.write(writer);
        self.action.write(writer);
        self.message.write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(7))?;
        Ok(Self {
            contact: Row::read(reader)?,
            attempt: Row::read(reader)?,
            created: Row::read(reader)?,
            lease_until: Row::read(reader)?,
            not_before: Row::read(reader)?,
            action: Row::read(reader)?,
            message: Row::read(reader)?,
        })
    }
}

impl Row for Index {
    fn write(&self, writer: &mut Writer) {
        writer.array(4);
        self.row.write(writer);
        self.digest.write(writer);
        self.state.code().write(writer);
        self.at.write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(4))?;
        Ok(Self {
            row: Row::read(reader)?,
            digest: Row::read(reader)?,
            state: MessageState::from_code(Row::read(reader)?).ok_or(CORRUPT)?,
            at: Row::read(reader)?,
        })
    }
}
