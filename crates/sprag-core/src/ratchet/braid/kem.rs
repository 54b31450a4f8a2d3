//! The key encapsulation that the braid is generic over: ML-KEM-768 in what ships, a toy in the exhaustive tests, whose
//! objects are a chunk or two so that every state can be visited.

use alloc::vec::Vec;

use crate::crypto::split_kem;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// A key encapsulation whose public key and ciphertext come in two parts each.
pub(in crate::ratchet) trait Kem {
    /// Bytes of the parts. With the MACs of 32 bytes beside header and second ciphertext, each is whole chunks.
    const HEADER: usize;
    const VECTOR: usize;
    const CIPHERTEXT_1: usize;
    const CIPHERTEXT_2: usize;

    /// Header and vector of the key of a seed.
    fn public(seed: &Secret<64>) -> (Vec<u8>, Vec<u8>);

    /// The first ciphertext for a header, and the secret.
    fn encapsulate(header: &[u8], randomness: &Secret<32>) -> Result<(Vec<u8>, Secret<32>)>;

    /// The second ciphertext; [`Error::BadKey`] if the vector is not the header's or no key.
    fn complete(header: &[u8], randomness: &Secret<32>, vector: &[u8]) -> Result<Vec<u8>>;

    /// The secret of both ciphertexts.
    fn decapsulate(seed: &Secret<64>, first: &[u8], second: &[u8]) -> Result<Secret<32>>;
}

/// ML-KEM-768.
pub(in crate::ratchet) struct MlKem768;

fn sized<const N: usize>(bytes: &[u8]) -> Result<&[u8; N]> {
    bytes.try_into().map_err(|_| Error::Malformed)
}

impl Kem for MlKem768 {
    const HEADER: usize = split_kem::HEADER;
    const VECTOR: usize = split_kem::VECTOR;
    const CIPHERTEXT_1: usize = split_kem::CIPHERTEXT_1;
    const CIPHERTEXT_2: usize = split_kem::CIPHERTEXT_2;

    fn public(seed: &Secret<64>) -> (Vec<u8>, Vec<u8>) {
        let (header, vector) = split_kem::public(seed);
        (header.to_vec(), vector.to_vec())
    }

    fn encapsulate(header: &[u8], randomness: &Secret<32>) -> Result<(Vec<u8>, Secret<32>)> {
        let (first, secret) = split_kem::encapsulate(sized(header)?, randomness)?;
        Ok((first.to_vec(), secret))
    }

    fn complete(header: &[u8], randomness: &Secret<32>, vector: &[u8]) -> Result<Vec<u8>> {
        split_kem::complete(sized(header)?, randomness, sized(vector)?).map(|second| second.to_vec())
    }

    fn decapsulate(seed: &Secret<64>, first: &[u8], second: &[u8]) -> Result<Secret<32>> {
        Ok(split_kem::decapsulate(seed, sized(first)?, sized(second)?))
    }
}
