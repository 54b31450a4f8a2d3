//! Sealing a message for every device of a contact, in one envelope.
//!
//! It does not know what becomes of it.

use sprag_core::content::{
    Body, Content as Wire, Conversation as Place, EXT_CLASS, EXT_LIST, EXT_SESSIONS, ListStatement,
};
use sprag_core::envelope::{SealedPayload, Sealing};
use sprag_core::franking::Audience;
use sprag_core::handshake::Fields;
use sprag_core::random::Random;
use sprag_core::ratchet::HINT;
use sprag_core::wire::Extensions;

use super::message::{Echo, Queued, Waiting, progress};
use super::{Cargo, Entry};
use crate::account::{Own, core_id};
use crate::contact::{ENOUGH, Known, SessionRef};
use crate::error::{Error, Result};
use crate::event::{MessageState, Reason};
use crate::id::{Class, Content, Conversation, Trust};
use crate::request::Send;
use crate::session::{Stored, Unanswered};
use crate::store::{Table, Tx};

/// A session that a message is sealed in.
struct Lane<'a> {
    reference: &'a SessionRef,
    row: i64,
    stored: Stored,
    /// The handshake, where this message is to carry it.
    carries: Option<Unanswered>,
}

/// A message that is ready to leave.
pub(crate) struct Sealed {
    pub(crate) send: Send,
    /// The sessions whose handshake it carries.
    pub(crate) carried: Vec<u32>,
}

impl<'a> Lane<'a> {
    /// None if the session is to be begun anew.
    fn load(tx: &Tx<'_>, known: &Known, reference: &'a SessionRef, now: u64) -> Result<Option<Self>> {
        let row = known.session_row(reference.ordinal);
        let unanswered = if reference.heard { None } else { Unanswered::load(tx, row)? };
        if unanswered.as_ref().is_some_and(|unanswered| unanswered.is_lost(now)) {
            return Ok(None);
        }
        let stored = Stored::load(tx, row)?;
        if stored.session.remaining() < ENOUGH {
            return Ok(None);
        }
        let carries = unanswered.filter(|unanswered| unanswered.is_due(now));
        Ok(Some(Self { reference, row, stored, carries }))
    }

    fn fields(&self) -> Option<&Fields> {
        self.carries.as_ref().map(|unanswered| &unanswered.fields)
    }
}

/// Seals a message for every device of the contact, if there is a session with each; else tells that keys are needed.
///
/// # Errors
/// [`Error::Misuse`] if it does not fit `max_body`.
pub(crate) fn seal(
    tx: &Tx<'_>,
    own: &Own,
    known: &Known,
    message: &Queued,
    now: u64,
    random: &mut dyn Random,
) -> Result<Option<Sealed>> {
    let (Some(list), Some(pin)) = (&known.list, &known.pin) else { return Ok(None) };
    let mut lanes = Vec::new();
    for device in list.devices() {
        let Some(reference) = known.session_with(device.id) else { return Ok(None) };
        let Some(lane) = Lane::load(tx, known, reference, now)? else { return Ok(None) };
        lanes.push(lane);
    }
    let mut content = Wire {
        id: message.id.to_vec(),
        sent: message.sent,
        conversation: Place::Direct { recipient: None },
        lists: vec![
            ListStatement { sequence: own.list.sequence(), mac: [0; 8] },
            ListStatement { sequence: pin.sequence(), mac: [0; 8] },
        ],
        body: body(message.content.as_ref()),
        extensions: extensions(own, known, message, &lanes),
    };
    let audience = Audience::direct(&own.account.account().id, &core_id(&known.account)?);
    let keys: Vec<_> = list.devices().map(|device| device.device_key).collect();
    let sealing = Sealing {
        hedge: &own.device.hedge(),
        audience: &audience,
        list_hashes: &[*own.list.hash(), *list.hash()],
        devices: &keys,
    };
    let payload = SealedPayload::seal(&mut content, &sealing, random)?;
    let blob = envelope(own, &payload, &mut lanes, random)?;
    // Before anything is written: one message that does not fit must not move the ratchets of those after it.
    if blob.len() > usize::try_from(own.policy.max_body).unwrap_or(usize::MAX) {
        return Err(Error::Misuse("the message does not fit max_body"));
    }
    for lane in &lanes {
        if broken!("handshakes-counted-when-sealed") {
            known.handshake_left(tx, lane.reference.ordinal, now)?;
        }
        lane.stored.save(tx, lane.row)?;
    }
    let shown = message.content.is_some().then_some(&message.id);
    Echo::save(tx, payload.commitment(), shown, now)?;
    let carried = lanes.iter().filter(|lane| lane.carries.is_some()).map(|lane| lane.reference.ordinal).collect();
    let conversation = Conversation::Direct(known.account.clone());
    let mut send = Send::new(conversation, vec![known.account.clone()], blob, *payload.commitment());
    send.message = shown.cloned();
    send.class = message.class;
    send.notify = message.content.is_some() && message.class == Class::Message;
    send.expires = message.expires;
    Ok(Some(Sealed { send, carried }))
}

/// The slots of every device around one payload.
fn envelope(own: &Own, payload: &SealedPayload, lanes: &mut [Lane<'_>], random: &mut dyn Random) -> Result<Vec<u8>> {
    let mut sealed = Vec::with_capacity(lanes.len());
    for lane in &mut *lanes {
        let binding_hash = lane.fields().map(Fields::binding);
        let binding = payload.binding(binding_hash.as_ref());
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
    Ok(payload.envelope(&slots, &initial)?)
}

fn body(content: Option<&Content>) -> Body {
    match content {
        None => Body::Empty,
        Some(Content::Text(text)) => Body::Text(text.clone()),
        Some(Content::App { kind, bytes }) => Body::App { kind: kind.clone(), bytes: bytes.clone() },
    }
}

fn extensions(own: &Own, known: &Known, message: &Queued, lanes: &[Lane<'_>]) -> Extensions {
    let mut extensions = Extensions::new();
    if message.class == Class::Quiet && message.content.is_some() {
        extensions.insert(EXT_CLASS, vec![2]);
    }
    if lanes.iter().any(|lane| lane.carries.is_some()) {
        extensions.insert(EXT_LIST, own.list.as_bytes().to_vec());
    }
    let used = |other: &SessionRef| lanes.iter().any(|lane| lane.reference.ordinal == other.ordinal);
    let others = known.sessions.iter().filter(|session| !session.heard && !used(session));
    let names: Vec<u8> = others.flat_map(|session| session.transcript[..8].to_vec()).collect();
    if !names.is_empty() {
        extensions.insert(EXT_SESSIONS, names);
    }
    extensions
}

/// Seals what waits for this contact's keys, in order; nothing while another identity was offered for it.
pub(crate) fn flush(tx: &Tx<'_>, own: &Own, known: &Known, now: u64, random: &mut dyn Random) -> Result<()> {
    if known.trust == Trust::Changed {
        return Ok(());
    }
    for (row, message) in Waiting::for_keys(tx, known.row)? {
        match seal(tx, own, known, &message, now, random) {
            Ok(Some(sealed)) => {
                tx.delete(Table::Waiting, row)?;
                progress(tx, &message, known, MessageState::Ready, None, now)?;
                Entry::put(tx, row, known.row, &Cargo::sealed(sealed, message), now)?;
            }
            Ok(None) => return Ok(()),
            Err(Error::Misuse(_)) => {
                progress(tx, &message, known, MessageState::Failed, Some(Reason::TooLarge), now)?;
                tx.delete(Table::Waiting, row)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
