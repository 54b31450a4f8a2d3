//! Their prekeys: received, verified, and only then of use.
//!
//! It does not know private keys.

use alloc::vec::Vec;

use super::{Body, MAX_PREKEY, PrekeyId, PrekeyKind, hash_of};
use crate::crypto::dh::DhPublic;
use crate::crypto::kem::KemPublic;
use crate::crypto::sign::SIGNATURE;
use crate::error::{Error, Result};
use crate::identity::{Account, DeviceEntry, DeviceList, check_time};
use crate::label;
use crate::wire::{self, Kind};

/// A prekey as it was received: well formed, and not yet believed. It tells whose and of what kind it claims to be, so
/// that the parts of a bundle can be sorted out; its keys are out of reach.
#[derive(Clone, Debug)]
pub struct ReceivedPrekey {
    body: Body,
    signed: Vec<u8>,
    signature: [u8; SIGNATURE],
    hash: [u8; 32],
}

impl ReceivedPrekey {
    /// Reads a prekey.
    ///
    /// # Errors
    /// [`Error::BadKey`] for a public key that fails its check; [`Error::TooLarge`], [`Error::Unsupported`],
    /// [`Error::Mismatch`] for another kind of object, [`Error::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MAX_PREKEY {
            return Err(Error::TooLarge);
        }
        let mut reader = wire::open(bytes, Kind::Prekey, 2)?;
        let signed = reader.bytes()?.to_vec();
        let signature = reader.fixed()?;
        reader.end()?;
        Ok(Self { body: Body::decode(&signed)?, signed, signature, hash: hash_of(bytes) })
    }

    /// The device that it claims to be of.
    #[must_use]
    pub const fn device(&self) -> u32 {
        self.body.device
    }

    /// What it claims to be for.
    #[must_use]
    pub const fn kind(&self) -> PrekeyKind {
        self.body.kind
    }

    /// When it claims to have been made, unix seconds.
    #[must_use]
    pub const fn created(&self) -> u64 {
        self.body.created
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> PrekeyId {
        PrekeyId::of(&self.hash)
    }

    /// That it is the signed prekey of this device, at `now` (unix seconds). Its keys stay out of reach.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another device or kind, [`Error::BadSignature`], [`Error::Expired`].
    pub(crate) fn check_signed(&self, device: &DeviceEntry, now: u64) -> Result<()> {
        self.verify(device, PrekeyKind::Signed, now).map(|_| ())
    }

    /// The only way to its keys.
    fn verify(&self, device: &DeviceEntry, kind: PrekeyKind, now: u64) -> Result<VerifiedPrekey> {
        if (self.body.device != device.id || self.body.kind != kind) && !broken!("any-prekey") {
            return Err(Error::Mismatch);
        }
        device.device_key.verify(label::PREKEY_SIGNATURE, &self.signed, &self.signature)?;
        if !broken!("expired-accepted") {
            check_time(self.body.created, self.body.expires, now)?;
        }
        Ok(VerifiedPrekey { hash: self.hash, dh: self.body.dh, kem: self.body.kem.clone() })
    }
}

/// What is needed to write to a device, as it was received.
pub struct Bundle<'a> {
    /// The account's device list: one that the caller has pinned.
    pub list: &'a DeviceList,
    /// The device to write to.
    pub device: u32,
    /// Its newest signed prekey.
    pub signed: &'a ReceivedPrekey,
    /// A one-time prekey, if the directory had one.
    pub one_time: Option<&'a ReceivedPrekey>,
}

impl<'a> Bundle<'a> {
    /// Picks a device's parts from what a directory returned: the newest signed prekey, and the first one-time prekey.
    ///
    /// # Errors
    /// [`Error::KeyGone`] if there is no signed prekey of that device.
    pub fn pick(list: &'a DeviceList, device: u32, prekeys: &'a [ReceivedPrekey]) -> Result<Self> {
        let of = |kind| prekeys.iter().filter(move |prekey| prekey.device() == device && prekey.kind() == kind);
        let signed = of(PrekeyKind::Signed).max_by_key(|prekey| prekey.created()).ok_or(Error::KeyGone)?;
        let one_time = of(PrekeyKind::OneTime).next();
        if one_time.is_none() && broken!("one-time-or-nothing") {
            return Err(Error::KeyGone);
        }
        Ok(Self { list, device, signed, one_time })
    }

    /// Verifies everything that a handshake relies on, at `now` (unix seconds).
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the device is not on the list, or a prekey is another device's or of the other kind;
    /// [`Error::Unsupported`] if the device does not read this version; [`Error::BadSignature`];
    /// [`Error::Expired`] for the list or a prekey.
    pub fn verify(&self, now: u64) -> Result<VerifiedBundle> {
        let device = self.list.device(self.device).ok_or(Error::Mismatch)?;
        if !device.reads_this_version() {
            return Err(Error::Unsupported);
        }
        self.list.check_time(now)?;
        let signed = self.signed.verify(device, PrekeyKind::Signed, now)?;
        let one_time = match self.one_time {
            Some(prekey) => Some(prekey.verify(device, PrekeyKind::OneTime, now)?),
            None => None,
        };
        Ok(VerifiedBundle { account: self.list.account().clone(), device: device.clone(), signed, one_time })
    }
}

/// Their prekey, verified.
pub(crate) struct VerifiedPrekey {
    pub(crate) hash: [u8; 32],
    pub(crate) dh: DhPublic,
    pub(crate) kem: KemPublic,
}

impl VerifiedPrekey {
    pub(crate) fn id(&self) -> PrekeyId {
        PrekeyId::of(&self.hash)
    }
}

/// A bundle that passed every check. One handshake consumes it.
pub struct VerifiedBundle {
    pub(crate) account: Account,
    pub(crate) device: DeviceEntry,
    pub(crate) signed: VerifiedPrekey,
    pub(crate) one_time: Option<VerifiedPrekey>,
}

impl VerifiedBundle {
    /// The account to write to.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// The device to write to.
    #[must_use]
    pub const fn device(&self) -> &DeviceEntry {
        &self.device
    }

    /// Whether it has a one-time prekey. A session without one is flagged until the first reply has healed it.
    #[must_use]
    pub const fn has_one_time(&self) -> bool {
        self.one_time.is_some()
    }
}
