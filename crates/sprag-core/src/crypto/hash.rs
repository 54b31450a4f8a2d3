//! Hash, MAC and key derivation: SHA-256, SHA-512, HMAC-SHA-256 (RFC 2104), HKDF-SHA-256 (RFC 5869).
//!
//! What is a key goes from the MAC straight into a box that is wiped: a function that returns it, as libraries of HKDF have
//! them, leaves it on the stack.

use hmac::digest::FixedOutput;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::wire::Writer;

/// One field of what [`hash`] covers.
pub enum Item<'a> {
    /// A byte string.
    Bytes(&'a [u8]),
    /// An unsigned integer.
    Uint(u64),
    /// A text.
    Text(&'a str),
    /// Something absent.
    Null,
    /// A boolean.
    Bool(bool),
    /// A list.
    Array(&'a [Item<'a>]),
}

fn put(writer: &mut Writer, item: &Item<'_>) {
    match item {
        Item::Bytes(bytes) => writer.bytes(bytes),
        Item::Uint(value) => writer.uint(*value),
        Item::Text(text) => writer.text(text),
        Item::Null => writer.null(),
        Item::Bool(value) => writer.bool(*value),
        Item::Array(items) => {
            writer.array(items.len());
            items.iter().for_each(|item| put(writer, item));
            writer
        }
    };
}

/// SHA-256 over the one CBOR array `[label, items…]`: what is hashed is never ambiguous and never of two kinds.
#[must_use]
pub fn hash(label: &str, items: &[Item<'_>]) -> [u8; 32] {
    let mut writer = Writer::new();
    writer.array(items.len() + 1).text(label);
    items.iter().for_each(|item| put(&mut writer, item));
    sha256(writer.finish_secret().expose_secret())
}

/// SHA-256 of bare bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// SHA-512 of bare bytes.
#[must_use]
pub fn sha512(bytes: &[u8]) -> [u8; 64] {
    Sha512::digest(bytes).into()
}

/// The MAC under a key, which has taken the parts.
fn keyed<'a>(key: &[u8], parts: impl IntoIterator<Item = &'a [u8]>) -> Hmac<Sha256> {
    // A key of the block size is used as it is; a shorter one padded with zeros is the same key (RFC 2104, section 2).
    let mut block = Zeroizing::new([0; 64]);
    match block.get_mut(..key.len()) {
        Some(start) => start.copy_from_slice(key),
        None => block[..32].copy_from_slice(&sha256(key)),
    }
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    parts.into_iter().for_each(|part| mac.update(part));
    mac
}

/// HMAC-SHA-256 under a key of fixed length over the joined parts, of which at most the last may vary in length: for what is
/// sent or compared. What is a key again is [`hmac_secret`].
#[must_use]
pub fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    keyed(key, parts.iter().copied()).finalize().into_bytes().into()
}

/// The same, written straight into the box that is wiped.
#[must_use]
pub fn hmac_secret(key: &[u8; 32], parts: &[&[u8]]) -> Secret<32> {
    secret_of(keyed(key, parts.iter().copied()))
}

fn secret_of(mac: Hmac<Sha256>) -> Secret<32> {
    Secret::fill_with(|out| mac.finalize_into(out.into()))
}

/// HKDF-SHA-256, extract and expand, to `N` bytes. `ikm` and `info` are joined.
#[must_use]
pub fn hkdf<const N: usize>(salt: &[u8], ikm: &[&[u8]], info: &[&[u8]]) -> Secret<N> {
    const { assert!(N <= 255 * 32, "HKDF-SHA-256 yields at most 8,160 bytes") };
    let key = secret_of(keyed(salt, ikm.iter().copied()));
    Secret::fill_with(|out| {
        let mut previous: Option<Secret<32>> = None;
        for (number, out) in (1..=255).zip(out.chunks_mut(32)) {
            let before = previous.iter().map(|block| block.expose_secret().as_slice());
            let last = [number];
            let parts = before.chain(info.iter().copied()).chain([last.as_slice()]);
            let block = secret_of(keyed(key.expose_secret(), parts));
            out.copy_from_slice(&block.expose_secret()[..out.len()]);
            previous = Some(block);
        }
    })
}

/// HKDF-Extract alone (RFC 5869, section 2.2).
#[must_use]
pub fn extract(salt: &[u8; 32], ikm: &Secret<32>) -> Secret<32> {
    hmac_secret(salt, &[ikm.expose_secret()])
}

/// HKDF-Expand alone, to one block of 32 bytes (RFC 5869, section 2.3). `info` is joined.
#[must_use]
pub fn expand(key: &Secret<32>, info: &[&[u8]]) -> Secret<32> {
    secret_of(keyed(key.expose_secret(), info.iter().copied().chain([[1].as_slice()])))
}
