//! Slot hints: four bytes by which a device finds its own slot in an envelope that names nobody.
//!
//! They prove nothing. Without the key of the device pair, two hints share nothing.

use super::message::HINT;
use crate::crypto::dh::{DhPublic, DhSecret};
use crate::crypto::hash::{hkdf, hmac};
use crate::crypto::sign::VerifyKey;
use crate::error::Result;
use crate::label;
use crate::secret::Secret;

/// The hint key of a pair of devices, computed once from their identity keys; the same on both sides.
pub struct HintKey(Secret<32>);

impl HintKey {
    /// The hint key between our identity key and theirs.
    ///
    /// # Errors
    /// [`Error::BadKey`](crate::Error::BadKey) if the agreement fails.
    pub fn between(ours: &DhSecret, theirs: &DhPublic) -> Result<Self> {
        let shared = ours.agree(theirs)?;
        Ok(Self(hkdf(&[0; 32], &[shared.expose_secret()], &[label::HINT_KEY.as_bytes()])))
    }

    /// A hint key that was stored.
    #[must_use]
    pub const fn from_secret(key: Secret<32>) -> Self {
        Self(key)
    }

    /// The key, to be stored sealed.
    #[must_use]
    pub const fn expose_secret(&self) -> &[u8; 32] {
        self.0.expose_secret()
    }

    /// The hint in the envelope with this commitment, sent by the device with this key.
    #[must_use]
    pub fn hint(&self, sender: &VerifyKey, commitment: &[u8; 32]) -> [u8; HINT] {
        let mac = hmac(self.0.expose_secret(), &[label::HINT.as_bytes(), sender.as_bytes(), commitment]);
        core::array::from_fn(|i| mac[i])
    }
}
