//! The test kit for Swift, Kotlin and Python: one [`TestKit`] object, which makes clients of Sprag's own face.
//!
//! The library has both faces in it, and takes the place of the shipped one in an app's tests: under its file name, and never
//! beside it. It converts and forwards.

#![allow(unsafe_code, reason = "the generated border")]

mod convert;

use std::sync::Arc;

use sprag_testkit::{Kit, Weather};
use sprag_uniffi::{Action, Bytes, Client, Incoming, Outcome, Policy, SpragError};

uniffi::setup_scaffolding!("sprag_testkit");
uniffi::use_remote_type!(sprag_uniffi::Bytes);
sprag_uniffi::uniffi_reexport_scaffolding!();

type Result<T> = std::result::Result<T, SpragError>;

/// How many messages went their way, one for each account that they were for.
#[derive(Clone, Copy, Debug, uniffi::Record)]
pub struct Carried {
    /// Those that were taken in.
    pub sent: u64,
    /// Those of them that nobody was ever handed.
    pub lost: u64,
    /// Those that were handed out twice.
    pub doubled: u64,
    /// Those that were overtaken.
    pub reordered: u64,
}

/// A clock, a relay in memory and clients, all from one seed: the same seed and the same calls give the same course of events.
/// For tests alone: whoever knows the seed knows every key.
#[derive(uniffi::Object)]
pub struct TestKit {
    kit: Kit,
}

#[uniffi::export]
impl TestKit {
    /// A clock that stands, and a relay with nothing in it.
    #[uniffi::constructor]
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self { kit: Kit::new(seed) })
    }

    /// As `Client.create`, with this clock and randomness from the seed.
    #[uniffi::method(default(policy = None))]
    pub fn create(
        &self,
        path: Option<String>,
        key: Bytes,
        account: Bytes,
        policy: Option<Policy>,
    ) -> Result<Arc<Client>> {
        Ok(Client::holding(self.kit.create_with(Client::config(path, &key, &account, policy)?)?))
    }

    /// As `Client.link`, likewise.
    #[uniffi::method(default(policy = None))]
    pub fn link(
        &self,
        path: Option<String>,
        key: Bytes,
        account: Bytes,
        policy: Option<Policy>,
    ) -> Result<Arc<Client>> {
        let mut config = Client::config(path, &key, &account, policy)?;
        config.start = sprag::Start::Link;
        Ok(Client::holding(self.kit.create_with(config)?))
    }

    /// As `Client.open`, likewise.
    pub fn open(&self, path: String, key: Bytes, account: Bytes) -> Result<Arc<Client>> {
        let config = Client::config(Some(path), &key, &account, None)?;
        Ok(Client::holding(self.kit.open(sprag::Opening::new(config.place, config.key, config.account))?))
    }

    /// What the clock of all clients shows, Unix seconds.
    pub fn now(&self) -> u64 {
        self.kit.clock().seconds()
    }

    /// So many seconds pass.
    pub fn pass_time(&self, seconds: u64) {
        self.kit.clock().pass(seconds);
    }

    /// Sets the clock, back as well.
    pub fn set_time(&self, seconds: u64) {
        self.kit.clock().set(seconds);
    }

    /// From now on so many of a thousand messages are lost, handed out twice, or overtaken by the next one. Which, the seed
    /// decides.
    #[uniffi::method(default(lost = 0, doubled = 0, reordered = 0))]
    pub fn set_weather(&self, lost: u32, doubled: u32, reordered: u32) {
        self.kit.relay().set_weather(Weather { lost, doubled, reordered });
    }

    /// From now on nobody reaches the relay, or everybody does again.
    pub fn set_offline(&self, is_offline: bool) {
        self.kit.relay().set_offline(is_offline);
    }

    /// What the relay answers to a request of a client: what the app's own network code would have to bring.
    pub fn answer(&self, client: Arc<Client>, action: Action) -> Result<Outcome> {
        let client = client.held()?;
        let action = convert::action(action)?;
        Ok(convert::outcome(self.kit.relay().answer(client.account(), client.device(), &action)))
    }

    /// Takes what waits for a client at the relay: it is handed out once.
    pub fn collect(&self, client: Arc<Client>) -> Result<Vec<Incoming>> {
        let client = client.held()?;
        Ok(self.kit.relay().collect(client.account(), client.device()).into_iter().map(convert::incoming).collect())
    }

    /// Everything is carried out and delivered until none of these clients has anything to do; then a minute passes, and the same
    /// again with what was handed out before and not carried out.
    pub fn settle(&self, clients: Vec<Arc<Client>>) -> Result<()> {
        let clients = clients.iter().map(|client| client.held()).collect::<Result<Vec<_>>>()?;
        Ok(self.kit.settle(&clients.iter().map(|client| &**client).collect::<Vec<_>>())?)
    }

    /// How many messages went their way.
    pub fn carried(&self) -> Carried {
        let sprag_testkit::Carried { sent, lost, doubled, reordered } = self.kit.relay().carried();
        Carried { sent, lost, doubled, reordered }
    }

    /// Whether these bytes stood in any message that the relay ever took in: what was written never should.
    pub fn has_carried(&self, bytes: Bytes) -> bool {
        self.kit.relay().has_carried(bytes.as_ref())
    }
}
