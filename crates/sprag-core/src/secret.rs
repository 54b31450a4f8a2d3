//! Secret bytes: boxed, wiped on drop, compared in constant time, read by the one word `expose_secret`.
//!
//! It does not know what the bytes are for. No `Debug`, `Clone` or `==`: nothing prints, copies or compares by accident.

use alloc::boxed::Box;
use alloc::vec::Vec;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::error::{Error, Result};
use crate::random::Random;

/// A secret of exactly `N` bytes.
pub struct Secret<const N: usize>(Box<[u8; N]>);

impl<const N: usize> Secret<N> {
    /// Copies the bytes into their box. The caller's own copy is the caller's to wipe: wiping an argument that is passed
    /// by value may wipe what a later call is given.
    #[must_use]
    pub fn new(bytes: [u8; N]) -> Self {
        Self::fill_with(|out| out.copy_from_slice(&bytes))
    }

    /// `N` fresh random bytes, written straight into their box.
    #[must_use]
    pub fn random(random: &mut dyn Random) -> Self {
        Self::fill_with(|out| random.fill(out))
    }

    /// Copies exactly `N` bytes; any other length is [`Error::Malformed`].
    pub fn from_slice(bytes: &[u8]) -> Result<Self> {
        if bytes.len() != N {
            return Err(Error::Malformed);
        }
        Ok(Self::fill_with(|out| out.copy_from_slice(bytes)))
    }

    /// A secret that `write` puts straight into its box, which starts as zeros.
    #[must_use]
    pub fn fill_with(write: impl FnOnce(&mut [u8; N])) -> Self {
        let mut secret = Self(Box::new([0; N]));
        write(&mut secret.0);
        secret
    }

    /// The bytes themselves: the one word to search for when auditing who reads secrets.
    #[must_use]
    pub const fn expose_secret(&self) -> &[u8; N] {
        &self.0
    }

    /// A second copy, spelled out because each copy is one more thing to wipe.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::fill_with(|out| out.copy_from_slice(self.0.as_slice()))
    }

    /// Compares in constant time.
    #[must_use]
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A secret of any length, wiped on drop over its whole capacity.
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes the bytes over without copying them.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes themselves.
    #[must_use]
    pub fn expose_secret(&self) -> &[u8] {
        &self.0
    }

    /// A second copy, spelled out because each copy is one more thing to wipe.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::new(self.0.to_vec())
    }
}
