//! A KEM of two chunks an object, so that tests can visit every state, and a generator for them.

use alloc::vec::Vec;

use super::kem::Kem;
use crate::crypto::hash::{Item, hash, sha256};
use crate::error::{Error, Result};
use crate::random::Random;
use crate::secret::Secret;

/// Keeps no secret at all: it only has the shapes and the checks.
pub(super) struct Toy;

pub(super) fn digest(parts: &[&[u8]]) -> [u8; 32] {
    hash("toy", &parts.iter().map(|part| Item::Bytes(part)).collect::<Vec<_>>())
}

impl Kem for Toy {
    const HEADER: usize = 32;
    const VECTOR: usize = 64;
    const CIPHERTEXT_1: usize = 64;
    const CIPHERTEXT_2: usize = 32;

    fn public(seed: &Secret<64>) -> (Vec<u8>, Vec<u8>) {
        let vector = [digest(&[b"v", seed.expose_secret()]), digest(&[b"w", seed.expose_secret()])].concat();
        (sha256(&vector).to_vec(), vector)
    }

    fn encapsulate(header: &[u8], randomness: &Secret<32>) -> Result<(Vec<u8>, Secret<32>)> {
        let first = [*randomness.expose_secret(), digest(&[b"1", header])].concat();
        Ok((first, Secret::new(digest(&[header, randomness.expose_secret()]))))
    }

    fn complete(header: &[u8], randomness: &Secret<32>, vector: &[u8]) -> Result<Vec<u8>> {
        if sha256(vector) != header {
            return Err(Error::BadKey);
        }
        Ok(digest(&[b"2", randomness.expose_secret(), vector]).to_vec())
    }

    fn decapsulate(seed: &Secret<64>, first: &[u8], _: &[u8]) -> Result<Secret<32>> {
        Ok(Secret::new(digest(&[&Self::public(seed).0, &first[..32]])))
    }
}

/// A generator that yields the same for ever: keys then depend on the epoch alone, and states that are alike are equal.
pub(super) struct Constant;

impl Random for Constant {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(9);
    }
}
