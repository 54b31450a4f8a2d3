//! A relay in memory: a key directory and mailboxes, honest, in such weather as a test makes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sprag::{AccountId, Action, Client, DeviceId, Found, Hint, Incoming, Outcome, Request, Result, Send, Verdict};
use sprag_malice::{Account, Server};

use crate::net;
use crate::random::Dice;

/// Rounds after which [`Relay::settle`] believes that there is no end to it.
const ROUNDS: usize = 64;

/// A device of an account that has no such number: it reads nothing, and is asked how much there is.
const NOBODY: u32 = 0;

/// What happens to messages on their way, each out of a thousand. It is the seed's choice which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// Taken in and never handed out.
    pub lost: u32,
    /// Handed out twice.
    pub doubled: u32,
    /// Handed out after the one that comes next.
    pub reordered: u32,
}

/// How many messages went their way, one for each account that they were for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// The relay. It keeps keys by device or as one value for each account, whatever the clients' policy says.
#[derive(Debug)]
pub struct Relay(Mutex<State>);

#[derive(Debug)]
struct State {
    server: Server,
    /// The one value of each account, where clients keep keys so.
    values: BTreeMap<Account, Vec<u8>>,
    /// Devices that have asked for something: what was sent before is not handed to those that come later.
    devices: BTreeSet<(Account, u32)>,
    /// Messages that the next one is to overtake.
    aside: BTreeMap<Account, Vec<(Account, Vec<u8>)>>,
    weather: Weather,
    is_offline: bool,
    dice: Dice,
    carried: Carried,
}

impl Relay {
    /// A relay with nothing in it, in fair weather.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(State {
            server: Server::default(),
            values: BTreeMap::new(),
            devices: BTreeSet::new(),
            aside: BTreeMap::new(),
            weather: Weather::default(),
            is_offline: false,
            dice: Dice::new(seed),
            carried: Carried::default(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on the weather is this.
    pub fn set_weather(&self, weather: Weather) {
        self.state().weather = weather;
    }

    /// From now on nobody reaches it, or everybody does again: every request is to be tried later, and nothing is handed out.
    pub fn set_offline(&self, is_offline: bool) {
        self.state().is_offline = is_offline;
    }

    /// How many messages went their way.
    #[must_use]
    pub fn carried(&self) -> Carried {
        self.state().carried
    }

    /// Whether these bytes stood in any message that was ever taken in: what was written never should.
    #[must_use]
    pub fn has_carried(&self, bytes: &[u8]) -> bool {
        let state = self.state();
        let is_in = |blob: &[u8]| !bytes.is_empty() && blob.windows(bytes.len()).any(|window| window == bytes);
        state.server.mail.archive().iter().any(|(_, _, blob)| is_in(blob))
    }

    /// Carries out what a client asks for. An app's own network code can be tested against this.
    #[must_use]
    pub fn answer(&self, account: &AccountId, device: DeviceId, action: &Action) -> Outcome {
        self.state().answer(account, device, action)
    }

    /// Takes what waits for a device: it is handed out once.
    #[must_use]
    pub fn collect(&self, account: &AccountId, device: DeviceId) -> Vec<Incoming> {
        self.state().collect(account, device)
    }

    /// Carries out requests that a client handed out.
    ///
    /// # Errors
    /// What the client answers.
    pub fn carry_out(&self, client: &Client, requests: &[Request]) -> Result<()> {
        for request in requests {
            let outcome = self.answer(client.account(), client.device(), &request.action);
            client.respond(request.id, outcome)?;
        }
        Ok(())
    }

    /// Carries out what a client asks for until it asks for nothing more; yields how much that was.
    ///
    /// # Errors
    /// What the client answers.
    pub fn carry(&self, client: &Client) -> Result<usize> {
        let mut count = 0;
        loop {
            let requests = client.requests(100, 60)?;
            if requests.is_empty() {
                return Ok(count);
            }
            self.carry_out(client, &requests)?;
            count += requests.len();
        }
    }

    /// Delivers what waits for a client's device; yields what was found in it.
    ///
    /// # Errors
    /// What the client answers.
    pub fn deliver(&self, client: &Client) -> Result<Vec<Verdict>> {
        let batch = self.collect(client.account(), client.device());
        if batch.is_empty() { Ok(Vec::new()) } else { Ok(client.deliver(&batch)?.verdicts) }
    }

    /// Carries, delivers and wakes until nobody has anything to do any more.
    ///
    /// # Errors
    /// What a client answers.
    pub fn settle(&self, clients: &[&Client]) -> Result<()> {
        for _ in 0..ROUNDS {
            let mut count = 0;
            for client in clients {
                count += self.carry(client)?;
                count += self.deliver(client)?.len();
                client.wake(Hint::default())?;
            }
            if count == 0 {
                break;
            }
        }
        Ok(())
    }
}

impl State {
    fn answer(&mut self, account: &AccountId, device: DeviceId, action: &Action) -> Outcome {
        if self.is_offline {
            return Outcome::Retry { after: None };
        }
        self.meet(account, device);
        match action {
            Action::PublishKeys(publish) if publish.value.is_some() => {
                self.values.extend(publish.value.clone().map(|value| (publish.account.to_vec(), value)));
                Outcome::Published { one_time_left: None }
            }
            Action::FetchKeys(fetch) => match net::carry_out(&mut self.server, account, action) {
                Outcome::Keys { mut found, absent } => {
                    let (kept, absent): (Vec<_>, Vec<_>) =
                        absent.into_iter().partition(|account| self.values.contains_key(account.as_bytes()));
                    let value = |account: AccountId| {
                        let parts = self.values.get(account.as_bytes()).cloned().into_iter().collect();
                        Found { account, parts }
                    };
                    found.extend(kept.into_iter().map(value));
                    debug_assert_eq!(found.len() + absent.len(), fetch.accounts.len());
                    Outcome::Keys { found, absent }
                }
                other => other,
            },
            Action::Send(send) => {
                send.to.iter().for_each(|to| self.send(account, to, send));
                Outcome::Accepted { server_time: None, stamp: None }
            }
            other => net::carry_out(&mut self.server, account, other),
        }
    }

    /// A device that is new begins with what comes from now on, unless it is its account's first.
    fn meet(&mut self, account: &AccountId, device: DeviceId) {
        let account = account.to_vec();
        let is_first = self.devices.range((account.clone(), 0)..=(account.clone(), u32::MAX)).next().is_none();
        if self.devices.insert((account.clone(), device.0)) && !is_first {
            let last = self.server.mail.collect(&account, NOBODY, usize::MAX).last().map_or(0, |mail| mail.number);
            self.server.mail.acknowledge(&account, device.0, last);
        }
    }

    fn happens(&mut self, out_of_thousand: u32) -> bool {
        self.dice.below(1_000) < usize::try_from(out_of_thousand).unwrap_or(usize::MAX)
    }

    fn send(&mut self, from: &AccountId, to: &AccountId, send: &Send) {
        let Weather { lost, doubled, reordered } = self.weather;
        // All three are drawn for every message: one sort of weather does not change what another one does.
        let [is_lost, is_doubled, is_reordered] = [lost, doubled, reordered].map(|times| self.happens(times));
        self.carried.sent += 1;
        if is_lost {
            self.carried.lost += 1;
            return;
        }
        let overtaken = self.aside.remove(to.as_bytes()).unwrap_or_default();
        let times = if is_doubled { 2 } else { 1 };
        self.carried.doubled += u64::from(is_doubled);
        let mail = std::iter::repeat_n((from.to_vec(), send.blob.clone()), times);
        if is_reordered && overtaken.is_empty() {
            self.carried.reordered += 1;
            self.aside.insert(to.to_vec(), mail.collect());
            return;
        }
        for (from, blob) in mail.chain(overtaken) {
            self.server.mail.send(&from, &[to.to_vec()], &blob);
        }
    }

    fn collect(&mut self, account: &AccountId, device: DeviceId) -> Vec<Incoming> {
        if self.is_offline {
            return Vec::new();
        }
        self.meet(account, device);
        let mut mail = self.server.mail.collect(account.as_bytes(), device.0, usize::MAX);
        if mail.is_empty() {
            // Nothing came that could have overtaken it.
            for (from, blob) in self.aside.remove(account.as_bytes()).unwrap_or_default() {
                self.server.mail.send(&from, &[account.to_vec()], &blob);
            }
            mail = self.server.mail.collect(account.as_bytes(), device.0, usize::MAX);
        }
        if let Some(last) = mail.last() {
            self.server.mail.acknowledge(account.as_bytes(), device.0, last.number);
        }
        mail.into_iter().map(net::incoming).collect()
    }
}
