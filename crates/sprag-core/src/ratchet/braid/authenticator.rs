//! The authenticator: what ties every key and ciphertext of the braid to the epochs before it (ML-KEM Braid, section 2.3).
//!
//! It does not know what it authenticates.

use crate::crypto::hash::{hkdf, hmac};
use crate::error::{Error, Result};
use crate::label;
use crate::secret::Secret;

/// A root that every epoch's secret is mixed into, and the key of its MACs.
pub(super) struct Authenticator {
    root: Secret<32>,
    mac_key: Secret<32>,
}

impl Authenticator {
    /// From the secret that the handshake yields, for epoch `epoch`.
    pub(super) fn new(epoch: u64, secret: &Secret<32>) -> Self {
        Self::mixed(&[0; 32], epoch, secret)
    }

    /// With an epoch's secret mixed in.
    pub(super) fn update(&self, epoch: u64, key: &Secret<32>) -> Self {
        let root = if broken!("authenticator-of-one-epoch") { &[0; 32] } else { self.root.expose_secret() };
        Self::mixed(root, epoch, key)
    }

    fn mixed(root: &[u8; 32], epoch: u64, key: &Secret<32>) -> Self {
        let info = [label::BRAID_AUTHENTICATOR.as_bytes(), &epoch.to_be_bytes()];
        let keys: Secret<64> = hkdf(root, &[key.expose_secret()], &info);
        let (root, mac_key) = keys.expose_secret().split_at(32);
        Self {
            root: Secret::fill_with(|out| out.copy_from_slice(root)),
            mac_key: Secret::fill_with(|out| out.copy_from_slice(mac_key)),
        }
    }

    pub(super) const fn from_secrets(root: Secret<32>, mac_key: Secret<32>) -> Self {
        Self { root, mac_key }
    }

    /// Root and MAC key, to be stored sealed.
    pub(super) const fn expose_secrets(&self) -> [&[u8; 32]; 2] {
        [self.root.expose_secret(), self.mac_key.expose_secret()]
    }

    pub(super) fn duplicate(&self) -> Self {
        Self { root: self.root.duplicate(), mac_key: self.mac_key.duplicate() }
    }

    /// The MAC over an epoch's header.
    pub(super) fn header_mac(&self, epoch: u64, header: &[u8]) -> [u8; 32] {
        hmac(self.mac_key.expose_secret(), &[label::BRAID_HEADER.as_bytes(), &epoch.to_be_bytes(), header])
    }

    /// The MAC over an epoch's ciphertext.
    pub(super) fn ciphertext_mac(&self, epoch: u64, first: &[u8], second: &[u8]) -> [u8; 32] {
        let parts = [label::BRAID_CIPHERTEXT.as_bytes(), &epoch.to_be_bytes(), first, second];
        hmac(self.mac_key.expose_secret(), &parts)
    }

    /// A seed of `N` bytes from fresh randomness *and* this root, for what is given in `what`, of one length for each
    /// purpose: a random generator that repeats itself gives nothing away and repeats nothing in another session or epoch.
    pub(super) fn hedged<const N: usize>(
        &self,
        fresh: &Secret<32>,
        purpose: &str,
        epoch: u64,
        what: &[u8],
    ) -> Secret<N> {
        let root = if broken!("braid-of-randomness-alone") { &[0; 32] } else { self.root.expose_secret() };
        let fresh = if broken!("braid-of-state-alone") { &[0; 32] } else { fresh.expose_secret() };
        hkdf(fresh, &[root], &[purpose.as_bytes(), &epoch.to_be_bytes(), what])
    }
}

/// Compares two MACs in constant time.
///
/// # Errors
/// [`Error::Open`] if they differ.
pub(super) fn verify(expected: [u8; 32], received: &[u8]) -> Result<()> {
    let received = Secret::<32>::from_slice(received).map_err(|_| Error::Open)?;
    if Secret::new(expected).ct_eq(&received) { Ok(()) } else { Err(Error::Open) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(secret: u8, keys: [u8; 2]) -> Authenticator {
        let first = Authenticator::new(1, &Secret::new([secret; 32]));
        first.update(1, &Secret::new([keys[0]; 32])).update(2, &Secret::new([keys[1]; 32]))
    }

    /// A header or ciphertext of another session, epoch or past is none of this one.
    #[test]
    fn what_it_vouches_for_hangs_on_all_epochs_before() {
        let mac = |authenticator: &Authenticator| authenticator.header_mac(3, b"header");
        let known = mac(&after(1, [2, 3]));
        assert_eq!(mac(&after(1, [2, 3])), known);
        for other in [after(9, [2, 3]), after(1, [9, 3]), after(1, [2, 9])] {
            assert_ne!(mac(&other), known);
        }
        let authenticator = after(1, [2, 3]);
        assert_ne!(authenticator.header_mac(4, b"header"), known);
        assert_ne!(authenticator.ciphertext_mac(3, b"header", b""), known);
    }

    /// A generator that repeats itself does so neither in another session nor in another epoch, nor for another header.
    #[test]
    fn keys_differ_whatever_the_generator_does() {
        let seed = |authenticator: &Authenticator, epoch: u64, what: &[u8]| {
            *authenticator.hedged::<32>(&Secret::new([0; 32]), label::BRAID_SEED, epoch, what).expose_secret()
        };
        let known = seed(&after(1, [2, 3]), 3, &[]);
        assert_ne!(seed(&after(9, [2, 3]), 3, &[]), known);
        assert_ne!(seed(&after(1, [2, 9]), 3, &[]), known);
        assert_ne!(seed(&after(1, [2, 3]), 4, &[]), known);
        let bound = [1, 2].map(|byte| seed(&after(1, [2, 3]), 3, &[byte; 32]));
        assert!(bound[0] != bound[1] && !bound.contains(&known));
    }
}
