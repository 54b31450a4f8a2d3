//! Key encapsulation for the handshake: ML-KEM-1024 (FIPS 203). Private keys are kept as their 64-byte seeds.

use alloc::boxed::Box;

use libcrux_ml_kem::mlkem1024;
use libcrux_ml_kem::mlkem1024::incremental;
use zeroize::Zeroize;

use crate::error::{Error, Result};
use crate::random::Random;
use crate::secret::Secret;

/// Bytes of a public (encapsulation) key.
pub const PUBLIC: usize = 1568;

/// Bytes of a ciphertext.
pub const CIPHERTEXT: usize = 1568;

/// Bytes of a private (decapsulation) key, of the vector that it and the public key begin with, and of the first part of a
/// ciphertext.
const PRIVATE: usize = incremental::COMPRESSED_KEYPAIR_LEN;
const VECTOR: usize = incremental::pk2_len();
const CIPHERTEXT_1: usize = 1408;

/// Moves what the library returned into a box, and wipes the place it was returned in.
pub(super) fn kept(mut shared: [u8; 32]) -> Secret<32> {
    let secret = Secret::fill_with(|out| out.copy_from_slice(&shared));
    shared.zeroize();
    secret
}

/// An ML-KEM-1024 private key, as the seed (d ‖ z) that FIPS 203 generates it from.
pub struct KemSecret(Secret<64>);

impl KemSecret {
    /// The key of a 64-byte seed.
    #[must_use]
    pub const fn from_seed(seed: Secret<64>) -> Self {
        Self(seed)
    }

    /// A fresh key.
    #[must_use]
    pub fn random(random: &mut dyn Random) -> Self {
        Self(Secret::random(random))
    }

    /// The decapsulation key of FIPS 203 (section 7.1), written straight into its box: dk_pke 1536 ‖ ek ‖ H(ek) ‖ z.
    fn expanded(&self) -> Secret<PRIVATE> {
        Secret::fill_with(|out| incremental::generate_key_pair_compressed(*self.0.expose_secret(), out))
    }

    /// Its public key; generates the whole key pair anew, which takes some tens of microseconds.
    #[must_use]
    pub fn public(&self) -> KemPublic {
        let private = self.expanded();
        KemPublic(Box::new(core::array::from_fn(|i| private.expose_secret()[VECTOR + i])))
    }

    /// The shared secret of a ciphertext. A wrong ciphertext yields an unrelated secret (implicit rejection).
    #[must_use]
    pub fn decapsulate(&self, ciphertext: &[u8; CIPHERTEXT]) -> Secret<32> {
        let first = incremental::Ciphertext1 { value: core::array::from_fn(|i| ciphertext[i]) };
        let second = incremental::Ciphertext2 { value: core::array::from_fn(|i| ciphertext[CIPHERTEXT_1 + i]) };
        kept(incremental::decapsulate_compressed_key(self.expanded().expose_secret(), &first, &second))
    }

    /// The seed, to be stored sealed.
    #[must_use]
    pub const fn expose_seed(&self) -> &[u8; 64] {
        self.0.expose_secret()
    }
}

/// An ML-KEM-1024 public key that passed the modulus check of FIPS 203, section 7.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KemPublic(Box<[u8; PUBLIC]>);

impl KemPublic {
    /// Accepts [`PUBLIC`] bytes as a public key.
    ///
    /// # Errors
    /// [`Error::BadKey`] for another length, or if a coefficient is not reduced.
    pub fn from_slice(bytes: &[u8]) -> Result<Self> {
        let bytes: Box<[u8; PUBLIC]> = Box::new(bytes.try_into().map_err(|_| Error::BadKey)?);
        if mlkem1024::validate_public_key(&(*bytes).into()) { Ok(Self(bytes)) } else { Err(Error::BadKey) }
    }

    /// The bytes of the key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; PUBLIC] {
        &self.0
    }

    /// A ciphertext for the holder of this key, and the secret in it. The randomness is used up.
    #[must_use]
    #[allow(clippy::needless_pass_by_value, reason = "a single-use secret is consumed by its use")]
    pub fn encapsulate(&self, randomness: Secret<32>) -> (Box<[u8; CIPHERTEXT]>, Secret<32>) {
        let (ciphertext, shared) = mlkem1024::encapsulate(&(*self.0).into(), *randomness.expose_secret());
        (Box::new(*ciphertext.as_slice()), kept(shared))
    }
}
