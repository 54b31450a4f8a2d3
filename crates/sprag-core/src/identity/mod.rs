//! Who somebody is: accounts, their devices, and the signed list that says which devices are theirs.
//!
//! It does not know sessions or servers, nor which list a caller has asked for. *Ours* and *theirs* are different types:
//! [`AccountKey`] and [`DeviceKeys`] hold private keys, [`Account`] and [`DeviceEntry`] are what others see.
//!
//! `docs/protocol.md`, *Who*.

mod account;
mod device;
mod list;
mod pin;
mod succession;

use crate::crypto::sign::VerifyKey;
use crate::error::{Error, Result};

pub use account::{Account, AccountId, AccountKey};
pub use device::{DeviceEntry, DeviceKeys, MAX_VERSIONS, SignedEntry};
pub use list::{DeviceList, MAX_DEVICES, MAX_LIST, MAX_SEQUENCE, NewList};
pub use pin::{Accepted, HISTORY, MAX_GAP, Pin, Step};
pub use succession::{MAX_SUCCESSION, Succession};

/// Where bytes come from, and so what is checked of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// From anybody: everything is verified.
    Anybody,
    /// From one's own sealed store, where they went after they were verified.
    OwnStore,
}

impl Origin {
    /// The key in these bytes.
    pub(crate) fn key(self, bytes: [u8; 32]) -> Result<VerifyKey> {
        match self {
            Self::Anybody => VerifyKey::from_bytes(bytes),
            Self::OwnStore => Ok(VerifyKey::reopen(bytes)),
        }
    }
}

/// Seconds of clock error that every expiry tolerates, on either side: one day.
pub const CLOCK_TOLERANCE: u64 = 24 * 60 * 60;

/// Whether `now` lies between `created` and `expires`, a day of clock error allowed.
///
/// # Errors
/// [`Error::Expired`] past the expiry, or before the creation.
pub(crate) const fn check_time(created: u64, expires: u64, now: u64) -> Result<()> {
    if now > expires.saturating_add(CLOCK_TOLERANCE) || now.saturating_add(CLOCK_TOLERANCE) < created {
        Err(Error::Expired)
    } else {
        Ok(())
    }
}
