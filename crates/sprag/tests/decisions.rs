//! What the user decides about a contact on one device, and what comes of it on the others.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use std::sync::Arc;

use sprag::context::Environment;
use sprag::{Conversation, Event, Hint, Incoming, MessageState, Protection, SendOptions, Trust, What};
use world::{Hands, Phone, Server, id, text};

struct People {
    hands: Arc<Hands>,
    server: Server,
    phone: Phone,
    tablet: Phone,
    bob: Phone,
}

impl People {
    /// Alice with a phone and a tablet, both of which know Bob and were heard by him.
    fn new() -> Self {
        let hands = Hands::new();
        let mut server = Server::default();
        let (phone, bob) = (Phone::timed("alice", &hands), Phone::timed("bob", &hands));
        server.pump(&phone);
        server.pump(&bob);
        let tablet = Phone::newcomer("alice", Environment { clock: hands.clone(), ..Environment::platform() });
        server.link(&phone, &tablet, false);
        let mut people = Self { hands, server, phone, tablet, bob };
        people.server.send(&people.bob, &people.phone, "hello");
        people.settle();
        people.server.send(&people.phone, &people.bob, "from the phone");
        people.server.send(&people.tablet, &people.bob, "from the tablet");
        people.settle();
        people.take();
        people
    }

    fn settle(&mut self) {
        for _ in 0..3 {
            for phone in [&self.phone, &self.tablet, &self.bob] {
                self.server.deliver(phone);
                phone.client.wake(Hint::default()).unwrap();
                self.server.pump(phone);
            }
        }
    }

    fn take(&self) {
        [&self.phone, &self.tablet, &self.bob].into_iter().for_each(|phone| drop(phone.take()));
    }

    /// Somebody who has taken Bob's name anew writes to Alice: what her two devices are to be given.
    fn begin_anew(&mut self) -> [Vec<Incoming>; 2] {
        let other = Phone::timed("bob", &self.hands);
        self.server.pump(&other);
        self.server.send(&other, &self.phone, "I have a new phone");
        [self.server.fetch(&self.phone), self.server.fetch(&self.tablet)]
    }
}

fn number(phone: &Phone) -> String {
    phone.client.contact(b"bob").unwrap().number.unwrap().digits()
}

fn offered(phone: &Phone) -> Option<String> {
    phone.client.contact(b"bob").unwrap().offered.map(|number| number.digits())
}

fn trust(phone: &Phone) -> Trust {
    phone.client.contact(b"bob").unwrap().trust
}

#[test]
fn what_is_confirmed_on_one_device_is_on_the_others() {
    for from_the_tablet in [false, true] {
        let mut people = People::new();
        let (here, there) =
            if from_the_tablet { (&people.tablet, &people.phone) } else { (&people.phone, &people.tablet) };
        here.client.confirm(b"bob", &number(here)).unwrap();
        assert_eq!(trust(there), Trust::Pinned);
        people.server.pump(here);
        people.server.deliver(there);
        assert_eq!(trust(there), Trust::Verified);
        let rises = |event: &Event| matches!(event.what, What::Protection { to: Protection::Verified, .. });
        assert!(there.take().iter().any(rises));
        // Nobody else is told.
        people.settle();
        assert_eq!(people.bob.client.contact(b"alice").unwrap().trust, Trust::Pinned);
        assert!(people.bob.take().is_empty());
    }
}

/// A conversation that is encrypted on one device is so on the others, by the message itself.
#[test]
fn what_is_encrypted_on_one_device_is_on_the_others() {
    let mut people = People::new();
    let carol = Phone::timed("carol", &people.hands);
    people.server.pump(&carol);
    let with_carol = [Conversation::Direct(id("carol"))];
    assert_eq!(people.phone.client.protections(&with_carol).unwrap(), [Protection::Plain]);
    people.server.send(&people.tablet, &carol, "hello");
    people.server.deliver(&people.phone);
    assert_eq!(people.phone.client.protections(&with_carol).unwrap(), [Protection::Encrypted]);
}

#[test]
fn a_change_that_is_accepted_on_one_device_is_on_the_others() {
    let mut people = People::new();
    people.phone.client.confirm(b"bob", &number(&people.phone)).unwrap();
    people.server.pump(&people.phone);
    people.settle();
    let (old, [to_phone, to_tablet]) = (number(&people.phone), people.begin_anew());
    people.phone.client.deliver(&to_phone).unwrap();
    people.tablet.client.deliver(&to_tablet).unwrap();
    assert_eq!((trust(&people.phone), trust(&people.tablet)), (Trust::Changed, Trust::Changed));
    let held = people.tablet.send(&people.bob, "to whom?");
    assert_eq!(held.state, MessageState::Held);
    let new = offered(&people.phone).unwrap();
    people.phone.client.accept_change(b"bob", &new).unwrap();
    people.server.pump(&people.phone);
    people.server.deliver(&people.tablet);
    assert_eq!((trust(&people.tablet), number(&people.tablet)), (Trust::Pinned, new));
    assert_ne!(number(&people.tablet), old);
    // What was held here still waits for the user.
    assert_eq!(people.tablet.client.state(held.message.as_bytes()), Ok(MessageState::Held));
}

/// The user stays with whom they know, and the offer is gone on all devices.
#[test]
fn a_change_that_is_refused_on_one_device_is_on_the_others() {
    let mut people = People::new();
    people.phone.client.confirm(b"bob", &number(&people.phone)).unwrap();
    people.settle();
    let [to_phone, to_tablet] = people.begin_anew();
    people.phone.client.deliver(&to_phone).unwrap();
    people.tablet.client.deliver(&to_tablet).unwrap();
    people.phone.client.accept_change(b"bob", &number(&people.phone)).unwrap();
    people.server.pump(&people.phone);
    people.server.deliver(&people.tablet);
    assert_eq!(trust(&people.tablet), Trust::Verified);
}

#[test]
fn a_contact_that_is_forgotten_on_one_device_is_on_the_others() {
    let mut people = People::new();
    people.phone.client.forget(b"bob", &number(&people.phone)).unwrap();
    people.server.pump(&people.phone);
    people.server.deliver(&people.tablet);
    assert_eq!(trust(&people.tablet), Trust::Unseen);
    // And is met again as anybody.
    people.server.send(&people.tablet, &people.bob, "do I know you?");
    people.settle();
    assert_eq!(trust(&people.tablet), Trust::Pinned);
}

/// A server that shows one device somebody else under Bob's name gains nothing by what the user says of Bob on the other.
#[test]
fn a_decision_is_about_the_identity_that_the_user_saw() {
    let mut people = People::new();
    people.phone.client.confirm(b"bob", &number(&people.phone)).unwrap();
    people.settle();
    // Each device is offered another one.
    let [to_phone, _] = people.begin_anew();
    let [_, to_tablet] = people.begin_anew();
    people.phone.client.deliver(&to_phone).unwrap();
    people.tablet.client.deliver(&to_tablet).unwrap();
    let (seen, other) = (offered(&people.phone).unwrap(), offered(&people.tablet).unwrap());
    assert_ne!(seen, other);
    people.phone.client.accept_change(b"bob", &seen).unwrap();
    people.phone.client.confirm(b"bob", &seen).unwrap();
    people.server.pump(&people.phone);
    people.server.deliver(&people.tablet);
    assert_eq!((trust(&people.tablet), offered(&people.tablet)), (Trust::Changed, Some(other.clone())));
    // Nor when the other one is pinned there.
    people.tablet.client.accept_change(b"bob", &other).unwrap();
    people.hands.pass(1);
    people.phone.client.confirm(b"bob", &seen).unwrap();
    people.server.pump(&people.phone);
    people.server.deliver(&people.tablet);
    assert_eq!((trust(&people.tablet), number(&people.tablet)), (Trust::Pinned, other));
    people.hands.pass(1);
    people.phone.client.forget(b"bob", &seen).unwrap();
    people.server.pump(&people.phone);
    people.server.deliver(&people.tablet);
    assert_eq!(trust(&people.tablet), Trust::Pinned);
}

/// What a server keeps back until the user has decided anew counts for nothing.
#[test]
fn a_decision_that_comes_late_undoes_nothing() {
    let mut people = People::new();
    people.phone.client.forget(b"bob", &number(&people.phone)).unwrap();
    people.server.pump(&people.phone);
    let late = people.server.fetch(&people.tablet);
    people.hands.pass(60);
    people.tablet.client.confirm(b"bob", &number(&people.tablet)).unwrap();
    people.tablet.client.deliver(&late).unwrap();
    assert_eq!(trust(&people.tablet), Trust::Verified);
}

/// Nobody but an own device tells anything, whatever the server says of its sender.
#[test]
fn what_others_say_decides_nothing() {
    let mut people = People::new();
    people
        .bob
        .client
        .confirm(b"alice", &people.bob.client.contact(b"alice").unwrap().number.unwrap().digits())
        .unwrap();
    people.server.pump(&people.bob);
    people.phone.client.confirm(b"bob", &number(&people.phone)).unwrap();
    people.server.pump(&people.phone);
    let to_tablet = people.server.fetch(&people.tablet);
    let claimed: Vec<_> = to_tablet.iter().map(|mail| Incoming::from(id("bob"), mail.bytes.clone())).collect();
    people.bob.client.deliver(&claimed).unwrap();
    assert_eq!(people.bob.client.contact(b"alice").unwrap().trust, Trust::Verified);
    people.tablet.client.deliver(&claimed).unwrap();
    assert_eq!(trust(&people.tablet), Trust::Verified, "the session proves whose it is");
    let sent = people.phone.client.send(&Conversation::Direct(id("bob")), &text("on"), &SendOptions::default());
    assert_eq!(sent.unwrap().state, MessageState::Ready);
}
