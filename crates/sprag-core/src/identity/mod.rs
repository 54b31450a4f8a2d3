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

pub use account::{Account, AccountId, AccountKey};
pub use device::{DeviceEntry, DeviceKeys, MAX_VERSIONS, SignedEntry};
pub use list::{DeviceList, MAX_DEVICES, MAX_LIST, NewList};
pub use pin::{Accepted, HISTORY, Pin, Step};

/// Seconds of clock error that every expiry tolerates, on either side: one day.
pub const CLOCK_TOLERANCE: u64 = 24 * 60 * 60;

/// Whether `now` lies between `created` and `expires`, a day of clock error allowed.
///
/// # Errors
/// [`Error::Expired`](crate::Error::Expired) past the expiry, or before the creation.
pub(crate) const fn check_time(created: u64, expires: u64, now: u64) -> crate::Result<()> {
    if now > expires.saturating_add(CLOCK_TOLERANCE) || now.saturating_add(CLOCK_TOLERANCE) < created {
        Err(crate::Error::Expired)
    } else {
        Ok(())
    }
}
