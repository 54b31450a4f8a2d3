//! Prekeys: signed one-way keys by which a device can be written to while it is offline.
//!
//! It does not know directories, nor when stock is refilled. *Theirs* come as a [`ReceivedPrekey`], whose keys nobody can
//! read before [`Bundle::verify`] has yielded a [`VerifiedBundle`]. *Ours* are a [`SignedPrekey`], used until it is
//! replaced, and a [`OneTimePrekey`], which a handshake consumes.
//!
//! `docs/protocol.md`, *Handshake*.

mod ours;
mod theirs;

use alloc::vec::Vec;

use crate::crypto::dh::DhPublic;
use crate::crypto::hash::{Item, hash};
use crate::crypto::kem::{self, KemPublic};
use crate::error::{Error, Result};
use crate::label;
use crate::wire::{Extensions, Reader, Writer};

pub use ours::{OneTimePrekey, SignedPrekey};
pub(crate) use theirs::VerifiedPrekey;
pub use theirs::{Bundle, ReceivedPrekey, VerifiedBundle};

/// Seconds after which a device makes a new signed prekey: 7 days.
pub const SIGNED_RENEWAL: u64 = 7 * 24 * 60 * 60;

/// Seconds until a signed prekey expires: 60 days.
pub const SIGNED_LIFETIME: u64 = 60 * 24 * 60 * 60;

/// Seconds until a one-time prekey expires: a year.
pub const ONE_TIME_LIFETIME: u64 = 365 * 24 * 60 * 60;

/// Seconds for which a private half is kept after its replacement was acknowledged: 30 days.
pub const RETENTION: u64 = 30 * 24 * 60 * 60;

/// One-time prekeys that a device keeps published.
pub const ONE_TIME_STOCK: u32 = 100;

/// The stock under which it is refilled.
pub const ONE_TIME_LOW: u32 = 30;

/// The most bytes of a prekey.
pub const MAX_PREKEY: usize = 4096;

/// A prekey's id: the first 8 bytes of its hash. It is not carried in the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrekeyId(pub [u8; 8]);

impl PrekeyId {
    fn of(hash: &[u8; 32]) -> Self {
        Self(core::array::from_fn(|i| hash[i]))
    }
}

/// What a prekey is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrekeyKind {
    /// The device's current one, for everybody.
    Signed = 1,
    /// One that a single handshake may use.
    OneTime = 2,
}

/// What a prekey says.
#[derive(Clone, Debug)]
struct Body {
    device: u32,
    kind: PrekeyKind,
    dh: DhPublic,
    kem: KemPublic,
    created: u64,
    expires: u64,
    extensions: Extensions,
}

impl Body {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(self.extensions.fields(6))
            .uint(self.device.into())
            .uint(self.kind as u64)
            .bytes(self.dh.as_bytes())
            .bytes(self.kem.as_bytes())
            .uint(self.created)
            .uint(self.expires);
        self.extensions.write_last(&mut writer);
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let fields = reader.array()?;
        let device = u32::try_from(reader.uint()?).map_err(|_| Error::Malformed)?;
        let kind = read_kind(&mut reader)?;
        let dh = DhPublic::from_bytes(reader.fixed()?)?;
        let kem = KemPublic::from_slice(&reader.fixed::<{ kem::PUBLIC }>()?)?;
        let (created, expires) = (reader.uint()?, reader.uint()?);
        let extensions = Extensions::read_last(&mut reader, fields, 6)?;
        reader.end()?;
        if expires <= created {
            return Err(Error::Malformed);
        }
        Ok(Self { device, kind, dh, kem, created, expires, extensions })
    }
}

fn read_kind(reader: &mut Reader<'_>) -> Result<PrekeyKind> {
    match reader.uint()? {
        1 => Ok(PrekeyKind::Signed),
        2 => Ok(PrekeyKind::OneTime),
        _ => Err(Error::Unsupported),
    }
}

fn hash_of(object: &[u8]) -> [u8; 32] {
    hash(label::PREKEY_HASH, &[Item::Bytes(object)])
}
