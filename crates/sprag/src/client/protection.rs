//! The door to how conversations are protected.

use super::{Client, pending};
use crate::account::{Change, Own};
use crate::directory;
use crate::error::{Error, Result};
use crate::event::Pending;
use crate::id::{Conversation, Protection};
use crate::outbox;
use crate::protection;
use crate::store::Barrier;

impl Client {
    /// How far conversations are protected, in the order in which they are named. Nothing is asked for and nothing changes.
    ///
    /// # Errors
    /// [`Error::Misuse`] for a room of nobody else or of too many; [`Error::NotAllowed`] on a device that is still to be
    /// linked; [`Error::Store`].
    pub fn protections(&self, conversations: &[Conversation]) -> Result<Vec<Protection>> {
        self.store.read(|snapshot| {
            let own = self.own.load(snapshot)?;
            let of = |conversation: &Conversation| {
                protection::of(snapshot, &own, &outbox::complete(&self.account, conversation)?)
            };
            conversations.iter().map(of).collect()
        })
    }

    /// Says whether every client of this account can read what is encrypted, old ones and those in a browser included. The
    /// list that says so is published with the next requests. Until then nobody begins to write encrypted to this account;
    /// where somebody has begun, it stays so.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] on a device that does not hold the account key; [`Error::Store`], [`Error::Busy`].
    pub fn set_ready(&self, ready: bool) -> Result<Pending> {
        let now = self.now();
        self.store.write(Barrier::Full, |tx| {
            let mut own = Own::load(tx)?;
            own.check_member()?;
            if own.key.is_none() {
                return Err(Error::NotAllowed);
            }
            own.changes.retain(|change| !matches!(change, Change::Ready(_)));
            // A list on its way may say the contrary.
            if own.list.ready() == ready && !directory::is_publishing(tx)? {
                own.save(tx)?;
            } else {
                directory::change_list(tx, &mut own, Change::Ready(ready), now)?;
            }
            pending(tx, now)
        })
    }
}
