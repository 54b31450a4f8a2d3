//! What an offer and an answer are on the wire: sealed under the code's secret, each for its phase alone.

use alloc::vec::Vec;

use super::code::Code;
use crate::crypto::aead::{self, NONCE};
use crate::crypto::hash::{Item, hash, hkdf};
use crate::error::{Error, Result};
use crate::identity::{DeviceKeys, MAX_LIST};
use crate::label;
use crate::random::Random;
use crate::secret::{Secret, SecretBytes};
use crate::wire::{self, Kind, Reader, VERSION};

/// The most bytes of an offer or an answer.
pub const MAX_LINK: usize = MAX_LIST + 8 * 1024;

/// The name of a link code, by which a device sees whether a link object answers its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub [u8; 8]);

/// Which of the two messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Phase {
    /// From the device that holds the account key.
    Offer = 1,
    /// From the new device.
    Answer = 2,
}

/// An offer or answer in its parts, none of which is believed.
struct Parts<'a> {
    phase: Phase,
    id: LinkId,
    salt: [u8; 32],
    sealed: &'a [u8],
}

impl<'a> Parts<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self> {
        if bytes.len() > MAX_LINK {
            return Err(Error::TooLarge);
        }
        let mut reader: Reader<'a> = wire::open(bytes, Kind::Link, 4)?;
        let phase = match reader.uint()? {
            1 => Phase::Offer,
            2 => Phase::Answer,
            _ => return Err(Error::Unsupported),
        };
        let parts = Self { phase, id: LinkId(reader.fixed()?), salt: reader.fixed()?, sealed: reader.bytes()? };
        reader.end()?;
        Ok(parts)
    }
}

/// Which phase an object is of and which code it names, without opening it.
///
/// # Errors
/// [`Error::Mismatch`] for another kind of object; [`Error::Unsupported`] for another version or phase, a code itself
/// included; [`Error::TooLarge`], [`Error::Malformed`].
pub fn peek(bytes: &[u8]) -> Result<(Phase, LinkId)> {
    Parts::parse(bytes).map(|parts| (parts.phase, parts.id))
}

/// Seals the contents of one phase. `before` is the hash of the offer that an answer answers; nothing for an offer.
///
/// The salt is from randomness *and* a secret of the device *and* the contents: a constant generator seals no two under one
/// key.
pub(super) fn seal(
    code: &Code,
    phase: Phase,
    before: &[u8],
    contents: &[u8],
    device: &DeviceKeys,
    random: &mut dyn Random,
) -> Result<Vec<u8>> {
    let fresh: Secret<32> = Secret::random(random);
    let digest = hash(label::LINK_CONTENTS, &[Item::Bytes(contents)]);
    let info: [&[u8]; 3] = [label::LINK_SALT.as_bytes(), &[phase as u8], &digest];
    let salt: Secret<32> = hkdf(fresh.expose_secret(), &[device.hedge().expose_secret()], &info);
    let (salt, id) = (salt.expose_secret(), code.id());
    let key = key(code, phase, salt, before);
    let sealed = aead::seal(&key, &[0; NONCE], &[&[VERSION, Kind::Link as u8, phase as u8], &id.0], contents)?;
    let mut writer = wire::begin(Kind::Link, 4);
    writer.uint(phase as u64).bytes(&id.0).bytes(salt).bytes(&sealed);
    let object = writer.finish();
    if object.len() > MAX_LINK { Err(Error::TooLarge) } else { Ok(object) }
}

/// Opens what [`seal`] made for the same code, phase and offer.
pub(super) fn open(code: &Code, phase: Phase, before: &[u8], bytes: &[u8]) -> Result<SecretBytes> {
    let parts = Parts::parse(bytes)?;
    if parts.phase != phase || parts.id != code.id() {
        return Err(Error::Mismatch);
    }
    let key = key(code, phase, &parts.salt, before);
    aead::open(&key, &[0; NONCE], &[&[VERSION, Kind::Link as u8, phase as u8], &parts.id.0], parts.sealed)
}

fn key(code: &Code, phase: Phase, salt: &[u8; 32], before: &[u8]) -> Secret<32> {
    let info: [&[u8]; 4] = [label::LINK_KEY.as_bytes(), &[phase as u8], &code.hash(), before];
    hkdf(salt, &[code.secret()], &info)
}
