//! What two copies of one phone, and a phone that was put back, look like to the peer.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use sprag::{Event, Incoming, Place, What};
use world::{Phone, Scratch, Server, texts};

fn suspected(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event.what, What::CloneSuspected { .. })).count()
}

/// Alice's phone on disk, in a conversation with Bob, and a copy of it: made after she heard him, or after she wrote to him.
fn cloned(scratch: &Scratch, in_a_chain: bool) -> (Server, Phone, Phone, Phone) {
    let mut server = Server::default();
    let place = |file: &str| Place::File(scratch.file(file));
    let (alice, bob) = (Phone::at("alice", place("alice")), Phone::new("bob"));
    server.pump(&alice);
    server.pump(&bob);
    // Two sessions between the two phones, so that one is asked about what the other knows.
    server.send(&bob, &alice, "crossing");
    server.send(&alice, &bob, "crossing");
    server.deliver(&alice);
    server.deliver(&bob);
    for _ in 0..3 {
        server.send(&alice, &bob, "hello");
        server.deliver(&bob);
        server.send(&bob, &alice, "hello");
        server.deliver(&alice);
    }
    if in_a_chain {
        server.send(&alice, &bob, "and");
        server.deliver(&bob);
    }
    alice.take();
    bob.take();
    drop(alice);
    std::fs::copy(scratch.file("alice"), scratch.file("copy")).unwrap();
    (server, Phone::opened("alice", place("alice")), Phone::opened("alice", place("copy")), bob)
}

#[test]
fn a_clone_that_sends_beside_the_original_is_noticed_within_a_few_messages() {
    let scratch = Scratch::new("clones");
    let (mut server, alice, copy, bob) = cloned(&scratch, false);
    let mut told = 0;
    let mut shown = Vec::new();
    for round in 0..6 {
        server.send(&bob, &alice, "to whoever is alice");
        let incoming: Vec<Incoming> = server.fetch(&alice);
        for phone in [&alice, &copy] {
            phone.client.deliver(&incoming).unwrap();
        }
        server.send(&alice, &bob, &format!("the original, {round}"));
        server.send(&copy, &bob, &format!("the clone, {round}"));
        server.deliver(&bob);
        let events = bob.take();
        told += suspected(&events);
        shown.extend(texts(&events));
        if told > 0 && round > 2 {
            break;
        }
    }
    assert_eq!(told, 1, "once, and within a few messages");
    // One of the two is read on, and nothing was begun anew by itself.
    assert!(shown.iter().filter(|text| text.contains("original")).count() >= 3, "{shown:?}");
}

#[test]
fn a_phone_that_was_put_back_within_a_chain_repeats_no_key_and_goes_on() {
    let scratch = Scratch::new("put-back");
    let (mut server, alice, restored, bob) = cloned(&scratch, true);
    for number in 0..5 {
        server.send(&alice, &bob, &format!("before, {number}"));
    }
    let first: Vec<Vec<u8>> = server.fetch(&bob).into_iter().map(|incoming| incoming.bytes).collect();
    let incoming = |bytes: &Vec<u8>| Incoming::from(alice.id.clone(), bytes.clone());
    bob.client.deliver(&first.iter().map(incoming).collect::<Vec<_>>()).unwrap();
    assert_eq!(bob.take().len(), 5);
    drop(alice.client);
    for number in 0..8 {
        server.send(&restored, &bob, &format!("after, {number}"));
    }
    let second: Vec<Vec<u8>> = server.fetch(&bob).into_iter().map(|incoming| incoming.bytes).collect();
    assert!(first.iter().all(|bytes| !second.contains(bytes)));
    bob.client.deliver(&first.iter().map(incoming).collect::<Vec<_>>()).unwrap();
    assert!(bob.take().is_empty());
    bob.client
        .deliver(&second.iter().map(|bytes| Incoming::from(restored.id.clone(), bytes.clone())).collect::<Vec<_>>())
        .unwrap();
    // The numbers that were used before are refused, one by one; the conversation goes on after them.
    let events = bob.take();
    assert_eq!(texts(&events), ["after, 5", "after, 6", "after, 7"]);
    assert_eq!(events.iter().filter(|event| matches!(event.what, What::Unreadable { .. })).count(), 5);
    // Each had its number already, with other words; that is told once.
    assert_eq!(suspected(&events), 1);
}

/// A server that repeats everything in any order shows nobody as a copy of themselves.
#[test]
fn what_a_server_repeats_is_no_evidence() {
    let scratch = Scratch::new("repeats");
    let (mut server, alice, _, bob) = cloned(&scratch, true);
    let mut blobs = Vec::new();
    for round in 0..12 {
        for number in 0..round % 4 {
            server.send(&alice, &bob, &format!("{round}, {number}"));
        }
        let incoming = server.fetch(&bob);
        // One of them is late.
        blobs.extend(incoming.into_iter().rev());
        bob.client.deliver(&blobs).unwrap();
        server.send(&bob, &alice, "and back");
        server.deliver(&alice);
        bob.client.deliver(&blobs).unwrap();
    }
    let events = bob.take();
    assert_eq!(suspected(&events), 0);
    assert!(events.iter().all(|event| !matches!(event.what, What::Unreadable { .. })));
}

/// The copy gets no mail: it goes on in a chain that the original has left, beyond its end or where something else was.
#[test]
fn a_copy_that_gets_no_mail_is_noticed_by_its_first_message() {
    for in_a_chain in [false, true] {
        for more in 0..3 {
            let scratch = Scratch::new(&format!("no-mail-{in_a_chain}-{more}"));
            let (mut server, alice, copy, bob) = cloned(&scratch, in_a_chain);
            for number in 0..more {
                server.send(&alice, &bob, &format!("in the same chain, {number}"));
            }
            server.deliver(&bob);
            server.send(&bob, &alice, "and back");
            server.deliver(&alice);
            server.send(&alice, &bob, "in the next");
            server.deliver(&bob);
            bob.take();
            server.send(&copy, &bob, "from the copy");
            server.deliver(&bob);
            let events = bob.take();
            assert_eq!((suspected(&events), texts(&events).len()), (1, 0), "{in_a_chain} {more}");
        }
    }
}

/// Its ratchet turned with another key than the one that Bob knows: nothing of it can be read any more, and he is told why.
#[test]
fn a_phone_that_was_put_back_before_a_turn_is_noticed() {
    // Which of the two sessions is sent in, and so which is asked first, is as the handshakes' hashes fall.
    (0..12).for_each(put_back_before_a_turn);
}

fn put_back_before_a_turn(number: usize) {
    let scratch = Scratch::new(&format!("put-back-turn-{number}"));
    let (mut server, alice, restored, bob) = cloned(&scratch, false);
    server.send(&alice, &bob, "before");
    server.deliver(&bob);
    assert_eq!(bob.texts(), ["before"]);
    drop(alice.client);
    for _ in 0..5 {
        server.send(&restored, &bob, "after");
        server.deliver(&bob);
    }
    let events = bob.take();
    assert_eq!(suspected(&events), 1);
    assert!(texts(&events).is_empty());
    assert_eq!(events.iter().filter(|event| matches!(event.what, What::Unreadable { .. })).count(), 5);
}

/// How long ago both ratchets brought a fresh secret is there for whoever asks.
#[test]
fn freshness_is_told() {
    let mut server = Server::default();
    let (alice, bob) = (Phone::new("alice"), Phone::new("bob"));
    server.pump(&alice);
    server.pump(&bob);
    assert_eq!(alice.client.freshness(b"bob").map(|_| ()), Err(sprag::Error::Unknown));
    for _ in 0..60 {
        server.send(&alice, &bob, "there");
        server.deliver(&bob);
        server.send(&bob, &alice, "and back");
        server.deliver(&alice);
    }
    let fresh = alice.client.freshness(b"bob").unwrap().remove(0);
    assert_eq!(fresh.device, bob.client.device());
    assert!(fresh.epoch >= 1 && fresh.since_epoch < 90 && fresh.since_turn <= 2, "{fresh:?}");
    for _ in 0..10 {
        server.send(&alice, &bob, "nobody answers");
    }
    let later = alice.client.freshness(b"bob").unwrap().remove(0);
    assert_eq!((later.epoch, later.since_epoch, later.since_turn), (fresh.epoch, fresh.since_epoch + 10, 9));
}
