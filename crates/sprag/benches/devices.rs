//! What a message to many devices costs, in bytes and in CPU time of this thread: `cargo bench -p sprag --bench devices`.
//!
//! Figures of one run are to be compared with each other, not with those of another machine or hour. There is no
//! threshold.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    unreachable_pub,
    reason = "a benchmark fails by panicking"
)]

#[path = "../../sprag-core/benches/clock/mod.rs"]
mod clock;
#[path = "../tests/world/mod.rs"]
mod world;

use clock::cpu;
use sprag::context::Environment;
use sprag::{Action, Conversation, Hint, Incoming, Outcome, RoomId, SendOptions};
use world::{Phone, Server, id, text};

/// Messages that a figure is the mean of.
const COUNT: u32 = 100;

/// Accounts with as many devices as are told, each known to a sender of one device.
fn fleet(server: &mut Server, accounts: &[usize]) -> (Phone, Vec<Phone>) {
    let alice = Phone::new("alice");
    server.pump(&alice);
    let mut phones = Vec::new();
    for (number, devices) in accounts.iter().enumerate() {
        let name = format!("member {number}");
        let first = Phone::new(&name);
        server.pump(&first);
        for _ in 1..*devices {
            let new = Phone::newcomer(&name, Environment::platform());
            server.link(&first, &new, false);
            phones.push(new);
        }
        phones.push(first);
    }
    (alice, phones)
}

fn send(alice: &Phone, conversation: &Conversation, what: &str) -> (Vec<u8>, f64) {
    let content = text(what);
    let before = cpu();
    let sent = alice.client.send(conversation, &content, &SendOptions::default()).unwrap();
    let took = (cpu() - before).as_secs_f64() * 1e6;
    let mut blob = Vec::new();
    for request in sent.requests {
        if let Action::Send(send) = request.action {
            blob = send.blob;
            alice.client.respond(request.id, Outcome::Accepted { server_time: None, stamp: None }).unwrap();
        }
    }
    (blob, took)
}

fn measure(accounts: &[usize]) {
    let mut server = Server::default();
    let (alice, phones) = fleet(&mut server, accounts);
    let members: Vec<_> = (0..accounts.len()).map(|number| id(&format!("member {number}"))).collect();
    let conversation = match &members[..] {
        [one] => Conversation::Direct(one.clone()),
        _ => Conversation::Room { id: RoomId::new("room").unwrap(), members },
    };
    // The first message fetches keys; every device answers.
    let sent = alice.client.send(&conversation, &text("first"), &SendOptions::default()).unwrap();
    for request in sent.requests {
        let outcome = server.answer(&alice.id, &request.action);
        alice.client.respond(request.id, outcome).unwrap();
    }
    let mut first = 0;
    for request in alice.client.requests(100, 60).unwrap() {
        if let Action::Send(send) = &request.action {
            first = send.blob.len();
        }
        let outcome = server.answer(&alice.id, &request.action);
        alice.client.respond(request.id, outcome).unwrap();
    }
    for phone in &phones {
        server.deliver(phone);
        phone.client.wake(Hint::default()).unwrap();
        server.pump(phone);
        phone.take();
    }
    server.deliver(&alice);
    alice.take();
    let words = "x".repeat(100);
    let (mut bytes, mut sending, mut opening) = (0, 0.0, 0.0);
    for _ in 0..COUNT {
        let (blob, took) = send(&alice, &conversation, &words);
        (bytes, sending) = (blob.len(), sending + took);
        let incoming = [Incoming::from(alice.id.clone(), blob)];
        let before = cpu();
        phones[0].client.deliver(&incoming).unwrap();
        opening += (cpu() - before).as_secs_f64() * 1e6;
    }
    let per = |sum: f64| sum / f64::from(COUNT);
    println!(
        "| {} | {} | {first} | {bytes} | {:.0} | {:.0} |",
        phones.len(),
        accounts.len(),
        per(sending),
        per(opening)
    );
}

fn main() {
    println!("a text of 100 bytes, stores in memory");
    println!(
        "| devices | accounts | first message, bytes | later ones, bytes | send, µs | deliver on one device, µs |"
    );
    println!("|---|---|---|---|---|---|");
    for accounts in [&[1][..], &[4], &[16], &[16, 16, 16, 16, 16, 16, 4]] {
        measure(accounts);
    }
}
