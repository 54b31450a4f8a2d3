//! The door to our own devices.

use sprag_core::link::ScannedCode;

use super::{Client, pending};
use crate::account::{Change, Own};
use crate::devices;
use crate::directory;
use crate::error::{Error, Result};
use crate::event::Pending;
use crate::id::{Device, DeviceId, LinkCode};
use crate::link::{self, Newcomer};
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

    /// The code of a device that is to be linked, to be shown to the user: fresh with each call, good for a minute and for
    /// one offer.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] on a device that has its account; [`Error::Store`], [`Error::Busy`].
    pub fn link_code(&self) -> Result<LinkCode> {
        let mut random = self.generator()?;
        let now = self.now();
        self.store.write(Barrier::Full, |tx| {
            let mut newcomer = Newcomer::load(tx)?.ok_or(Error::NotAllowed)?;
            let code = newcomer.show(now, &mut random)?;
            newcomer.save(tx)?;
            Ok(code)
        })
    }

    /// Admits the device whose code was scanned, as bytes or as its text. `digits` are what the user read from the new
    /// device's screen and confirmed here. With `holds_account_key` the new device may admit and revoke others.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] for other digits, or on a device that does not hold the account key; [`Error::Misuse`] for
    /// what is no code, or one for another account, or if the account has 16 devices; [`Error::Store`], [`Error::Busy`].
    pub fn admit(&self, code: &[u8], digits: &str, holds_account_key: bool) -> Result<Pending> {
        let mut random = self.generator()?;
        let now = self.now();
        self.store.write(Barrier::Full, |tx| {
            let own = self.own.load(tx)?;
            link::offer(tx, &own, scanned(code)?, digits, holds_account_key, now, &mut random)?;
            pending(tx, now)
        })
    }

    /// Takes this device off its account's list. One that cannot sign the list asks those that can. It sends nothing from
    /// now on; what is in its store stays until [`Client::erase`].
    ///
    /// # Errors
    /// [`Error::NotAllowed`] if it is not on the list, or no other device holds the account key; [`Error::Store`],
    /// [`Error::Busy`].
    pub fn retire(&self) -> Result<Pending> {
        let mut random = self.generator()?;
        let now = self.now();
        self.store.write(Barrier::Full, |tx| {
            devices::retire(tx, &mut Own::load(tx)?, now, &mut random)?;
            pending(tx, now)
        })
    }

    /// Takes a device off our list: our other devices and our contacts write to it no more once they have the new one, and
    /// it writes to nobody. Contacts follow with the next message.
    ///
    /// If the device held the account key, that key is no longer ours alone: another one follows it, as soon as our other
    /// devices have signed for it, or after a day. Contacts see another identity then, with another safety number; devices
    /// that did not sign in time are to be linked again.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a device that is not on our list; [`Error::NotAllowed`] on a device that does not hold the
    /// account key; [`Error::Misuse`] for this device itself; [`Error::Store`], [`Error::Busy`].
    pub fn revoke(&self, device: DeviceId) -> Result<Pending> {
        let mut random = self.generator()?;
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
            let entry = own.list.device(device.0).ok_or(Error::Unknown)?;
            if entry.holds_account_key && !broken!("account-key-survives-theft") {
                own.make_heir(now, &mut random)?;
            }
            directory::change_list(tx, &mut own, Change::Remove(device.0), now)?;
            pending(tx, now)
        })
    }
}

/// A code as it was scanned, or typed.
fn scanned(code: &[u8]) -> Result<ScannedCode> {
    ScannedCode::parse(code)
        .or_else(|error| core::str::from_utf8(code).map_err(|_| error).and_then(ScannedCode::parse_text))
        .map_err(|_| Error::Misuse("this is no link code"))
}
