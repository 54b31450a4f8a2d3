//! A small world for the tests of the engine: a directory and mailboxes in memory, and phones that use the door.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each test file uses a part; a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sprag::context::{Clock, Environment};
use sprag::{
    AccountId, Action, Client, Config, Content, Conversation, Event, Finding, Found, Incoming, Key, Opening, Outcome,
    Place, Policy, SendOptions, Sent, Start, What,
};
use sprag_core::identity::DeviceList;

/// A clock that stands until it is moved.
pub(crate) struct Hands(AtomicU64);

impl Clock for Hands {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Hands {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(1_800_000_000_000)))
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds * 1_000, Ordering::Relaxed);
    }

    /// Puts the clock back.
    pub(crate) fn back(&self, seconds: u64) {
        self.0.fetch_sub(seconds * 1_000, Ordering::Relaxed);
    }
}

pub(crate) const DAY: u64 = 86_400;

/// A directory of files that is gone when the test is over.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sprag-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An honest server.
#[derive(Default)]
pub(crate) struct Server {
    pub(crate) lists: BTreeMap<Vec<u8>, Vec<u8>>,
    /// By account and device.
    signed: BTreeMap<(Vec<u8>, u32), Vec<u8>>,
    one_time: BTreeMap<(Vec<u8>, u32), Vec<Vec<u8>>>,
    /// Everything that went to an account, and how much of it each device has fetched.
    mail: BTreeMap<Vec<u8>, Vec<(AccountId, Vec<u8>)>>,
    fetched: BTreeMap<(Vec<u8>, u32), usize>,
    /// Whether a list is taken only in the place of the one that its device knew.
    pub(crate) compares: bool,
    /// Hands each one-time prekey out again and again.
    pub(crate) repeats_one_time: bool,
    /// With [`sprag::Directory::KeyValue`], the one value of each account.
    pub(crate) values: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Carries text alone.
    pub(crate) text_only: bool,
    /// Hands no one-time prekey out.
    pub(crate) without_one_time: bool,
}

/// A phone with one account.
pub(crate) struct Phone {
    pub(crate) client: Client,
    pub(crate) id: AccountId,
}

pub(crate) fn id(name: &str) -> AccountId {
    AccountId::new(name).unwrap()
}

pub(crate) fn text(text: &str) -> Content {
    Content::Text(text.into())
}

impl Phone {
    pub(crate) fn new(name: &str) -> Self {
        Self::at(name, Place::Memory)
    }

    pub(crate) fn at(name: &str, place: Place) -> Self {
        Self::with(name, place, Environment::platform())
    }

    /// A phone on which time passes only when it is told to.
    pub(crate) fn timed(name: &str, hands: &Arc<Hands>) -> Self {
        let environment = Environment { clock: hands.clone(), ..Environment::platform() };
        Self::with(name, Place::Memory, environment)
    }

    pub(crate) fn with(name: &str, place: Place, environment: Environment) -> Self {
        let config = Config::new(place, Key::new([7; 32]), id(name));
        Self { client: Client::create(config, environment).unwrap(), id: id(name) }
    }

    /// A phone of an app with a policy of its own.
    pub(crate) fn with_policy(name: &str, hands: &Arc<Hands>, policy: Policy) -> Self {
        let mut config = Config::new(Place::Memory, Key::new([7; 32]), id(name));
        config.policy = policy;
        let environment = Environment { clock: hands.clone(), ..Environment::platform() };
        Self { client: Client::create(config, environment).unwrap(), id: id(name) }
    }

    /// A phone that is to be linked to an account.
    pub(crate) fn newcomer(name: &str, environment: Environment) -> Self {
        let mut config = Config::new(Place::Memory, Key::new([7; 32]), id(name));
        config.start = Start::Link;
        Self { client: Client::create(config, environment).unwrap(), id: id(name) }
    }

    /// The same phone through another handle, as from another process.
    pub(crate) fn opened(name: &str, place: Place) -> Self {
        let opening = Opening::new(place, Key::new([7; 32]), id(name));
        Self { client: Client::open(opening, Environment::platform()).unwrap(), id: id(name) }
    }

    pub(crate) fn send(&self, to: &Self, content: &str) -> Sent {
        self.client.send(&Conversation::Direct(to.id.clone()), &text(content), &SendOptions::default()).unwrap()
    }

    /// All events, taken over.
    pub(crate) fn take(&self) -> Vec<Event> {
        let events = self.client.events(0, 10_000).unwrap();
        self.client.done(&events.iter().map(|event| event.id).collect::<Vec<_>>()).unwrap();
        events
    }

    /// The texts that came, taken over with all else.
    pub(crate) fn texts(&self) -> Vec<String> {
        texts(&self.take())
    }
}

pub(crate) fn texts(events: &[Event]) -> Vec<String> {
    events
        .iter()
        .filter_map(|event| match &event.what {
            What::Message(message) => match &message.content {
                Content::Text(text) => Some(text.clone()),
                _ => None,
            },
            _ => None,
        })
        .collect()
}

impl Server {
    /// Links a phone that is new to one that holds the account key, with everything carried in between.
    pub(crate) fn link(&mut self, old: &Phone, new: &Phone, holds_account_key: bool) {
        let code = new.client.link_code().unwrap();
        old.client.admit(code.expose_bytes(), code.digits(), holds_account_key).unwrap();
        for _ in 0..5 {
            for phone in [old, new] {
                self.pump(phone);
                self.deliver(phone);
            }
        }
        for phone in [old, new] {
            phone.client.wake(sprag::Hint::default()).unwrap();
            self.pump(phone);
        }
        self.deliver(old);
    }

    /// Carries out everything that a phone asks for, until it asks for nothing more.
    pub(crate) fn pump(&mut self, phone: &Phone) {
        // What `send` leased already is offered again once its lease is over: here every lease is taken at once.
        loop {
            let requests = phone.client.requests(100, 1).unwrap();
            if requests.is_empty() {
                return;
            }
            for request in requests {
                let outcome = self.answer(&phone.id, &request.action);
                phone.client.respond(request.id, outcome).unwrap();
            }
        }
    }

    /// Sends, and carries out what the call leased.
    pub(crate) fn send(&mut self, from: &Phone, to: &Phone, content: &str) {
        let sent = from.send(to, content);
        for request in sent.requests {
            let outcome = self.answer(&from.id, &request.action);
            from.client.respond(request.id, outcome).unwrap();
        }
        self.pump(from);
    }

    pub(crate) fn answer(&mut self, from: &AccountId, action: &Action) -> Outcome {
        match action {
            Action::PublishKeys(publish) => {
                let account = publish.account.to_vec();
                if let Some(value) = &publish.value {
                    assert!(publish.one_time.is_empty());
                    self.values.insert(account.clone(), value.clone());
                    let before = self.mail.get(&account).map_or(0, Vec::len);
                    self.fetched.entry((account, publish.device.0)).or_insert(before);
                    return Outcome::Published { one_time_left: None };
                }
                if let Some(list) = &publish.list {
                    let known = self.lists.get(&account);
                    let sequence = known.map_or(0, |list| DeviceList::open(list).unwrap().sequence());
                    if self.compares && sequence != list.expected {
                        return Outcome::Conflict { list: known.cloned().unwrap_or_default() };
                    }
                    self.lists.insert(account.clone(), list.object.clone());
                }
                // What went to the account before is not handed to a device that signs up now.
                let before = self.mail.get(&account).map_or(0, Vec::len);
                let device = (account, publish.device.0);
                self.fetched.entry(device.clone()).or_insert(before);
                if let Some(signed) = &publish.signed_prekey {
                    self.signed.insert(device.clone(), signed.clone());
                }
                self.one_time.entry(device).or_default().extend(publish.one_time.clone());
                Outcome::Published { one_time_left: None }
            }
            Action::FetchKeys(fetch) => {
                let (mut found, mut absent) = (Vec::new(), Vec::new());
                for wanted in &fetch.accounts {
                    let value = self.values.get(wanted.account.as_bytes()).cloned();
                    match value.map(|value| vec![value]).or_else(|| self.keys(wanted.account.as_bytes())) {
                        Some(parts) => found.push(Found { account: wanted.account.clone(), parts }),
                        None => absent.push(wanted.account.clone()),
                    }
                }
                Outcome::Keys { found, absent }
            }
            Action::Send(send) => {
                assert!(!self.text_only || std::str::from_utf8(&send.blob).is_ok());
                for to in &send.to {
                    self.mail.entry(to.to_vec()).or_default().push((from.clone(), send.blob.clone()));
                }
                Outcome::Accepted { server_time: None, stamp: None }
            }
            _ => panic!("a request that this release does not have"),
        }
    }

    fn keys(&mut self, account: &[u8]) -> Option<Vec<Vec<u8>>> {
        let mut parts = vec![self.lists.get(account)?.clone()];
        parts.extend(self.signed.iter().filter(|((of, _), _)| of == account).map(|(_, object)| object.clone()));
        if parts.len() < 2 {
            return None;
        }
        for (_, stock) in self.one_time.iter_mut().filter(|((of, _), _)| of == account) {
            if self.without_one_time {
            } else if self.repeats_one_time {
                parts.extend(stock.first().cloned());
            } else if !stock.is_empty() {
                parts.push(stock.remove(0));
            }
        }
        Some(parts)
    }

    /// The directory's answer for one account is from now on that of another.
    pub(crate) fn lie(&mut self, account: &AccountId, other: &AccountId) {
        let list = self.lists.get(other.as_bytes()).unwrap().clone();
        self.lists.insert(account.to_vec(), list);
        self.signed.retain(|(of, _), _| of != account.as_bytes());
        self.one_time.retain(|(of, _), _| of != account.as_bytes());
        let theirs = self.signed.iter().filter(|((of, _), _)| of == other.as_bytes());
        let theirs: Vec<_> = theirs.map(|((_, device), object)| (*device, object.clone())).collect();
        self.signed.extend(theirs.into_iter().map(|(device, object)| ((account.to_vec(), device), object)));
    }

    /// The directory loses the keys of a phone.
    pub(crate) fn forget_keys(&mut self, phone: &Phone) {
        let device = (phone.id.to_vec(), phone.client.device().0);
        self.signed.remove(&device);
        self.one_time.remove(&device);
    }

    /// What waits for a phone, as its device has not fetched it yet.
    pub(crate) fn fetch(&mut self, phone: &Phone) -> Vec<Incoming> {
        let all = self.mail.get(phone.id.as_bytes()).map_or(&[][..], Vec::as_slice);
        let device = (phone.id.to_vec(), phone.client.device().0);
        let fetched = self.fetched.insert(device, all.len()).unwrap_or(0);
        all[fetched..].iter().map(|(from, blob)| Incoming::from(from.clone(), blob.clone())).collect()
    }

    /// Delivers what waits for a phone; yields what was found.
    pub(crate) fn deliver(&mut self, phone: &Phone) -> Vec<Finding> {
        let batch = self.fetch(phone);
        phone.client.deliver(&batch).unwrap().verdicts.into_iter().map(|verdict| verdict.finding).collect()
    }
}
