//! What a message weighs: on the wire, and a session at rest.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use rusqlite::Connection;
use sprag::{Action, Conversation, MessageId, Place, SendOptions};
use world::{Phone, Scratch, Server, id, text};

/// The bytes of a first message, and of one in the answered session, each with a text of so many bytes.
fn weigh(names: [&str; 2], first: usize, later: usize) -> (usize, usize) {
    let mut server = Server::default();
    let [alice, bob] = names.map(Phone::new);
    server.pump(&alice);
    server.pump(&bob);
    server.send(&alice, &bob, &"x".repeat(first));
    let incoming = server.fetch(&bob);
    let first = incoming[0].bytes.len();
    bob.client.deliver(&incoming).unwrap();
    server.send(&bob, &alice, "answer");
    server.deliver(&alice);
    server.send(&alice, &bob, &"x".repeat(later));
    (first, server.fetch(&bob)[0].bytes.len())
}

#[test]
fn messages_on_the_wire() {
    let long = ["a".repeat(64), "b".repeat(64)];
    let (first, later) = weigh(["alice", "bobby"], 200, 100);
    assert_eq!((first, later), (2_551, 360));
    let (first, later) = weigh([&long[0], &long[1]], 200, 100);
    assert_eq!((first, later), (2_675, 360));
}

fn sizes(scratch: &Scratch, table: &str) -> Vec<usize> {
    let raw = Connection::open(scratch.file("alice.sprag")).unwrap();
    let mut statement = raw.prepare(&format!("SELECT length(v) FROM {table} WHERE id > 0")).unwrap();
    statement.query_map([], |row| row.get::<_, u32>(0)).unwrap().map(|size| size.unwrap() as usize).collect()
}

#[test]
fn a_session_at_rest() {
    let scratch = Scratch::new("sizes");
    let mut server = Server::default();
    let bob = Phone::new("bob");
    let alice = Phone::at("alice", Place::File(scratch.file("alice.sprag")));
    server.pump(&alice);
    server.pump(&bob);
    // What is in the write-ahead log counts as well: SQLite shows one picture.
    let largest = |table: &str| sizes(&scratch, table).into_iter().max().unwrap();
    server.send(&alice, &bob, "first");
    assert!(largest("session") <= 800, "unanswered");
    assert_eq!(sizes(&scratch, "session_cold").len(), 2, "the handshake is beside it");
    // Two epochs of the braid, in all of its states.
    let (mut hot, mut cold) = (0, 0);
    for _ in 0..100 {
        server.deliver(&bob);
        server.send(&bob, &alice, "answer");
        server.deliver(&alice);
        server.send(&alice, &bob, "and on");
        hot = hot.max(largest("session"));
        cold = cold.max(largest("session_cold"));
    }
    println!("sealed: {hot} bytes that every message writes, {cold} that few do");
    assert!(hot <= 2_000 && cold <= 4_000, "{hot} {cold}");
    assert_eq!(sizes(&scratch, "session_cold").len(), 1, "answered: the handshake is gone");
    // Lost messages do not make it larger: their keys have rows of their own.
    server.deliver(&bob);
    for _ in 0..100 {
        server.send(&bob, &alice, "lost");
    }
    server.fetch(&alice);
    server.send(&bob, &alice, "not lost");
    server.deliver(&alice);
    assert!(largest("session") <= 2_000, "with 100 skipped keys");
    assert!((4..=5).contains(&sizes(&scratch, "skipped").len()));
    assert!(sizes(&scratch, "skipped").into_iter().all(|size| size <= 2_000));
}

#[test]
fn an_id_costs_its_length() {
    let (mut server, alice, bob) = (Server::default(), Phone::new("alice"), Phone::new("bob"));
    server.pump(&alice);
    server.pump(&bob);
    server.send(&alice, &bob, "first");
    server.deliver(&bob);
    server.send(&bob, &alice, "answer");
    server.deliver(&alice);
    let weigh = |length: usize| {
        let mut options = SendOptions::default();
        options.client_id = Some(MessageId::new(vec![7; length]).unwrap());
        let content = text(&"x".repeat(100));
        let sent = alice.client.send(&Conversation::Direct(id("bob")), &content, &options).unwrap();
        match &sent.requests[0].action {
            Action::Send(send) => send.blob.len(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(weigh(8), 360);
    // 56 bytes more, and Padmé's step.
    assert_eq!(weigh(64), 424);
}
