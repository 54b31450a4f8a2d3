//! Resumption: how a later handshake proves that it continues a session.
//!
//! It does not know which sessions exist, nor which secrets are still good.

use crate::crypto::hash::{Item, hash, hkdf};
use crate::label;
use crate::secret::Secret;

/// The id by which a handshake names a resumption secret: the first 8 bytes of its hash.
pub type ResumptionId = [u8; 8];

/// A secret that only the two devices of a session have, and a thief of their identity keys has not.
pub struct Resumption(Secret<32>);

impl Resumption {
    /// Derives it from a root key of the session and the session's transcript.
    #[must_use]
    pub fn derive(root_key: &Secret<32>, transcript: &[u8; 32]) -> Self {
        let info: [&[u8]; 2] = [label::RESUMPTION_SECRET.as_bytes(), transcript];
        Self(hkdf(&[0; 32], &[root_key.expose_secret()], &info))
    }

    /// The secret of the next epoch, from this one and the root of that epoch's chains.
    #[must_use]
    pub fn next(&self, epoch_root: &Secret<32>, transcript: &[u8; 32]) -> Self {
        let info: [&[u8]; 2] = [label::RESUMPTION_EPOCH.as_bytes(), transcript];
        Self(hkdf(self.0.expose_secret(), &[epoch_root.expose_secret()], &info))
    }

    /// Takes over a secret that was stored.
    #[must_use]
    pub const fn from_secret(secret: Secret<32>) -> Self {
        Self(secret)
    }

    /// The secret, to be stored sealed.
    #[must_use]
    pub const fn secret(&self) -> &Secret<32> {
        &self.0
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> ResumptionId {
        let digest = hash(label::RESUMPTION_ID, &[Item::Bytes(self.0.expose_secret())]);
        core::array::from_fn(|i| digest[i])
    }
}
