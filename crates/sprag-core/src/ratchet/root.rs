//! The root chain: each turn of the Diffie-Hellman ratchet mixes a new agreement into it (Double Ratchet, section 7.2).

use super::chain::Chain;
use crate::crypto::dh::{DhPublic, DhSecret};
use crate::crypto::hash::hkdf;
use crate::error::Result;
use crate::label;
use crate::random::Random;
use crate::secret::Secret;

/// The root key.
pub(super) struct Root(pub(super) Secret<32>);

/// What one turn of the root chain yields.
pub(super) struct Turn {
    pub(super) root: Root,
    pub(super) chain: Chain,
    /// The header key of the chain after this one in the same direction.
    pub(super) next_header_key: Secret<32>,
}

impl Root {
    /// Mixes the agreement of `ours` and `theirs`; the new chain's messages are found by `header_key`.
    pub(super) fn turn(&self, ours: &DhSecret, theirs: &DhPublic, header_key: Secret<32>) -> Result<Turn> {
        let shared = ours.agree(theirs)?;
        let keys: Secret<96> = hkdf(self.0.expose_secret(), &[shared.expose_secret()], &[label::ROOT_STEP.as_bytes()]);
        let part = |at: usize| Secret::from_slice(&keys.expose_secret()[at..at + 32]);
        Ok(Turn { root: Self(part(0)?), chain: Chain::new(header_key, part(32)?), next_header_key: part(64)? })
    }

    /// A new ratchet key, hedged with this root key and the session's transcript: a generator that repeats itself
    /// repeats no key in another session, and tells nobody this one.
    pub(super) fn ratchet_key(&self, transcript: &[u8; 32], random: &mut dyn Random) -> DhSecret {
        let fresh: Secret<32> = Secret::random(random);
        DhSecret::from_secret(hkdf(
            fresh.expose_secret(),
            &[self.0.expose_secret()],
            &[label::RATCHET_KEY.as_bytes(), transcript],
        ))
    }
}
