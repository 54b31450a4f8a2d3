//! What an account's devices do for each other when something is lost, refused or comes too late.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use std::sync::Arc;

use sprag::context::Environment;
use sprag::{
    Action, Client, Config, Conversation, Directory, Event, Hint, Key, MessageState, Outcome, Place, Policy,
    Protection, Rejection, Start, Trust, What,
};
use world::{DAY, Hands, Phone, Server, id};

fn newcomer(hands: &Arc<Hands>) -> Phone {
    Phone::newcomer("alice", Environment { clock: hands.clone(), ..Environment::platform() })
}

fn settle(server: &mut Server, phones: &[&Phone], rounds: usize) {
    for _ in 0..rounds {
        for phone in phones {
            server.deliver(phone);
            phone.client.wake(Hint::default()).unwrap();
            server.pump(phone);
        }
    }
}

/// A server that drops what a new device is told at first only delays it.
#[test]
fn a_welcome_that_was_lost_is_asked_for() {
    let hands = Hands::new();
    let mut server = Server::default();
    let (alice, bob) = (Phone::timed("alice", &hands), Phone::timed("bob", &hands));
    server.pump(&alice);
    server.pump(&bob);
    server.send(&alice, &bob, "hello");
    settle(&mut server, &[&bob, &alice], 2);
    let number = alice.client.contact(b"bob").unwrap().number.unwrap().digits();
    alice.client.confirm(b"bob", &number).unwrap();
    let tablet = newcomer(&hands);
    let code = tablet.client.link_code().unwrap();
    alice.client.admit(code.expose_bytes(), code.digits(), true).unwrap();
    for (from, to) in [(&alice, &tablet), (&tablet, &alice)] {
        server.pump(from);
        server.deliver(to);
    }
    server.pump(&alice);
    assert_eq!(alice.client.devices().unwrap().len(), 2);
    // Whatever she says of it now never comes.
    assert!(!server.fetch(&tablet).is_empty());
    hands.pass(DAY);
    tablet.client.wake(Hint::default()).unwrap();
    server.pump(&tablet);
    assert_eq!(tablet.client.devices().unwrap().len(), 2, "it has seen the list");
    assert!(tablet.client.contact(b"bob").is_err());
    settle(&mut server, &[&tablet, &alice, &tablet], 1);
    assert_eq!(tablet.client.contact(b"bob").unwrap().trust, Trust::Verified);
    let with_bob = [Conversation::Direct(id("bob"))];
    assert!(tablet.client.protections(&with_bob).unwrap()[0] >= Protection::Encrypted);
    // The account key, too.
    let third = newcomer(&hands);
    server.link(&tablet, &third, false);
    assert_eq!(third.client.devices().unwrap().len(), 3);
    // Who has it all asks no more.
    for _ in 0..3 {
        hands.pass(7_200);
        tablet.client.wake(Hint::default()).unwrap();
        assert!(tablet.client.requests(10, 1).unwrap().is_empty());
    }
}

/// A server that keeps a revoked device on the list is told of every day.
#[test]
fn a_revocation_that_the_server_does_not_take_is_told() {
    let hands = Hands::new();
    let mut server = Server::default();
    let alice = Phone::timed("alice", &hands);
    server.pump(&alice);
    let lost = newcomer(&hands);
    server.link(&alice, &lost, false);
    let refuse = |server: &mut Server| {
        for request in alice.client.requests(100, 1).unwrap() {
            let outcome = match &request.action {
                Action::PublishKeys(_) => Outcome::Rejected(Rejection::Forbidden),
                action => server.answer(&alice.id, action),
            };
            alice.client.respond(request.id, outcome).unwrap();
        }
    };
    let told = |event: &&Event| matches!(&event.what, What::ListConflict { account, mine, theirs } if *account == id("alice") && mine.sequence == theirs.sequence + 1);
    alice.client.revoke(lost.client.device()).unwrap();
    for day in 0..3 {
        refuse(&mut server);
        alice.client.wake(Hint::default()).unwrap();
        assert_eq!(alice.take().iter().filter(told).count(), usize::from(day > 0), "day {day}");
        hands.pass(DAY);
    }
    server.pump(&alice);
    alice.client.wake(Hint::default()).unwrap();
    hands.pass(DAY);
    alice.client.wake(Hint::default()).unwrap();
    assert_eq!(alice.take().iter().filter(told).count(), 0);
    assert_eq!(alice.client.devices().unwrap().len(), 1);
}

/// A first message that was sealed for the old account key, and comes when another has followed.
#[test]
fn what_was_begun_for_the_old_account_key_opens() {
    let hands = Hands::new();
    let mut server = Server::default();
    server.compares = true;
    let (alice, carol) = (Phone::timed("alice", &hands), Phone::timed("carol", &hands));
    server.pump(&alice);
    server.pump(&carol);
    let stolen = newcomer(&hands);
    server.link(&alice, &stolen, true);
    server.send(&carol, &alice, "you do not know me");
    let late = server.fetch(&alice);
    alice.client.revoke(stolen.client.device()).unwrap();
    settle(&mut server, &[&alice], 3);
    hands.pass(DAY + 60);
    settle(&mut server, &[&alice], 3);
    assert_eq!(alice.client.devices().unwrap().len(), 1);
    assert!(alice.take().iter().any(|event| matches!(event.what, What::IdentityChanged { .. })));
    alice.client.deliver(&late).unwrap();
    assert_eq!(alice.texts(), ["you do not know me"]);
    // She answers under the new key, which Carol sees.
    server.send(&alice, &carol, "now I do");
    server.deliver(&carol);
    let events = carol.take();
    assert_eq!(world::texts(&events), ["now I do"]);
    assert!(events.iter().any(|event| matches!(event.what, What::IdentityChanged { .. })));
    server.send(&carol, &alice, "and I you");
    server.deliver(&alice);
    assert_eq!(alice.texts(), ["and I you"]);
}

/// A server that calls every list stale is not asked for another one without end.
#[test]
fn a_server_for_which_every_list_is_stale_is_asked_ever_less_often() {
    let hands = Hands::new();
    let mut server = Server::default();
    let (alice, bob) = (Phone::timed("alice", &hands), Phone::timed("bob", &hands));
    server.pump(&alice);
    server.pump(&bob);
    server.send(&alice, &bob, "hello");
    let sent = alice.send(&bob, "is it stale?");
    for request in &sent.requests {
        alice.client.respond(request.id, Outcome::Stale { accounts: Vec::new() }).unwrap();
    }
    let rounds = |server: &mut Server| {
        for round in 0..50 {
            let requests = alice.client.requests(100, 1).unwrap();
            if requests.is_empty() {
                return round;
            }
            for request in requests {
                let outcome = match &request.action {
                    Action::Send(_) => Outcome::Stale { accounts: Vec::new() },
                    action => server.answer(&alice.id, action),
                };
                alice.client.respond(request.id, outcome).unwrap();
            }
        }
        panic!("it goes on for ever");
    };
    assert!(rounds(&mut server) <= 4);
    let mut all = 0;
    for _ in 0..24 {
        hands.pass(3_600);
        all += rounds(&mut server);
    }
    assert!((24..=72).contains(&all), "{all}");
    assert_eq!(alice.client.state(sent.message.as_bytes()), Ok(MessageState::WaitingKeys));
    hands.pass(3_600);
    server.pump(&alice);
    assert_eq!(alice.client.state(sent.message.as_bytes()), Ok(MessageState::Accepted));
}

/// A device of an app whose server keeps no list, or whichever was written last.
fn at(directory: Directory, start: Start, hands: &Arc<Hands>) -> Phone {
    let mut config = Config::new(Place::Memory, Key::new([7; 32]), id("alice"));
    config.policy = Policy::default();
    config.policy.directory = directory;
    config.start = start;
    let environment = Environment { clock: hands.clone(), ..Environment::platform() };
    Phone { client: Client::create(config, environment).unwrap(), id: id("alice") }
}

/// Two devices that hold the account key change the list at once, and no directory takes only one of the two: they come to
/// one list, on which is who was admitted by either, and nobody who was revoked by one.
#[test]
fn lists_that_parted_come_together() {
    for directory in [Directory::InBand, Directory::KeyValue] {
        for revoking in 0..2 {
            let hands = Hands::new();
            let mut server = Server::default();
            let alice = at(directory, Start::NewAccount, &hands);
            server.pump(&alice);
            let second = at(directory, Start::Link, &hands);
            server.link(&alice, &second, true);
            let old = at(directory, Start::Link, &hands);
            server.link(&alice, &old, false);
            settle(&mut server, &[&alice, &second, &old], 3);
            let third = at(directory, Start::Link, &hands);
            let (admits, revokes) = if revoking == 0 { (&second, &alice) } else { (&alice, &second) };
            // Each makes a list before it has heard of the other's.
            let code = third.client.link_code().unwrap();
            admits.client.admit(code.expose_bytes(), code.digits(), false).unwrap();
            server.pump(admits);
            server.deliver(&third);
            server.pump(&third);
            let for_revokes = server.fetch(revokes);
            revokes.client.revoke(old.client.device()).unwrap();
            server.deliver(admits);
            let by_admits = admits.client.requests(100, 1).unwrap();
            let by_revokes = revokes.client.requests(100, 1).unwrap();
            for (phone, requests) in [(admits, by_admits), (revokes, by_revokes)] {
                for request in requests {
                    let outcome = server.answer(&phone.id, &request.action);
                    phone.client.respond(request.id, outcome).unwrap();
                }
            }
            revokes.client.deliver(&for_revokes).unwrap();
            for _ in 0..4 {
                settle(&mut server, &[admits, revokes, &third, &old], 3);
                hands.pass(DAY);
            }
            let devices = |phone: &Phone| {
                let mut all: Vec<_> = phone.client.devices().unwrap().iter().map(|device| device.id.0).collect();
                all.sort_unstable();
                all
            };
            let mut wanted = [&alice, &second, &third].map(|phone| phone.client.device().0);
            wanted.sort_unstable();
            for phone in [&alice, &second, &third] {
                assert_eq!(devices(phone), wanted, "{directory:?} {revoking}");
                assert!(!phone.take().iter().any(|event| event.what == What::Removed));
            }
            // Where nobody writes to it any more, and there is nothing to look at, it is not told.
            let is_told = old.take().iter().any(|event| event.what == What::Removed);
            assert_eq!(is_told, directory == Directory::KeyValue);
        }
    }
}
