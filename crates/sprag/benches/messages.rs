//! What a message costs through the door, in CPU time of this thread: `cargo bench -p sprag`.
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
use sprag::{Incoming, Outcome, Place};
use world::{Phone, Scratch, Server};

/// Microseconds that each of `count` things took: the best of three runs.
fn each(count: u32, mut run: impl FnMut()) -> f64 {
    let runs = (0..3).map(|_| {
        let before = cpu();
        run();
        (cpu() - before).as_secs_f64() * 1e6 / f64::from(count)
    });
    runs.fold(f64::INFINITY, f64::min)
}

fn accept(phone: &Phone, sent: sprag::Sent) -> Vec<Incoming> {
    let mut blobs = Vec::new();
    for request in sent.requests {
        if let sprag::Action::Send(send) = request.action {
            blobs.push(Incoming::from(phone.id.clone(), send.blob));
            phone.client.respond(request.id, Outcome::Accepted { server_time: None, stamp: None }).unwrap();
        }
    }
    blobs
}

fn take(phone: &Phone) {
    let events = phone.client.events(0, 10_000).unwrap();
    phone.client.done(&events.iter().map(|event| event.id).collect::<Vec<_>>()).unwrap();
}

fn measure(name: &str, place: impl Fn(&str) -> Place) {
    const COUNT: u32 = 400;
    let mut server = Server::default();
    let (alice, bob) = (Phone::at("alice", place("alice")), Phone::at("bob", place("bob")));
    server.pump(&alice);
    server.pump(&bob);
    server.send(&alice, &bob, "first");
    server.deliver(&bob);
    server.send(&bob, &alice, "answer");
    server.deliver(&alice);
    let text = "x".repeat(100);
    let mut blobs: Vec<Incoming> = Vec::new();
    let send = each(COUNT, || {
        (0..COUNT).for_each(|_| blobs.extend(accept(&alice, alice.send(&bob, &text))));
    });
    let (one, batch) = blobs.split_at(COUNT as usize * 2);
    let before = cpu();
    for incoming in one {
        bob.client.deliver(std::slice::from_ref(incoming)).unwrap();
    }
    let deliver = (cpu() - before).as_secs_f64() * 1e6 / f64::from(2 * COUNT);
    take(&bob);
    let before = cpu();
    bob.client.deliver(batch).unwrap();
    let batched = (cpu() - before).as_secs_f64() * 1e6 / f64::from(COUNT);
    take(&bob);
    let again = each(COUNT, || {
        bob.client.deliver(batch).unwrap();
    });
    let pair = each(COUNT, || {
        for _ in 0..COUNT {
            bob.client.deliver(&accept(&alice, alice.send(&bob, &text))).unwrap();
            alice.client.deliver(&accept(&bob, bob.send(&alice, &text))).unwrap();
        }
        take(&alice);
        take(&bob);
    });
    println!(
        "{name:8}  send and answer {send:7.1} µs   deliver {deliver:7.1} µs   deliver, of a batch {batched:7.1} µs"
    );
    println!("{name:8}  the same again  {again:7.1} µs   ping-pong, one message there and one back {pair:7.1} µs");
}

fn main() {
    let scratch = Scratch::new("bench");
    measure("memory", |_| Place::Memory);
    measure("disk", |name| Place::File(scratch.file(name)));
}
