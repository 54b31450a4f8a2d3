//! The envelope: one body for all devices of a conversation, and a slot with its key for each of them.
//!
//! ```text
//! envelope = version u8 · [kind, commitment 32, slots bstr (n × 158), [* initial slot], payload bstr]
//! ```
//! It does not know sessions: who seals or opens the slots is the ratchet's matter.

use alloc::vec::Vec;

use crate::content::{Content, Conversation, MAX_BODY};
use crate::crypto::aead::{self, NONCE};
use crate::crypto::hash::{expand, hkdf, sha256};
use crate::crypto::sign::VerifyKey;
use crate::error::{Error, Result};
use crate::franking::{self, Audience, COMMITMENT, hash_all};
use crate::handshake::Fields;
use crate::label;
use crate::padding;
use crate::random::Random;
use crate::ratchet::{Binding, SLOT};
use crate::secret::{Secret, SecretBytes};
use crate::wire::{self, Kind, Reader, VERSION};

/// The most slots of an envelope: 100 members of 16 devices each.
pub const MAX_SLOTS: usize = 1_600;

/// The most bytes of an envelope.
pub const MAX_ENVELOPE: usize = 2 * MAX_BODY + MAX_SLOTS * 2_048;

const KIND: [u8; 2] = [VERSION, Kind::Envelope as u8];

/// What a content key hedges its randomness with, beside the content itself.
pub struct Sealing<'a> {
    /// A secret of the sending device: [`DeviceKeys::hedge`](crate::identity::DeviceKeys::hedge).
    pub hedge: &'a Secret<32>,
    /// Between whom the message goes.
    pub audience: &'a Audience,
    /// The hashes of the lists that the content states, in the same order.
    pub list_hashes: &'a [[u8; 32]],
    /// The device keys that are addressed, in any order.
    pub devices: &'a [VerifyKey],
}

/// A sealed payload whose key waits to be put into slots.
pub struct SealedPayload {
    content_key: Secret<32>,
    commitment: [u8; COMMITMENT],
    payload: Vec<u8>,
    payload_hash: [u8; 32],
}

impl SealedPayload {
    /// Seals a content under a fresh content key; fills in the MACs of its list statements.
    ///
    /// # Errors
    /// [`Error::TooLarge`]; [`Error::Mismatch`] if statements and hashes differ in number; as [`Content::encode`].
    pub fn seal(content: &mut Content, sealing: &Sealing<'_>, random: &mut dyn Random) -> Result<Self> {
        if content.lists.len() != sealing.list_hashes.len() {
            return Err(Error::Mismatch);
        }
        content.lists.iter_mut().for_each(|list| list.mac = [0; 8]);
        let content_key = content_key(content, sealing, random)?;
        for (list, hash) in content.lists.iter_mut().zip(sealing.list_hashes) {
            list.mac = franking::list_mac(&content_key, hash);
        }
        let encoded = content.encode()?;
        let commitment = franking::commit(&content_key, sealing.audience, encoded.expose_secret());
        let padded = padding::pad(encoded.expose_secret())?;
        let payload = aead::seal(&payload_key(&content_key), &[0; NONCE], &[&KIND, &commitment], &padded)?;
        let payload_hash = sha256(&payload);
        Ok(Self { content_key, commitment, payload, payload_hash })
    }

    /// The key to be sealed into each slot.
    #[must_use]
    pub const fn content_key(&self) -> &Secret<32> {
        &self.content_key
    }

    /// The franking commitment, 32 bytes.
    #[must_use]
    pub const fn commitment(&self) -> &[u8; COMMITMENT] {
        &self.commitment
    }

    /// What slots of this envelope are bound to; `fields` is the hash of the handshake fields of an initial slot.
    #[must_use]
    pub const fn binding<'a>(&'a self, fields: Option<&'a [u8; 32]>) -> Binding<'a> {
        Binding { commitment: &self.commitment, payload_hash: &self.payload_hash, fields }
    }

    /// The whole envelope. Callers give slots in an order that says nothing.
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond [`MAX_SLOTS`] or [`MAX_ENVELOPE`], [`Error::Malformed`] without a slot.
    pub fn envelope(&self, slots: &[[u8; SLOT]], initial: &[(&Fields, [u8; SLOT])]) -> Result<Vec<u8>> {
        check_slots(slots.len() + initial.len())?;
        let mut writer = wire::begin(Kind::Envelope, 4);
        writer.bytes(&self.commitment).bytes(slots.as_flattened()).array(initial.len());
        for (fields, slot) in initial {
            writer.array(6);
            fields.write(&mut writer);
            writer.bytes(slot);
        }
        writer.bytes(&self.payload);
        let envelope = writer.finish();
        if envelope.len() > MAX_ENVELOPE { Err(Error::TooLarge) } else { Ok(envelope) }
    }
}

/// Fresh for each envelope: from randomness, a secret of the device and all that is said and to whom, so that neither
/// a constant generator nor a rolled back state seals two contents under one key.
fn content_key(content: &Content, sealing: &Sealing<'_>, random: &mut dyn Random) -> Result<Secret<32>> {
    let encoded = content.encode()?;
    let padded = padding::pad(encoded.expose_secret())?;
    let mut keys: Vec<[u8; 32]> = sealing.devices.iter().map(|key| *key.as_bytes()).collect();
    keys.sort_unstable();
    let fresh: Secret<32> = Secret::random(random);
    if broken!("content-key-of-randomness-alone") {
        return Ok(fresh);
    }
    Ok(hkdf(
        fresh.expose_secret(),
        &[sealing.hedge.expose_secret()],
        &[
            label::CONTENT_KEY.as_bytes(),
            &sha256(&padded),
            &hash_all(label::LISTS, sealing.list_hashes.iter()),
            &hash_all(label::DEVICES, keys.iter()),
            sealing.audience.as_bytes(),
        ],
    ))
}

fn payload_key(content_key: &Secret<32>) -> Secret<32> {
    expand(content_key, &[label::PAYLOAD.as_bytes()])
}

/// A handshake with the first slot of its session.
pub struct InitialSlot {
    /// The five fields of the handshake.
    pub fields: Fields,
    /// Their hash, which the slot is bound to.
    pub fields_hash: [u8; 32],
    /// The slot.
    pub slot: [u8; SLOT],
}

/// An envelope as it was received: parsed, and nothing of it believed.
pub struct Envelope<'a> {
    commitment: [u8; COMMITMENT],
    slots: &'a [[u8; SLOT]],
    initial: Vec<InitialSlot>,
    payload: &'a [u8],
    payload_hash: [u8; 32],
}

impl<'a> Envelope<'a> {
    /// Parses an envelope.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Malformed`], [`Error::Unsupported`] for another version, [`Error::Mismatch`] for
    /// another kind of object, [`Error::BadKey`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        if bytes.len() > MAX_ENVELOPE {
            return Err(Error::TooLarge);
        }
        let mut reader = wire::open(bytes, Kind::Envelope, 4)?;
        let commitment = reader.fixed()?;
        let (slots, rest) = reader.bytes()?.as_chunks::<SLOT>();
        if !rest.is_empty() {
            return Err(Error::Malformed);
        }
        let count = reader.array()?;
        check_slots(slots.len() + count)?;
        let initial = (0..count).map(|_| read_initial(&mut reader)).collect::<Result<_>>()?;
        let payload = reader.bytes()?;
        reader.end()?;
        Ok(Self { commitment, slots, initial, payload, payload_hash: sha256(payload) })
    }

    /// The franking commitment.
    #[must_use]
    pub const fn commitment(&self) -> &[u8; COMMITMENT] {
        &self.commitment
    }

    /// The slots of devices with a session.
    #[must_use]
    pub const fn slots(&self) -> &'a [[u8; SLOT]] {
        self.slots
    }

    /// The slots that begin a session.
    #[must_use]
    pub fn initial(&self) -> &[InitialSlot] {
        &self.initial
    }

    /// What a slot of this envelope must be bound to; `fields` is [`InitialSlot::fields_hash`] for an initial one.
    #[must_use]
    pub const fn binding<'b>(&'b self, fields: Option<&'b [u8; 32]>) -> Binding<'b> {
        Binding { commitment: &self.commitment, payload_hash: &self.payload_hash, fields }
    }

    /// Opens the payload with the key from a slot.
    ///
    /// # Errors
    /// [`Error::Open`], [`Error::Padding`], and as [`Content::decode`].
    pub fn open(&self, content_key: &Secret<32>) -> Result<Unfranked> {
        let ad: [&[u8]; 2] = [&KIND, &self.commitment];
        let padded = aead::open(&payload_key(content_key), &[0; NONCE], &ad, self.payload)?;
        let encoded = SecretBytes::new(padding::unpad(padded.expose_secret())?.to_vec());
        let content = Content::decode(encoded.expose_secret())?;
        Ok(Unfranked { content, encoded, content_key: content_key.duplicate(), commitment: self.commitment })
    }
}

const fn check_slots(count: usize) -> Result<()> {
    match count {
        0 => Err(Error::Malformed),
        1..=MAX_SLOTS => Ok(()),
        _ => Err(Error::TooLarge),
    }
}

fn read_initial(reader: &mut Reader<'_>) -> Result<InitialSlot> {
    reader.array_of(6)?;
    let fields = Fields::read(reader)?;
    let fields_hash = fields.binding();
    Ok(InitialSlot { fields, fields_hash, slot: reader.fixed()? })
}

/// A content whose commitment has not been opened yet: only where it wants to be filed can be read.
pub struct Unfranked {
    content: Content,
    encoded: SecretBytes,
    content_key: Secret<32>,
    commitment: [u8; COMMITMENT],
}

impl Unfranked {
    /// The conversation that the content names, by which the audience is found.
    #[must_use]
    pub const fn conversation(&self) -> &Conversation {
        &self.content.conversation
    }

    /// The content, once its commitment opens for the audience.
    ///
    /// # Errors
    /// [`Error::Commitment`].
    pub fn verify(self, audience: &Audience) -> Result<Franked> {
        franking::verify(&self.content_key, audience, self.encoded.expose_secret(), &self.commitment)?;
        Ok(Franked { content: self.content, content_key: self.content_key })
    }
}

/// An authentic content whose commitment opened.
pub struct Franked {
    /// The content.
    pub content: Content,
    content_key: Secret<32>,
}

impl Franked {
    /// Whether the list that the content states at `index` is the one with this hash.
    #[must_use]
    pub fn states(&self, index: usize, list_hash: &[u8; 32]) -> bool {
        let mac = franking::list_mac(&self.content_key, list_hash);
        self.content.lists.get(index).is_some_and(|list| list.mac == mac)
    }

    /// What the content states of the list at `index`, to be held against that list when it comes.
    #[must_use]
    pub fn list_mac(&self, index: usize) -> Option<ListMac> {
        let mac = self.content.lists.get(index)?.mac;
        Some(ListMac { key: franking::list_mac_key(&self.content_key), mac })
    }
}

/// A MAC over the hash of a list that is not here yet, with its key, which opens nothing.
pub struct ListMac {
    key: Secret<32>,
    mac: [u8; 8],
}

impl ListMac {
    /// Bytes of one when it is stored: the key, then the MAC.
    pub const LENGTH: usize = 40;

    /// Whether it was made over this hash.
    #[must_use]
    pub fn is_of(&self, list_hash: &[u8; 32]) -> bool {
        franking::list_mac_under(&self.key, list_hash) == self.mac
    }

    /// The key and the MAC, to be stored.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..32].copy_from_slice(self.key.expose_secret());
        bytes[32..].copy_from_slice(&self.mac);
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        let mut key = [0; 32];
        key.copy_from_slice(&bytes[..32]);
        Self { key: Secret::new(key), mac: core::array::from_fn(|i| bytes[32 + i]) }
    }
}
