//! What a client tells of itself in a support ticket: that it is right, and that nothing secret and nobody's name is in it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use sprag::context::Environment;
use sprag::{
    Armor, Conversation, Diagnosis, Figure, Hint, Incoming, MessageId, Place, Policy, Reason, RoomId, SendOptions,
};
use world::{DAY, Hands, Phone, Scratch, Server, id, text};

fn of(phone: &Phone) -> Diagnosis {
    phone.client.diagnose().unwrap()
}

fn value(diagnosis: &Diagnosis, name: &str) -> Option<u64> {
    diagnosis.figures.iter().find(|figure| figure.name == name).map(|figure| figure.value)
}

fn counters(diagnosis: &Diagnosis, name: &str) -> Vec<(Option<Reason>, u64)> {
    let named = |figure: &&Figure| figure.name == name;
    diagnosis.figures.iter().filter(named).map(|figure| (figure.reason, figure.value)).collect()
}

/// What is to be found nowhere: bytes as they are, in hexadecimal, and as a list of numbers.
fn forms(bytes: &[u8]) -> Vec<String> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut all = vec![format!("{bytes:?}"), hex.to_uppercase(), hex];
    all.extend(String::from_utf8(bytes.to_vec()));
    all
}

#[test]
fn nobody_and_nothing_is_named() {
    let hands = Hands::new();
    let mut server = Server::default();
    let policy = || {
        let mut policy = Policy::default();
        (policy.armor, policy.fallback_text) = (Armor::Text, "Zwiebelfisch".into());
        policy
    };
    let [alice, bob, carol] =
        ["alice-4711", "bob-4712", "carol-4713"].map(|name| Phone::with_policy(name, &hands, policy()));
    for phone in [&alice, &bob, &carol] {
        server.pump(phone);
    }
    let tablet = Phone::newcomer("alice-4711", Environment { clock: hands.clone(), ..Environment::platform() });
    server.link(&alice, &tablet, false);
    let mut options = SendOptions::default();
    options.client_id = Some(MessageId::new("Quastenflosser").unwrap());
    let room = Conversation::Room {
        id: RoomId::new("Rumpelkammer").unwrap(),
        members: vec![id("bob-4712"), id("carol-4713")],
    };
    alice.client.send(&room, &text("Wolpertinger"), &options).unwrap();
    for _ in 0..3 {
        hands.pass(61);
        for phone in [&alice, &bob, &carol, &tablet] {
            server.pump(phone);
            server.deliver(phone);
            phone.client.wake(Hint::default()).unwrap();
        }
    }
    // Something of everything is on its way, waits for the app, and has gone wrong.
    let sent = bob.client.send(&Conversation::Direct(id("alice-4711")), &text("Kuddelmuddel"), &SendOptions::default());
    let sent = sent.unwrap();
    let mut spoiled = Incoming::from(id("alice-4711"), b"Hinterzimmer".to_vec());
    spoiled.app_ref = Some(b"Sockenschuss".to_vec());
    spoiled.conversation = Some(Conversation::Direct(id("alice-4711")));
    bob.client.deliver(&[spoiled]).unwrap();
    bob.client.send(&Conversation::Direct(id("dora-4714")), &text("Firlefanz"), &SendOptions::default()).unwrap();

    let mut secrets: Vec<Vec<u8>> = [
        "alice-4711",
        "bob-4712",
        "carol-4713",
        "dora-4714",
        "Rumpelkammer",
        "Quastenflosser",
        "Wolpertinger",
        "Hinterzimmer",
        "Sockenschuss",
        "Kuddelmuddel",
        "Firlefanz",
        "Zwiebelfisch",
    ]
    .map(|word| word.as_bytes().to_vec())
    .into();
    secrets.push(vec![7; 32]);
    secrets.push(sent.message.to_vec());
    for request in &sent.requests {
        if let sprag::Action::Send(send) = &request.action {
            secrets.push(send.blob_id.0.to_vec());
            secrets.push(send.commitment.to_vec());
        }
    }
    for (phone, other) in [(&alice, "bob-4712"), (&bob, "alice-4711"), (&carol, "alice-4711")] {
        let contact = phone.client.contact(other.as_bytes()).unwrap();
        let (number, fingerprint) = (contact.number.unwrap(), contact.account_key_fingerprint.unwrap());
        secrets.push(number.digits().into_bytes());
        secrets.push(number.scannable().into_bytes());
        secrets.push(fingerprint.to_vec());
        secrets.push(phone.client.card().unwrap().link.into_bytes());
    }
    assert!(secrets.len() > 25, "{}", secrets.len());
    for phone in [&alice, &bob, &carol, &tablet] {
        let diagnosis = of(phone);
        let told = format!("{diagnosis}\n{diagnosis:?}");
        for secret in &secrets {
            for form in forms(secret) {
                assert!(!told.contains(&form), "{form} in\n{told}");
            }
        }
        for device in [&alice, &bob, &carol, &tablet].map(|phone| phone.client.device().0) {
            let numbers: Vec<&str> = told.split(|c: char| !c.is_ascii_alphanumeric()).collect();
            let spelled = [device.to_string(), format!("{device:x}"), format!("{device:08x}")];
            assert!(
                !numbers.iter().any(|number| spelled.iter().any(|spelled| spelled == number)),
                "{device} in\n{told}"
            );
        }
        let of_text = |figure: &Figure| told.contains(&format!("\n{}: {}", figure.name, figure.value));
        assert!(diagnosis.figures.iter().all(of_text));
    }
    let diagnosis = of(&bob);
    println!("{diagnosis}");
    let numbers = ["contacts", "contacts_pinned", "sessions", "conversations_encrypted", "devices", "is_member"];
    assert_eq!(numbers.map(|name| value(&diagnosis, name)), [3, 2, 2, 2, 1, 1].map(Some));
    let numbers = ["holds_account_key", "devices", "is_member", "contacts_pinned"];
    assert_eq!(numbers.map(|name| value(&of(&tablet), name)), [0, 2, 1, 3].map(Some));
    assert_eq!(value(&diagnosis, "messages_waiting_keys"), Some(1));
    assert_eq!(counters(&diagnosis, "event_plaintext_in_protected"), [(None, 1)]);
}

#[test]
fn reasons_are_counted_and_outlive_the_process() {
    let folder = Scratch::new("diagnose");
    let place = || Place::File(folder.file("bob.sprag"));
    let mut server = Server::default();
    let (alice, bob) = (Phone::new("alice"), Phone::at("bob", place()));
    server.pump(&alice);
    server.pump(&bob);
    for words in ["one", "two", "three"] {
        server.send(&alice, &bob, words);
    }
    let mail = server.fetch(&bob);
    let mut spoiled = mail[2].clone();
    *spoiled.bytes.last_mut().unwrap() ^= 1;
    bob.client.deliver(&[spoiled.clone(), mail[0].clone(), mail[0].clone(), Incoming::new(b"x".to_vec())]).unwrap();
    let found = |phone: &Phone| {
        let diagnosis = of(phone);
        let names = ["verdict_opened", "verdict_duplicate", "verdict_foreign", "verdict_unreadable"];
        (names.map(|name| value(&diagnosis, name)), counters(&diagnosis, "event_unreadable"))
    };
    let verdicts = [Some(1), Some(1), Some(1), Some(1)];
    assert_eq!(found(&bob), (verdicts, vec![(Some(Reason::Open), 1)]));
    bob.client.wake(Hint::default()).unwrap();
    assert_eq!(found(&bob).0, verdicts, "written, and counted once");
    bob.client.deliver(&[spoiled]).unwrap();
    drop(bob);
    let bob = Phone::opened("bob", place());
    assert_eq!(found(&bob).1, [Reason::Open, Reason::KeyGone].map(|reason| (Some(reason), 1)), "at once");
    assert_eq!(found(&bob).0, verdicts, "with the upkeep");
}

#[test]
fn how_long_something_waits_is_told() {
    let hands = Hands::new();
    let mut server = Server::default();
    let (alice, bob) = (Phone::timed("alice", &hands), Phone::timed("bob", &hands));
    server.pump(&alice);
    server.pump(&bob);
    server.send(&alice, &bob, "hello");
    server.deliver(&bob);
    alice.send(&bob, "and later");
    hands.pass(3 * DAY);
    let (sender, receiver) = (of(&alice), of(&bob));
    assert_eq!(value(&sender, "requests"), Some(1));
    assert_eq!(value(&sender, "oldest_request_seconds"), Some(3 * DAY));
    assert_eq!(value(&receiver, "oldest_event_seconds"), Some(3 * DAY));
    assert!(value(&receiver, "wake_seconds") >= Some(3 * DAY));
    assert_eq!((receiver.format, receiver.at % DAY, receiver.since % DAY), (100, 1_800_000_000 % DAY, 0));
    assert_eq!(receiver.version, env!("CARGO_PKG_VERSION"));
    bob.client.suspend().unwrap();
    assert_eq!(bob.client.diagnose().unwrap_err(), sprag::Error::Unavailable);
}
