//! The door for people: what is known of a contact, and what the user decides about it. A decision names the number that the
//! user saw, so that none is made about somebody who appeared meanwhile. Our other devices are told of it.

use sprag_core::identity::{Account, DeviceList};
use sprag_core::safety_number::SafetyNumber;

use super::{Client, pending};
use crate::account::Own;
use crate::contact::Known;
use crate::decisions::{self, Choice};
use crate::error::{Error, Result};
use crate::event::Pending;
use crate::id::{AccountId, Contact, DeviceId, Freshness};
use crate::protection;
use crate::session::Stored;
use crate::store::{Barrier, Tx};
use crate::trust;

impl Client {
    /// What is known of a contact. One that was only written to, or that was forgotten, is
    /// [`Trust::Unseen`](crate::Trust::Unseen) and has no number.
    ///
    /// # Errors
    /// [`Error::Unknown`] for an account that was never spoken of; [`Error::Store`].
    pub fn contact(&self, account: &[u8]) -> Result<Contact> {
        let account = AccountId::new(account)?;
        self.store.read(|snapshot| {
            let own = self.own.load(snapshot)?;
            let known = Known::find(snapshot, &account)?.ok_or(Error::Unknown)?;
            let number = |account: &Account| SafetyNumber::between(own.account(), account);
            let pinned = known.pin.as_ref().map(|pin| pin.account());
            let mut contact = Contact::new(account.clone(), known.trust());
            contact.account_key_fingerprint = pinned.map(Account::fingerprint);
            contact.number = pinned.map(number);
            contact.offered = known.offered.as_ref().map(|list| number(list.account()));
            Ok(contact)
        })
    }

    /// How fresh the secrets are that messages to a contact's devices are sealed with, a record for each device that
    /// there is a session with.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a contact that is not pinned; [`Error::Store`].
    pub fn freshness(&self, account: &[u8]) -> Result<Vec<Freshness>> {
        let account = AccountId::new(account)?;
        self.store.read(|snapshot| {
            let known = Known::find(snapshot, &account)?.filter(|known| known.pin.is_some()).ok_or(Error::Unknown)?;
            let devices = known.list.iter().flat_map(DeviceList::devices);
            let sessions = devices.filter_map(|device| known.session_with(device.id));
            sessions
                .map(|session| {
                    let stored = Stored::load(snapshot, known.session_row(session.ordinal))?;
                    let fresh = stored.session.freshness();
                    let device = DeviceId(session.device);
                    Ok(Freshness::new(device, fresh.epoch, fresh.since_epoch, fresh.since_turn))
                })
                .collect()
        })
    }

    /// The user compared the safety number with the contact: `number` is the one that they saw, 60 digits with any white
    /// space. From now on another identity, or somebody who acts as this one, holds sending back.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] if it is not the number of the pinned identity, or not any more, or while the contact is
    /// [`Trust::Changed`](crate::Trust::Changed); [`Error::Unknown`] for a contact that is not pinned; [`Error::Store`].
    pub fn confirm(&self, account: &[u8], number: &str) -> Result<Pending> {
        self.decide(account, number, Choice::Confirmed, |tx, own, known, now| {
            trust::confirm(tx, own, known, number)?;
            protection::confirmed(tx, own, &known.account, now)
        })
    }

    /// The user goes on with the identity that has this number with ours: with the one that was offered, which is pinned and has
    /// yet to be confirmed; or with the pinned one all the same. Nothing leaves by itself: the app calls `retry` for the
    /// messages that were held and are still to be sent.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] if the number is neither's, as when yet another identity was offered meanwhile;
    /// [`Error::Unknown`] for a contact that is not pinned; [`Error::Store`].
    pub fn accept_change(&self, account: &[u8], number: &str) -> Result<Pending> {
        self.decide(account, number, Choice::Accepted, |tx, own, known, now| trust::accept(tx, own, known, number, now))
    }

    /// Forgets a contact: who is pinned, whether it was confirmed, and all sessions. `number` is the one that the user saw.
    /// Messages that wait are taken back. Whoever is seen next under that name is pinned as at first contact.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] if it is not the number of the pinned identity; [`Error::Unknown`] for a contact that is not
    /// pinned; [`Error::Store`].
    pub fn forget(&self, account: &[u8], number: &str) -> Result<Pending> {
        self.decide(account, number, Choice::Forgotten, |tx, own, known, now| {
            trust::forget(tx, own, known, number, now)
        })
    }

    fn decide(
        &self,
        account: &[u8],
        number: &str,
        choice: Choice,
        decision: impl FnOnce(&Tx<'_>, &Own, &mut Known, u64) -> Result<()>,
    ) -> Result<Pending> {
        let account = AccountId::new(account)?;
        if account == self.account {
            return Err(Error::Misuse("there is nothing to decide about one's own account"));
        }
        let now = self.now();
        let mut random = self.generator()?;
        self.store.write(Barrier::Full, |tx| {
            let own = self.own.load(tx)?;
            let mut known = Known::find(tx, &account)?.ok_or(Error::Unknown)?;
            let subject = decisions::subject(&own, &known, number)?;
            decision(tx, &own, &mut known, now)?;
            decisions::tell(tx, &own, choice, subject, now, &mut random)?;
            pending(tx, now)
        })
    }
}
