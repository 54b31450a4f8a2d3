//! Our own account and device: one row, and the list that we publish.
//!
//! It does not know contacts or sessions.

pub(crate) mod before;
mod heir;
pub(crate) mod parted;

use std::sync::{Arc, Mutex, PoisonError};

use sprag_core::identity::{self, Account, AccountKey, DeviceKeys, DeviceList, NewList, SignedEntry};
use sprag_core::random::Random;
use sprag_core::secret::{Secret, SecretBytes};
use sprag_core::wire::{Extensions, Reader, Writer};

pub(crate) use self::heir::Heir;
use crate::codec::{self, CORRUPT, Row, ok, read_list, write_list};
use crate::config::{Armor, Directory, OnChange, Policy, Rollout, Shelf};
use crate::error::{Error, Result};
use crate::id::AccountId;
use crate::rows::{NEWCOMER, OWN};
use crate::store::{Snapshot, Table, Tx};

/// Seconds that a list is valid for: 35 days.
pub(crate) const LIST_LIFETIME: u64 = 35 * 86_400;

/// Seconds after which a list is signed anew: 14 days.
const LIST_RENEWAL: u64 = 14 * 86_400;

/// Who we are.
pub(crate) struct Own {
    /// The account key, on a device that may sign lists.
    pub(crate) key: Option<AccountKey>,
    pub(crate) device: DeviceKeys,
    /// Our list, as the directory has it or is about to be given the first one.
    pub(crate) list: DeviceList,
    pub(crate) policy: Policy,
    /// What is to become of the list and is in none yet that the directory confirmed.
    pub(crate) changes: Vec<Change>,
    pub(crate) stage: Stage,
    /// The account key that is to follow ours.
    pub(crate) heir: Option<Heir>,
    /// Devices that are still to be given the account key.
    pub(crate) unkeyed: Vec<u32>,
}

/// Where this device stands towards its account.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It has signed its entry, and no list has it yet.
    Joining,
    /// It is on the list.
    Member,
    /// It was taken off the list.
    Removed,
}

/// A change of our device list.
pub(crate) enum Change {
    /// To be signed anew, for it was issued before this time.
    Renew(u64),
    /// A device to be admitted.
    Add(u32, SignedEntry),
    /// A device to be taken off.
    Remove(u32),
    /// Whether every client of the account can read what is encrypted.
    Ready(bool),
    /// To have a number above this one: another list stands under it.
    Above(u64),
}

impl Change {
    /// Whether a list says it already.
    pub(crate) fn is_in(&self, list: &DeviceList) -> bool {
        match self {
            Self::Renew(before) => list.issued() >= *before,
            Self::Add(id, _) => list.device(*id).is_some(),
            Self::Remove(id) => list.device(*id).is_none(),
            Self::Ready(ready) => list.ready() == *ready,
            Self::Above(number) => list.sequence() > *number,
        }
    }
}

/// The same id, as the core names it.
pub(crate) fn core_id(id: &AccountId) -> Result<identity::AccountId> {
    ok(identity::AccountId::new(id.as_bytes()))
}

/// The same id, as the door names it.
pub(crate) fn door_id(id: &identity::AccountId) -> Result<AccountId> {
    AccountId::new(id.as_bytes()).map_err(|_| CORRUPT)
}

impl Own {
    /// A new account with one device.
    pub(crate) fn create(id: &AccountId, policy: Policy, now: u64, random: &mut dyn Random) -> Result<Self> {
        let key = AccountKey::create(core_id(id)?, random);
        let device = DeviceKeys::create(random);
        let entry = device.sign_entry(key.account(), &device.entry(true))?;
        let list = sign_list(&key, &[entry], 1, [0; 32], policy.rollout != Rollout::Read, now)?;
        Ok(Self {
            key: Some(key),
            device,
            list,
            policy,
            changes: Vec::new(),
            stage: Stage::Member,
            heir: None,
            unkeyed: Vec::new(),
        })
    }

    pub(crate) fn load(snapshot: &Snapshot<'_>) -> Result<Self> {
        codec::decode(own_row(snapshot)?.expose_secret())
    }

    pub(crate) fn save(&self, tx: &Tx<'_>) -> Result<()> {
        Ok(tx.put(Table::Meta, OWN, codec::encode(self).expose_secret())?)
    }

    /// Our account, as others see it.
    pub(crate) const fn account(&self) -> &Account {
        self.list.account()
    }

    pub(crate) fn id(&self) -> Result<AccountId> {
        door_id(&self.account().id)
    }

    /// Whether an account is our own.
    pub(crate) fn is_own(&self, account: &AccountId) -> bool {
        self.account().id.as_bytes() == account.as_bytes()
    }

    /// Whether a device of ours is to be taken off the list, which no confirmed list says yet: nothing is sent to it.
    pub(crate) fn is_leaving(&self, device: u32) -> bool {
        self.changes.iter().any(|change| matches!(change, Change::Remove(id) if *id == device))
    }

    /// Our list with every change that is wanted, to be put in the place of `before`; none if there is none, or this device
    /// may not sign it. What cannot be signed is left out: it must not keep everything else from being so.
    pub(crate) fn next_list(&self, before: &DeviceList, now: u64) -> Option<DeviceList> {
        let is_listed = before.device(self.device.id()).is_some();
        let changes = Some(&self.changes).filter(|_| self.stage == Stage::Member && is_listed)?;
        if let Some(list) = self.heirs_list(before, now) {
            return Some(list);
        }
        let key = self.key.as_ref().filter(|_| !changes.is_empty())?;
        let mut kept: Vec<_> = before.devices().zip(before.signed_entries()).collect();
        if before.devices().any(|device| device.holds_account_key && !self.is_leaving(device.id)) {
            kept.retain(|(device, _)| !self.is_leaving(device.id));
        }
        let mut entries: Vec<SignedEntry> = kept.into_iter().map(|(_, entry)| entry).collect();
        // Another list may stand under the next number already: one that nobody has seen is above it.
        let ahead = if before.hash() == self.list.hash() { 1 } else { 2 };
        let wanted = self.changes.iter().rev().find_map(|change| match change {
            Change::Ready(ready) => Some(*ready),
            _ => None,
        });
        let ready = wanted.unwrap_or_else(|| before.ready());
        let above = self.changes.iter().filter_map(|change| match change {
            Change::Above(number) => Some(*number),
            _ => None,
        });
        let sequence = before.sequence().checked_add(ahead)?.max(above.max().unwrap_or(0).checked_add(1)?);
        let sign = |entries: &[SignedEntry]| sign_list(key, entries, sequence, *before.hash(), ready, now).ok();
        let mut list = sign(&entries)?;
        for change in changes.iter().filter(|change| !change.is_in(before)) {
            let Change::Add(_, entry) = change else { continue };
            entries.push(entry.clone());
            match sign(&entries) {
                Some(longer) => list = longer,
                None => {
                    entries.pop();
                }
            }
        }
        Some(list)
    }

    /// Whether an entry could be put on our list as it is.
    pub(crate) fn could_add(&self, entry: &SignedEntry, now: u64) -> bool {
        let mut entries = self.list.signed_entries();
        entries.push(entry.clone());
        let sign = |key| sign_list(key, &entries, self.list.sequence(), *self.list.hash(), true, now);
        self.key.as_ref().is_some_and(|key| sign(key).is_ok())
    }

    /// Whether the list is old enough to be signed anew.
    pub(crate) fn is_list_old(&self, now: u64) -> bool {
        now >= self.list.issued().saturating_add(LIST_RENEWAL)
    }

    /// Follows to a list that may follow ours. Tells what this device was before and is now.
    pub(crate) fn adopt(tx: &Tx<'_>, list: DeviceList) -> Result<(Stage, Stage)> {
        let mut own = Self::load(tx)?;
        parted::adopted(tx, &mut own, &list)?;
        let ours = own.device.device_key();
        let is_listed = list.device(own.device.id()).is_some_and(|entry| entry.device_key == ours);
        if list.account() != own.account() {
            before::note(tx, own.account(), list.issued())?;
            // Who is to hold the new key, besides this device, gets it from the one that made it.
            own.key = own.heir.take().and_then(Heir::into_key);
            let others = list.devices().filter(|device| device.holds_account_key && device.device_key != ours);
            own.unkeyed = if own.key.is_some() { others.map(|device| device.id).collect() } else { Vec::new() };
            // Who signed for the old key is to be linked anew.
            own.changes.retain(|change| !matches!(change, Change::Add(..)));
        }
        own.list = list;
        let before = own.stage;
        own.stage = match before {
            // It has given up its keys.
            Stage::Removed => Stage::Removed,
            _ if is_listed => Stage::Member,
            Stage::Joining => Stage::Joining,
            Stage::Member => Stage::Removed,
        };
        if own.stage == Stage::Member {
            tx.delete(Table::Meta, NEWCOMER)?;
        }
        if own.stage == Stage::Removed {
            // What this device may no longer use, nobody who takes it up shall find.
            own.key = None;
            own.heir = None;
            own.unkeyed.clear();
        }
        own.save(tx)?;
        Ok((before, own.stage))
    }

    /// That this device may send and change things.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] if it is not on the list.
    pub(crate) fn check_member(&self) -> Result<()> {
        if self.stage == Stage::Member { Ok(()) } else { Err(Error::NotAllowed) }
    }
}

/// Our row. A device that is still to be linked has none, and may do nothing that needs one.
fn own_row(snapshot: &Snapshot<'_>) -> Result<SecretBytes> {
    match snapshot.get(Table::Meta, OWN)? {
        Some(row) => Ok(row),
        None if snapshot.get(Table::Meta, NEWCOMER)?.is_some() => Err(Error::NotAllowed),
        None => Err(CORRUPT),
    }
}

/// Our own row as it was last read: making the public halves out of the private ones takes longer than everything else in
/// most calls. It is what the row says now, or it is not used.
#[derive(Default)]
pub(crate) struct Remembered(Mutex<Option<(SecretBytes, Arc<Own>)>>);

impl Remembered {
    pub(crate) fn load(&self, snapshot: &Snapshot<'_>) -> Result<Arc<Own>> {
        let row = own_row(snapshot)?;
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, own)) = last.as_ref().filter(|(known, _)| known.expose_secret() == row.expose_secret()) {
            return Ok(own.clone());
        }
        let own = Arc::new(codec::decode::<Own>(row.expose_secret())?);
        *last = Some((row, own.clone()));
        Ok(own)
    }
}

fn sign_list(
    key: &AccountKey,
    entries: &[SignedEntry],
    sequence: u64,
    previous: [u8; 32],
    ready: bool,
    now: u64,
) -> Result<DeviceList> {
    Ok(NewList {
        sequence,
        previous,
        issued: now,
        expires: now.saturating_add(LIST_LIFETIME),
        ready,
        devices: entries,
        extensions: Extensions::new(),
    }
    .sign(key)?)
}

impl Row for Policy {
    fn write(&self, writer: &mut Writer) {
        writer
            .array(8)
            .uint(self.directory.code().into())
            .uint(self.max_body.into())
            .uint(self.on_change.code().into());
        writer.uint(self.rollout.code().into()).uint(self.armor.code().into()).text(&self.fallback_text);
        writer.uint(self.shelf.messages.into()).uint(self.shelf.days.into());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(8))?;
        Ok(Self {
            directory: Directory::from_code(Row::read(reader)?).ok_or(CORRUPT)?,
            max_body: Row::read(reader)?,
            on_change: OnChange::from_code(Row::read(reader)?).ok_or(CORRUPT)?,
            rollout: Rollout::from_code(Row::read(reader)?).ok_or(CORRUPT)?,
            armor: Armor::from_code(Row::read(reader)?).ok_or(CORRUPT)?,
            fallback_text: Row::read(reader)?,
            shelf: Shelf { messages: Row::read(reader)?, days: Row::read(reader)? },
        })
    }
}

impl Row for Change {
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Renew(before) => {
                writer.array(2).uint(1).uint(*before);
            }
            Self::Add(id, entry) => {
                writer.array(3).uint(2).uint((*id).into()).bytes(&entry.encode());
            }
            Self::Remove(id) => {
                writer.array(2).uint(3).uint((*id).into());
            }
            Self::Ready(ready) => {
                writer.array(2).uint(4).bool(*ready);
            }
            Self::Above(number) => {
                writer.array(2).uint(5).uint(*number);
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        match (ok(reader.array())?, ok(reader.uint())?) {
            (2, 1) => Row::read(reader).map(Self::Renew),
            (3, 2) => Ok(Self::Add(Row::read(reader)?, ok(SignedEntry::decode(ok(reader.bytes())?))?)),
            (2, 3) => Row::read(reader).map(Self::Remove),
            (2, 4) => Row::read(reader).map(Self::Ready),
            (2, 5) => Row::read(reader).map(Self::Above),
            _ => Err(CORRUPT),
        }
    }
}

impl Row for Own {
    fn write(&self, writer: &mut Writer) {
        writer.array(8);
        match &self.key {
            Some(key) => writer.bytes(key.expose_seed()),
            None => writer.null(),
        };
        writer.bytes(self.device.encode().expose_secret()).bytes(self.list.as_bytes());
        self.policy.write(writer);
        write_list(writer, &self.changes);
        writer.uint(match self.stage {
            Stage::Joining => 1,
            Stage::Member => 2,
            Stage::Removed => 3,
        });
        self.heir.write(writer);
        write_list(writer, &self.unkeyed);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(8))?;
        let seed = if reader.take_null() { None } else { Some(ok(Secret::from_slice(ok(reader.bytes())?))?) };
        let device = ok(DeviceKeys::decode(ok(reader.bytes())?))?;
        let list = ok(DeviceList::reopen(ok(reader.bytes())?))?;
        let key = seed.map(|seed| AccountKey::from_seed(list.account().id.clone(), &seed));
        let policy = Row::read(reader)?;
        let changes = read_list(reader)?;
        let stage = match ok(reader.uint())? {
            1 => Stage::Joining,
            2 => Stage::Member,
            3 => Stage::Removed,
            _ => return Err(CORRUPT),
        };
        let (heir, unkeyed) = (Row::read(reader)?, read_list(reader)?);
        Ok(Self { key, device, list, policy, changes, stage, heir, unkeyed })
    }
}
