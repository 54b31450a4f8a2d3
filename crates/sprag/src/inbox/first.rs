//! A slot that begins a session: the handshake with a stranger, or with a contact that begins anew.
//!
//! It changes nothing: what was used up is told in [`Fresh`].

use sprag_core::envelope::{Envelope, InitialSlot};
use sprag_core::handshake::{self, Claim};
use sprag_core::prekey::{OneTimePrekey, SignedPrekey};
use sprag_core::ratchet::{HINT, HintKey, Session};
use sprag_core::safety_number::SafetyNumber;

use super::{Effort, Examined, Found, Fresh, check};
use crate::account::{Own, door_id};
use crate::contact::{Known, SessionRef};
use crate::error::Result;
use crate::event::{Incoming, Reason};
use crate::prekeys::{self, Named};
use crate::session::Stored;
use crate::store::{Snapshot, Table};

/// Contacts beyond which no stranger becomes one more: the store has numbers for two million.
const MAX_CONTACTS: u64 = 100_000;

/// Finds out about the slot that begins a session with us; none if there is none.
pub(super) fn examine(
    snapshot: &Snapshot<'_>,
    own: &Own,
    envelope: &Envelope<'_>,
    incoming: &Incoming,
    effort: Effort,
) -> Result<Option<Examined>> {
    let unreadable = |reason| Ok(Some(Examined::Unreadable(reason, None)));
    let mut ours = None;
    for slot in envelope.initial() {
        let named = prekeys::find(snapshot, slot.fields.signed_prekey, slot.fields.one_time_prekey)?;
        if matches!(named, Named::Foreign) {
            continue;
        }
        // An honest sender begins one session with a device, and each costs us a key agreement.
        if ours.replace((slot, named)).is_some() {
            return unreadable(Reason::Malformed);
        }
    }
    match ours {
        None | Some((_, Named::Foreign)) => Ok(None),
        Some((_, Named::Gone)) => unreadable(Reason::KeyGone),
        Some((_, Named::Ours(..))) if effort == Effort::Light => Ok(Some(Examined::Heavy)),
        Some((slot, Named::Ours(signed, one_time))) => {
            begin(snapshot, own, slot, signed, one_time, envelope, incoming).map(Some)
        }
    }
}

/// Agrees on a session, and opens the message in it.
fn begin(
    snapshot: &Snapshot<'_>,
    own: &Own,
    slot: &InitialSlot,
    signed: SignedPrekey,
    one_time: Option<OneTimePrekey>,
    envelope: &Envelope<'_>,
    incoming: &Incoming,
) -> Result<Examined> {
    let fields = &slot.fields;
    let unreadable = |reason| Ok(Examined::Unreadable(reason, None));
    let unsealed = match handshake::unseal(own.account(), &own.device, &signed, one_time, fields) {
        Ok(unsealed) => unsealed,
        Err(error) => return unreadable(error.into()),
    };
    // Played again, when the session itself may be long forgotten.
    if prekeys::was_used(snapshot, unsealed.transcript())? {
        return unreadable(Reason::KeyGone);
    }
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
        Err(error) => return unreadable(error.into()),
    };
    let known = match claimed(snapshot, own, &claim, incoming)? {
        Ok(known) => known,
        Err(quarantined) => return Ok(quarantined),
    };
    let reference = SessionRef {
        ordinal: 0,
        device: claim.device,
        device_key: claim.device_key,
        transcript: *session.transcript(),
        heard: true,
        hint,
        marks: 0,
        knows: 0,
    };
    let found = Found { ordinal: 0, stored: Stored::new(session), key, delta };
    let fresh = Fresh { reference, signed: fields.signed_prekey, one_time: fields.one_time_prekey };
    check::check(snapshot, own, known, found, Some((claim, fresh)), envelope, incoming)
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
    if incoming.from.as_ref() != Some(&id) {
        return Ok(Err(Examined::Quarantined { fingerprint, changed: None }));
    }
    let known = match Known::find(snapshot, &id)? {
        Some(known) => known,
        None if snapshot.count(Table::Contact)? >= MAX_CONTACTS => {
            return Ok(Err(Examined::Unreadable(Reason::Exhausted, None)));
        }
        None => Known::unseen(id),
    };
    match &known.pin {
        Some(pin) if *pin.account() != claim.account && !broken!("any-identity") => {
            let number = SafetyNumber::between(own.account(), &claim.account).digits();
            Ok(Err(Examined::Quarantined { fingerprint, changed: Some((Box::new(known), number)) }))
        }
        _ => Ok(Ok(known)),
    }
}
