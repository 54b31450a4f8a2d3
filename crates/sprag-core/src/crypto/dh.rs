//! Diffie-Hellman: X25519 (RFC 7748), where a weak key or a zero secret is an error and never a value.

use curve25519_dalek::MontgomeryPoint;
use zeroize::Zeroize;

use crate::error::{Error, Result};
use crate::random::Random;
use crate::secret::Secret;

/// The canonical encodings of the points of small order, on the curve and on its twist (all others are not canonical).
const SMALL_ORDER: [[u8; 32]; 5] = {
    let zero = [0; 32];
    let mut one = [0; 32];
    one[0] = 1;
    let mut minus_one = [0xff; 32];
    minus_one[0] = 0xec;
    minus_one[31] = 0x7f;
    [
        zero,
        one,
        [
            0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09,
            0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
        ],
        [
            0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44,
            0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
        ],
        minus_one,
    ]
};

/// An X25519 public key: canonical, and not of small order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DhPublic([u8; 32]);

impl DhPublic {
    /// Accepts 32 bytes as a public key.
    ///
    /// # Errors
    /// [`Error::BadKey`] if the encoding is not canonical (2^255 − 19 or above, or its top bit set) or the point has
    /// small order. RFC 7748 would reduce or clear these; two encodings of one key would break every transcript.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self> {
        let high = bytes[31] > 0x7f;
        let beyond = bytes[31] == 0x7f && bytes[1..31].iter().all(|b| *b == 0xff) && bytes[0] >= 0xed;
        if (high || beyond || SMALL_ORDER.contains(&bytes)) && !broken!("weak-keys") {
            return Err(Error::BadKey);
        }
        Ok(Self(bytes))
    }

    /// The 32 bytes of the key.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// An X25519 private key: 32 bytes, clamped on use.
pub struct DhSecret(Secret<32>);

impl DhSecret {
    /// Takes 32 secret, uniformly random bytes as a private key.
    #[must_use]
    pub const fn from_secret(bytes: Secret<32>) -> Self {
        Self(bytes)
    }

    /// A fresh private key.
    #[must_use]
    pub fn random(random: &mut dyn Random) -> Self {
        Self(Secret::random(random))
    }

    /// Its public key. A clamped scalar is never zero, so this is never of small order.
    #[must_use]
    pub fn public(&self) -> DhPublic {
        DhPublic(MontgomeryPoint::mul_base_clamped(*self.0.expose_secret()).to_bytes())
    }

    /// The shared secret with `theirs`, 32 bytes.
    ///
    /// # Errors
    /// [`Error::BadKey`] if it is zero.
    pub fn agree(&self, theirs: &DhPublic) -> Result<Secret<32>> {
        let mut point = MontgomeryPoint(theirs.0).mul_clamped(*self.0.expose_secret());
        let shared: Secret<32> = Secret::fill_with(|out| out.copy_from_slice(point.as_bytes()));
        point.zeroize();
        if shared.ct_eq(&Secret::new([0; 32])) { Err(Error::BadKey) } else { Ok(shared) }
    }

    /// The private bytes, to be stored sealed.
    #[must_use]
    pub const fn expose_secret(&self) -> &[u8; 32] {
        self.0.expose_secret()
    }

    /// A second copy, spelled out because each copy is one more thing to wipe.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(self.0.duplicate())
    }
}
