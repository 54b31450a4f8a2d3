//! Who has which rows of `meta`: a few by their numbers, and a range for each kind of thing that is found by the keyed hash of
//! a name. All on one page, so that no two meet.
//!
//! It does not know what stands in them.

use sprag_core::secret::SecretBytes;

use crate::error::Result;
use crate::store::{Snapshot, Table};

/// Our own account and device.
pub(crate) const OWN: i64 = 1;
/// What is due.
pub(crate) const UPKEEP: i64 = 2;
/// A device that is still to be linked.
pub(crate) const NEWCOMER: i64 = 3;
/// Offers of our account that wait for their answers.
pub(crate) const ADMISSIONS: i64 = 4;
/// What happened how often.
pub(crate) const COUNTERS: i64 = 5;

/// What of the account's state has come to this device, until all has.
pub(crate) const WELCOME: i64 = 6;
/// Our devices that ask for the account's state.
pub(crate) const ASKING: i64 = 7;
/// Accounts that ours follows, under other keys.
pub(crate) const BEFORE: i64 = 8;
/// Since when a device is to be taken off our list.
pub(crate) const LEAVING: i64 = 9;

/// What this device changed in the list that is ours now.
pub(crate) const CHANGED: i64 = 10;

/// Rows that are looked for at once.
const PAGE: usize = 64;

/// A kind of thing. Its number is the highest bit of all its rows.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Kind {
    /// What two devices ask each other for.
    Pair = 57,
    /// Keys that came without a directory.
    Card = 58,
    /// When the directory was last asked about somebody who could not read.
    Look = 59,
    /// What is kept of a conversation.
    Conversation = 60,
    /// Envelopes of ours, by their commitments.
    Echo = 61,
    /// Messages of ours, by their ids.
    Message = 62,
}

impl Kind {
    /// The row of the thing of this name; `purpose` keeps names of different sorts apart.
    pub(crate) fn row(self, snapshot: &Snapshot<'_>, purpose: &str, name: &[u8]) -> i64 {
        let bit = self as u32;
        1 << bit | number(&snapshot.keyed_hash(purpose, name), bit)
    }

    /// All rows of this kind, read one page of numbers after the other: behind them may be much that nobody wants to read.
    pub(crate) fn all(self, snapshot: &Snapshot<'_>) -> Result<Vec<(i64, SecretBytes)>> {
        let bit = self as u32;
        let (mut found, mut after) = (Vec::new(), (1 << bit) - 1);
        loop {
            let page = snapshot.ids(Table::Meta, after, PAGE)?;
            let ours: Vec<i64> = page.iter().copied().take_while(|row| row >> bit == 1).collect();
            for row in &ours {
                found.push((*row, snapshot.require(Table::Meta, *row)?));
            }
            match ours.last() {
                Some(last) if ours.len() == PAGE => after = *last,
                _ => return Ok(found),
            }
        }
    }
}

/// The first bits of a hash as a number.
pub(crate) fn number(hash: &[u8; 32], bits: u32) -> i64 {
    let number = hash.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    i64::try_from(number >> (u64::BITS - bits)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use sprag_core::secret::Secret;

    use super::*;
    use crate::context::Environment;
    use crate::store::{Barrier, Store, Tx};

    /// What is of one kind is found among all others, over more than a page, and nothing else with it.
    #[test]
    fn every_kind_keeps_to_its_range() {
        let kinds = [Kind::Pair, Kind::Card, Kind::Look, Kind::Conversation, Kind::Echo, Kind::Message];
        let fill = |tx: &Tx<'_>| -> Result<()> {
            tx.put(Table::Meta, OWN, b"own")?;
            for kind in kinds {
                for name in 0..=u8::try_from(PAGE).unwrap_or(0) {
                    tx.put(Table::Meta, kind.row(tx, "name", &[name]), &[kind as u8, name])?;
                }
            }
            Ok(())
        };
        let store = Store::create(None, &Secret::new([7; 32]), &Environment::platform(), fill).unwrap();
        store
            .write(Barrier::Normal, |tx| -> Result<()> {
                for kind in kinds {
                    let all = kind.all(tx)?;
                    assert_eq!(all.len(), PAGE + 1);
                    assert!(all.iter().all(|(_, value)| value.expose_secret()[0] == kind as u8));
                }
                Ok(())
            })
            .unwrap();
    }
}
