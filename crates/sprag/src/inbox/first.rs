//! A slot that begins a session: the handshake with a stranger, or with a contact that begins anew.
//!
//! It changes nothing: what was used up is told in [`Fresh`].

use sprag_core::envelope::{Envelope, InitialSlot};
use sprag_core::handshake::{self, Claim, Fields, Unsealed};
use sprag_core::prekey::{OneTimePrekey, SignedPrekey};
use sprag_core::ratchet::{HINT, HintKey, Session};

use super::{Effort, Examined, Found, Fresh, check};
use crate::account::{Own, before, door_id};
use crate::cards;
use crate::contact::{Known, SessionRef};
use crate::error::Result;
use crate::event::{Incoming, Reason};
use crate::healing::{Unopened, sender_of};
use crate::prekeys::{self, Named};
use crate::resume;
use crate::session::Stored;
use crate::store::{Snapshot, Table};
use crate::trust;

/// Contacts beyond which no stranger becomes one more: the store has numbers for two million.
const MAX_CONTACTS: u64 = 100_000;

/// Finds out about the slot that begins a session with us; none if there is none.
pub(super) fn examine(
    snapshot: &Snapshot<'_>,
    own: &Own,
    envelope: &Envelope<'_>,
    incoming: &Incoming,
    effort: Effort,
    now: u64,
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
        Some((slot, Named::Gone)) => gone(snapshot, own, slot, envelope, incoming).map(Some),
        Some((_, Named::Ours(..))) if effort == Effort::Light => Ok(Some(Examined::Heavy)),
        Some((slot, Named::Ours(signed, one_time))) => {
            begin(snapshot, own, slot, (signed, one_time), envelope, incoming, now).map(Some)
        }
    }
}

/// A slot that names a prekey of ours which is gone: whose it is, its hint tells.
fn gone(
    snapshot: &Snapshot<'_>,
    own: &Own,
    slot: &InitialSlot,
    envelope: &Envelope<'_>,
    incoming: &Incoming,
) -> Result<Examined> {
    let reason = Reason::KeyGone;
    let known = incoming.from.as_ref().map(|from| Known::find(snapshot, from)).transpose()?.flatten();
    let commitment = *envelope.commitment();
    let device = known.as_ref().and_then(|known| sender_of(own, known, &slot.slot[..HINT], &commitment));
    Ok(match (known, device) {
        (Some(known), Some(device)) => {
            Examined::Unopened(Box::new(Unopened { known, device, commitment, reason, is_unknown: false }))
        }
        _ => Examined::Unreadable(reason, None),
    })
}

/// Agrees on a session, and opens the message in it.
fn begin(
    snapshot: &Snapshot<'_>,
    own: &Own,
    slot: &InitialSlot,
    (signed, one_time): (SignedPrekey, Option<OneTimePrekey>),
    envelope: &Envelope<'_>,
    incoming: &Incoming,
    now: u64,
) -> Result<Examined> {
    let fields = &slot.fields;
    let unreadable = |reason| Ok(Examined::Unreadable(reason, None));
    let (unsealed, is_outdated) = match handshake::unseal(own.account(), &own.device, &signed, one_time, fields) {
        Ok(unsealed) => (unsealed, false),
        Err(error) => match unseal_before(snapshot, own, fields, now)? {
            Some(unsealed) => (unsealed, true),
            None => return unreadable(error.into()),
        },
    };
    // Played again, when the session itself may be long forgotten.
    if prekeys::was_used(snapshot, unsealed.transcript())? {
        return unreadable(Reason::KeyGone);
    }
    let claim = unsealed.claim().clone();
    let claimed = claimed(snapshot, &claim, incoming)?;
    let named = match &claimed {
        // A device goes on when its account has another key.
        Claimed::Contact(known) | Claimed::Changed(known) => resume::named(snapshot, known, &claim)?,
        Claimed::Refused(_) => resume::Named::Nothing,
    };
    let (claimed, continues) = match (claimed, named) {
        (Claimed::Contact(known), resume::Named::Older(ordinal)) => return Ok(Examined::Evidence(known, ordinal)),
        (Claimed::Contact(known) | Claimed::Changed(known), resume::Named::Unknown) => {
            let (device, commitment, reason) = (claim.device, *envelope.commitment(), Reason::KeyGone);
            let is_theirs = sender_of(own, &known, &slot.slot[..HINT], &commitment) == Some(device);
            return if is_theirs {
                let known = *known;
                Ok(Examined::Unopened(Box::new(Unopened { known, device, commitment, reason, is_unknown: true })))
            } else {
                unreadable(reason)
            };
        }
        (claimed, resume::Named::Old(old)) => (claimed, Some(old)),
        (claimed, _) => (claimed, None),
    };
    let resumption = continues.as_ref().map(|old| &old.resumption);
    let begun = HintKey::between(own.device.identity(), &claim.identity_key).and_then(|hint| {
        if slot.slot[..HINT] != hint.hint(&claim.device_key, envelope.commitment()) {
            return Err(sprag_core::Error::Mismatch);
        }
        let session = Session::respond(unsealed.finish(resumption)?, signed.ratchet_key());
        let (key, delta) = session.open(&slot.slot, envelope.binding(Some(&slot.fields_hash)))?;
        Ok((hint, session, key, delta))
    });
    let (hint, session, key, delta) = match begun {
        Ok(begun) => begun,
        Err(error) => return unreadable(error.into()),
    };
    let fingerprint = claim.account.fingerprint();
    let (known, before) = match claimed {
        Claimed::Contact(known) => (*known, None),
        Claimed::Changed(before) => {
            // What is pinned says nothing about another identity.
            let mut known = Known::unseen(before.account.clone());
            known.row = before.row;
            (known, Some(before))
        }
        Claimed::Refused(refused) => return Ok(refused),
    };
    let mut reference = SessionRef {
        ordinal: 0,
        device: claim.device,
        device_key: claim.device_key,
        transcript: *session.transcript(),
        heard: true,
        hint,
        marks: 0,
        generation: 0,
        knows: 0,
    };
    if is_outdated {
        // What we are from now on, a session of ours says.
        reference.mark_spent();
    }
    let found = Found { ordinal: 0, stored: Stored::new(session), key, delta };
    let continues = continues.map(|old| (old.ordinal, old.progress));
    let fresh = Fresh { reference, signed: fields.signed_prekey, one_time: fields.one_time_prekey, continues };
    let examined = check::check(snapshot, own, known, found, Some((claim, fresh)), envelope, incoming)?;
    Ok(match before {
        None => examined,
        Some(before) => changed(own, before, fingerprint, examined),
    })
}

/// A claim in a handshake that was begun for an account key which another has followed since.
fn unseal_before(snapshot: &Snapshot<'_>, own: &Own, fields: &Fields, now: u64) -> Result<Option<Unsealed>> {
    for account in before::accounts(snapshot, now)? {
        let named = prekeys::find(snapshot, fields.signed_prekey, fields.one_time_prekey)?;
        let Named::Ours(signed, one_time) = named else { return Ok(None) };
        if let Ok(unsealed) = handshake::unseal(&account, &own.device, &signed, one_time, fields) {
            return Ok(Some(unsealed));
        }
    }
    Ok(None)
}

/// Whom a claim is about.
enum Claimed {
    /// Somebody who may be pinned under the id that it claims, or is already.
    Contact(Box<Known>),
    /// A contact that is pinned under another key.
    Changed(Box<Known>),
    Refused(Examined),
}

/// The contact that a claim is about: its id is to be the one that the app names.
fn claimed(snapshot: &Snapshot<'_>, claim: &Claim, incoming: &Incoming) -> Result<Claimed> {
    let id = door_id(&claim.account.id)?;
    if incoming.from.as_ref() != Some(&id) {
        let fingerprint = claim.account.fingerprint();
        return Ok(Claimed::Refused(Examined::Quarantined { fingerprint, offered: None }));
    }
    let known = match Known::find(snapshot, &id)? {
        Some(known) => Box::new(known),
        None if snapshot.count(Table::Contact)? >= MAX_CONTACTS => {
            return Ok(Claimed::Refused(Examined::Unreadable(Reason::Exhausted, None)));
        }
        None => Box::new(Known::unseen(id)),
    };
    if known.pin.is_none() && !cards::is_expected(snapshot, &claim.account)? {
        let fingerprint = claim.account.fingerprint();
        return Ok(Claimed::Refused(Examined::Quarantined { fingerprint, offered: None }));
    }
    Ok(match &known.pin {
        Some(pin) if *pin.account() != claim.account && !broken!("any-identity") => Claimed::Changed(known),
        _ => Claimed::Contact(known),
    })
}

/// What a message is worth that came under a contact's name from another identity, which its list has proved.
fn changed(own: &Own, before: Box<Known>, fingerprint: [u8; 32], examined: Examined) -> Examined {
    let Examined::Opened(mut opened) = examined else { return examined };
    if !trust::is_asked(own, &before) {
        opened.before = Some(before);
        return Examined::Opened(opened);
    }
    let offered = opened.adopted.map(|(_, list)| Box::new((*before, list)));
    Examined::Quarantined { fingerprint, offered }
}
