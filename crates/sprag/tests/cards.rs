//! Contact cards, and messengers whose server keeps no keys.

#![allow(clippy::unwrap_used, clippy::panic, clippy::field_reassign_with_default, reason = "a test fails by panicking")]

mod world;

use std::sync::Arc;

use sprag::context::Environment;
use sprag::{
    Action, Armor, Client, Config, Conversation, Directory, Error, Finding, Incoming, Key, Outcome, Place, Policy,
    Protection, SendOptions, Start, What, recognise,
};
use world::{Hands, Phone, Server, id, text, texts};

fn policy() -> Policy {
    let mut policy = Policy::default();
    policy.directory = Directory::InBand;
    policy
}

fn phone(name: &str, hands: &Arc<Hands>) -> Phone {
    Phone::with_policy(name, hands, policy())
}

fn of(phone: &Phone, other: &str) -> Protection {
    phone.client.protections(&[Conversation::Direct(id(other))]).unwrap()[0]
}

/// Carries out what a phone asks for at a server that keeps nothing but mail.
fn pump(server: &mut Server, phone: &Phone) {
    loop {
        let requests = phone.client.requests(100, 60).unwrap();
        if requests.is_empty() {
            return;
        }
        for request in requests {
            assert!(matches!(request.action, Action::Send(_)), "{:?}", request.action);
            let outcome = server.answer(&phone.id, &request.action);
            phone.client.respond(request.id, outcome).unwrap();
        }
    }
}

fn say(server: &mut Server, phone: &Phone, to: &Phone, what: &str) {
    let sent = phone.client.send(&Conversation::Direct(to.id.clone()), &text(what), &SendOptions::default()).unwrap();
    for request in sent.requests {
        assert!(matches!(request.action, Action::Send(_)), "{:?}", request.action);
        let outcome = server.answer(&phone.id, &request.action);
        phone.client.respond(request.id, outcome).unwrap();
    }
    pump(server, phone);
}

/// Two who have met: the one scanned the other's code, and was answered.
fn met(server: &mut Server, alice: &Phone, bob: &Phone) {
    pump(server, alice);
    pump(server, bob);
    assert_eq!(alice.client.import(&bob.client.card().unwrap().code).unwrap(), bob.id);
    pump(server, alice);
    server.deliver(bob);
    pump(server, bob);
    say(server, bob, alice, "hello");
    server.deliver(alice);
    assert_eq!(alice.texts(), ["hello"]);
    bob.take();
}

#[test]
fn two_meet_by_a_link_and_the_server_keeps_no_keys() {
    let (mut server, hands) = (Server::default(), Hands::new());
    let [alice, bob] = ["alice", "bob"].map(|name| phone(name, &hands));
    for (phone, other) in [(&alice, &bob), (&bob, &alice)] {
        pump(&mut server, phone);
        let to = Conversation::Direct(other.id.clone());
        assert_eq!(phone.client.send(&to, &text("x"), &SendOptions::default()).unwrap_err(), Error::NotProtected);
    }
    // Bob's link came some other way, in upper case and with a line break.
    let link = bob.client.card().unwrap().link;
    let typed = format!("{}\n{}", &link[..20], link[20..].to_uppercase());
    assert_eq!(alice.client.import(typed.as_bytes()).unwrap(), bob.id);
    pump(&mut server, &alice);
    let mail = server.fetch(&bob);
    assert!(!mail.is_empty() && mail.iter().all(|incoming| recognise(&incoming.bytes)));
    for incoming in &mail {
        assert!(matches!(
            bob.client.deliver(std::slice::from_ref(incoming)).unwrap().verdicts[0].finding,
            Finding::Opened { .. }
        ));
    }
    pump(&mut server, &bob);
    assert_eq!(of(&bob, "alice"), Protection::Offered);
    say(&mut server, &bob, &alice, "from the reply on");
    server.deliver(&alice);
    assert_eq!(alice.texts(), ["from the reply on"]);
    say(&mut server, &alice, &bob, "it is encrypted");
    server.deliver(&bob);
    assert_eq!(bob.texts(), ["it is encrypted"]);
    assert_eq!((of(&alice, "bob"), of(&bob, "alice")), (Protection::Encrypted, Protection::Encrypted));
    assert!(server.lists.is_empty());
    // For months.
    for day in 0..120 {
        hands.pass(world::DAY);
        for (phone, other) in [(&alice, &bob), (&bob, &alice)] {
            phone.client.wake(sprag::Hint::default()).unwrap();
            say(&mut server, phone, other, &format!("day {day}"));
            server.deliver(other);
            assert_eq!(other.texts(), [format!("day {day}")]);
        }
    }
}

#[test]
fn whoever_was_scanned_is_nobody_else() {
    let (mut server, hands) = (Server::default(), Hands::new());
    let [alice, bob, mallory] = ["alice", "bob", "bob"].map(|name| phone(name, &hands));
    for phone in [&alice, &bob, &mallory] {
        pump(&mut server, phone);
    }
    alice.client.import(&bob.client.card().unwrap().code).unwrap();
    // The server hands Alice's card to somebody else, who answers in his name.
    let card = alice.client.card().unwrap().parts;
    let batch: Vec<_> = card.iter().map(|part| Incoming::from(alice.id.clone(), part.clone())).collect();
    mallory.client.deliver(&batch).unwrap();
    let mut elsewhere = Server::default();
    pump(&mut elsewhere, &mallory);
    say(&mut elsewhere, &mallory, &alice, "it is me");
    let mut found = elsewhere.deliver(&alice);
    assert!(matches!(found.pop(), Some(Finding::Quarantined { .. })));
    let parts = mallory.client.card().unwrap().parts;
    let batch: Vec<_> = parts.iter().map(|part| Incoming::from(bob.id.clone(), part.clone())).collect();
    let last = alice.client.deliver(&batch).unwrap().verdicts.pop().unwrap().finding;
    assert!(matches!(last, Finding::Quarantined { .. }), "{last:?}");
    // Nor is anybody under another name than their card's.
    let own = bob.client.card().unwrap().parts;
    let batch: Vec<_> = own.iter().map(|part| Incoming::from(id("carol"), part.clone())).collect();
    let last = alice.client.deliver(&batch).unwrap().verdicts.pop().unwrap().finding;
    assert!(matches!(last, Finding::Quarantined { .. }), "{last:?}");
    assert!(texts(&alice.take()).is_empty());
    // He himself is let in.
    pump(&mut server, &alice);
    server.deliver(&bob);
    say(&mut server, &bob, &alice, "it is me");
    server.deliver(&alice);
    assert_eq!(alice.texts(), ["it is me"]);
    assert_eq!(alice.client.import(&mallory.client.card().unwrap().code).unwrap_err(), Error::NotAllowed);
    assert!(alice.client.import(&bob.client.card().unwrap().code).is_ok());
    for nonsense in [&b"sprag:"[..], b"", b"sprag:ABCDEFGH", &alice.client.card().unwrap().code] {
        assert!(matches!(alice.client.import(nonsense), Err(Error::Misuse(_))));
    }
}

/// With a directory that lies, too.
#[test]
fn whoever_was_scanned_is_nobody_else_whatever_the_directory_says() {
    let mut server = Server::default();
    let [alice, bob, mallory] = ["alice", "bob", "bob"].map(Phone::new);
    server.pump(&alice);
    server.pump(&mallory);
    alice.client.import(&bob.client.card().unwrap().code).unwrap();
    server.send(&alice, &bob, "for bob alone");
    let failed = alice
        .take()
        .into_iter()
        .any(|event| matches!(event.what, What::Progress { reason: Some(sprag::Reason::Mismatch), .. }));
    assert!(failed);
    assert!(server.fetch(&mallory).is_empty());
}

#[test]
fn a_card_goes_in_parts_where_bodies_are_short() {
    let (mut server, hands) = (Server::default(), Hands::new());
    server.text_only = true;
    let mut policy = policy();
    (policy.armor, policy.max_body) = (Armor::Text, Policy::MIN_BODY);
    policy.fallback_text = "This message is encrypted.".into();
    let alice = Phone::with_policy("alice", &hands, policy.clone());
    // Four handshakes are longer than her bodies, and fit into his.
    let mut long = policy.clone();
    long.max_body = 65_536;
    let bob = Phone::with_policy("bob", &hands, long);
    // Many devices make a long card.
    let mut tablets = Vec::new();
    for _ in 0..3 {
        let tablet = newcomer("alice", &hands, policy.clone());
        link(&mut server, &alice, &tablet);
        tablets.push(tablet);
    }
    pump(&mut server, &alice);
    let parts = alice.client.card().unwrap().parts;
    assert!(parts.len() > 1 && parts.iter().all(|part| part.len() <= 8_192));
    alice.client.import(&bob.client.card().unwrap().code).unwrap();
    pump(&mut server, &alice);
    let mut mail = server.fetch(&bob);
    assert_eq!(mail.len(), parts.len());
    // In any order, and more than once.
    mail.reverse();
    let again = mail.clone();
    mail.insert(1, again[0].clone());
    bob.client.deliver(&mail).unwrap();
    pump(&mut server, &bob);
    say(&mut server, &bob, &alice, "hello, all of you");
    for phone in tablets.iter().chain([&alice]) {
        server.deliver(phone);
        assert_eq!(phone.texts(), ["hello, all of you"]);
    }
}

fn newcomer(name: &str, hands: &Arc<Hands>, policy: Policy) -> Phone {
    let mut config = Config::new(Place::Memory, Key::new([7; 32]), id(name));
    (config.start, config.policy) = (Start::Link, policy);
    let environment = Environment { clock: hands.clone(), ..Environment::platform() };
    Phone { client: Client::create(config, environment).unwrap(), id: id(name) }
}

fn link(server: &mut Server, old: &Phone, new: &Phone) {
    let code = new.client.link_code().unwrap();
    old.client.admit(code.expose_bytes(), code.digits(), false).unwrap();
    // Its mailbox begins now.
    server.fetch(new);
    for _ in 0..5 {
        for phone in [old, new] {
            pump(server, phone);
            server.deliver(phone);
        }
    }
    for phone in [old, new] {
        phone.client.wake(sprag::Hint::default()).unwrap();
        pump(server, phone);
        server.deliver(phone);
        phone.take();
    }
}

#[test]
fn a_device_is_linked_and_reached_without_a_directory() {
    let (mut server, hands) = (Server::default(), Hands::new());
    let [alice, bob] = ["alice", "bob"].map(|name| phone(name, &hands));
    met(&mut server, &alice, &bob);
    let tablet = newcomer("alice", &hands, policy());
    link(&mut server, &alice, &tablet);
    assert_eq!(tablet.client.devices().unwrap().len(), 2);
    say(&mut server, &alice, &bob, "I have a tablet");
    server.deliver(&bob);
    server.deliver(&tablet);
    assert_eq!(
        (texts(&bob.take()), tablet.texts()),
        (vec!["I have a tablet".into()], vec!["I have a tablet".to_owned()])
    );
    say(&mut server, &bob, &alice, "I see");
    for phone in [&alice, &tablet] {
        server.deliver(phone);
        assert_eq!(phone.texts(), ["I see"]);
    }
    say(&mut server, &tablet, &bob, "from the tablet");
    server.deliver(&bob);
    assert_eq!(bob.texts(), ["from the tablet"]);
    alice.client.revoke(tablet.client.device()).unwrap();
    pump(&mut server, &alice);
    assert_eq!(alice.client.devices().unwrap().len(), 1);
    say(&mut server, &alice, &bob, "without it again");
    server.deliver(&bob);
    bob.take();
    say(&mut server, &bob, &alice, "for one");
    server.deliver(&tablet);
    assert!(tablet.texts().is_empty());
}

#[test]
fn an_app_may_give_up_its_directory() {
    let (mut server, hands) = (Server::default(), Hands::new());
    let alice = Phone::with_policy("alice", &hands, Policy::default());
    server.pump(&alice);
    assert!(alice.client.card().unwrap().parts.is_empty());
    alice.client.configure(policy()).unwrap();
    assert_eq!(alice.client.card().unwrap_err(), Error::NotAllowed);
    alice.client.wake(sprag::Hint::default()).unwrap();
    let bob = phone("bob", &hands);
    met(&mut server, &bob, &alice);
}

#[test]
fn an_outcome_of_a_card_is_as_good_as_another() {
    let hands = Hands::new();
    let [alice, bob] = ["alice", "bob"].map(|name| phone(name, &hands));
    alice.client.import(&bob.client.card().unwrap().code).unwrap();
    for request in alice.client.requests(10, 60).unwrap() {
        alice.client.respond(request.id, Outcome::TooLarge { limit: 10 }).unwrap();
    }
    assert!(alice.client.requests(10, 60).unwrap().is_empty());
}
