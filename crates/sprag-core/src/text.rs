//! Bytes as text that people can read out and type: Crockford's base 32, in groups, with a checksum.
//!
//! It does not know what the bytes are for.

use alloc::string::String;
use alloc::vec::Vec;

use zeroize::Zeroizing;

use crate::crypto::hash::{Item, hash};
use crate::error::{Error, Result};
use crate::secret::SecretBytes;

/// No I, L, O, U: they are mistaken for others.
const ALPHABET: [u8; 32] = *b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Letters of a group.
const GROUP: usize = 5;

/// Bytes of the checksum at the end.
const CHECK: usize = 3;

/// The letters for `bytes` and their checksum under `label`, in groups with a hyphen between.
pub(crate) fn encode(label: &str, bytes: &[u8]) -> String {
    let letters = ((bytes.len() + CHECK) * 8).div_ceil(5);
    let mut text = String::with_capacity(letters + letters / GROUP);
    let (mut window, mut bits, mut written) = (0_u32, 0, 0);
    let mut put = |index: u32| {
        if written > 0 && written % GROUP == 0 {
            text.push('-');
        }
        written += 1;
        text.push(char::from(ALPHABET[index as usize & 31]));
    };
    for byte in bytes.iter().chain(&checksum(label, bytes)) {
        window = window << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            put(window >> bits);
        }
    }
    if bits > 0 {
        put(window << (5 - bits));
    }
    text
}

/// The bytes of what [`encode`] wrote under the same label. Case, white space and hyphens do not count, and letters that
/// are mistaken for one another are the same.
///
/// # Errors
/// [`Error::Malformed`].
pub(crate) fn decode(label: &str, text: &str) -> Result<SecretBytes> {
    // What was read before a letter that is none is part of a secret as well.
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() * 5 / 8 + 1));
    let (mut window, mut bits) = (0_u32, 0);
    for letter in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
        window = window << 5 | value(letter)?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((window >> bits).to_be_bytes()[3]);
        }
    }
    let (content, check) = bytes.split_last_chunk::<CHECK>().ok_or(Error::Malformed)?;
    // One spelling alone: no letter more than the bytes take, and nothing in the bits that are left.
    let is_whole = bits < 5 && window & ((1 << bits) - 1) == 0;
    if !is_whole || *check != checksum(label, content) {
        return Err(Error::Malformed);
    }
    Ok(SecretBytes::new(content.to_vec()))
}

fn value(letter: char) -> Result<u32> {
    let letter = match letter.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        letter => letter,
    };
    let at = ALPHABET.iter().position(|known| char::from(*known) == letter).ok_or(Error::Malformed)?;
    u32::try_from(at).map_err(|_| Error::Malformed)
}

fn checksum(label: &str, bytes: &[u8]) -> [u8; CHECK] {
    let digest = hash(label, &[Item::Bytes(bytes)]);
    core::array::from_fn(|i| digest[i])
}
