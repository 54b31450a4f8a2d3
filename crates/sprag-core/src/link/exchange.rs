//! The two messages: what the device with the account key offers, and what the new device answers.

use alloc::vec::Vec;

use super::code::Code;
use super::object::{self, LinkId, Phase};
use crate::crypto::hash::{Item, hash};
use crate::error::{Error, Result};
use crate::identity::{Account, AccountKey, DeviceEntry, DeviceKeys, DeviceList, MAX_DEVICES, Origin, SignedEntry};
use crate::label;
use crate::prekey::ReceivedPrekey;
use crate::random::Random;
use crate::secret::SecretBytes;
use crate::wire::{Extensions, Reader, Writer};

/// An offer that was made and waits for its answer.
pub struct Offered {
    code: Code,
    account: Account,
    grants: bool,
    offer: [u8; 32],
}

/// A device that answered: all that is needed to put it on the list and to write to it.
#[derive(Debug)]
pub struct Admitted {
    /// What the device says of itself.
    pub device: DeviceEntry,
    /// The same, signed by the device for this account: the next list takes it.
    pub entry: SignedEntry,
    /// Its signed prekey, verified; the same as in `prekey_object`.
    pub prekey: ReceivedPrekey,
    /// The prekey's bytes.
    pub prekey_object: Vec<u8>,
}

impl Offered {
    pub(super) fn make(
        code: Code,
        account: &AccountKey,
        device: &DeviceKeys,
        list: &DeviceList,
        grants: bool,
        random: &mut dyn Random,
    ) -> Result<(Self, Vec<u8>)> {
        let account = account.account();
        if code.account != account.id || list.account() != account || !holds_account_key(list, device.id()) {
            return Err(Error::Mismatch);
        }
        if list.devices().count() >= MAX_DEVICES {
            return Err(Error::TooLarge);
        }
        let mut writer = Writer::new();
        writer.array(5);
        account.write(&mut writer);
        writer.uint(device.id().into()).bool(grants).bytes(list.as_bytes());
        let contents = writer.finish_secret();
        let object = object::seal(&code, Phase::Offer, &[], contents.expose_secret(), device, random)?;
        let offer = hash_of(&object);
        Ok((Self { code, account: account.clone(), grants, offer }, object))
    }

    /// The name of the code that this was offered to.
    #[must_use]
    pub fn id(&self) -> LinkId {
        self.code.id()
    }

    /// Whether the new device was granted the account key.
    #[must_use]
    pub const fn grants_account_key(&self) -> bool {
        self.grants
    }

    /// Opens the answer to this offer, at `now` (unix seconds), and verifies that it is of the device whose code was
    /// scanned.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another phase or code; if the device is not the one that the code commits to, says that it
    /// holds what it was not granted, or the prekey is not its own; [`Error::Open`], for an answer to another offer as
    /// well; [`Error::Unsupported`] if the device does not read this version; [`Error::Expired`] for the prekey;
    /// [`Error::BadSignature`], [`Error::BadKey`], [`Error::TooLarge`], [`Error::Malformed`].
    pub fn open_answer(&self, object: &[u8], now: u64) -> Result<Admitted> {
        let contents = object::open(&self.code, Phase::Answer, &self.offer, object)?;
        let mut reader = Reader::new(contents.expose_secret());
        let fields = reader.array()?;
        let entry = SignedEntry::read(&mut reader)?;
        let prekey_object = reader.bytes()?.to_vec();
        Extensions::read_last(&mut reader, fields, 2)?;
        reader.end()?;
        let device = entry.verify(&self.account)?;
        self.code.check_entry(&device)?;
        if device.holds_account_key != self.grants && !broken!("links-grant-themselves") {
            return Err(Error::Mismatch);
        }
        if !device.reads_this_version() {
            return Err(Error::Unsupported);
        }
        let prekey = ReceivedPrekey::parse(&prekey_object)?;
        prekey.check_signed(&device, now)?;
        Ok(Admitted { device, entry, prekey, prekey_object })
    }

    /// What waits, as bytes, to be stored sealed.
    #[must_use]
    pub fn encode(&self) -> SecretBytes {
        let mut writer = Writer::new();
        writer.array(5).bytes(self.code.bytes());
        self.account.write(&mut writer);
        writer.bool(self.grants).bytes(&self.offer);
        writer.finish_secret()
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`Error::Malformed`], and as [`ScannedCode::parse`](super::ScannedCode::parse).
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        reader.array_of(5)?;
        let code = Code::parse(reader.bytes()?)?;
        let account = Account::read(&mut reader, Origin::OwnStore)?;
        let (grants, offer) = (reader.bool()?, reader.fixed()?);
        reader.end()?;
        Ok(Self { code, account, grants, offer })
    }
}

/// An offer that opened: only who read the code from the screen can have made it.
pub struct Offer<'a> {
    code: &'a Code,
    account: Account,
    device: u32,
    grants: bool,
    list: DeviceList,
    offer: [u8; 32],
}

impl<'a> Offer<'a> {
    pub(super) fn open(code: &'a Code, ours: &DeviceKeys, object: &[u8], now: u64) -> Result<Self> {
        let contents = object::open(code, Phase::Offer, &[], object)?;
        let mut reader = Reader::new(contents.expose_secret());
        let fields = reader.array()?;
        let account = Account::read(&mut reader, Origin::Anybody)?;
        let device = u32::try_from(reader.uint()?).map_err(|_| Error::Malformed)?;
        let grants = reader.bool()?;
        let list = DeviceList::open(reader.bytes()?)?;
        Extensions::read_last(&mut reader, fields, 5)?;
        reader.end()?;
        let fits = account.id == code.account && *list.account() == account;
        if !fits || !holds_account_key(&list, device) || list.device(ours.id()).is_some() {
            return Err(Error::Mismatch);
        }
        list.check_time(now)?;
        Ok(Self { code, account, device, grants, list, offer: hash_of(object) })
    }

    /// The account that this device is to join, with its key.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// The device that made the offer.
    #[must_use]
    pub const fn device(&self) -> u32 {
        self.device
    }

    /// Whether this device is to get the account key.
    #[must_use]
    pub const fn grants_account_key(&self) -> bool {
        self.grants
    }

    /// The account's list, which this device is not on yet.
    #[must_use]
    pub const fn list(&self) -> &DeviceList {
        &self.list
    }

    /// Answers with this device's entry, signed for the account, and its signed prekey, by which the other device can
    /// write to it at once.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the code is not this device's.
    pub fn answer(&self, device: &DeviceKeys, prekey_object: &[u8], random: &mut dyn Random) -> Result<Vec<u8>> {
        let entry = device.entry(self.grants);
        self.code.check_entry(&entry)?;
        let signed = device.sign_entry(&self.account, &entry)?;
        let mut writer = Writer::new();
        writer.array(2);
        signed.write(&mut writer);
        writer.bytes(prekey_object);
        let contents = writer.finish_secret();
        object::seal(self.code, Phase::Answer, &self.offer, contents.expose_secret(), device, random)
    }
}

fn holds_account_key(list: &DeviceList, device: u32) -> bool {
    list.device(device).is_some_and(|entry| entry.holds_account_key)
}

fn hash_of(offer: &[u8]) -> [u8; 32] {
    hash(label::LINK_OFFER, &[Item::Bytes(offer)])
}
