//! What is due without anybody asking: keys, lists, clocks, and what strangers may not fill.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use sprag::context::Environment;
use sprag::{Action, Finding, Hint, Incoming, Outcome, Place, PublishKeys, What};
use world::{DAY, Hands, Phone, Scratch, Server, id};

/// What a phone wants to publish, leased.
fn publishing(phone: &Phone) -> Option<(sprag::RequestId, PublishKeys)> {
    let requests = phone.client.requests(100, 1).unwrap();
    requests.into_iter().find_map(|request| match request.action {
        Action::PublishKeys(publish) => Some((request.id, publish)),
        _ => None,
    })
}

fn hint(server_time: Option<u64>, one_time_left: Option<u32>) -> Hint {
    let mut hint = Hint::default();
    (hint.server_time, hint.one_time_left) = (server_time, one_time_left);
    hint
}

#[test]
fn a_new_account_publishes_everything_once() {
    let hands = Hands::new();
    let alice = Phone::timed("alice", &hands);
    let (request, publish) = publishing(&alice).unwrap();
    let list = publish.list.unwrap();
    assert_eq!((list.sequence, list.expected), (1, 0));
    assert!(publish.signed_prekey.is_some());
    assert_eq!(publish.one_time.len(), 100);
    alice.client.respond(request, Outcome::Published { one_time_left: Some(100) }).unwrap();
    alice.client.wake(Hint::default()).unwrap();
    assert!(publishing(&alice).is_none());
}

#[test]
fn a_low_stock_is_refilled_and_told() {
    let hands = Hands::new();
    let (mut server, alice) = (Server::default(), Phone::timed("alice", &hands));
    server.pump(&alice);
    alice.client.wake(hint(None, Some(30))).unwrap();
    assert!(publishing(&alice).is_none());
    alice.client.wake(hint(None, Some(7))).unwrap();
    assert!(matches!(alice.take()[..], [sprag::Event { what: What::KeysLow { left: 7 }, .. }]));
    let (request, publish) = publishing(&alice).unwrap();
    assert_eq!(publish.one_time.len(), 93);
    assert!(publish.list.is_none() && publish.signed_prekey.is_none());
    // While it is on its way, nothing more is made.
    hands.pass(2);
    alice.client.wake(hint(None, Some(7))).unwrap();
    let (again, same) = publishing(&alice).unwrap();
    assert_eq!((again, &same), (request, &publish));
}

#[test]
fn the_signed_prekey_is_renewed_weekly_and_the_list_fortnightly() {
    let hands = Hands::new();
    let (mut server, alice) = (Server::default(), Phone::timed("alice", &hands));
    server.pump(&alice);
    let mut renewals = Vec::new();
    for day in 1..=30 {
        hands.pass(DAY);
        alice.client.wake(Hint::default()).unwrap();
        if let Some((request, publish)) = publishing(&alice) {
            renewals.push((day, publish.signed_prekey.is_some(), publish.list.as_ref().map(|list| list.sequence)));
            alice.client.respond(request, Outcome::Published { one_time_left: None }).unwrap();
        }
    }
    let expected = [(7, true, None), (14, true, Some(2)), (21, true, None), (28, true, Some(3))];
    assert_eq!(renewals, expected);
}

#[test]
fn another_list_in_the_directory_is_told_and_the_own_one_is_not() {
    let hands = Hands::new();
    let alice = Phone::timed("alice", &hands);
    let (request, publish) = publishing(&alice).unwrap();
    let own = publish.list.unwrap().object;
    alice.client.respond(request, Outcome::Conflict { list: own }).unwrap();
    assert!(alice.take().is_empty());
    let twin = Phone::timed("alice", &hands);
    let (_, publish) = publishing(&twin).unwrap();
    let theirs = publish.list.unwrap().object;
    let other = Phone::timed("alice", &hands);
    let (request, _) = publishing(&other).unwrap();
    other.client.respond(request, Outcome::Conflict { list: theirs }).unwrap();
    assert!(matches!(other.take()[..], [sprag::Event { what: What::ListConflict { .. }, .. }]));
}

/// A wrong clock must not delete: what is over by it may not be over at all.
#[test]
fn a_clock_that_jumps_deletes_nothing() {
    let hands = Hands::new();
    let mut server = Server::default();
    let (alice, bob) = (Phone::timed("alice", &hands), Phone::timed("bob", &Hands::new()));
    server.pump(&alice);
    server.pump(&bob);
    server.without_one_time = true;
    server.send(&bob, &alice, "late");
    let late = server.fetch(&alice);
    hands.pass(8 * DAY);
    alice.client.wake(Hint::default()).unwrap();
    server.pump(&alice);
    // Years ahead: nothing is looked for, whoever is right.
    hands.pass(1_000 * DAY);
    alice.client.wake(Hint::default()).unwrap();
    assert!(alice.take().is_empty(), "an app may have been left alone for long");
    alice.client.wake(hint(Some(1_800_000_000), None)).unwrap();
    assert!(matches!(alice.take()[..], [sprag::Event { what: What::ClockSuspect { .. }, .. }]));
    let verdicts = alice.client.deliver(&late).unwrap().verdicts;
    assert!(matches!(verdicts[0].finding, Finding::Opened { .. }), "the prekey is still there");
}

#[test]
fn strangers_do_not_fill_the_store_with_events() {
    let (mut server, alice, bob) = (Server::default(), Phone::new("alice"), Phone::new("bob"));
    server.pump(&alice);
    server.pump(&bob);
    server.send(&bob, &alice, "cut short");
    let one = Incoming::from(id("mallory"), server.fetch(&alice)[0].bytes[..20].to_vec());
    assert!(sprag::recognise(&one.bytes));
    let batch = vec![one; 10_050];
    let delivered = alice.client.deliver(&batch).unwrap();
    assert_eq!(delivered.verdicts.len(), batch.len());
    assert_eq!(delivered.pending.events, 10_000);
    alice.client.done(&[alice.client.events(0, 1).unwrap()[0].id]).unwrap();
    assert_eq!(alice.client.deliver(&batch[..5]).unwrap().pending.events, 10_000);
}

/// Damage is found and told before a call meets it.
#[test]
fn damage_is_told() {
    let scratch = Scratch::new("damage");
    let hands = Hands::new();
    let environment = Environment { clock: hands.clone(), ..Environment::platform() };
    let alice = Phone::with("alice", Place::File(scratch.file("alice.sprag")), environment);
    let mut server = Server::default();
    server.pump(&alice);
    let mut wake_for = |days: u32| {
        for _ in 0..days {
            hands.pass(DAY);
            alice.client.wake(Hint::default()).unwrap();
            server.pump(&alice);
        }
        alice.take()
    };
    assert!(wake_for(24).is_empty());
    let raw = rusqlite::Connection::open(scratch.file("alice.sprag")).unwrap();
    let broken = "UPDATE prekey SET v = zeroblob(length(v)) WHERE id = (SELECT max(id) FROM prekey WHERE id > 0)";
    assert_eq!(raw.execute(broken, []).unwrap(), 1);
    drop(raw);
    let told = wake_for(11);
    assert!(told.iter().any(|event| matches!(event.what, What::StoreTrouble { code: 2 })), "{told:?}");
}

/// A directory that refuses, or says that it has another list, or none: the keys are offered until it has them.
#[test]
fn keys_that_were_not_taken_are_offered_again() {
    let hands = Hands::new();
    let alice = Phone::timed("alice", &hands);
    let (request, first) = publishing(&alice).unwrap();
    alice.client.respond(request, Outcome::Rejected(sprag::Rejection::Other)).unwrap();
    assert!(matches!(alice.take()[..], [sprag::Event { what: What::KeysLow { left: 0 }, .. }]));
    assert!(publishing(&alice).is_none(), "not at once");
    hands.pass(3_600);
    let (request, again) = publishing(&alice).unwrap();
    assert_eq!(again, first);
    // Weeks later a new list is due, though the first was never taken.
    for _ in 0..15 {
        hands.pass(DAY);
        alice.client.wake(Hint::default()).unwrap();
    }
    alice.client.respond(request, Outcome::Conflict { list: Vec::new() }).unwrap();
    let mut server = Server::default();
    hands.pass(3_600);
    let mut sequences = Vec::new();
    while let Some((request, publish)) = publishing(&alice) {
        sequences.extend(publish.list.as_ref().map(|list| (list.expected, list.sequence)));
        let outcome = server.answer(&alice.id, &Action::PublishKeys(publish));
        alice.client.respond(request, outcome).unwrap();
        hands.pass(2);
    }
    assert_eq!(sequences, [(0, 1), (1, 2)]);
    assert!(alice.take().is_empty());
}

#[test]
fn prekeys_outlive_a_conflict_about_the_list() {
    let hands = Hands::new();
    let (twin, alice) = (Phone::timed("alice", &hands), Phone::timed("alice", &hands));
    let theirs = publishing(&twin).unwrap().1.list.unwrap().object;
    let (request, first) = publishing(&alice).unwrap();
    alice.client.respond(request, Outcome::Conflict { list: theirs }).unwrap();
    assert!(matches!(alice.take()[..], [sprag::Event { what: What::ListConflict { .. }, .. }]));
    let (_, again) = publishing(&alice).unwrap();
    assert!(again.list.is_none());
    assert_eq!((again.signed_prekey, again.one_time), (first.signed_prekey, first.one_time));
}

/// What the directory says it has left is remembered until the next upkeep.
#[test]
fn a_low_stock_that_the_directory_told_is_refilled() {
    let hands = Hands::new();
    let alice = Phone::timed("alice", &hands);
    let (request, _) = publishing(&alice).unwrap();
    alice.client.respond(request, Outcome::Published { one_time_left: Some(3) }).unwrap();
    alice.client.wake(Hint::default()).unwrap();
    assert_eq!(publishing(&alice).unwrap().1.one_time.len(), 97);
}

#[test]
fn an_app_ref_has_its_bounds() {
    let alice = Phone::new("alice");
    let mut incoming = Incoming::new(vec![1]);
    incoming.app_ref = Some(vec![0; 64]);
    alice.client.deliver(std::slice::from_ref(&incoming)).unwrap();
    incoming.app_ref = Some(vec![0; 65]);
    assert!(matches!(alice.client.deliver(&[incoming]), Err(sprag::Error::Misuse(_))));
}

/// The key of a message that did not come is dropped after thirty days, whether or not others come.
#[test]
fn keys_of_messages_that_never_came_are_dropped() {
    for (days, opens) in [(28, true), (33, false)] {
        let hands = Hands::new();
        let mut server = Server::default();
        let (alice, bob) = (Phone::timed("alice", &hands), Phone::timed("bob", &hands));
        server.pump(&alice);
        server.pump(&bob);
        server.send(&bob, &alice, "first");
        server.deliver(&alice);
        server.send(&bob, &alice, "late");
        let late = server.fetch(&alice);
        server.send(&bob, &alice, "on");
        server.deliver(&alice);
        for _ in 0..days {
            hands.pass(DAY);
            alice.client.wake(Hint::default()).unwrap();
        }
        let found = alice.client.deliver(&late).unwrap().verdicts.remove(0).finding;
        assert_eq!(matches!(found, Finding::Opened { .. }), opens, "{days} days: {found:?}");
    }
}
