//! The responder's side: from the fields of a first message to a session, in two steps. Between them the caller looks
//! up whom the unsealed claim names.
//!
//! It does not delete the one-time key: the caller does, in the transaction that stores the session.

use super::transcript::{Claim, Recipient, Shared};
use super::{Established, Fields, Resumption};
use crate::crypto::aead;
use crate::error::{Error, Result};
use crate::identity::{Account, DeviceKeys};
use crate::prekey::{OneTimePrekey, SignedPrekey};
use crate::secret::Secret;

/// A handshake whose claim is known and whose keys are not made yet.
pub struct Unsealed {
    claim: Claim,
    transcript: [u8; 32],
    shared: Shared,
    dh1: Secret<32>,
}

/// Opens the claim of a first message with the prekeys that it names.
///
/// The one-time prekey is consumed. If the handshake is refused, here or later, the one in the store stays.
///
/// # Errors
/// [`Error::Mismatch`] if the prekeys are not those named, or the claim names this device's own keys;
/// [`Error::KeyGone`] if a one-time prekey is named and not given; [`Error::Open`] if the claim does not open, whatever
/// was changed; [`Error::BadKey`] for a claimed key that fails its check, or a shared secret of zero.
#[allow(clippy::needless_pass_by_value, reason = "a one-time key is consumed by its use")]
pub fn unseal(
    account: &Account,
    device: &DeviceKeys,
    signed: &SignedPrekey,
    one_time: Option<OneTimePrekey>,
    fields: &Fields,
) -> Result<Unsealed> {
    if fields.one_time_prekey.is_some() && one_time.is_none() {
        return Err(Error::KeyGone);
    }
    if fields.signed_prekey != signed.id() || fields.one_time_prekey != one_time.as_ref().map(OneTimePrekey::id) {
        return Err(Error::Mismatch);
    }
    let recipient = Recipient {
        account,
        device: device.id(),
        device_key: device.device_key(),
        identity_key: device.identity().public(),
        signed_prekey: signed.hash(),
        one_time_prekey: one_time.as_ref().map(OneTimePrekey::hash),
    };
    let kem = one_time.as_ref().map_or(signed.kem(), OneTimePrekey::kem);
    let shared = Shared {
        dh2: device.identity().agree(&fields.ephemeral)?,
        dh3: signed.dh().agree(&fields.ephemeral)?,
        dh4: one_time.as_ref().map(|prekey| prekey.dh().agree(&fields.ephemeral)).transpose()?,
        kem: kem.decapsulate(&fields.ciphertext),
    };
    let offer = recipient.offer(&fields.ephemeral, &fields.ciphertext);
    let plaintext = aead::open(&shared.identity_key(&offer), &[0; aead::NONCE], &[], &fields.sealed_id)?;
    let claim = Claim::decode(plaintext.expose_secret())?;
    if claim.device_key == recipient.device_key || claim.identity_key == recipient.identity_key {
        return Err(Error::Mismatch);
    }
    let dh1 = signed.dh().agree(&claim.identity_key)?;
    let transcript = shared.transcript(&offer, plaintext.expose_secret());
    Ok(Unsealed { claim, transcript, shared, dh1 })
}

impl Unsealed {
    /// Who says to have begun this. Not proven before a message of the session has opened.
    #[must_use]
    pub const fn claim(&self) -> &Claim {
        &self.claim
    }

    /// T. A handshake with a T that is known is the same session again.
    #[must_use]
    pub const fn transcript(&self) -> &[u8; 32] {
        &self.transcript
    }

    /// Makes the keys. `resumption` is the secret that the claim names, which the caller looked up.
    ///
    /// # Errors
    /// [`Error::KeyGone`] if the claim names one and none is given; [`Error::Mismatch`] if it names another, or none.
    pub fn finish(self, resumption: Option<&Resumption>) -> Result<Established> {
        match (self.claim.resumption, resumption.map(Resumption::id)) {
            (named, given) if named == given => self.shared.establish(&self.dh1, resumption, self.transcript),
            (Some(_), None) => Err(Error::KeyGone),
            _ => Err(Error::Mismatch),
        }
    }
}
