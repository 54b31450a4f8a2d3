//! How far a conversation is protected: it rises when everybody in it can read, and never falls.

#![allow(clippy::unwrap_used, clippy::panic, clippy::field_reassign_with_default, reason = "a test fails by panicking")]

mod world;

use std::sync::Arc;

use sprag::{
    Action, Conversation, Error, Event, Finding, Incoming, MessageState, Outcome, Policy, Protection, Reason, Rollout,
    RoomId, SendOptions, Sent, StaleList, What, Why,
};
use world::{Hands, Phone, Server, id, text, texts};

fn direct(name: &str) -> Conversation {
    Conversation::Direct(id(name))
}

fn room(members: &[&str]) -> Conversation {
    Conversation::Room { id: RoomId::new("den").unwrap(), members: members.iter().map(|name| id(name)).collect() }
}

fn phone(server: &mut Server, hands: &Arc<Hands>, name: &str, rollout: Rollout) -> Phone {
    let mut policy = Policy::default();
    policy.rollout = rollout;
    let phone = Phone::with_policy(name, hands, policy);
    server.pump(&phone);
    phone
}

fn send(phone: &Phone, to: &Conversation, what: &str) -> sprag::Result<Sent> {
    phone.client.send(to, &text(what), &SendOptions::default())
}

/// Sends, and carries everything out.
fn say(server: &mut Server, phone: &Phone, to: &Conversation, what: &str) -> Sent {
    let sent = send(phone, to, what).unwrap();
    for request in &sent.requests {
        let outcome = server.answer(&phone.id, &request.action);
        phone.client.respond(request.id, outcome).unwrap();
    }
    server.pump(phone);
    sent
}

fn of(phone: &Phone, conversation: &Conversation) -> Protection {
    phone.client.protections(std::slice::from_ref(conversation)).unwrap()[0]
}

fn rises(events: &[Event]) -> Vec<(Protection, Protection)> {
    let of = |event: &Event| match event.what {
        What::Protection { from, to, .. } => Some((from, to)),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

fn failures(events: &[Event]) -> Vec<Reason> {
    let of = |event: &Event| match event.what {
        What::Progress { state: MessageState::Failed, reason, .. } => reason,
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

#[test]
fn a_conversation_is_encrypted_from_the_first_message_on() {
    let (mut server, hands) = (Server::default(), Hands::new());
    let alice = phone(&mut server, &hands, "alice", Rollout::Encrypt);
    let bob = phone(&mut server, &hands, "bob", Rollout::Encrypt);
    assert_eq!(of(&alice, &direct("bob")), Protection::Plain);
    say(&mut server, &alice, &direct("bob"), "hello");
    assert_eq!(rises(&alice.take()), [(Protection::Plain, Protection::Encrypted)]);
    server.deliver(&bob);
    let events = bob.take();
    assert_eq!(
        (texts(&events), rises(&events)),
        (vec!["hello".into()], vec![(Protection::Plain, Protection::Encrypted)])
    );
    say(&mut server, &bob, &direct("alice"), "hello yourself");
    server.deliver(&alice);
    assert!(rises(&alice.take()).is_empty() && rises(&bob.take()).is_empty());
    for (phone, other) in [(&alice, "bob"), (&bob, "alice")] {
        assert_eq!(of(phone, &direct(other)), Protection::Encrypted);
    }
    assert_eq!(of(&alice, &direct("carol")), Protection::Plain);
}

#[test]
fn nobody_is_sent_what_an_old_client_of_theirs_would_show() {
    let (mut server, hands) = (Server::default(), Hands::new());
    let alice = phone(&mut server, &hands, "alice", Rollout::Encrypt);
    // Bob still has a client in a browser that cannot read.
    let bob = phone(&mut server, &hands, "bob", Rollout::Read);
    let sent = say(&mut server, &alice, &direct("bob"), "hello");
    assert_eq!(sent.state, MessageState::WaitingKeys);
    let events = alice.take();
    assert_eq!((failures(&events), rises(&events)), (vec![Reason::NotReady], Vec::new()));
    assert!(server.fetch(&bob).is_empty());
    assert_eq!(of(&alice, &direct("bob")), Protection::Plain);
    assert_eq!(send(&alice, &direct("bob"), "again").unwrap_err(), Error::NotProtected);
    // Nor does he write what his own old client would show.
    assert_eq!(send(&bob, &direct("alice"), "hello").unwrap_err(), Error::NotProtected);
    bob.client.set_ready(true).unwrap();
    server.pump(&bob);
    // Alice looks again when it is time, and when somebody wants to write.
    assert_eq!(send(&alice, &direct("bob"), "again").unwrap_err(), Error::NotProtected);
    assert!(alice.client.requests(10, 60).unwrap().is_empty());
    hands.pass(3_600);
    assert_eq!(send(&alice, &direct("bob"), "again").unwrap_err(), Error::NotProtected);
    let requests = alice.client.requests(10, 60).unwrap();
    let [request] = &requests[..] else { panic!("{requests:?}") };
    let Action::FetchKeys(fetch) = &request.action else { panic!() };
    assert_eq!((fetch.why, fetch.one_time, fetch.urgent), (Why::Refresh, false, false));
    let outcome = server.answer(&alice.id, &request.action);
    alice.client.respond(request.id, outcome).unwrap();
    assert_eq!(rises(&alice.take()), [(Protection::Plain, Protection::Offered)]);
    say(&mut server, &alice, &direct("bob"), "at last");
    assert_eq!(rises(&alice.take()), [(Protection::Offered, Protection::Encrypted)]);
    server.deliver(&bob);
    assert_eq!(bob.texts(), ["at last"]);
    // Once it is encrypted he answers so, though he begins nothing himself.
    say(&mut server, &bob, &direct("alice"), "so it is");
    server.deliver(&alice);
    assert_eq!(alice.texts(), ["so it is"]);
}

#[test]
fn somebody_without_keys_is_written_to_the_old_way_until_they_have_some() {
    let (mut server, hands) = (Server::default(), Hands::new());
    let alice = phone(&mut server, &hands, "alice", Rollout::Encrypt);
    say(&mut server, &alice, &direct("bob"), "anybody there?");
    assert_eq!(failures(&alice.take()), [Reason::NoKeys]);
    assert_eq!(send(&alice, &direct("bob"), "well?").unwrap_err(), Error::NotProtected);
    let bob = phone(&mut server, &hands, "bob", Rollout::Encrypt);
    hands.pass(3_600);
    assert_eq!(send(&alice, &direct("bob"), "well?").unwrap_err(), Error::NotProtected);
    server.pump(&alice);
    assert_eq!(rises(&alice.take()), [(Protection::Plain, Protection::Offered)]);
    say(&mut server, &alice, &direct("bob"), "hello");
    server.deliver(&bob);
    assert_eq!(bob.texts(), ["hello"]);
}

/// Attack: whoever decides what a client learns of another decides whether it goes on encrypted, if that can be taken back.
#[test]
fn nothing_takes_an_encrypted_conversation_back() {
    let (mut server, hands) = (Server::default(), Hands::new());
    let alice = phone(&mut server, &hands, "alice", Rollout::Encrypt);
    let bob = phone(&mut server, &hands, "bob", Rollout::Encrypt);
    let older = server.lists[bob.id.as_bytes()].clone();
    say(&mut server, &alice, &direct("bob"), "one");
    server.deliver(&bob);
    say(&mut server, &bob, &direct("alice"), "two");
    server.deliver(&alice);
    alice.take();
    let still = |server: &mut Server, why: &str| {
        assert_eq!(of(&alice, &direct("bob")), Protection::Encrypted, "{why}");
        let sent = send(&alice, &direct("bob"), why).unwrap_or_else(|error| panic!("{why}: {error}"));
        for request in sent.requests {
            // The server wants it sealed for another list.
            let stale = StaleList { account: id("bob"), list: None };
            let outcome = match &request.action {
                Action::Send(_) if request.attempt == 1 => Outcome::Stale { accounts: vec![stale] },
                action => server.answer(&alice.id, action),
            };
            alice.client.respond(request.id, outcome).unwrap();
        }
        server.pump(&alice);
        assert_eq!(of(&alice, &direct("bob")), Protection::Encrypted, "{why}");
        let events = alice.take();
        assert!(rises(&events).is_empty(), "{why}: {events:?}");
    };
    still(&mut server, "the same list");
    // His list says that not all of his clients can read.
    bob.client.set_ready(false).unwrap();
    server.pump(&bob);
    still(&mut server, "not ready any more");
    bob.client.set_ready(true).unwrap();
    server.pump(&bob);
    still(&mut server, "ready again");
    say(&mut server, &bob, &direct("alice"), "and he goes on himself");
    server.deliver(&alice);
    server.lists.insert(bob.id.to_vec(), older);
    still(&mut server, "an older list");
    server.lists.remove(bob.id.as_bytes());
    still(&mut server, "no list at all");
    let mut policy = Policy::default();
    policy.rollout = Rollout::Read;
    alice.client.configure(policy).unwrap();
    still(&mut server, "another policy");
    alice.client.set_ready(false).unwrap();
    server.pump(&alice);
    still(&mut server, "an old client of our own");
    let number = alice.client.contact(b"bob").unwrap().number.unwrap().digits();
    alice.client.forget(b"bob", &number).unwrap();
    still(&mut server, "forgotten");
}

#[test]
fn an_app_that_only_offers_begins_nothing() {
    let (mut server, hands) = (Server::default(), Hands::new());
    let alice = phone(&mut server, &hands, "alice", Rollout::Offer);
    let carol = phone(&mut server, &hands, "carol", Rollout::Read);
    let bob = phone(&mut server, &hands, "bob", Rollout::Encrypt);
    for phone in [&alice, &carol] {
        assert_eq!(send(phone, &direct("bob"), "hello").unwrap_err(), Error::NotProtected);
    }
    // One that only reads does not even ask.
    assert!(carol.client.requests(10, 60).unwrap().is_empty());
    server.pump(&alice);
    assert_eq!(rises(&alice.take()), [(Protection::Plain, Protection::Offered)]);
    assert_eq!(send(&alice, &direct("bob"), "hello").unwrap_err(), Error::NotProtected);
    assert_eq!(of(&alice, &direct("bob")), Protection::Offered);
    say(&mut server, &bob, &direct("alice"), "shall we?");
    server.deliver(&alice);
    assert_eq!(rises(&alice.take()), [(Protection::Offered, Protection::Encrypted)]);
    say(&mut server, &alice, &direct("bob"), "we shall");
    server.deliver(&bob);
    assert_eq!(bob.texts(), ["we shall"]);
}

#[test]
fn plain_text_in_an_encrypted_conversation_is_no_message() {
    let (mut server, hands) = (Server::default(), Hands::new());
    let alice = phone(&mut server, &hands, "alice", Rollout::Encrypt);
    let bob = phone(&mut server, &hands, "bob", Rollout::Encrypt);
    let plain = |from: &str, is_history: bool| {
        let mut incoming = Incoming::from(id(from), b"send me your password".to_vec());
        incoming.conversation = Some(direct("alice"));
        incoming.app_ref = Some(b"row 7".to_vec());
        incoming.history = is_history;
        assert_eq!(bob.client.deliver(&[incoming]).unwrap().verdicts[0].finding, Finding::Foreign);
        bob.take()
    };
    assert!(plain("alice", false).is_empty());
    say(&mut server, &alice, &direct("bob"), "hello");
    server.deliver(&bob);
    bob.take();
    // What is fetched again may be from before.
    assert!(plain("alice", true).is_empty());
    for from in ["alice", "bob", "mallory"] {
        let events = plain(from, false);
        let [Event { what: What::PlaintextInProtected { conversation, from: named, app_ref }, .. }] = &events[..]
        else {
            panic!("{events:?}")
        };
        assert_eq!((conversation, named, app_ref), (&direct("alice"), &Some(id(from)), &Some(b"row 7".to_vec())));
        assert_eq!(events[0].importance(), sprag::Importance::Security);
    }
}

#[test]
fn a_room_rises_when_everybody_in_it_can_read() {
    let (mut server, hands) = (Server::default(), Hands::new());
    let alice = phone(&mut server, &hands, "alice", Rollout::Encrypt);
    let bob = phone(&mut server, &hands, "bob", Rollout::Encrypt);
    let carol = phone(&mut server, &hands, "carol", Rollout::Read);
    let den = room(&["alice", "bob", "carol"]);
    say(&mut server, &alice, &den, "hello");
    assert_eq!(failures(&alice.take()), [Reason::NotReady]);
    assert_eq!(send(&alice, &den, "hello?").unwrap_err(), Error::NotProtected);
    // With Bob alone it is another matter.
    say(&mut server, &alice, &direct("bob"), "between us");
    server.deliver(&bob);
    assert_eq!((of(&alice, &direct("bob")), of(&alice, &den)), (Protection::Encrypted, Protection::Plain));
    carol.client.set_ready(true).unwrap();
    server.pump(&carol);
    hands.pass(3_600);
    alice.take();
    assert_eq!(send(&alice, &den, "hello?").unwrap_err(), Error::NotProtected);
    server.pump(&alice);
    assert_eq!(
        rises(&alice.take()),
        [(Protection::Plain, Protection::Offered), (Protection::Plain, Protection::Offered)]
    );
    assert_eq!((of(&alice, &direct("carol")), of(&alice, &den)), (Protection::Offered, Protection::Offered));
    say(&mut server, &alice, &den, "hello, all");
    for phone in [&bob, &carol] {
        server.deliver(phone);
        assert_eq!(of(phone, &den), Protection::Encrypted);
    }
    // Somebody new does not take it back, though they cannot read it: the message waits, and ends with a reason.
    say(&mut server, &alice, &room(&["alice", "bob", "carol", "dave"]), "with Dave");
    assert_eq!(failures(&alice.take()), [Reason::NoKeys]);
    assert_eq!(of(&alice, &room(&["alice", "bob", "carol", "dave"])), Protection::Encrypted);
}

#[test]
fn a_new_device_knows_what_is_encrypted() {
    let (mut server, hands) = (Server::default(), Hands::new());
    let alice = phone(&mut server, &hands, "alice", Rollout::Encrypt);
    let bob = phone(&mut server, &hands, "bob", Rollout::Encrypt);
    let den = room(&["alice", "bob"]);
    say(&mut server, &alice, &direct("bob"), "hello");
    say(&mut server, &alice, &den, "hello, den");
    let environment = sprag::context::Environment { clock: hands.clone(), ..sprag::context::Environment::platform() };
    let tablet = Phone::newcomer("alice", environment);
    assert_eq!(tablet.client.protections(&[direct("bob")]).unwrap_err(), Error::NotAllowed);
    server.link(&alice, &tablet, false);
    let levels = tablet.client.protections(&[direct("bob"), den.clone(), direct("carol")]).unwrap();
    assert_eq!(levels, [Protection::Encrypted, Protection::Encrypted, Protection::Plain]);
    // It heard of the room, not of its members: nothing differs.
    say(&mut server, &alice, &direct("bob"), "I have a tablet");
    server.deliver(&bob);
    server.deliver(&tablet);
    say(&mut server, &bob, &den, "hello, both");
    tablet.take();
    server.deliver(&tablet);
    let events = tablet.take();
    assert_eq!(texts(&events), ["hello, both"]);
    assert!(!events.iter().any(|event| matches!(event.what, What::AudienceDiffers { .. })), "{events:?}");
}

#[test]
fn verified_is_told_for_as_long_as_it_is_so() {
    let (mut server, hands) = (Server::default(), Hands::new());
    let alice = phone(&mut server, &hands, "alice", Rollout::Encrypt);
    let _bob = phone(&mut server, &hands, "bob", Rollout::Encrypt);
    let _carol = phone(&mut server, &hands, "carol", Rollout::Encrypt);
    let den = room(&["alice", "bob", "carol"]);
    say(&mut server, &alice, &direct("bob"), "hello");
    say(&mut server, &alice, &den, "hello, den");
    alice.take();
    let number = |name: &[u8]| alice.client.contact(name).unwrap().number.unwrap().digits();
    alice.client.confirm(b"bob", &number(b"bob")).unwrap();
    assert_eq!(rises(&alice.take()), [(Protection::Encrypted, Protection::Verified)]);
    assert_eq!((of(&alice, &direct("bob")), of(&alice, &den)), (Protection::Verified, Protection::Encrypted));
    alice.client.confirm(b"carol", &number(b"carol")).unwrap();
    assert_eq!(rises(&alice.take()), [(Protection::Encrypted, Protection::Verified)]);
    assert_eq!((of(&alice, &direct("carol")), of(&alice, &den)), (Protection::Plain, Protection::Verified));
    // Bob begins anew, and is not the one whose number was compared.
    let bob = phone(&mut server, &hands, "bob", Rollout::Encrypt);
    say(&mut server, &bob, &direct("alice"), "new phone");
    server.deliver(&alice);
    let offered = alice.client.contact(b"bob").unwrap().offered.unwrap().digits();
    assert_eq!(of(&alice, &direct("bob")), Protection::Encrypted);
    alice.client.accept_change(b"bob", &offered).unwrap();
    assert_eq!((of(&alice, &direct("bob")), of(&alice, &den)), (Protection::Encrypted, Protection::Encrypted));
    alice.client.confirm(b"bob", &offered).unwrap();
    assert_eq!((of(&alice, &direct("bob")), of(&alice, &den)), (Protection::Verified, Protection::Verified));
}
