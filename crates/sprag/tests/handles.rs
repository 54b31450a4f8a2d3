//! Two processes on one store: an app and its notification extension, whose calls act as if one came after the other.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use std::collections::BTreeSet;
use std::thread;

use sprag::{Finding, Incoming, Place};
use world::{Phone, Scratch, Server, texts};

fn talking(scratch: &Scratch) -> (Server, Phone, Phone, Phone) {
    let mut server = Server::default();
    let place = Place::File(scratch.file("alice.sprag"));
    let (app, bob) = (Phone::at("alice", place.clone()), Phone::new("bob"));
    server.pump(&app);
    server.pump(&bob);
    let extension = Phone::opened("alice", place);
    server.send(&bob, &app, "first");
    server.deliver(&app);
    server.send(&extension, &bob, "answer");
    server.deliver(&bob);
    app.take();
    (server, app, extension, bob)
}

#[test]
fn calls_of_two_handles_in_turn_are_one_conversation() {
    let scratch = Scratch::new("handles-turn");
    let (mut server, app, extension, bob) = talking(&scratch);
    bob.take();
    for round in 0..30 {
        let (one, other) = if round % 2 == 0 { (&app, &extension) } else { (&extension, &app) };
        server.send(&bob, one, &format!("to {round}"));
        let incoming = server.fetch(one);
        one.client.deliver(&incoming).unwrap();
        let again = other.client.deliver(&incoming).unwrap().verdicts;
        assert!(matches!(again[0].finding, Finding::Duplicate { .. }));
        assert_eq!(other.texts(), [format!("to {round}")]);
        assert!(one.take().is_empty());
        server.send(other, &bob, &format!("from {round}"));
        server.deliver(&bob);
        assert_eq!(bob.texts(), [format!("from {round}")]);
    }
}

/// Both deliver the same messages at the same time, while both send: nothing is shown twice, nothing is lost, and no key is
/// used for two messages.
#[test]
fn two_handles_at_once_lose_and_double_nothing() {
    let scratch = Scratch::new("handles-at-once");
    let (mut server, app, extension, bob) = talking(&scratch);
    bob.take();
    for number in 0..60 {
        server.send(&bob, &app, &number.to_string());
    }
    let batch: Vec<Incoming> = server.fetch(&app);
    let (opened, sent): (Vec<usize>, Vec<Vec<Vec<u8>>>) = thread::scope(|scope| {
        let workers: Vec<_> = [&app, &extension]
            .into_iter()
            .map(|phone| {
                let (batch, bob) = (&batch, &bob);
                scope.spawn(move || {
                    let (mut opened, mut sent) = (0, Vec::new());
                    for part in batch.chunks(5) {
                        let verdicts = phone.client.deliver(part).unwrap().verdicts;
                        opened += verdicts.iter().filter(|v| matches!(v.finding, Finding::Opened { .. })).count();
                        for request in phone.send(bob, "meanwhile").requests {
                            if let sprag::Action::Send(send) = request.action {
                                sent.push(send.blob);
                                let accepted = sprag::Outcome::Accepted { server_time: None, stamp: None };
                                phone.client.respond(request.id, accepted).unwrap();
                            }
                        }
                    }
                    (opened, sent)
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).unzip()
    });
    assert_eq!(opened.iter().sum::<usize>(), 60);
    let shown: BTreeSet<String> = texts(&app.take()).into_iter().collect();
    assert_eq!(shown.len(), 60);
    server.pump(&app);
    let blobs: Vec<Vec<u8>> = sent.into_iter().flatten().collect();
    let distinct: BTreeSet<&Vec<u8>> = blobs.iter().collect();
    assert_eq!(distinct.len(), blobs.len());
    let rest = server.fetch(&bob).into_iter().map(|incoming| incoming.bytes);
    let all = blobs.into_iter().chain(rest).map(|blob| Incoming::from(app.id.clone(), blob));
    bob.client.deliver(&all.collect::<Vec<_>>()).unwrap();
    assert_eq!(bob.texts().len(), 24);
}

/// What takes long is examined without the lock, and again if the other handle wrote meanwhile.
#[test]
fn a_long_way_along_a_chain_and_a_strangers_first_message_on_disk() {
    let scratch = Scratch::new("handles-heavy");
    let (mut server, app, extension, bob) = talking(&scratch);
    let carol = Phone::new("carol");
    server.pump(&carol);
    for _ in 0..1_500 {
        server.send(&bob, &app, "lost");
    }
    server.fetch(&app);
    server.send(&carol, &app, "from a stranger");
    server.send(&bob, &app, "far ahead");
    server.send(&bob, &app, "and on");
    server.send(&carol, &app, "again");
    let batch = server.fetch(&app);
    let verdicts = extension.client.deliver(&batch).unwrap().verdicts;
    assert!(verdicts.iter().all(|verdict| matches!(verdict.finding, Finding::Opened { .. })));
    assert_eq!(app.texts(), ["from a stranger", "far ahead", "and on", "again"]);
    let verdicts = app.client.deliver(&batch).unwrap().verdicts;
    assert!(verdicts.iter().all(|verdict| matches!(verdict.finding, Finding::Duplicate { .. })));
}
