//! The door to our own devices.

use super::{Client, pending};
use crate::account::{Change, Own};
use crate::directory;
use crate::error::{Error, Result};
use crate::event::Pending;
use crate::id::{Device, DeviceId};
use crate::store::Barrier;

impl Client {
    /// The devices of our account, as our list has them.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] on a device that is still to be linked; [`Error::Store`].
    pub fn devices(&self) -> Result<Vec<Device>> {
        self.store.read(|snapshot| {
            let own = self.own.load(snapshot)?;
            let device = |entry: &sprag_core::identity::DeviceEntry| {
                Device::new(DeviceId(entry.id), entry.id == own.device.id(), entry.holds_account_key)
            };
            Ok(own.list.devices().map(device).collect())
        })
    }

    /// Takes a device off our list: our other devices and our contacts write to it no more once they have the new one, and
    /// it writes to nobody. Contacts follow with the next message.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a device that is not on our list; [`Error::NotAllowed`] on a device that does not hold the
    /// account key; [`Error::Misuse`] for this device itself; [`Error::Store`], [`Error::Busy`].
    pub fn revoke(&self, device: DeviceId) -> Result<Pending> {
        let now = self.now();
        self.store.write(Barrier::Full, |tx| {
            let mut own = Own::load(tx)?;
            own.check_member()?;
            if own.key.is_none() {
                return Err(Error::NotAllowed);
            }
            if device.0 == own.device.id() {
                return Err(Error::Misuse("a device does not revoke itself"));
            }
            own.list.device(device.0).ok_or(Error::Unknown)?;
            directory::change_list(tx, &mut own, Change::Remove(device.0), now)?;
            pending(tx, now)
        })
    }
}
