//! Key encapsulation in halves for the ratchet: ML-KEM-768 (FIPS 203), of which key and ciphertext travel in pieces.
//!
//! ```text
//!   holder     seed ──▶ header (64) · vector (1152)                    seed, ct1, ct2 ──▶ secret
//!   peer       header, randomness ──▶ ct1 (960), secret        header, randomness, vector ──▶ ct2 (128)
//! ```
//! `ct1 ‖ ct2` and the secret are exactly what FIPS 203 yields for the same key and randomness. What is kept between the
//! steps is the seed and the randomness, never the library's own state: no stored byte depends on a processor.

use alloc::boxed::Box;

use super::kem::kept;
use crate::error::{Error, Result};
use crate::secret::Secret;
use libcrux_ml_kem::mlkem768::incremental;

/// Bytes of a header: the seed of the public matrix and SHA3-256 of the encapsulation key.
pub const HEADER: usize = 64;

/// Bytes of a vector: the rest of the encapsulation key.
pub const VECTOR: usize = 1152;

/// Bytes of the first part of a ciphertext, which needs the header alone.
pub const CIPHERTEXT_1: usize = 960;

/// Bytes of the second part of a ciphertext, which needs the vector as well.
pub const CIPHERTEXT_2: usize = 128;

const STATE: usize = incremental::encaps_state_len();

/// The decapsulation key of FIPS 203 (section 7.1), written straight into its box: dk_pke, vector, seed of the matrix, H(ek),
/// z; the two before the last are the header.
fn expanded(seed: &Secret<64>) -> Secret<{ incremental::COMPRESSED_KEYPAIR_LEN }> {
    Secret::fill_with(|out| incremental::generate_key_pair_compressed(*seed.expose_secret(), out))
}

/// The public half of a key, from the 64-byte seed (d ‖ z) that FIPS 203 generates it from: its header and its vector.
#[must_use]
pub fn public(seed: &Secret<64>) -> ([u8; HEADER], Box<[u8; VECTOR]>) {
    let pair = expanded(seed);
    let vector = Box::new(core::array::from_fn(|i| pair.expose_secret()[VECTOR + i]));
    let header = core::array::from_fn(|i| pair.expose_secret()[2 * VECTOR + i]);
    (header, vector)
}

/// The first part of a ciphertext for the holder of a header, and the secret in it.
///
/// # Errors
/// None for a header of this length; [`Error::BadKey`] if the library finds otherwise.
pub fn encapsulate(header: &[u8; HEADER], randomness: &Secret<32>) -> Result<(Box<[u8; CIPHERTEXT_1]>, Secret<32>)> {
    let (first, _, secret) = first_part(header, randomness)?;
    Ok((first, secret))
}

/// The second part of the ciphertext that [`encapsulate`] began with the same header and randomness.
///
/// # Errors
/// [`Error::BadKey`] if the vector is not the header's, or a coefficient of it is not reduced (FIPS 203, section 7.2).
pub fn complete(header: &[u8; HEADER], randomness: &Secret<32>, vector: &[u8; VECTOR]) -> Result<[u8; CIPHERTEXT_2]> {
    check(header, vector)?;
    let (_, state, _) = first_part(header, randomness)?;
    Ok(incremental::encapsulate2(state.expose_secret(), vector).value)
}

/// That a vector belongs to a header and is a key at all.
///
/// # Errors
/// [`Error::BadKey`] if not.
pub fn check(header: &[u8; HEADER], vector: &[u8; VECTOR]) -> Result<()> {
    incremental::validate_pk_bytes(header, vector).map_err(|_| Error::BadKey)
}

/// The secret of a ciphertext. A wrong ciphertext yields an unrelated secret (implicit rejection).
#[must_use]
pub fn decapsulate(seed: &Secret<64>, first: &[u8; CIPHERTEXT_1], second: &[u8; CIPHERTEXT_2]) -> Secret<32> {
    let (first, second) = (incremental::Ciphertext1 { value: *first }, incremental::Ciphertext2 { value: *second });
    kept(incremental::decapsulate_compressed_key(expanded(seed).expose_secret(), &first, &second))
}

type First = (Box<[u8; CIPHERTEXT_1]>, Secret<STATE>, Secret<32>);

fn first_part(header: &[u8; HEADER], randomness: &Secret<32>) -> Result<First> {
    let mut made = Err(Error::BadKey);
    let state = Secret::fill_with(|state: &mut [u8; STATE]| {
        let mut first = Err(Error::BadKey);
        let secret = Secret::fill_with(|secret| {
            first = incremental::encapsulate1(header, *randomness.expose_secret(), state, secret)
                .map_err(|_| Error::BadKey);
        });
        made = first.map(|first| (Box::new(first.value), secret));
    });
    made.map(|(first, secret)| (first, state, secret))
}
