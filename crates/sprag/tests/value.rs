//! Servers that keep one opaque value for each account.

#![allow(clippy::unwrap_used, clippy::panic, clippy::field_reassign_with_default, reason = "a test fails by panicking")]

mod world;

use std::sync::Arc;

use sprag::context::Environment;
use sprag::{Client, Config, Directory, Hint, Key, Place, Policy, Start, What};
use world::{DAY, Hands, Phone, Server, id};

fn policy() -> Policy {
    let mut policy = Policy::default();
    policy.directory = Directory::KeyValue;
    policy
}

fn newcomer(name: &str, hands: &Arc<Hands>) -> Phone {
    let mut config = Config::new(Place::Memory, Key::new([7; 32]), id(name));
    (config.start, config.policy) = (Start::Link, policy());
    let environment = Environment { clock: hands.clone(), ..Environment::platform() };
    Phone { client: Client::create(config, environment).unwrap(), id: id(name) }
}

#[test]
fn the_first_message_to_somebody_offline_is_encrypted() {
    let (mut server, hands) = (Server::default(), Hands::new());
    let [alice, bob] = ["alice", "bob"].map(|name| Phone::with_policy(name, &hands, policy()));
    server.pump(&alice);
    server.pump(&bob);
    assert_eq!((server.values.len(), server.lists.len()), (2, 0));
    server.send(&alice, &bob, "hello");
    server.deliver(&bob);
    assert_eq!(bob.texts(), ["hello"]);
    server.send(&bob, &alice, "hello yourself");
    server.deliver(&alice);
    assert_eq!(alice.texts(), ["hello yourself"]);
    // Keys are renewed where they are, and what was asked for is not asked for again.
    let before = server.values.clone();
    for _ in 0..15 {
        hands.pass(DAY);
        for phone in [&alice, &bob] {
            phone.client.wake(Hint::default()).unwrap();
            server.pump(phone);
            assert!(phone.client.requests(1, 60).unwrap().is_empty());
        }
    }
    assert!(before.iter().all(|(account, value)| server.values[account] != *value));
    let carol = Phone::with_policy("carol", &hands, policy());
    server.pump(&carol);
    server.send(&carol, &alice, "hello from me");
    server.deliver(&alice);
    assert_eq!(alice.texts(), ["hello from me"]);
}

#[test]
fn two_devices_that_write_at_once_lose_nothing_for_long() {
    let (mut server, hands) = (Server::default(), Hands::new());
    let alice = Phone::with_policy("alice", &hands, policy());
    server.pump(&alice);
    let tablet = newcomer("alice", &hands);
    server.link(&alice, &tablet, true);
    let both = [&alice, &tablet];
    // Both renew their prekeys, and have read before either writes.
    hands.pass(8 * DAY);
    let mut written = Vec::new();
    for phone in both {
        phone.client.wake(Hint::default()).unwrap();
        for request in phone.client.requests(100, 60).unwrap() {
            let outcome = server.answer(&phone.id, &request.action);
            phone.client.respond(request.id, outcome).unwrap();
        }
        written.push(phone.client.requests(100, 60).unwrap());
    }
    for (phone, requests) in both.iter().zip(written) {
        for request in requests {
            let outcome = server.answer(&phone.id, &request.action);
            phone.client.respond(request.id, outcome).unwrap();
        }
    }
    for _ in 0..2 {
        hands.pass(DAY);
        for phone in both {
            phone.client.wake(Hint::default()).unwrap();
            server.pump(phone);
            server.deliver(phone);
            phone.take();
        }
    }
    let bob = Phone::with_policy("bob", &hands, policy());
    server.pump(&bob);
    server.send(&bob, &alice, "to both");
    for phone in both {
        server.deliver(phone);
        assert_eq!(phone.texts(), ["to both"]);
    }
    // Had a renewed key been lost, it would be refused after 60 days: a month later both are still there.
    for _ in 0..70 {
        hands.pass(DAY);
        for phone in both {
            phone.client.wake(Hint::default()).unwrap();
            server.pump(phone);
            server.deliver(phone);
        }
    }
    both.iter().for_each(|phone| drop(phone.take()));
    let carol = Phone::with_policy("carol", &hands, policy());
    server.pump(&carol);
    server.send(&carol, &alice, "to both of you");
    for phone in both {
        server.deliver(phone);
        assert_eq!(phone.texts(), ["to both of you"]);
    }
    alice.client.revoke(tablet.client.device()).unwrap();
    server.pump(&alice);
    assert_eq!(alice.client.devices().unwrap().len(), 1);
    let removed = |phone: &Phone| phone.take().iter().any(|event| event.what == What::Removed);
    server.deliver(&tablet);
    hands.pass(DAY);
    tablet.client.wake(Hint::default()).unwrap();
    server.pump(&tablet);
    assert!(removed(&tablet));
    server.pump(&tablet);
    assert_eq!(alice.client.devices().unwrap().len(), 1);
}
