//! The door: the only way in. Every call is durable when it returns, and nothing is kept between calls that another
//! process on the same store could have outdated.

mod cards;
mod deliver;
mod devices;
mod diagnose;
mod network;
mod people;
mod probe;
mod protection;
mod send;
mod wake;

use std::path::Path;

use sprag_core::identity::Pin;
use sprag_core::secret::Secret;

use crate::account::{Own, Remembered};
use crate::config::{Config, Directory, Key, Opening, Place, Policy, Role, Start};
use crate::contact::Known;
use crate::context::{Environment, Generator};
use crate::counters::Unwritten;
use crate::directory;
use crate::error::{Error, Result};
use crate::event::{Event, Pending};
use crate::id::{AccountId, DeviceId};
use crate::link::Newcomer;
use crate::outbox;
use crate::prekeys;
use crate::store::{Access, Barrier, Snapshot, Store, Table};
use crate::upkeep::Upkeep;

/// Seconds that a request is leased for where the caller does not say.
const LEASE: u64 = 60;

/// One device of one account, on one store. Every method may be called from any thread.
pub struct Client {
    store: Store,
    environment: Environment,
    account: AccountId,
    device: DeviceId,
    own: Remembered,
    unwritten: Unwritten,
}

fn path(place: &Place) -> Option<&Path> {
    match place {
        Place::File(path) => Some(path),
        Place::Memory => None,
    }
}

fn store_key(key: &Key) -> Secret<32> {
    Secret::fill_with(|out| out.copy_from_slice(key.expose_secret()))
}

impl Client {
    /// Makes a new account with one device, in a new store, or a device that is to be linked to one. The keys of a new account
    /// wait among the requests to be published.
    ///
    /// # Errors
    /// [`Error::Exists`] if there is a store already; [`Error::Misuse`] for a policy out of bounds; [`Error::Store`].
    pub fn create(config: Config, environment: Environment) -> Result<Self> {
        config.policy.check()?;
        let mut random = environment.generator().map_err(|_| Error::Unavailable)?;
        let now = environment.clock.now_ms() / 1_000;
        if config.start == Start::Link {
            return Self::newcomer(config, environment, now, &mut random);
        }
        let own = Own::create(&config.account, config.policy, now, &mut random)?;
        // In one with the store itself: one without an account could neither be opened nor made again.
        let store = Store::create(path(&config.place), &store_key(&config.key), &environment, |tx| {
            own.save(tx)?;
            let mut known = Known::unseen(own.id()?);
            known.pin = Some(Pin::first(&own.list));
            known.list = Some(own.list.clone());
            known.save(tx)?;
            let mut upkeep = Upkeep::new(now);
            let left = (own.policy.directory == Directory::Full).then_some(0);
            let made = prekeys::make(None, &own.device, left, now, &mut random);
            directory::publish(tx, &own, made, &mut upkeep, now)?;
            upkeep.save(tx)
        })?;
        Ok(Self {
            store,
            environment,
            account: config.account,
            device: DeviceId(own.device.id()),
            own: Remembered::default(),
            unwritten: Unwritten::default(),
        })
    }

    /// A device that belongs to no account yet.
    fn newcomer(config: Config, environment: Environment, now: u64, random: &mut Generator) -> Result<Self> {
        let newcomer = Newcomer::create(config.account.clone(), config.policy, random);
        let store = Store::create(path(&config.place), &store_key(&config.key), &environment, |tx| {
            newcomer.save(tx)?;
            Upkeep::new(now).save(tx)
        })?;
        let device = DeviceId(newcomer.device.id());
        Ok(Self {
            store,
            environment,
            account: config.account,
            device,
            own: Remembered::default(),
            unwritten: Unwritten::default(),
        })
    }

    /// Opens the store of an account.
    ///
    /// # Errors
    /// [`Error::NoStore`], [`Error::WrongKey`], [`Error::WrongAccount`], [`Error::Newer`], [`Error::Store`].
    pub fn open(opening: Opening, environment: Environment) -> Result<Self> {
        let access = if opening.role == Role::Extension { Access::Guest } else { Access::Owner };
        let store = Store::open(path(&opening.place), &store_key(&opening.key), &environment, access)?;
        let (account, device) = store.read(|snapshot| -> Result<_> {
            if let Some(newcomer) = Newcomer::load(snapshot)? {
                return Ok((newcomer.account, DeviceId(newcomer.device.id())));
            }
            let own = Own::load(snapshot)?;
            Ok((own.id()?, DeviceId(own.device.id())))
        })?;
        if account != opening.account {
            return Err(Error::WrongAccount);
        }
        Ok(Self { store, environment, account, device, own: Remembered::default(), unwritten: Unwritten::default() })
    }

    /// The account's id.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.account
    }

    /// The device of that account that this store is: what tells it from the others at the app's server.
    #[must_use]
    pub const fn device(&self) -> DeviceId {
        self.device
    }

    fn now(&self) -> u64 {
        self.environment.clock.now_ms() / 1_000
    }

    fn generator(&self) -> Result<Generator> {
        self.environment.generator().map_err(|_| Error::Unavailable)
    }

    /// The events after an id (0: from the first), oldest first, at most `max`. They stay until [`Self::done`].
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Busy`], [`Error::Unavailable`].
    pub fn events(&self, after: u64, max: usize) -> Result<Vec<Event>> {
        let Ok(after) = i64::try_from(after) else { return Ok(Vec::new()) };
        self.store.read(|snapshot| {
            let rows = snapshot.scan(Table::Event, after, max)?;
            rows.into_iter()
                .map(|(row, value)| {
                    let mut event = Event::decode(value.expose_secret())?;
                    event.id = u64::try_from(row).map_err(|_| Error::Internal("event id"))?;
                    Ok(event)
                })
                .collect()
        })
    }

    /// Deletes events that the app has taken over. One that is gone already is no mistake.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Busy`], [`Error::Unavailable`].
    pub fn done(&self, events: &[u64]) -> Result<Pending> {
        let now = self.now();
        self.store.write(Barrier::Normal, |tx| {
            for row in events.iter().filter_map(|id| i64::try_from(*id).ok()).filter(|row| *row > 0) {
                tx.delete(Table::Event, row)?;
            }
            pending(tx, now)
        })
    }

    fn pending(&self) -> Result<Pending> {
        let now = self.now();
        self.store.read(|snapshot| pending(snapshot, now))
    }

    /// Changes the policy.
    ///
    /// # Errors
    /// [`Error::Misuse`] for one out of bounds; [`Error::Store`].
    pub fn configure(&self, policy: Policy) -> Result<()> {
        policy.check()?;
        self.store.write(Barrier::Full, |tx| {
            let mut own = Own::load(tx)?;
            if own.policy.directory != policy.directory {
                // Whatever is to have our keys now gets some with the next `wake`.
                let mut upkeep = Upkeep::load(tx)?;
                upkeep.unreplaced.extend(upkeep.signed.take().map(|signed| signed.id));
                upkeep.save(tx)?;
            }
            own.policy = policy;
            own.save(tx)
        })
    }

    /// Lets go of the file before the platform suspends the app: whatever runs is rolled back and writes are refused
    /// until [`Self::resume`]. May be called while another thread is inside a call.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Busy`].
    pub fn suspend(&self) -> Result<()> {
        Ok(self.store.suspend()?)
    }

    /// Takes up work again after [`Self::suspend`].
    ///
    /// # Errors
    /// None at present.
    pub fn resume(&self) -> Result<()> {
        self.store.resume();
        Ok(())
    }

    /// Seals everything anew under another key of the app. Until it returns the old one opens the store; afterwards
    /// the app deletes it.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Busy`], [`Error::Unavailable`].
    pub fn rekey(&self, key: &Key) -> Result<()> {
        Ok(self.store.rekey(&store_key(key))?)
    }

    /// Deletes the store with everything in it.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] for an extension; [`Error::Store`].
    pub fn erase(self) -> Result<()> {
        Ok(self.store.erase()?)
    }
}

impl core::fmt::Debug for Client {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Client(…)")
    }
}

/// What to look at next.
fn pending(snapshot: &Snapshot<'_>, now: u64) -> Result<Pending> {
    Ok(Pending {
        events: snapshot.count(Table::Event)?,
        requests: outbox::due(snapshot, now)?,
        next_wake_ms: Some(Upkeep::load(snapshot)?.next_ms(now)),
    })
}
