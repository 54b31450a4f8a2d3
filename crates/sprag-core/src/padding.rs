//! Padding: 0x80 and zeros up to Padmé's size (Nikitin et al., *Reducing Metadata Leakage from Encrypted Files and
//! Communication with PURBs*, section 4), at least 128 bytes; the 0x80 counts.
//!
//! It hides lengths in buckets that grow with the length, at a cost of at most 12 %. Any other padding is refused.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// The least padded length in bytes.
pub const LEAST: usize = 128;

/// The padded length of `length` bytes.
///
/// # Errors
/// [`Error::TooLarge`] where it would not fit a `usize`.
pub fn padded_len(length: usize) -> Result<usize> {
    let length = length.checked_add(1).ok_or(Error::TooLarge)?;
    if length <= LEAST {
        return Ok(LEAST);
    }
    let exponent = length.ilog2();
    let mask = (1 << (exponent - exponent.ilog2() - 1)) - 1;
    Ok(length.checked_add(mask).ok_or(Error::TooLarge)? & !mask)
}

/// Pads `content`.
///
/// # Errors
/// [`Error::TooLarge`] as in [`padded_len`].
pub fn pad(content: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let length = padded_len(content.len())?;
    let mut padded = Zeroizing::new(Vec::with_capacity(length));
    padded.extend_from_slice(content);
    padded.push(0x80);
    padded.resize(length, 0);
    Ok(padded)
}

/// The content of what [`pad`] made.
///
/// # Errors
/// [`Error::Padding`] for any other padding, longer or shorter.
pub fn unpad(padded: &[u8]) -> Result<&[u8]> {
    let end = padded.iter().rposition(|byte| *byte != 0).ok_or(Error::Padding)?;
    let content = padded.get(..end).ok_or(Error::Padding)?;
    let honest = padded.get(end) == Some(&0x80) && padded_len(content.len()) == Ok(padded.len());
    if honest { Ok(content) } else { Err(Error::Padding) }
}
