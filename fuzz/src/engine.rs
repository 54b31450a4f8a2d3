//! The engine's door, with a store in memory: blobs that a server made up or bent, and a directory that lies.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sprag::context::{Clock, Environment, NoRandomness, Randomness, Wait};
use sprag::{
    AccountId, Action, Client, Config, Content, Conversation, Finding, Found, Incoming, Key, Outcome, Place, Request,
    RequestId, SendOptions, Trust, What,
};
use sprag_core::crypto::hash::sha256;
use sprag_core::wire::{self, Kind};

use crate::Input;
use crate::people::NOW;

/// Runs after which a world is made anew: what came in leaves rows behind.
const RUNS: u32 = 1_000;

/// A clock that stands, random bytes that are the same in every run, and no waiting.
struct Still(AtomicU64);

impl Clock for Still {
    fn now_ms(&self) -> u64 {
        NOW * 1_000
    }
}

impl Randomness for Still {
    fn fill(&self, out: &mut [u8]) -> Result<(), NoRandomness> {
        for chunk in out.chunks_mut(32) {
            let count = self.0.fetch_add(1, Ordering::SeqCst);
            chunk.copy_from_slice(&sha256(&count.to_be_bytes())[..chunk.len()]);
        }
        Ok(())
    }
}

impl Wait for Still {
    fn wait(&self, _: u32) {}
}

fn id(name: &str) -> AccountId {
    AccountId::new(name).unwrap()
}

fn direct(name: &str) -> Conversation {
    Conversation::Direct(id(name))
}

/// A phone in memory, whose random bytes begin at `seed`.
fn phone(name: &str, seed: u64) -> Client {
    let still = Arc::new(Still(AtomicU64::new(seed)));
    let environment = Environment { clock: still.clone(), randomness: still.clone(), wait: still };
    Client::create(Config::new(Place::Memory, Key::new([7; 32]), id(name)), environment).unwrap()
}

/// What a phone publishes: list, signed prekey, and one one-time prekey.
fn keys(client: &Client) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    for Request { id, action, .. } in client.requests(10, 60).unwrap() {
        if let Action::PublishKeys(publish) = action {
            parts.extend(publish.list.map(|list| list.object));
            parts.extend(publish.signed_prekey);
            parts.extend(publish.one_time.into_iter().take(1));
        }
        client.respond(id, Outcome::Published { one_time_left: Some(100) }).unwrap();
    }
    parts
}

/// Sends a text, and yields the blob that leaves for it; the directory answers with `parts`.
fn send(from: &Client, to: &str, text: &str, parts: &[Vec<u8>]) -> Vec<u8> {
    let sent = from.send(&direct(to), &Content::Text(text.into()), &SendOptions::default()).unwrap();
    let mut open = sent.requests;
    loop {
        let Some(Request { id: request, action, .. }) = open.pop() else {
            open = from.requests(10, 60).unwrap();
            assert!(!open.is_empty(), "no blob left");
            continue;
        };
        match action {
            Action::Send(send) => {
                from.respond(request, Outcome::Accepted { server_time: None, stamp: None }).unwrap();
                return send.blob;
            }
            Action::FetchKeys(_) => {
                let found = vec![Found { account: id(to), parts: parts.to_vec() }];
                from.respond(request, Outcome::Keys { found, absent: Vec::new() }).unwrap();
            }
            _ => {
                from.respond(request, Outcome::Published { one_time_left: Some(100) }).unwrap();
            }
        }
    }
}

fn finding(to: &Client, from: Option<&str>, bytes: Vec<u8>) -> Finding {
    let mut incoming = Incoming::new(bytes);
    incoming.from = from.map(id);
    let delivered = to.deliver(&[incoming]).unwrap();
    delivered.verdicts.into_iter().next().unwrap().finding
}

/// Takes over all events; yields the texts among them.
fn take(client: &Client) -> Vec<String> {
    let events = client.events(0, 1_000).unwrap();
    client.done(&events.iter().map(|event| event.id).collect::<Vec<_>>()).unwrap();
    let text = |what| match what {
        What::Message(message) => match message.content {
            Content::Text(text) => Some(text),
            _ => None,
        },
        _ => None,
    };
    events.into_iter().filter_map(|event| text(event.what)).collect()
}

/// Bob's phone, and genuine blobs that wait for it: in an answered session and in new ones.
struct World {
    bob: Client,
    genuine: Vec<Vec<u8>>,
    opened: BTreeSet<usize>,
    runs: u32,
}

impl World {
    fn new() -> Self {
        let (alice, bob, carol) = (phone("alice", 1 << 32), phone("bob", 2 << 32), phone("carol", 3 << 32));
        let (of_alice, of_bob) = (keys(&alice), keys(&bob));
        let first = send(&alice, "bob", "first", &of_bob);
        assert!(matches!(finding(&bob, Some("alice"), first.clone()), Finding::Opened { .. }));
        let answer = send(&bob, "alice", "answer", &of_alice);
        assert!(matches!(finding(&alice, Some("bob"), answer), Finding::Opened { .. }));
        let mut genuine = vec![first];
        genuine.extend(["second", "third"].map(|text| send(&alice, "bob", text, &of_bob)));
        genuine.push(send(&carol, "bob", "from a stranger", &of_bob[..2]));
        take(&bob);
        Self { bob, genuine, opened: BTreeSet::from([0]), runs: 0 }
    }

    fn deliver(&mut self, from: Option<&str>, bytes: Vec<u8>) {
        self.runs += 1;
        let which = self.genuine.iter().position(|genuine| *genuine == bytes);
        let opened = matches!(finding(&self.bob, from, bytes), Finding::Opened { .. });
        let texts = take(&self.bob);
        assert_eq!(texts.len(), usize::from(opened));
        if opened {
            let which = which.unwrap_or_else(|| panic!("what nobody sent was shown"));
            assert!(self.opened.insert(which), "a message was shown twice");
            assert_eq!(texts, [["first", "second", "third", "from a stranger"][which]]);
        }
    }
}

/// Bytes as they are, or a genuine blob that was bent: nothing but a genuine one is shown, and only once.
pub(crate) fn deliver(bytes: &[u8]) {
    thread_local!(static WORLD: RefCell<Option<World>> = const { RefCell::new(None) });
    assert_eq!(sprag::recognise(bytes), matches!(wire::kind_of(bytes), Ok(Kind::Envelope)));
    WORLD.with_borrow_mut(|kept| {
        let world = kept.get_or_insert_with(World::new);
        let mut input = Input::new(bytes);
        let (mode, from) = (input.byte(), input.byte());
        let from = ["alice", "carol", "bob", "dave"].get(usize::from(from % 5)).copied();
        let genuine = &world.genuine[usize::from(mode >> 2) % world.genuine.len()];
        let blob = match mode & 3 {
            0 => input.rest().to_vec(),
            1 => flipped(genuine, &mut input),
            2 => spliced(genuine, &mut input),
            _ => genuine[..input.number() % (genuine.len() + 1)].to_vec(),
        };
        world.deliver(from, blob);
        if world.runs > RUNS {
            *kept = None;
        }
    });
}

/// Some bytes are changed.
fn flipped(genuine: &[u8], input: &mut Input<'_>) -> Vec<u8> {
    let mut blob = genuine.to_vec();
    while !input.is_empty() {
        let at = input.number() % blob.len();
        blob[at] ^= input.byte();
    }
    blob
}

/// A part is replaced by other bytes.
fn spliced(genuine: &[u8], input: &mut Input<'_>) -> Vec<u8> {
    let from = input.number() % (genuine.len() + 1);
    let to = from + input.number() % (genuine.len() - from + 1);
    [&genuine[..from], input.rest(), &genuine[to..]].concat()
}

/// Alice's phone, which asks for the keys of one stranger after the other.
struct Asking {
    alice: Client,
    /// What Bob and Carol publish.
    published: Vec<Vec<u8>>,
    runs: u32,
}

impl Asking {
    fn new() -> Self {
        let alice = phone("alice", 1 << 32);
        keys(&alice);
        let published = [phone("bob", 2 << 32), phone("carol", 3 << 32)].iter().flat_map(keys).collect();
        Self { alice, published, runs: 0 }
    }

    /// The request for the keys of somebody new.
    fn ask(&mut self, name: &str) -> RequestId {
        self.runs += 1;
        let sent = self.alice.send(&direct(name), &Content::Text("hello".into()), &SendOptions::default()).unwrap();
        let mut open = sent.requests;
        open.extend(self.alice.requests(10, 60).unwrap());
        let fetch = open.iter().find(|request| match &request.action {
            Action::FetchKeys(fetch) => fetch.accounts.iter().any(|wanted| wanted.account == id(name)),
            _ => false,
        });
        fetch.map(|request| request.id).unwrap_or_else(|| panic!("nobody asked"))
    }
}

/// A directory answers with what it likes for somebody whom it does not know: nobody is pinned under that name, and no
/// message leaves.
pub(crate) fn directory(bytes: &[u8]) {
    thread_local!(static ASKING: RefCell<Option<Asking>> = const { RefCell::new(None) });
    ASKING.with_borrow_mut(|kept| {
        let asking = kept.get_or_insert_with(Asking::new);
        let name = format!("stranger {}", asking.runs);
        let request = asking.ask(&name);
        let mut input = Input::new(bytes);
        let mut parts = Vec::new();
        while !input.is_empty() && parts.len() < 8 {
            let which = input.byte();
            match asking.published.get(usize::from(which)) {
                Some(part) => parts.push(part.clone()),
                None => parts.push(input.part().to_vec()),
            }
        }
        let found = vec![Found { account: id(&name), parts }];
        asking.alice.respond(request, Outcome::Keys { found, absent: Vec::new() }).unwrap();
        let leaves = asking.alice.requests(100, 60).unwrap();
        assert!(
            !leaves.iter().any(|request| matches!(request.action, Action::Send(_))),
            "a message left for a stranger"
        );
        assert_eq!(asking.alice.contact(name.as_bytes()).unwrap().trust, Trust::Unseen, "a stranger was pinned");
        take(&asking.alice);
        if asking.runs > RUNS / 10 {
            *kept = None;
        }
    });
}
