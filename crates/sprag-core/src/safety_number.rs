//! The safety number of two accounts: what two people compare, aloud or with a camera, to know that no third is between.
//!
//! It does not know who compared what. Both sides compute the same value from the two ids and account keys.

use alloc::string::String;
use core::fmt::Write;

use crate::crypto::hash::sha512;
use crate::error::{Error, Result};
use crate::identity::Account;
use crate::label;
use crate::wire::Writer;

/// Decimal digits of a safety number.
pub const DIGITS: usize = 60;

/// Digits of a group, each from five bytes of the digest.
const GROUP: usize = 5;

/// What the scannable form begins with: name and version. Only capitals, digits and colons, which QR codes pack well.
const SCAN_PREFIX: &str = "SPRAG:1:";

/// The safety number of two accounts: one SHA-512 over both ids and account keys, in order of the keys.
///
/// It is public: it may be shown, printed and compared.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SafetyNumber([u8; 64]);

impl SafetyNumber {
    /// The number of two accounts, the same whichever comes first.
    #[must_use]
    pub fn between(one: &Account, other: &Account) -> Self {
        let (low, high) = if (one.key, &one.id) <= (other.key, &other.id) { (one, other) } else { (other, one) };
        let mut writer = Writer::new();
        writer.array(5).text(label::SAFETY_NUMBER);
        low.write(&mut writer);
        high.write(&mut writer);
        Self(sha512(&writer.finish()))
    }

    /// The 60 digits, without separators. Each five are five bytes, read as one number, modulo 100,000.
    #[must_use]
    pub fn digits(&self) -> String {
        let mut digits = String::with_capacity(DIGITS);
        for group in self.0.chunks_exact(5).take(DIGITS / GROUP) {
            let value = group.iter().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
            // Writing to a string cannot fail.
            let _ = write!(digits, "{:05}", value % 100_000);
        }
        digits
    }

    /// The digits in twelve groups of five, as they are shown and read aloud.
    #[must_use]
    pub fn grouped(&self) -> String {
        let mut grouped = String::with_capacity(DIGITS + DIGITS / GROUP);
        for (i, digit) in self.digits().chars().enumerate() {
            if i > 0 && i % GROUP == 0 {
                grouped.push(' ');
            }
            grouped.push(digit);
        }
        grouped
    }

    /// Whether somebody's digits are these. White space does not count.
    ///
    /// # Errors
    /// [`Error::Malformed`] if they are not 60 decimal digits.
    pub fn matches_digits(&self, theirs: &str) -> Result<bool> {
        let theirs: String = theirs.chars().filter(|c| !c.is_whitespace()).collect();
        if theirs.len() != DIGITS || !theirs.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Error::Malformed);
        }
        Ok(theirs == self.digits())
    }

    /// The scannable form: a text for a QR code with the whole digest, 136 characters.
    #[must_use]
    pub fn scannable(&self) -> String {
        let mut text = String::from(SCAN_PREFIX);
        self.0.iter().for_each(|byte| {
            let _ = write!(text, "{byte:02X}");
        });
        text
    }

    /// Reads the scannable form.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if it is no safety number of this version, [`Error::Malformed`].
    pub fn parse_scannable(text: &str) -> Result<Self> {
        let hex = text.strip_prefix(SCAN_PREFIX).ok_or(Error::Unsupported)?.as_bytes();
        if hex.len() != 128 {
            return Err(Error::Malformed);
        }
        let mut digest = [0; 64];
        for (byte, pair) in digest.iter_mut().zip(hex.chunks_exact(2)) {
            *byte = pair.iter().try_fold(0, |value, digit| Ok((value << 4) | nibble(*digit)?))?;
        }
        Ok(Self(digest))
    }

    /// Whether a scanned text is this number.
    ///
    /// # Errors
    /// As [`Self::parse_scannable`].
    pub fn matches_scan(&self, text: &str) -> Result<bool> {
        Ok(Self::parse_scannable(text)? == *self)
    }

    /// The digest, 64 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

/// Only capital hexadecimal digits: the form has one spelling.
const fn nibble(digit: u8) -> Result<u8> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(Error::Malformed),
    }
}

impl core::fmt::Display for SafetyNumber {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.grouped())
    }
}

impl core::fmt::Debug for SafetyNumber {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SafetyNumber({})", self.digits())
    }
}
