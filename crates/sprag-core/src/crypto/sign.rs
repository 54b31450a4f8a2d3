//! Signatures: Ed25519 (RFC 8032), strict verification only, always under a label.

use alloc::vec::Vec;

use ed25519_dalek::Signer;

use crate::error::{Error, Result};
use crate::random::Random;
use crate::secret::Secret;
use crate::wire::Writer;

/// Bytes of a signature.
pub const SIGNATURE: usize = 64;

/// An Ed25519 private key, kept as its 32-byte seed.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key of a 32-byte seed.
    #[must_use]
    pub fn from_seed(seed: &Secret<32>) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed.expose_secret()))
    }

    /// A fresh key.
    #[must_use]
    pub fn random(random: &mut dyn Random) -> Self {
        Self::from_seed(&Secret::random(random))
    }

    /// Its public key.
    #[must_use]
    pub fn public(&self) -> VerifyKey {
        VerifyKey(self.0.verifying_key().to_bytes())
    }

    /// Signs `CBOR[label, bstr(body)]`.
    #[must_use]
    pub fn sign(&self, label: &str, body: &[u8]) -> [u8; SIGNATURE] {
        self.0.sign(&signed_bytes(label, body)).to_bytes()
    }

    /// The seed, to be stored sealed.
    #[must_use]
    pub fn expose_seed(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

/// An Ed25519 public key: the canonical encoding of a point that is not of small order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VerifyKey([u8; 32]);

impl VerifyKey {
    /// Accepts 32 bytes as a public key.
    ///
    /// # Errors
    /// [`Error::BadKey`] if they are no point, not the canonical encoding of one, or one of small order.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes).map_err(|_| Error::BadKey)?;
        // RFC 8032 refuses y of 2^255 − 19 and above; decompression alone does not. Two encodings of one key would be
        // two identities that share every signature.
        let canonical = key.to_edwards().compress().to_bytes() == bytes;
        if key.is_weak() || !canonical { Err(Error::BadKey) } else { Ok(Self(bytes)) }
    }

    /// A key that [`Self::from_bytes`] accepted before and that was kept in one's own sealed store since: nothing is
    /// checked again. Never for bytes that somebody else could have written.
    #[must_use]
    pub const fn reopen(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes of the key.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Verifies a signature over `CBOR[label, bstr(body)]`, strictly: no malleable scalar, no small-order point.
    ///
    /// # Errors
    /// [`Error::BadSignature`].
    pub fn verify(&self, label: &str, body: &[u8], signature: &[u8; SIGNATURE]) -> Result<()> {
        if broken!("signatures-unchecked") {
            return Ok(());
        }
        self.verify_raw(&signed_bytes(label, body), signature)
    }

    /// Verifies a signature over bare bytes, for known-answer tests. Everything Sprag signs has a label.
    ///
    /// # Errors
    /// [`Error::BadSignature`].
    pub fn verify_raw(&self, message: &[u8], signature: &[u8; SIGNATURE]) -> Result<()> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(&self.0).map_err(|_| Error::BadKey)?;
        key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature)).map_err(|_| Error::BadSignature)
    }
}

fn signed_bytes(label: &str, body: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(2).text(label).bytes(body);
    writer.finish()
}
