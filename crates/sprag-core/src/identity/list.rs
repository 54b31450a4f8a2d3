//! The device list: which devices an account has, signed by the account and by each device.
//!
//! It does not know which list came before: [`Pin`](super::Pin) does.

use alloc::vec::Vec;

use crate::crypto::hash::{Item, hash};
use crate::crypto::sign::SIGNATURE;
use crate::error::{Error, Result};
use crate::identity::{Account, AccountKey, DeviceEntry, Origin, SignedEntry, check_time};
use crate::label;
use crate::wire::{self, Extensions, Kind, Reader, Writer};

/// The most devices that an account can have.
pub const MAX_DEVICES: usize = 16;

/// The highest number that a list can have: beyond it there is room for lists that follow.
pub const MAX_SEQUENCE: u64 = 1 << 60;

/// The most bytes of a list.
pub const MAX_LIST: usize = 16 * 1024;

/// What a new list says, before it is signed.
pub struct NewList<'a> {
    /// The list's number: one more than the one before, from 1.
    pub sequence: u64,
    /// The hash of the list before; zeros for the first.
    pub previous: [u8; 32],
    /// When it is signed, unix seconds.
    pub issued: u64,
    /// When it must have been replaced, unix seconds. 35 days after `issued`, by default; renewed every 14.
    pub expires: u64,
    /// Whether every client of this account can read Sprag.
    pub ready: bool,
    /// The devices, each signed by itself.
    pub devices: &'a [SignedEntry],
    /// Room to grow.
    pub extensions: Extensions,
}

impl NewList<'_> {
    /// Signs the list with the account key. The devices are put in order of their ids.
    ///
    /// # Errors
    /// Whatever [`DeviceList::open`] would refuse.
    pub fn sign(&self, account: &AccountKey) -> Result<DeviceList> {
        let mut devices: Vec<(u32, &SignedEntry)> = Vec::new();
        for device in self.devices {
            devices.push((device.verify(account.account())?.id, device));
        }
        devices.sort_by_key(|(id, _)| *id);
        let body = self.body(account.account(), &devices);
        let signature = account.signing().sign(label::LIST_SIGNATURE, &body);
        let mut writer = wire::begin(Kind::List, 2);
        writer.bytes(&body).bytes(&signature);
        DeviceList::open(&writer.finish())
    }

    fn body(&self, account: &Account, devices: &[(u32, &SignedEntry)]) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(self.extensions.fields(8));
        account.write(&mut writer);
        writer
            .uint(self.sequence)
            .bytes(&self.previous)
            .uint(self.issued)
            .uint(self.expires)
            .bool(self.ready)
            .array(devices.len());
        devices.iter().for_each(|(_, device)| device.write(&mut writer));
        self.extensions.write_last(&mut writer);
        writer.finish()
    }
}

/// A device list whose signatures have all been verified. There is no other kind.
///
/// That the list is *genuine* says nothing about whether it is *current*: see [`Self::check_time`] and
/// [`Pin::accept`](super::Pin::accept).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceList {
    bytes: Vec<u8>,
    hash: [u8; 32],
    account: Account,
    sequence: u64,
    previous: [u8; 32],
    issued: u64,
    expires: u64,
    ready: bool,
    devices: Vec<(DeviceEntry, SignedEntry)>,
    extensions: Extensions,
}

impl DeviceList {
    /// Reads a list and verifies the account's signature and that of every device.
    ///
    /// # Errors
    /// [`Error::BadSignature`], [`Error::BadKey`]; [`Error::TooLarge`] for more than 16 devices or 16 KiB;
    /// [`Error::Unsupported`] for a version, kind, flag or even extension not known; [`Error::Malformed`] for another
    /// encoding, no device, ids that do not ascend, two devices with a key in common, a sequence of zero, or an expiry
    /// that does not follow the issue.
    pub fn open(bytes: &[u8]) -> Result<Self> {
        let (body, signature) = Self::split(bytes)?;
        let list = Self::read_body(bytes, body, Origin::Anybody)?;
        list.account.key.verify(label::LIST_SIGNATURE, body, &signature)?;
        list.check_form()?;
        Ok(list)
    }

    /// Reads a list that was opened before and has been kept in one's own sealed store since. No signature and no key
    /// is checked again, which takes most of the time of [`Self::open`]. Never for bytes that anybody else could have
    /// written: whoever can choose them chooses the devices of an account.
    ///
    /// # Errors
    /// As [`Self::open`], except for what signatures and keys would show.
    pub fn reopen(bytes: &[u8]) -> Result<Self> {
        let (body, _) = Self::split(bytes)?;
        let list = Self::read_body(bytes, body, Origin::OwnStore)?;
        list.check_form()?;
        Ok(list)
    }

    fn split(bytes: &[u8]) -> Result<(&[u8], [u8; SIGNATURE])> {
        if bytes.len() > MAX_LIST {
            return Err(Error::TooLarge);
        }
        let mut reader = wire::open(bytes, Kind::List, 2)?;
        let parts = (reader.bytes()?, reader.fixed()?);
        reader.end()?;
        Ok(parts)
    }

    fn read_body(bytes: &[u8], body: &[u8], origin: Origin) -> Result<Self> {
        let mut reader = Reader::new(body);
        let fields = reader.array()?;
        let account = Account::read(&mut reader, origin)?;
        let sequence = reader.uint()?;
        let previous = reader.fixed()?;
        let issued = reader.uint()?;
        let expires = reader.uint()?;
        let ready = reader.bool()?;
        let count = reader.array()?;
        if count > MAX_DEVICES {
            return Err(Error::TooLarge);
        }
        let mut devices = Vec::with_capacity(count);
        for _ in 0..count {
            let signed = SignedEntry::read(&mut reader)?;
            let entry = match origin {
                Origin::Anybody => signed.verify(&account)?,
                Origin::OwnStore => signed.reopen()?,
            };
            devices.push((entry, signed));
        }
        let extensions = Extensions::read_last(&mut reader, fields, 8)?;
        reader.end()?;
        let hash = hash(label::LIST_HASH, &[Item::Bytes(body)]);
        let bytes = bytes.to_vec();
        Ok(Self { bytes, hash, account, sequence, previous, issued, expires, ready, devices, extensions })
    }

    fn check_form(&self) -> Result<()> {
        let ascending = self.devices.is_sorted_by(|(a, _), (b, _)| a.id < b.id);
        let distinct = self.devices().enumerate().all(|(i, a)| {
            self.devices().skip(i + 1).all(|b| a.device_key != b.device_key && a.identity_key != b.identity_key)
        });
        if self.devices.is_empty()
            || !ascending
            || !distinct
            || !(1..=MAX_SEQUENCE).contains(&self.sequence)
            || self.expires <= self.issued
        {
            return Err(Error::Malformed);
        }
        Ok(())
    }

    /// The list as it was received, to store and to hand on.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The list's hash, which its successor names.
    #[must_use]
    pub const fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// The account that the list is of. Its id is a claim until it is pinned.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// The list's number.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The hash of the list before.
    #[must_use]
    pub const fn previous(&self) -> &[u8; 32] {
        &self.previous
    }

    /// When it was signed, unix seconds.
    #[must_use]
    pub const fn issued(&self) -> u64 {
        self.issued
    }

    /// When it must have been replaced, unix seconds.
    #[must_use]
    pub const fn expires(&self) -> u64 {
        self.expires
    }

    /// Whether every client of this account can read Sprag.
    #[must_use]
    pub const fn ready(&self) -> bool {
        self.ready
    }

    /// The extensions.
    #[must_use]
    pub const fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// The devices, in order of their ids.
    pub fn devices(&self) -> impl Iterator<Item = &DeviceEntry> {
        self.devices.iter().map(|(entry, _)| entry)
    }

    /// The device with this id.
    #[must_use]
    pub fn device(&self, id: u32) -> Option<&DeviceEntry> {
        self.devices().find(|entry| entry.id == id)
    }

    /// The devices with their signatures, from which the next list is made.
    #[must_use]
    pub fn signed_entries(&self) -> Vec<SignedEntry> {
        self.devices.iter().map(|(_, signed)| signed.clone()).collect()
    }

    /// That the list may be relied on at `now` (unix seconds), a day of clock error allowed.
    ///
    /// # Errors
    /// [`Error::Expired`] past the expiry or before the issue.
    pub const fn check_time(&self, now: u64) -> Result<()> {
        check_time(self.issued, self.expires, now)
    }
}
