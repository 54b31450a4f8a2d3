//! The pin: what is remembered of a contact's device lists, and which list may follow.
//!
//! It does not know where a list came from, nor whether its account was the one asked for: the caller checks that
//! before it pins.

use alloc::collections::VecDeque;

use crate::error::{Error, Result};
use crate::identity::{Account, DeviceList, Origin, Succession};
use crate::wire::{Reader, Writer};

/// How many lists' hashes are remembered.
pub const HISTORY: usize = 16;

/// The most by which a list may be ahead of the pinned one.
pub const MAX_GAP: u64 = 1 << 20;

/// How many device ids are remembered, those that are gone included.
const BINDINGS: usize = 64;

/// A device id and what it was bound to when last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Binding {
    id: u32,
    keys: [u8; 8],
    newest_version: u8,
}

/// What is remembered of one account's lists. The account is never another one: a pin does not move to other keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    account: Account,
    /// Sequences and hashes, newest first; never empty.
    history: VecDeque<(u64, [u8; 32])>,
    /// Newest first.
    bindings: VecDeque<Binding>,
}

/// How an accepted list relates to the pinned one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is the pinned list itself.
    Same,
    /// It directly follows the pinned one, and names it.
    Next,
    /// It follows with `missing` lists in between that were not seen. Worth an event.
    Gap {
        /// How many lists were skipped.
        missing: u64,
    },
}

/// A list that may follow, and the pin to remember once it is adopted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// What to remember from now on.
    pub pin: Pin,
    /// How the list relates to the one before.
    pub step: Step,
}

impl Pin {
    /// The first pin of an account, whose id the caller found equal to the one that it asked for.
    #[must_use]
    pub fn first(list: &DeviceList) -> Self {
        let mut pin = Self { account: list.account().clone(), history: VecDeque::new(), bindings: VecDeque::new() };
        pin.remember(list);
        pin
    }

    /// The account.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// The number of the pinned list.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.history.front().map_or(0, |(sequence, _)| *sequence)
    }

    /// The hash of the list with this number, if it is among the last [`HISTORY`].
    #[must_use]
    pub fn hash_of(&self, sequence: u64) -> Option<&[u8; 32]> {
        self.history.iter().find(|(number, _)| *number == sequence).map(|(_, hash)| hash)
    }

    /// Whether a list may follow the pinned one. The pin itself stays as it is.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another account, or a device id that was bound to other keys;
    /// [`Error::Rollback`] for a lower sequence, or a device that reads only older versions than before;
    /// [`Error::Fork`] for another list with the same sequence, or a next one that does not name the pinned one;
    /// [`Error::TooFar`] for one that is more than [`MAX_GAP`] ahead.
    pub fn accept(&self, list: &DeviceList) -> Result<Accepted> {
        if *list.account() != self.account && !broken!("pins-move") {
            return Err(Error::Mismatch);
        }
        let step = self.step_to(list)?;
        self.check_bindings(list)?;
        let mut pin = self.clone();
        if step != Step::Same {
            pin.remember(list);
        }
        Ok(Accepted { pin, step })
    }

    fn step_to(&self, list: &DeviceList) -> Result<Step> {
        let (sequence, hash) = self.history.front().ok_or(Error::Malformed)?;
        match list.sequence().checked_sub(*sequence) {
            None if broken!("lists-roll-back") => Ok(Step::Same),
            None => Err(Error::Rollback),
            Some(0) if list.hash() == hash => Ok(Step::Same),
            Some(1) if list.previous() == hash => Ok(Step::Next),
            Some(0 | 1) => Err(Error::Fork),
            // Whoever stole the account key must not use up its numbers: no list could follow that takes him off.
            Some(ahead) if ahead > MAX_GAP => Err(Error::TooFar),
            Some(ahead) => Ok(Step::Gap { missing: ahead - 1 }),
        }
    }

    /// Judges a list that came in a *message* and is older than the pinned one: that is only old mail, and never
    /// adopted.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another account; [`Error::Fork`] if another list is remembered under its number.
    pub fn check_old(&self, list: &DeviceList) -> Result<()> {
        if *list.account() != self.account {
            return Err(Error::Mismatch);
        }
        match self.hash_of(list.sequence()) {
            Some(hash) if hash != list.hash() => Err(Error::Fork),
            _ => Ok(()),
        }
    }

    /// The pin of the account that follows this one, by a succession that the caller found right to follow. What was
    /// remembered of devices is kept: an id stays bound to its keys. Numbers are not compared with those of the old
    /// account key: whoever holds that one too could have used them up.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the succession is not of the pinned account, or the list not of the one that follows; or as
    /// [`Self::accept`] for its devices.
    pub fn succeed(&self, succession: &Succession, list: &DeviceList) -> Result<Self> {
        let account = succession.follow(&self.account)?;
        if *list.account() != account {
            return Err(Error::Mismatch);
        }
        self.check_bindings(list)?;
        let mut pin = Self { account, history: VecDeque::new(), bindings: self.bindings.clone() };
        pin.remember(list);
        Ok(pin)
    }

    fn check_bindings(&self, list: &DeviceList) -> Result<()> {
        for device in list.devices() {
            let Some(known) = self.bindings.iter().find(|known| known.id == device.id) else { continue };
            if known.keys != device.binding() {
                return Err(Error::Mismatch);
            }
            if device.versions.last() < Some(&known.newest_version) {
                return Err(Error::Rollback);
            }
        }
        Ok(())
    }

    fn remember(&mut self, list: &DeviceList) {
        self.history.push_front((list.sequence(), *list.hash()));
        self.history.truncate(HISTORY);
        for device in list.devices() {
            self.bindings.retain(|known| known.id != device.id);
            let newest_version = device.versions.last().copied().unwrap_or_default();
            self.bindings.push_front(Binding { id: device.id, keys: device.binding(), newest_version });
        }
        self.bindings.truncate(BINDINGS);
    }

    /// Writes the pin as one CBOR item, to be stored.
    pub fn write(&self, writer: &mut Writer) {
        writer.array(4);
        self.account.write(writer);
        writer.array(self.history.len());
        self.history.iter().for_each(|(sequence, hash)| {
            writer.array(2).uint(*sequence).bytes(hash);
        });
        writer.array(self.bindings.len());
        self.bindings.iter().for_each(|known| {
            writer.array(3).uint(known.id.into()).bytes(&known.keys).uint(known.newest_version.into());
        });
    }

    /// Reads what [`Self::write`] wrote, from one's own sealed store: the account key is not checked again.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TooLarge`].
    pub fn read(reader: &mut Reader<'_>) -> Result<Self> {
        reader.array_of(4)?;
        let account = Account::read(reader, Origin::OwnStore)?;
        let mut history = VecDeque::new();
        for _ in 0..bounded(reader.array()?, HISTORY)? {
            reader.array_of(2)?;
            history.push_back((reader.uint()?, reader.fixed()?));
        }
        let mut bindings = VecDeque::new();
        for _ in 0..bounded(reader.array()?, BINDINGS)? {
            reader.array_of(3)?;
            let id = u32::try_from(reader.uint()?).map_err(|_| Error::Malformed)?;
            let keys = reader.fixed()?;
            let newest_version = u8::try_from(reader.uint()?).map_err(|_| Error::Malformed)?;
            bindings.push_back(Binding { id, keys, newest_version });
        }
        if history.is_empty() { Err(Error::Malformed) } else { Ok(Self { account, history, bindings }) }
    }
}

const fn bounded(count: usize, max: usize) -> Result<usize> {
    if count > max { Err(Error::TooLarge) } else { Ok(count) }
}
