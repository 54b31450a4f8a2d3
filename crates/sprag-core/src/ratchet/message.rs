//! One message key and the one slot that it seals or opens.
//!
//! It knows no chains. Nonce and body key depend on the message key, on fresh randomness and on all that is sent:
//! a state that was rolled back, even together with its random generator, never encrypts two inputs under one key.

use super::header::{HEADER, Header};
use crate::crypto::aead;
use crate::crypto::hash::{expand, extract, hmac};
use crate::error::{Error, Result};
use crate::label;
use crate::random::Random;
use crate::secret::Secret;
use crate::wire::{Kind, VERSION};

/// Bytes of a hint.
pub const HINT: usize = 4;

/// Bytes of a slot: hint 4 · nonce 12 · sealed header 94 · sealed body 48.
pub const SLOT: usize = HINT + aead::NONCE + HEADER + aead::TAG + 32 + aead::TAG;

const HEADER_AT: usize = HINT + aead::NONCE;
const BODY_AT: usize = HEADER_AT + HEADER + aead::TAG;

/// What a slot is authentic for: exactly this envelope's commitment and payload, and in an initial slot exactly these
/// handshake fields. A server that kept a genuine slot can do nothing with it elsewhere.
#[derive(Clone, Copy)]
pub struct Binding<'a> {
    /// The envelope's franking commitment.
    pub commitment: &'a [u8; 32],
    /// SHA-256 of the envelope's payload.
    pub payload_hash: &'a [u8; 32],
    /// In an initial slot, the hash of the handshake fields before it.
    pub fields: Option<&'a [u8; 32]>,
}

impl Binding<'_> {
    fn fields(&self) -> &[u8] {
        self.fields.map_or(&[], |hash| hash.as_slice())
    }
}

/// The extracted key of one message, from both ratchets: secure while either input is.
pub(super) struct MessageKey(pub(super) Secret<32>);

impl MessageKey {
    pub(super) fn join(pq: &Secret<32>, ec: &Secret<32>) -> Self {
        match (broken!("post-quantum-key-not-joined"), broken!("classical-key-not-joined")) {
            (true, _) => Self(extract(&[0; 32], ec)),
            (_, true) => Self(extract(pq.expose_secret(), &Secret::new([0; 32]))),
            _ => Self(extract(pq.expose_secret(), ec)),
        }
    }

    fn nonce(&self, fresh: &[u8; 32], header: &[u8; HEADER], binding: Binding<'_>) -> [u8; aead::NONCE] {
        if broken!("nonce-constant") {
            return [0; aead::NONCE];
        }
        let key = expand(&self.0, &[label::SLOT_NONCE_KEY.as_bytes()]);
        let mac = hmac(
            key.expose_secret(),
            &[label::SLOT_NONCE.as_bytes(), fresh, header, binding.commitment, binding.payload_hash, binding.fields()],
        );
        core::array::from_fn(|i| mac[i])
    }

    fn body_key(
        &self,
        transcript: &[u8; 32],
        nonce: &[u8; aead::NONCE],
        header: &[u8; HEADER],
        binding: Binding<'_>,
    ) -> Secret<32> {
        if broken!("body-key-of-state-alone") {
            return expand(&self.0, &[label::SLOT_BODY.as_bytes()]);
        }
        expand(
            &self.0,
            &[
                label::SLOT_BODY.as_bytes(),
                transcript,
                nonce,
                header,
                binding.commitment,
                binding.payload_hash,
                binding.fields(),
            ],
        )
    }

    /// Seals a content key into a slot. The message key is used up.
    pub(super) fn seal(
        self,
        transcript: &[u8; 32],
        header_key: &Secret<32>,
        header: &Header,
        binding: Binding<'_>,
        content_key: &Secret<32>,
        random: &mut dyn Random,
    ) -> Result<[u8; SLOT]> {
        let header = header.encode();
        let fresh: Secret<32> = Secret::random(random);
        let nonce = self.nonce(fresh.expose_secret(), &header, binding);
        let body_key = self.body_key(transcript, &nonce, &header, binding);
        let body = aead::seal(&body_key, &[0; aead::NONCE], &[], content_key.expose_secret())?;
        let sealed = aead::seal(header_key, &nonce, &header_ad(binding, &body), &header)?;
        let mut slot = [0; SLOT];
        slot[HINT..HEADER_AT].copy_from_slice(&nonce);
        slot[HEADER_AT..BODY_AT].copy_from_slice(&sealed);
        slot[BODY_AT..].copy_from_slice(&body);
        Ok(slot)
    }

    /// Opens the body of a slot whose header has opened. The message key is used up.
    pub(super) fn open(self, transcript: &[u8; 32], slot: &Slot<'_>, header: &Header) -> Result<Secret<32>> {
        let key = self.body_key(transcript, &slot.nonce(), &header.encode(), slot.binding);
        let body = aead::open(&key, &[0; aead::NONCE], &[], &slot.bytes[BODY_AT..])?;
        Secret::from_slice(body.expose_secret()).map_err(|_| Error::Open)
    }
}

const fn kind_bytes() -> [u8; 2] {
    [VERSION, Kind::Envelope as u8]
}

fn header_ad<'a>(binding: Binding<'a>, body: &'a [u8]) -> [&'a [u8]; 5] {
    const KIND: [u8; 2] = kind_bytes();
    // Two lengths are possible, with and without fields, and they differ: the joined bytes are unambiguous.
    [&KIND, binding.commitment, binding.payload_hash, binding.fields.map_or(&[], |hash| hash.as_slice()), body]
}

/// A slot as it was received, with what it claims to belong to.
#[derive(Clone, Copy)]
pub(super) struct Slot<'a> {
    bytes: &'a [u8; SLOT],
    binding: Binding<'a>,
}

impl<'a> Slot<'a> {
    pub(super) const fn new(bytes: &'a [u8; SLOT], binding: Binding<'a>) -> Self {
        Self { bytes, binding }
    }

    fn nonce(&self) -> [u8; aead::NONCE] {
        core::array::from_fn(|i| self.bytes[HINT + i])
    }

    /// The header, if `header_key` is the one it was sealed under; what is wrong with an authentic one is an error.
    pub(super) fn header(&self, header_key: &Secret<32>) -> Option<Result<Header>> {
        let ad = header_ad(self.binding, &self.bytes[BODY_AT..]);
        let opened = aead::open(header_key, &self.nonce(), &ad, &self.bytes[HEADER_AT..BODY_AT]).ok()?;
        Some(Header::decode(opened.expose_secret()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_key_needs_both_ratchets() {
        let key = |pq: u8, ec: u8| MessageKey::join(&Secret::new([pq; 32]), &Secret::new([ec; 32])).0;
        assert!(key(1, 2).ct_eq(&key(1, 2)));
        assert!(!key(1, 2).ct_eq(&key(3, 2)));
        assert!(!key(1, 2).ct_eq(&key(1, 3)));
    }
}
