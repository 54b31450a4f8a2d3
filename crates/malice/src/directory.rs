//! The key directory: lists, signed prekeys, and one-time prekeys that are handed out once, unless it cheats.

use std::collections::BTreeMap;

use crate::{Account, Device};

/// A device list to be stored only if the one before it is the expected one.
#[derive(Clone, Debug)]
pub struct ListWrite {
    /// The signed list.
    pub object: Vec<u8>,
    /// Its number.
    pub sequence: u64,
    /// The number of the list that must be there now.
    pub expected: u64,
}

/// What a device publishes.
#[derive(Clone, Debug, Default)]
pub struct Upload {
    /// A new list of the account.
    pub list: Option<ListWrite>,
    /// The device's new signed prekey.
    pub signed_prekey: Option<Vec<u8>>,
    /// More one-time prekeys of the device.
    pub one_time: Vec<Vec<u8>>,
    /// Whether those that are there are thrown away first.
    pub reset_one_time: bool,
}

/// What came of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// Stored; so many one-time prekeys of the device are there now.
    Stored(usize),
    /// Nothing was stored: this is the list that is there.
    Conflict(Vec<u8>),
}

#[derive(Clone, Debug, Default)]
struct Keys {
    /// Every list that was published, with its number.
    lists: Vec<(u64, Vec<u8>)>,
    devices: BTreeMap<Device, Prekeys>,
}

#[derive(Clone, Debug, Default)]
struct Prekeys {
    /// Every signed prekey that was published.
    signed: Vec<Vec<u8>>,
    one_time: Vec<Vec<u8>>,
    /// One-time prekeys that were handed out.
    used: Vec<Vec<u8>>,
}

/// What somebody is shown instead of the truth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// The list before the last one.
    OldList,
    /// The signed prekey before the last one.
    OldPrekey,
    /// The keys of another account.
    Other(Account),
    /// The list is right, and the prekeys are another account's.
    OthersPrekeys(Account),
    /// No one-time prekey, though there are some.
    NoOneTime,
    /// A one-time prekey that was handed out before.
    UsedOneTime,
    /// One bit of one part is another: the part by its number, and the bit.
    Flipped(usize, usize),
    /// Nothing is known of the account.
    Unknown,
}

/// The directory.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    accounts: BTreeMap<Account, Keys>,
    /// Who is lied to about whom.
    lies: BTreeMap<(Account, Account), Lie>,
}

impl Directory {
    /// Stores what a device publishes.
    pub fn publish(&mut self, account: &[u8], device: Device, upload: Upload) -> Published {
        let keys = self.accounts.entry(account.to_vec()).or_default();
        if let Some(list) = upload.list {
            let (sequence, object) = keys.lists.last().map_or((0, &[][..]), |(sequence, list)| (*sequence, list));
            if sequence != list.expected {
                return Published::Conflict(object.to_vec());
            }
            keys.lists.push((list.sequence, list.object));
        }
        let prekeys = keys.devices.entry(device).or_default();
        prekeys.signed.extend(upload.signed_prekey);
        if upload.reset_one_time {
            prekeys.one_time.clear();
        }
        prekeys.one_time.extend(upload.one_time);
        Published::Stored(prekeys.one_time.len())
    }

    /// How many one-time prekeys of a device are there.
    #[must_use]
    pub fn left(&self, account: &[u8], device: Device) -> usize {
        let keys = self.accounts.get(account).and_then(|keys| keys.devices.get(&device));
        keys.map_or(0, |prekeys| prekeys.one_time.len())
    }

    /// The keys of an account, for somebody who asks: list, and of each device the signed prekey and a one-time prekey.
    pub fn keys(&mut self, asker: &[u8], account: &[u8], one_time: bool) -> Option<Vec<Vec<u8>>> {
        let lie = self.lies.get(&(asker.to_vec(), account.to_vec())).cloned();
        match lie {
            None => self.truth(account, one_time),
            Some(Lie::Unknown) => None,
            Some(Lie::Other(other)) => self.truth(&other, one_time),
            Some(Lie::NoOneTime) => self.truth(account, false),
            Some(Lie::OthersPrekeys(other)) => {
                let list = self.truth(account, false)?.into_iter().next()?;
                let prekeys = self.truth(&other, one_time)?.into_iter().skip(1);
                Some(std::iter::once(list).chain(prekeys).collect())
            }
            Some(Lie::UsedOneTime) => {
                let mut parts = self.truth(account, false)?;
                let devices = &self.accounts.get(account)?.devices;
                parts.extend(devices.values().filter_map(|prekeys| prekeys.used.first().cloned()));
                Some(parts)
            }
            Some(Lie::OldList) => {
                let mut parts = self.truth(account, one_time)?;
                let lists = &self.accounts.get(account)?.lists;
                parts[0] = lists[lists.len().saturating_sub(2)].1.clone();
                Some(parts)
            }
            Some(Lie::OldPrekey) => {
                let mut parts = self.truth(account, one_time)?;
                let signed = self.accounts.get(account)?.devices.values().next().map(|prekeys| &prekeys.signed)?;
                if let (Some(part), Some(old)) = (parts.get_mut(1), signed.get(signed.len().saturating_sub(2))) {
                    part.clone_from(old);
                }
                Some(parts)
            }
            Some(Lie::Flipped(part, bit)) => {
                let mut parts = self.truth(account, one_time)?;
                let part = part % parts.len();
                crate::mail::flip(&mut parts[part], bit);
                Some(parts)
            }
        }
    }

    fn truth(&mut self, account: &[u8], one_time: bool) -> Option<Vec<Vec<u8>>> {
        let keys = self.accounts.get_mut(account)?;
        let mut parts = vec![keys.lists.last()?.1.clone()];
        for prekeys in keys.devices.values_mut() {
            parts.extend(prekeys.signed.last().cloned());
            if one_time && !prekeys.one_time.is_empty() {
                let prekey = prekeys.one_time.remove(0);
                prekeys.used.push(prekey.clone());
                parts.push(prekey);
            }
        }
        Some(parts)
    }

    pub(crate) fn lie(&mut self, asker: &[u8], account: &[u8], lie: Lie) {
        self.lies.insert((asker.to_vec(), account.to_vec()), lie);
    }

    pub(crate) fn forget_lie(&mut self, asker: &[u8], account: &[u8]) -> bool {
        self.lies.remove(&(asker.to_vec(), account.to_vec())).is_some()
    }

    /// Hands out all one-time prekeys of an account, to nobody.
    pub(crate) fn drain(&mut self, account: &[u8]) -> usize {
        let devices = self.accounts.get_mut(account).map(|keys| &mut keys.devices);
        devices.map_or(0, |devices| {
            let all = devices.values_mut().map(|prekeys| {
                let count = prekeys.one_time.len();
                let drained = std::mem::take(&mut prekeys.one_time);
                prekeys.used.extend(drained);
                count
            });
            all.sum()
        })
    }

    pub(crate) fn repent(&mut self) {
        self.lies.clear();
    }

    /// Where an account stands among those of the directory.
    pub(crate) fn place(&self, account: &[u8]) -> Option<usize> {
        self.accounts.keys().position(|known| known == account)
    }

    pub(crate) fn accounts(&self) -> Vec<Account> {
        self.accounts.keys().cloned().collect()
    }
}
