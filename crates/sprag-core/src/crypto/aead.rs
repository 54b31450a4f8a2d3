//! Authenticated encryption: ChaCha20-Poly1305 (RFC 8439), and XChaCha20-Poly1305 for values at rest.
//!
//! It does not choose nonces: callers use a key once, or derive the nonce.

use alloc::vec::Vec;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, XChaCha20Poly1305};

use crate::error::{Error, Result};
use crate::secret::{Secret, SecretBytes};

/// Bytes that a sealed text is longer than its plaintext.
pub const TAG: usize = 16;

/// Bytes of the nonce of [`seal`].
pub const NONCE: usize = 12;

/// Bytes of the nonce of [`xseal`].
pub const XNONCE: usize = 24;

/// Seals `plaintext` under `key`; `ad`, joined, is authenticated with it. The result is [`TAG`] bytes longer.
///
/// Callers give parts of `ad` that are of fixed length, or only the last of which varies.
///
/// # Errors
/// [`Error::TooLarge`] beyond the cipher's limit of 256 GiB.
pub fn seal(key: &Secret<32>, nonce: &[u8; NONCE], ad: &[&[u8]], plaintext: &[u8]) -> Result<Vec<u8>> {
    let aad = ad.concat();
    #[cfg(feature = "sabotage")]
    crate::sabotage::seals(key.expose_secret(), nonce, &aad, plaintext);
    ChaCha20Poly1305::new(key.expose_secret().into())
        .encrypt(nonce.into(), Payload { msg: plaintext, aad: &aad })
        .map_err(|_| Error::TooLarge)
}

/// Opens what [`seal`] made.
///
/// # Errors
/// [`Error::Open`], whatever was wrong.
pub fn open(key: &Secret<32>, nonce: &[u8; NONCE], ad: &[&[u8]], sealed: &[u8]) -> Result<SecretBytes> {
    let aad = ad.concat();
    ChaCha20Poly1305::new(key.expose_secret().into())
        .decrypt(nonce.into(), Payload { msg: sealed, aad: &aad })
        .map(SecretBytes::new)
        .map_err(|_| Error::Open)
}

/// [`seal`] with a nonce long enough to be random, for values at rest that are rewritten under one key.
///
/// # Errors
/// [`Error::TooLarge`] beyond the cipher's limit of 256 GiB.
pub fn xseal(key: &Secret<32>, nonce: &[u8; XNONCE], ad: &[&[u8]], plaintext: &[u8]) -> Result<Vec<u8>> {
    let aad = ad.concat();
    #[cfg(feature = "sabotage")]
    crate::sabotage::seals(key.expose_secret(), nonce, &aad, plaintext);
    XChaCha20Poly1305::new(key.expose_secret().into())
        .encrypt(nonce.into(), Payload { msg: plaintext, aad: &aad })
        .map_err(|_| Error::TooLarge)
}

/// Opens what [`xseal`] made.
///
/// # Errors
/// [`Error::Open`], whatever was wrong.
pub fn xopen(key: &Secret<32>, nonce: &[u8; XNONCE], ad: &[&[u8]], sealed: &[u8]) -> Result<SecretBytes> {
    let aad = ad.concat();
    XChaCha20Poly1305::new(key.expose_secret().into())
        .decrypt(nonce.into(), Payload { msg: sealed, aad: &aad })
        .map(SecretBytes::new)
        .map_err(|_| Error::Open)
}
