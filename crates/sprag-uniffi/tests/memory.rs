//! What the Swift, Kotlin and Python face leaves in memory: a conversation whose text and store keys are known, with
//! everything carried through the buffers that cross the border, and then a search through all that this process can
//! write to, freed blocks included. (The other language's own copies are its own.)

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;

use sprag_uniffi::{
    Action, Bytes, Client, Content, Conversation, Event, Found, Incoming, Outcome, Request, SendOptions,
};
use sprag_uniffi::{UniFfiTag, What};
use uniffi::{Lift, Lower};

/// What is searched for is kept masked, so that the search does not find itself.
const MASK: u8 = 0x5a;

/// Secrets are found in pieces: what frees a block writes over its first bytes.
const PIECE: usize = 16;

struct Secret(Vec<u8>);

impl Secret {
    fn random(len: usize) -> Self {
        let mut masked = vec![0; len];
        File::open("/dev/urandom").unwrap().read_exact(&mut masked).unwrap();
        Self(masked)
    }

    /// Printable.
    fn text(len: usize) -> Self {
        Self(Self::random(len).0.into_iter().map(|byte| (b'a' + byte % 26) ^ MASK).collect())
    }

    fn show(&self) -> Vec<u8> {
        self.0.iter().map(|byte| byte ^ MASK).collect()
    }

    fn of(shown: &[u8]) -> Self {
        Self(shown.iter().map(|byte| byte ^ MASK).collect())
    }

    fn is(&self, shown: &[u8]) -> bool {
        shown.len() == self.0.len() && shown.iter().zip(&self.0).all(|(shown, masked)| shown ^ MASK == *masked)
    }

    fn pieces_in(&self, memory: &[u8]) -> usize {
        let (pieces, _) = self.0.as_chunks::<PIECE>();
        let mut begins = [false; 256];
        pieces.iter().for_each(|piece| begins[usize::from(piece[0] ^ MASK)] = true);
        let stands = |window: &&[u8]| {
            begins[usize::from(window[0])]
                && pieces.iter().any(|piece| window.iter().zip(piece).all(|(byte, masked)| byte ^ MASK == *masked))
        };
        memory.windows(PIECE).filter(stands).count()
    }
}

/// How many pieces of each secret stand in what this process can write to.
fn search(secrets: &[&Secret]) -> Vec<usize> {
    let (maps, memory) = (std::fs::read_to_string("/proc/self/maps").unwrap(), File::open("/proc/self/mem").unwrap());
    let mut found = vec![0; secrets.len()];
    let mut page = [0; 4_096 + PIECE - 1];
    for line in maps.lines() {
        let mut words = line.split(' ');
        let (Some(range), Some(rights)) = (words.next(), words.next()) else { continue };
        let (from, to) = range.split_once('-').unwrap();
        let (from, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        if !rights.contains('w') {
            continue;
        }
        for at in (from..to).step_by(4_096) {
            let length = page.len().min(usize::try_from(to - at).unwrap());
            let got = memory.read_at(&mut page[..length], at).unwrap_or(0);
            for (count, secret) in found.iter_mut().zip(secrets) {
                *count += secret.pieces_in(&page[..got]);
            }
            // What was read must not be a second place where it is found.
            page.fill(0);
        }
    }
    found
}

/// Over the border and back: lowered into the buffer that the other side reads, and lifted from one that it wrote.
fn cross<T: Lower<UniFfiTag> + Lift<UniFfiTag>>(value: T) -> T {
    T::try_lift_from_rust_buffer(T::lower_into_rust_buffer(value)).unwrap()
}

#[derive(Default)]
struct Server {
    keys: Vec<Found>,
    /// Sender and envelope.
    mail: Vec<(Bytes, Bytes)>,
}

impl Server {
    fn carry_out(&mut self, client: &Client, requests: Vec<Request>) {
        for request in requests {
            let outcome = match request.action {
                Action::PublishKeys { account, list, signed_prekey, .. } => {
                    let parts = list.map(|list| list.object).into_iter().chain(signed_prekey).collect();
                    self.keys.push(Found { account, parts });
                    Outcome::Published { one_time_left: None }
                }
                Action::FetchKeys { .. } => Outcome::Keys { found: self.keys.clone(), absent: Vec::new() },
                Action::Send { blob, .. } => {
                    self.mail.push((client.account().unwrap(), blob));
                    Outcome::Accepted { server_time: None, stamp: None }
                }
                Action::Other { .. } => Outcome::Retry { after: None },
            };
            client.respond(request.id, cross(outcome)).unwrap();
        }
    }

    fn work(&mut self, client: &Client) {
        self.carry_out(client, cross(client.requests(100, 60).unwrap()));
    }

    fn say(&mut self, from: &Client, to: &[u8], text: &Secret) {
        let content = cross(Content::Text { text: String::from_utf8(text.show()).unwrap() });
        let options = SendOptions { client_id: None, quiet: false, expires: None };
        let sent = from.send(Conversation::Direct { account: to.into() }, content, options).unwrap();
        self.carry_out(from, sent.requests);
        self.work(from);
    }

    fn hear(&mut self, to: &Client, text: &Secret) {
        let incoming = |(sender, bytes)| Incoming {
            bytes,
            sender: Some(sender),
            conversation: None,
            app_ref: None,
            server_time: None,
            stamp: None,
            history: false,
        };
        to.deliver(cross(self.mail.drain(..).map(incoming).collect::<Vec<_>>())).unwrap();
        let events: Vec<Event> = cross(to.events(0, 100).unwrap());
        let seen = events.iter().filter(|event| match &event.what {
            What::Message { content: Content::Text { text: shown }, .. } => text.is(shown.as_bytes()),
            _ => false,
        });
        assert_eq!(seen.count(), 1);
        to.done(events.iter().map(|event| event.id).collect()).unwrap();
    }
}

#[test]
fn nothing_of_a_conversation_is_left_in_memory() {
    let (text, alices, bobs) = (Secret::text(96), Secret::random(32), Secret::random(32));
    let all = [&text, &alices, &bobs];
    let shown: Vec<Vec<u8>> = all.iter().map(|secret| secret.show()).collect();
    assert_eq!(search(&all), [6, 2, 2], "the search finds what is there");
    drop(shown);

    let phone = |name: &[u8], key: &Secret| Client::create(None, cross(key.show().into()), name.into(), None).unwrap();
    let (alice, bob) = (phone(b"alice", &alices), phone(b"bob", &bobs));
    let mut server = Server::default();
    server.work(&alice);
    server.work(&bob);
    for _ in 0..3 {
        server.say(&alice, b"bob", &text);
        server.hear(&bob, &text);
        server.say(&bob, b"alice", &text);
        server.hear(&alice, &text);
    }
    assert_eq!(search(&all)[0], 0, "of the text nothing is left, also while the clients are open");
    alice.shut();
    bob.shut();
    assert_eq!(search(&all), [0, 0, 0]);
}

#[test]
fn nothing_of_a_link_code_is_left_in_memory() {
    let phone = |name: &[u8]| Client::create(None, vec![7; 32].into(), name.into(), None).unwrap();
    let alice = phone(b"alice");
    Server::default().work(&alice);
    let tablet = Client::link(None, vec![8; 32].into(), b"alice"[..].into(), None).unwrap();

    let code = cross(tablet.link_code().unwrap());
    // Of the bytes the secret alone: what stands around it is no secret.
    let (secret, text) = (Secret::of(&code.bytes.as_ref()[6..38]), Secret::of(code.text.as_bytes()));
    let all = [&secret, &text];
    assert!(search(&all).iter().all(|found| *found > 0), "the search finds what is there");
    alice.admit(cross(code.bytes), cross(code.digits), false).unwrap();
    drop(cross(code.text));
    assert_eq!(search(&all), [0, 0], "nothing is left, also while it is waited for and the clients are open");

    let code = cross(tablet.link_code().unwrap());
    let text = Secret::of(code.text.as_bytes());
    alice.admit(code.text.as_bytes().into(), code.digits, false).unwrap();
    let mut mistyped = code.text;
    mistyped.push('?');
    assert!(alice.admit(mistyped.as_bytes().into(), "000000".to_owned(), false).is_err());
    drop((mistyped, code.bytes));
    assert_eq!(search(&[&text]), [0]);
}
