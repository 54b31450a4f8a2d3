//! The account key that is to follow ours, for somebody may have ours who should not: until the devices that are to stay
//! have signed for it, or have had their time.
//!
//! It sends nothing, and asks nobody.

use sprag_core::identity::{Account, AccountKey, DeviceList, NewList, Pin, SignedEntry, Succession};
use sprag_core::random::Random;
use sprag_core::secret::Secret;
use sprag_core::wire::{Extensions, Reader, Writer};

use crate::account::{LIST_LIFETIME, Own};
use crate::codec::{Row, ok, read_list, write_list};
use crate::error::{Error, Result};

/// Seconds for which devices that are to sign for a new account key are waited for: a day.
const PATIENCE: u64 = 86_400;

/// The extension of a list in which the succession stands that its account key follows by.
const EXT_SUCCESSION: u64 = 1;

/// An account key that is to follow ours, for somebody may have ours who should not.
pub(crate) struct Heir {
    pub(crate) succession: Succession,
    /// The key itself, on the device that made it.
    key: Option<AccountKey>,
    /// The devices that have signed for it.
    entries: Vec<SignedEntry>,
    /// Since when they are asked.
    at: u64,
    /// The device that asked us, while it has no answer.
    pub(crate) asked_by: Option<u32>,
    /// The device that made the key.
    maker: u32,
    /// The devices that we have asked.
    pub(crate) asked: Vec<u32>,
}

impl Heir {
    /// The key, if this device has it.
    pub(crate) fn into_key(self) -> Option<AccountKey> {
        self.key
    }
}

impl Own {
    /// Makes the key that is to follow ours, unless this device has made one; the first to sign for it is this one.
    pub(crate) fn make_heir(&mut self, now: u64, random: &mut dyn Random) -> Result<()> {
        if self.heir.as_ref().is_some_and(|heir| heir.key.is_some()) {
            return Ok(());
        }
        let old = self.key.as_ref().ok_or(Error::NotAllowed)?;
        let new = AccountKey::create(self.account().id.clone(), random);
        let succession = Succession::sign(old, &new, now)?;
        let entries = vec![self.entry_for(new.account())?];
        let maker = self.device.id();
        self.heir =
            Some(Heir { succession, key: Some(new), entries, at: now, asked_by: None, maker, asked: Vec::new() });
        Ok(())
    }

    /// The devices that are still to be asked to sign for the key that follows ours: once those that are not are off the list.
    pub(crate) fn unasked(&self) -> Vec<u32> {
        let Some(heir) = self.heir.as_ref().filter(|heir| heir.key.is_some()) else { return Vec::new() };
        if self.list.devices().any(|device| self.is_leaving(device.id)) {
            return Vec::new();
        }
        let others = self.list.devices().map(|device| device.id).filter(|id| *id != self.device.id());
        others.filter(|id| !heir.asked.contains(id)).collect()
    }

    /// This device's entry, signed for an account that is to be ours.
    pub(crate) fn entry_for(&self, account: &Account) -> Result<SignedEntry> {
        let holds_account_key = self.list.device(self.device.id()).is_some_and(|entry| entry.holds_account_key);
        Ok(self.device.sign_entry(account, &self.device.entry(holds_account_key))?)
    }

    /// The first list under the key that follows ours: once the devices that are to be on it have signed for it, or have
    /// had their time, and those that are not are off our own.
    pub(crate) fn heirs_list(&self, before: &DeviceList, now: u64) -> Option<DeviceList> {
        let heir = self.heir.as_ref()?;
        let key = heir.key.as_ref().filter(|_| !before.devices().any(|device| self.is_leaving(device.id)))?;
        let is_listed = |entry: &&SignedEntry| {
            let device = entry.verify(key.account());
            device.is_ok_and(|device| before.device(device.id).is_some_and(|listed| *listed == device))
        };
        let entries: Vec<_> = heir.entries.iter().filter(is_listed).cloned().collect();
        let is_complete = entries.len() == before.devices().count();
        if !is_complete && now < heir.at.saturating_add(PATIENCE) {
            return None;
        }
        let mut extensions = Extensions::new();
        extensions.insert(EXT_SUCCESSION, heir.succession.as_bytes().to_vec());
        let list = NewList {
            sequence: before.sequence().checked_add(1)?,
            previous: *before.hash(),
            issued: now,
            expires: now.saturating_add(LIST_LIFETIME),
            ready: before.ready(),
            devices: &entries,
            extensions,
        };
        list.sign(key).ok()
    }

    /// Notes that a device of ours has signed for the key that is to follow. Tells whether it is news.
    pub(crate) fn add_heirs_entry(&mut self, device: u32, entry: SignedEntry) -> bool {
        let listed = self.list.device(device);
        let Some((heir, listed)) = self.heir.as_mut().zip(listed) else { return false };
        let Some(Ok(signed)) = heir.key.as_ref().map(|key| entry.verify(key.account())) else { return false };
        if signed != *listed || heir.entries.contains(&entry) {
            return false;
        }
        heir.entries.push(entry);
        true
    }

    /// The pin that follows ours by a list under another account key, if it is the key whose succession we know.
    pub(crate) fn heirs_pin(&self, pin: &Pin, list: &DeviceList) -> Option<Pin> {
        self.heir.as_ref().and_then(|heir| pin.succeed(&heir.succession, list).ok())
    }

    /// Another of our devices made a key that is to follow ours: it is to be answered.
    ///
    /// # Errors
    /// Whatever is wrong with the succession; [`sprag_core::Error::Fork`] for a second one.
    pub(crate) fn learn_heir(&mut self, object: &[u8], asked_by: u32, now: u64) -> sprag_core::Result<()> {
        let succession = Succession::open(object)?;
        succession.follow(self.account())?;
        let ours = self.device.id();
        // What a device made that is off the list since counts for nothing: it may have been a thief's.
        let list = &self.list;
        let known = self.heir.as_mut().filter(|heir| heir.maker == ours || list.device(heir.maker).is_some());
        if let Some(heir) = known {
            heir.succession.check_beside(&succession)?;
            heir.asked_by = heir.key.is_none().then_some(asked_by);
            return Ok(());
        }
        let (entries, asked) = (Vec::new(), Vec::new());
        let (maker, asked_by) = (asked_by, Some(asked_by));
        self.heir = Some(Heir { succession, key: None, entries, at: now, asked_by, maker, asked });
        Ok(())
    }
}

impl Row for Heir {
    fn write(&self, writer: &mut Writer) {
        writer.array(7).bytes(self.succession.as_bytes());
        match &self.key {
            Some(key) => writer.bytes(key.expose_seed()),
            None => writer.null(),
        };
        let entries: Vec<Vec<u8>> = self.entries.iter().map(SignedEntry::encode).collect();
        write_list(writer, &entries);
        writer.uint(self.at);
        self.asked_by.write(writer);
        self.maker.write(writer);
        write_list(writer, &self.asked);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(7))?;
        let succession = ok(Succession::open(ok(reader.bytes())?))?;
        let seed = if reader.take_null() { None } else { Some(ok(Secret::from_slice(ok(reader.bytes())?))?) };
        let key = seed.map(|seed| AccountKey::from_seed(succession.id().clone(), &seed));
        let entries = read_list::<Vec<u8>>(reader)?;
        let entries = entries.iter().map(|entry| ok(SignedEntry::decode(entry))).collect::<Result<_>>()?;
        let (at, asked_by) = (Row::read(reader)?, Row::read(reader)?);
        let (maker, asked) = (Row::read(reader)?, read_list(reader)?);
        Ok(Self { succession, key, entries, at, asked_by, maker, asked })
    }
}
