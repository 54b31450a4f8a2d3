//! A clock, a relay and clients, all from one seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sprag::context::{Environment, Wait};
use sprag::{AccountId, Client, Config, Key, Opening, Place, Result, Start};

use crate::clock::ManualClock;
use crate::random::{Dice, SeededRandomness};
use crate::relay::Relay;

/// Seconds after which a request that was handed out, and that nobody has answered, is handed out again.
const LEASE: u64 = 61;

/// Waiting for another process costs no time here.
struct Impatient;

impl Wait for Impatient {
    fn wait(&self, _: u32) {
        std::thread::yield_now();
    }
}

/// A clock, a relay and clients, all from one seed.
#[derive(Debug)]
pub struct Kit {
    seed: u64,
    clients: AtomicU64,
    clock: Arc<ManualClock>,
    relay: Relay,
}

impl Kit {
    /// The same seed and the same calls give the same course of events.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let relay = Relay::new(Dice::new(seed).next());
        Self { seed, clients: AtomicU64::new(0), clock: Arc::default(), relay }
    }

    /// The clock of all clients.
    #[must_use]
    pub fn clock(&self) -> &ManualClock {
        &self.clock
    }

    /// The relay between them.
    #[must_use]
    pub const fn relay(&self) -> &Relay {
        &self.relay
    }

    /// What one more client is surrounded by: this clock, and random bytes of its own. For [`Client::create`] and
    /// [`Client::open`].
    #[must_use]
    pub fn environment(&self) -> Environment {
        let number = self.clients.fetch_add(1, Ordering::SeqCst).saturating_add(1);
        let seed = Dice::new(self.seed ^ Dice::new(number).next()).next();
        let randomness = Arc::new(SeededRandomness::new(seed));
        Environment { clock: self.clock.clone(), randomness, wait: Arc::new(Impatient) }
    }

    /// A new account with the default policy, in memory, under a key that is no secret.
    ///
    /// # Errors
    /// What [`Client::create`] answers.
    pub fn create(&self, account: &str) -> Result<Client> {
        self.create_with(Config::new(Place::Memory, Key::new([7; 32]), AccountId::new(account)?))
    }

    /// A device that is to be linked to an account, likewise.
    ///
    /// # Errors
    /// What [`Client::create`] answers.
    pub fn link(&self, account: &str) -> Result<Client> {
        let mut config = Config::new(Place::Memory, Key::new([7; 32]), AccountId::new(account)?);
        config.start = Start::Link;
        self.create_with(config)
    }

    /// A client made as the app makes it.
    ///
    /// # Errors
    /// What [`Client::create`] answers.
    pub fn create_with(&self, config: Config) -> Result<Client> {
        Client::create(config, self.environment())
    }

    /// A store that is there is opened, as the app opens it.
    ///
    /// # Errors
    /// What [`Client::open`] answers.
    pub fn open(&self, opening: Opening) -> Result<Client> {
        Client::open(opening, self.environment())
    }

    /// Everything is carried out and delivered until nobody has anything to do; then a minute passes, so that nothing is leased
    /// any more, and the same again with what was handed out before and not carried out.
    ///
    /// # Errors
    /// What a client answers.
    pub fn settle(&self, clients: &[&Client]) -> Result<()> {
        self.relay.settle(clients)?;
        self.clock.pass(LEASE);
        self.relay.settle(clients)
    }
}
