//! The initiator's side: from a verified bundle to a session.
//!
//! It does not know how the fields travel.

use super::transcript::{Claim, Recipient, Shared};
use super::{Established, Fields, Resumption};
use crate::crypto::aead;
use crate::crypto::dh::{DhPublic, DhSecret};
use crate::crypto::hash::{Item, hash, hkdf};
use crate::error::{Error, Result};
use crate::identity::{Account, DeviceEntry, DeviceKeys};
use crate::label;
use crate::prekey::{VerifiedBundle, VerifiedPrekey};
use crate::random::Random;
use crate::secret::Secret;

/// What the initiator's handshake yields.
pub struct Initiated {
    /// The fields to send, verbatim, with every message until one is answered.
    pub fields: Fields,
    /// The session's first keys.
    pub established: Established,
    /// The responder's first ratchet key: its signed prekey's X25519 half.
    pub their_ratchet_key: DhPublic,
    /// Whom the session is with.
    pub account: Account,
    /// The device that the session is with.
    pub device: DeviceEntry,
    /// Whether a one-time prekey was used.
    pub one_time: bool,
}

/// Begins a session with the device of a verified bundle, which is used up. `resumption` is the secret of the session
/// that this one continues, one that was seen confirmed.
///
/// The ephemeral key and the KEM's randomness come from 32 bytes of `random` *and* a secret of the device *and* the
/// peer and prekeys: a constant generator repeats no key for two peers.
///
/// # Errors
/// [`Error::Mismatch`] if the bundle is of this very device or has its identity key; [`Error::BadKey`] if a shared
/// secret is zero.
#[allow(clippy::needless_pass_by_value, reason = "a bundle's one-time key may be used once: it is consumed")]
pub fn initiate(
    account: &Account,
    device: &DeviceKeys,
    bundle: VerifiedBundle,
    resumption: Option<&Resumption>,
    random: &mut dyn Random,
) -> Result<Initiated> {
    let claim = Claim {
        account: account.clone(),
        device: device.id(),
        device_key: device.device_key(),
        identity_key: device.identity().public(),
        resumption: resumption.map(Resumption::id),
    };
    let theirs = &bundle.device;
    if theirs.device_key == claim.device_key || theirs.identity_key == claim.identity_key {
        return Err(Error::Mismatch);
    }
    let claim = claim.encode();
    let (ephemeral, kem_randomness) = fresh(device, &bundle, claim.expose_secret(), random)?;
    let newest = bundle.one_time.as_ref().unwrap_or(&bundle.signed);
    let (ciphertext, kem) = newest.kem.encapsulate(kem_randomness);
    let shared = Shared {
        dh2: ephemeral.agree(&theirs.identity_key)?,
        dh3: ephemeral.agree(&bundle.signed.dh)?,
        dh4: bundle.one_time.as_ref().map(|prekey| ephemeral.agree(&prekey.dh)).transpose()?,
        kem,
    };
    let dh1 = device.identity().agree(&bundle.signed.dh)?;
    let recipient = Recipient {
        account: &bundle.account,
        device: theirs.id,
        device_key: theirs.device_key,
        identity_key: theirs.identity_key,
        signed_prekey: &bundle.signed.hash,
        one_time_prekey: bundle.one_time.as_ref().map(|prekey| &prekey.hash),
    };
    let ephemeral = ephemeral.public();
    let offer = recipient.offer(&ephemeral, &ciphertext);
    let sealed_id = aead::seal(&shared.identity_key(&offer), &[0; aead::NONCE], &[], claim.expose_secret())?;
    let transcript = shared.transcript(&offer, claim.expose_secret());
    let signed_prekey = bundle.signed.id();
    let one_time_prekey = bundle.one_time.as_ref().map(VerifiedPrekey::id);
    Ok(Initiated {
        fields: Fields { signed_prekey, one_time_prekey, ephemeral, ciphertext, sealed_id },
        established: shared.establish(&dh1, resumption, transcript)?,
        their_ratchet_key: bundle.signed.dh,
        one_time: bundle.one_time.is_some(),
        account: bundle.account,
        device: bundle.device,
    })
}

/// HKDF(32 random bytes, a secret of the device, label ‖ peer's device key ‖ prekey ids ‖ H(claim)): EK's private key and
/// the KEM's randomness.
fn fresh(
    device: &DeviceKeys,
    bundle: &VerifiedBundle,
    claim: &[u8],
    random: &mut dyn Random,
) -> Result<(DhSecret, Secret<32>)> {
    let salt: Secret<32> = Secret::random(random);
    let one_time = bundle.one_time.as_ref().map_or([0; 8], |prekey| prekey.id().0);
    let info: [&[u8]; 6] = [
        label::HANDSHAKE_EPHEMERAL.as_bytes(),
        bundle.device.device_key.as_bytes(),
        &bundle.signed.id().0,
        &[u8::from(bundle.one_time.is_some())],
        &one_time,
        &hash(label::HANDSHAKE_CLAIM, &[Item::Bytes(claim)]),
    ];
    let fresh: Secret<64> = hkdf(salt.expose_secret(), &[device.hedge().expose_secret()], &info);
    let (ephemeral, randomness) = fresh.expose_secret().split_at(32);
    Ok((DhSecret::from_secret(Secret::from_slice(ephemeral)?), Secret::from_slice(randomness)?))
}
