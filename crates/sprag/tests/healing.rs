//! Messages that do not open, and how they come all the same; sessions that are renewed, by whom.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use std::sync::Arc;

use sprag::context::Environment;
use sprag::{Action, BlobId, Event, Finding, Healing, Hint, Importance, Incoming, Outcome, Place, Reason, What};
use world::{DAY, Hands, Phone, Scratch, Server, texts};

/// Two people who have heard each other, on phones whose time stands still.
fn friends(server: &mut Server, hands: &Arc<Hands>) -> (Phone, Phone) {
    let (alice, bob) = (Phone::timed("alice", hands), Phone::timed("bob", hands));
    settle(server, &alice, &bob);
    (alice, bob)
}

fn settle(server: &mut Server, alice: &Phone, bob: &Phone) {
    server.pump(alice);
    server.pump(bob);
    for _ in 0..3 {
        server.send(alice, bob, "hello");
        server.deliver(bob);
        server.send(bob, alice, "hello");
        server.deliver(alice);
    }
    alice.take();
    bob.take();
}

/// What waits for a phone, with the last byte of each message flipped.
fn spoiled(server: &mut Server, phone: &Phone) -> Vec<Incoming> {
    let mut all = server.fetch(phone);
    for incoming in &mut all {
        *incoming.bytes.last_mut().unwrap() ^= 1;
        incoming.app_ref = Some(b"row 7".to_vec());
    }
    all
}

fn deliver(phone: &Phone, batch: &[Incoming]) -> Vec<Finding> {
    phone.client.deliver(batch).unwrap().verdicts.into_iter().map(|verdict| verdict.finding).collect()
}

/// Everything that is due, carried to and fro until nothing is.
fn calm(server: &mut Server, phones: [&Phone; 2]) {
    for _ in 0..4 {
        for phone in phones {
            phone.client.wake(Hint::default()).unwrap();
            server.pump(phone);
            server.deliver(phone);
        }
    }
}

const ASKED: Finding = Finding::Unreadable { reason: Reason::KeyGone, healing: Healing::Asked };

fn restarts(events: &[Event]) -> Vec<(bool, Importance)> {
    let restart = |event: &Event| match event.what {
        What::SessionRestarted { resumed, .. } => Some((resumed, event.importance())),
        _ => None,
    };
    events.iter().filter_map(restart).collect()
}

fn finals(events: &[Event]) -> Vec<BlobId> {
    let end = |event: &Event| match &event.what {
        What::Unreadable { blob_id, healing: Healing::Final, app_ref, .. } if app_ref.as_deref() == Some(b"row 7") => {
            Some(*blob_id)
        }
        _ => None,
    };
    events.iter().filter_map(end).collect()
}

fn has_alarm(events: &[Event]) -> bool {
    events.iter().any(|event| event.importance() == Importance::Security)
}

#[test]
fn a_message_that_did_not_open_comes_in_its_place() {
    let hands = Hands::new();
    let mut server = Server::default();
    let (alice, bob) = friends(&mut server, &hands);
    let sent = alice.send(&bob, "on its way it was spoiled");
    server.pump(&alice);
    hands.pass(61);
    server.pump(&alice);
    let spoiled = spoiled(&mut server, &bob);
    assert_eq!(deliver(&bob, &spoiled), [ASKED]);
    calm(&mut server, [&bob, &alice]);
    let (told, come) = (alice.take(), bob.take());
    assert_eq!(restarts(&told), [(true, Importance::Info)]);
    assert!(!has_alarm(&told) && !has_alarm(&come), "{told:?} {come:?}");
    assert_eq!(texts(&come), ["on its way it was spoiled"]);
    let message = come.iter().find_map(|event| match &event.what {
        What::Message(message) => Some(message),
        _ => None,
    });
    let message = message.unwrap();
    assert_eq!(message.recovers, Some(BlobId::of(&spoiled[0].bytes)));
    assert_eq!(message.client_id, sent.message);
    // The conversation goes on in one session, which is answered.
    for _ in 0..2 {
        for (from, to) in [(&alice, &bob), (&bob, &alice)] {
            server.send(from, to, "on");
            let incoming = server.fetch(to);
            assert!(incoming.iter().all(|incoming| incoming.bytes.len() < 600));
            deliver(to, &incoming);
            assert_eq!(to.texts(), ["on"]);
        }
    }
    // What was recovered is not shown again if the original comes after all, and nothing is asked for it.
    assert_eq!(finals(&bob.take()), []);
}

/// The thief has the identity keys, and no session; the owner has lost nothing but a message.
#[test]
fn a_session_that_a_thief_began_is_an_alarm_and_one_that_its_owner_renewed_is_none() {
    let scratch = Scratch::new("healing-thief");
    let mut server = Server::default();
    let place = |file: &str| Place::File(scratch.file(file));
    let (alice, bob) = (Phone::new("alice"), Phone::at("bob", place("bob")));
    settle(&mut server, &alice, &bob);
    server.send(&alice, &bob, "for bob alone");
    let captured = server.fetch(&bob);
    drop(bob);
    std::fs::copy(scratch.file("bob"), scratch.file("thief")).unwrap();
    let bob = Phone::opened("bob", place("bob"));
    let thief = Phone::opened("bob", place("thief"));
    // The owner renews.
    let mut spoiled = captured.clone();
    *spoiled[0].bytes.last_mut().unwrap() ^= 1;
    assert_eq!(deliver(&bob, &spoiled), [ASKED]);
    calm(&mut server, [&bob, &alice]);
    assert_eq!(restarts(&alice.take()), [(true, Importance::Info)]);
    assert_eq!(bob.texts(), ["for bob alone"]);
    // The thief knows nobody any more, writes, and asks for what it recorded.
    let number = thief.client.contact(b"alice").unwrap().number.unwrap().digits();
    thief.client.forget(b"alice", &number).unwrap();
    server.fetch(&thief);
    server.send(&thief, &alice, "it is me");
    server.deliver(&alice);
    let told = alice.take();
    assert_eq!(restarts(&told), [(false, Importance::Security)]);
}

/// Whoever began anew without knowing the old session gets nothing of what was written before, until the user says that it
/// is the same person.
#[test]
fn what_a_thief_asks_for_is_not_sealed_again_before_the_user_accepts() {
    let scratch = Scratch::new("healing-asks");
    let mut server = Server::default();
    let place = |file: &str| Place::File(scratch.file(file));
    let (alice, bob) = (Phone::new("alice"), Phone::at("bob", place("bob")));
    settle(&mut server, &alice, &bob);
    server.send(&alice, &bob, "for bob alone");
    let captured = server.fetch(&bob);
    let number = bob.client.contact(b"alice").unwrap().number.unwrap().digits();
    bob.client.forget(b"alice", &number).unwrap();
    let thief = bob;
    server.send(&thief, &alice, "it is me");
    server.deliver(&alice);
    assert_eq!(restarts(&alice.take()), [(false, Importance::Security)]);
    assert_eq!(deliver(&thief, &captured), [ASKED]);
    calm(&mut server, [&thief, &alice]);
    assert!(!texts(&thief.take()).contains(&"for bob alone".into()));
    let number = alice.client.contact(b"bob").unwrap().number.unwrap().digits();
    alice.client.accept_change(b"bob", &number).unwrap();
    calm(&mut server, [&thief, &alice]);
    assert_eq!(thief.texts(), ["for bob alone"]);
}

#[test]
fn what_is_not_kept_is_said_to_be_gone_and_what_never_comes_is_given_up() {
    for keeps in [false, true] {
        let hands = Hands::new();
        let mut server = Server::default();
        let (alice, bob) = friends(&mut server, &hands);
        let mut policy = sprag::Policy::default();
        policy.shelf.messages = if keeps { 200 } else { 0 };
        alice.client.configure(policy).unwrap();
        server.send(&alice, &bob, "spoiled");
        let spoiled = spoiled(&mut server, &bob);
        assert_eq!(deliver(&bob, &spoiled), [ASKED]);
        bob.take();
        if keeps {
            // Nothing that Bob asks for arrives.
            hands.pass(7 * DAY);
            bob.client.wake(Hint::default()).unwrap();
            assert_eq!(finals(&bob.take()), []);
            hands.pass(DAY);
            bob.client.wake(Hint::default()).unwrap();
        } else {
            calm(&mut server, [&bob, &alice]);
        }
        let events = bob.take();
        assert_eq!(finals(&events), [BlobId::of(&spoiled[0].bytes)]);
        assert!(texts(&events).is_empty());
    }
}

/// A server that spoils everything causes one request in an hour, then fewer; and each message is sealed again twice at most.
#[test]
fn spoiled_mail_asks_sparingly() {
    let hands = Hands::new();
    let mut server = Server::default();
    let (alice, bob) = friends(&mut server, &hands);
    let (mut begun, mut answers) = (Vec::new(), 0);
    server.send(&alice, &bob, "spoiled whenever it is sealed");
    for hour in 0..72 {
        let batch = spoiled(&mut server, &bob);
        answers += batch.len();
        bob.client.deliver(&batch).unwrap();
        bob.client.wake(Hint::default()).unwrap();
        for request in bob.client.requests(100, 1).unwrap() {
            if matches!(&request.action, Action::FetchKeys(fetch) if fetch.one_time) {
                begun.push(hour);
            }
            let outcome = server.answer(&bob.id, &request.action);
            bob.client.respond(request.id, outcome).unwrap();
        }
        server.pump(&bob);
        server.deliver(&alice);
        alice.client.wake(Hint::default()).unwrap();
        server.pump(&alice);
        if hour < 8 {
            server.send(&alice, &bob, "another");
        }
        hands.pass(3_600);
    }
    assert!(begun.len() <= 8, "{begun:?}");
    assert!(begun.len() >= 3, "{begun:?}");
    assert!(answers <= 9 * 3 + 8, "{answers}");
}

/// Each message is lost, and comes when it is asked for, as where two copies of a phone read in turn: it is not asked for ever
/// as often.
#[test]
fn what_is_lost_each_time_is_asked_for_less_and_less() {
    let hands = Hands::new();
    let mut server = Server::default();
    let (alice, bob) = friends(&mut server, &hands);
    let mut asked = 0;
    for hour in 0..96 {
        server.send(&alice, &bob, &format!("number {hour}"));
        let spoiled = spoiled(&mut server, &bob);
        deliver(&bob, &spoiled);
        bob.client.wake(Hint::default()).unwrap();
        for request in bob.client.requests(100, 1).unwrap() {
            asked += usize::from(matches!(&request.action, Action::FetchKeys(fetch) if fetch.one_time));
            let outcome = server.answer(&bob.id, &request.action);
            bob.client.respond(request.id, outcome).unwrap();
        }
        calm(&mut server, [&bob, &alice]);
        hands.pass(3_601);
    }
    assert!((9..=16).contains(&asked), "{asked}");
    // All came in the end, for each request names all that is wanted.
    hands.pass(2 * DAY);
    for _ in 0..2 {
        calm(&mut server, [&bob, &alice]);
        hands.pass(DAY);
    }
    let shown = bob.texts();
    assert!((0..96).all(|hour| shown.contains(&format!("number {hour}"))), "{}", shown.len());
}

/// A message was shown, and comes once more, sealed anew by a sender who heard no answer, and spoiled: what is asked for is
/// there already, and the app is told that it need not wait.
#[test]
fn what_was_shown_already_has_an_end_too() {
    let hands = Hands::new();
    let mut server = Server::default();
    let (alice, bob) = friends(&mut server, &hands);
    let sent = alice.send(&bob, "twice");
    for request in &sent.requests {
        server.answer(&alice.id, &request.action);
        alice.client.respond(request.id, Outcome::Stale { accounts: Vec::new() }).unwrap();
    }
    server.deliver(&bob);
    assert_eq!(bob.texts(), ["twice"]);
    server.pump(&alice);
    let mut spoiled = spoiled(&mut server, &bob);
    assert_eq!(deliver(&bob, &spoiled), [ASKED]);
    assert_eq!(deliver(&bob, &spoiled), [ASKED]);
    // Another copy of it, spoiled otherwise, is waited for once.
    let at = spoiled[0].bytes.len() - 2;
    (spoiled[0].bytes[at], spoiled[0].app_ref) = (spoiled[0].bytes[at] ^ 1, None);
    assert!(matches!(deliver(&bob, &spoiled)[..], [Finding::Unreadable { healing: Healing::Final, .. }]));
    calm(&mut server, [&bob, &alice]);
    let ends = |event: &Event| match &event.what {
        What::Unreadable { app_ref, healing, .. } if app_ref.as_deref() == Some(b"row 7") => Some(*healing),
        _ => None,
    };
    let events = bob.take();
    assert!(texts(&events).is_empty());
    assert_eq!(events.iter().filter_map(ends).collect::<Vec<_>>(), [Healing::Asked, Healing::Asked, Healing::Final]);
}

#[test]
fn old_mail_that_is_fetched_again_asks_nothing() {
    let hands = Hands::new();
    let mut server = Server::default();
    let (alice, bob) = friends(&mut server, &hands);
    server.send(&alice, &bob, "spoiled");
    let mut spoiled = spoiled(&mut server, &bob);
    spoiled[0].history = true;
    let found = deliver(&bob, &spoiled);
    assert_eq!(found, [Finding::Unreadable { reason: Reason::KeyGone, healing: Healing::Final }]);
    assert!(bob.client.requests(10, 1).unwrap().is_empty());
    // Nor do bytes from nowhere.
    let nobody = Phone::timed("nobody", &hands);
    server.pump(&nobody);
    let found = nobody.client.deliver(&spoiled).unwrap().verdicts.remove(0).finding;
    assert_eq!(found, Finding::NotAddressed);
    assert!(nobody.client.requests(10, 1).unwrap().is_empty());
}

#[test]
fn the_shelf_is_bounded_in_number_and_in_time() {
    let scratch = Scratch::new("healing-shelf");
    let hands = Hands::new();
    let mut server = Server::default();
    let environment = Environment { clock: hands.clone(), ..Environment::platform() };
    let alice = Phone::with("alice", Place::File(scratch.file("alice")), environment);
    let bob = Phone::timed("bob", &hands);
    settle(&mut server, &alice, &bob);
    let rows = || -> i64 {
        let raw = rusqlite::Connection::open(scratch.file("alice")).unwrap();
        raw.query_row("SELECT count(*) FROM cargo WHERE id > 0", [], |row| row.get(0)).unwrap()
    };
    for number in 0..260 {
        server.send(&alice, &bob, &number.to_string());
    }
    assert_eq!(rows(), 200);
    let mut policy = sprag::Policy::default();
    policy.shelf.messages = 50;
    alice.client.configure(policy).unwrap();
    server.send(&alice, &bob, "one more");
    assert_eq!(rows(), 50);
    for _ in 0..9 {
        hands.pass(DAY);
        alice.client.wake(Hint::default()).unwrap();
        server.pump(&alice);
    }
    assert_eq!(rows(), 0);
}

/// One damaged session is renewed: without proof, for what it knew is gone.
#[test]
fn nothing_is_asked_of_a_contact_about_whom_the_user_is_to_decide() {
    let hands = Hands::new();
    let mut server = Server::default();
    let (alice, bob) = friends(&mut server, &hands);
    let number = bob.client.contact(b"alice").unwrap().number.unwrap().digits();
    bob.client.confirm(b"alice", &number).unwrap();
    server.send(&alice, &bob, "spoiled");
    let spoiled = spoiled(&mut server, &bob);
    // Another identity under Alice's name.
    let other = Phone::timed("alice", &hands);
    server.pump(&other);
    server.send(&other, &bob, "another alice");
    server.deliver(&bob);
    let found = deliver(&bob, &spoiled);
    assert_eq!(found, [Finding::Unreadable { reason: Reason::KeyGone, healing: Healing::Final }]);
}

/// Bob's phone on disk, in a conversation with Alice, and a copy of it.
fn copied(scratch: &Scratch) -> (Server, Phone, Phone, Phone) {
    let mut server = Server::default();
    let place = |file: &str| Place::File(scratch.file(file));
    let (alice, bob) = (Phone::new("alice"), Phone::at("bob", place("bob")));
    settle(&mut server, &alice, &bob);
    drop(bob);
    std::fs::copy(scratch.file("bob"), scratch.file("copy")).unwrap();
    (server, alice, Phone::opened("bob", place("bob")), Phone::opened("bob", place("copy")))
}

fn suspicions(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event.what, What::CloneSuspected { .. })).count()
}

/// A backup still has a secret of the session, and says that it is less far than its original has shown; or it has only one
/// that is over.
#[test]
fn a_phone_that_was_put_back_does_not_renew_unseen() {
    for rounds in [3, 120] {
        let scratch = Scratch::new(&format!("healing-put-back-{rounds}"));
        let (mut server, alice, original, copy) = copied(&scratch);
        for _ in 0..rounds {
            server.send(&original, &alice, "on");
            server.deliver(&alice);
            server.send(&alice, &original, "on");
            server.deliver(&original);
        }
        assert!(!has_alarm(&alice.take()));
        server.send(&alice, &original, "to whoever is bob");
        let batch = server.fetch(&copy);
        assert_eq!(deliver(&copy, &batch), [ASKED]);
        server.pump(&copy);
        server.deliver(&alice);
        let told = alice.take();
        assert_eq!(suspicions(&told), 1, "{rounds}: {told:?}");
        assert!(restarts(&told).iter().all(|restart| *restart == (false, Importance::Security)), "{rounds}");
        // What is written goes where it went before.
        server.send(&alice, &original, "for the original");
        let batch = server.fetch(&original);
        deliver(&original, &batch);
        assert_eq!(original.texts().last().unwrap(), "for the original");
        deliver(&copy, &batch);
        assert!(!copy.texts().contains(&"for the original".into()));
    }
}

/// Where nobody goes on with another key before the user has said so, no session that was begun without proof is sent in.
#[test]
fn what_was_begun_without_proof_does_not_take_the_place_of_what_was_confirmed() {
    let scratch = Scratch::new("healing-place");
    let (mut server, alice, owner, thief) = copied(&scratch);
    let mut policy = sprag::Policy::default();
    policy.on_change = sprag::OnChange::HoldAll;
    alice.client.configure(policy).unwrap();
    let number = thief.client.contact(b"alice").unwrap().number.unwrap().digits();
    thief.client.forget(b"alice", &number).unwrap();
    server.send(&thief, &alice, "it is me");
    server.deliver(&alice);
    assert_eq!(restarts(&alice.take()), [(false, Importance::Security)]);
    let send = |server: &mut Server, what: &str| {
        server.send(&alice, &owner, what);
        let batch = server.fetch(&owner);
        deliver(&owner, &batch);
        deliver(&thief, &batch);
        (owner.texts(), thief.texts())
    };
    assert_eq!(send(&mut server, "one"), (vec!["one".to_owned()], Vec::new()));
    alice.client.accept_change(b"bob", &number).unwrap();
    assert_eq!(send(&mut server, "two"), (Vec::new(), vec!["two".to_owned()]));
}

/// Three sessions with a device are kept once the other side sends in the newest; more before that. Messages that are late still open.
#[test]
fn renewals_in_a_row_keep_three_sessions() {
    let scratch = Scratch::new("healing-three");
    let hands = Hands::new();
    let mut server = Server::default();
    let environment = Environment { clock: hands.clone(), ..Environment::platform() };
    let alice = Phone::timed("alice", &hands);
    let bob = Phone::with("bob", Place::File(scratch.file("bob")), environment);
    settle(&mut server, &alice, &bob);
    let sessions = || -> i64 {
        let raw = rusqlite::Connection::open(scratch.file("bob")).unwrap();
        raw.query_row("SELECT count(*) FROM session WHERE id > 0", [], |row| row.get(0)).unwrap()
    };
    for round in 0..6 {
        server.send(&alice, &bob, "late");
        let late = server.fetch(&bob);
        server.send(&alice, &bob, "spoiled");
        let spoiled = spoiled(&mut server, &bob);
        assert_eq!(deliver(&bob, &spoiled), [ASKED]);
        calm(&mut server, [&bob, &alice]);
        deliver(&bob, &late);
        let events = bob.take();
        assert!(!has_alarm(&events) && !has_alarm(&alice.take()));
        assert_eq!(texts(&events), ["spoiled", "late"], "{round}");
        assert!(sessions() <= 3, "{round}: {}", sessions());
        hands.pass(2 * 3_600);
    }
    assert_eq!(sessions(), 3);
}

/// Whatever crosses: everything is read at once, and then one session is left in which both are heard.
fn converge(server: &mut Server, hands: &Hands, alice: &Phone, bob: &Phone) {
    let mut open = Vec::new();
    for round in 0..6 {
        for (from, to) in [(alice, bob), (bob, alice)] {
            let text = format!("from {:?} in round {round}", from.id);
            server.send(from, to, &text);
            open.push(text);
        }
        for phone in [alice, bob] {
            let batch = server.fetch(phone);
            deliver(phone, &batch);
            phone.client.wake(Hint::default()).unwrap();
            let texts = phone.texts();
            open.retain(|text| !texts.contains(text));
        }
        assert_eq!(open, [""; 0], "round {round}");
        hands.pass(61);
    }
    // A handshake is repeated until it is answered.
    for (from, to) in [(alice, bob), (bob, alice)] {
        server.send(from, to, "short");
        let batch = server.fetch(to);
        assert!(batch.iter().all(|incoming| incoming.bytes.len() < 600));
        deliver(to, &batch);
    }
    assert!(restarts(&alice.take()).is_empty() && restarts(&bob.take()).is_empty());
}

/// Both begin at once, both renew at once, and again: neither gives up a session in which the other may still send.
#[test]
fn sessions_that_cross_are_not_given_up() {
    // Which of two is preferred is chance.
    for _ in 0..12 {
        let hands = Hands::new();
        let mut server = Server::default();
        let (alice, bob) = (Phone::timed("alice", &hands), Phone::timed("bob", &hands));
        server.pump(&alice);
        server.pump(&bob);
        server.send(&alice, &bob, "hello");
        server.send(&bob, &alice, "hello");
        server.deliver(&alice);
        server.deliver(&bob);
        for _ in 0..3 {
            server.send(&alice, &bob, "hello");
            server.deliver(&bob);
            server.send(&bob, &alice, "hello");
            server.deliver(&alice);
        }
        for _ in 0..3 {
            [&alice, &bob].into_iter().for_each(|phone| drop(phone.take()));
            server.send(&alice, &bob, "lost to bob");
            server.send(&bob, &alice, "lost to alice");
            for phone in [&alice, &bob] {
                let spoiled = spoiled(&mut server, phone);
                deliver(phone, &spoiled);
            }
            [&alice, &bob].into_iter().for_each(|phone| server.pump(phone));
            // Each writes on before it has heard of what the other began.
            for number in 0..3 {
                server.send(&alice, &bob, &format!("{number}"));
                server.deliver(&bob);
                server.send(&bob, &alice, &format!("{number}"));
            }
            calm(&mut server, [&alice, &bob]);
            for (phone, lost) in [(&alice, "lost to alice"), (&bob, "lost to bob")] {
                let events = phone.take();
                assert!(restarts(&events).iter().all(|(resumed, _)| *resumed), "{events:?}");
                let mut texts = texts(&events);
                texts.sort();
                assert_eq!(texts, ["0", "1", "2", lost]);
            }
            converge(&mut server, &hands, &alice, &bob);
            hands.pass(2 * DAY);
        }
    }
}

/// Each hears of a session that it does not know, and begins one without proof, while the other does the same.
#[test]
fn restarts_that_cross_come_to_one_session() {
    for round in 0..6 {
        let scratch = Scratch::new(&format!("healing-crossing-{round}"));
        let hands = Hands::new();
        let mut server = Server::default();
        let environment = || Environment { clock: hands.clone(), ..Environment::platform() };
        let place = |file: &str| Place::File(scratch.file(file));
        let make = |name: &str| Phone::with(name, place(name), environment());
        let phones = [make("alice"), make("bob")];
        settle(&mut server, &phones[0], &phones[1]);
        server.send(&phones[0], &phones[1], "of old");
        server.send(&phones[1], &phones[0], "of old");
        let old = [0, 1].map(|who| spoiled(&mut server, &phones[who]));
        drop(phones);
        let copies = ["alice", "bob"].map(|name| {
            let copy = format!("{name}-copy");
            std::fs::copy(scratch.file(name), scratch.file(&copy)).unwrap();
            let opening = sprag::Opening::new(place(&copy), sprag::Key::new([7; 32]), world::id(name));
            Phone { client: sprag::Client::open(opening, environment()).unwrap(), id: world::id(name) }
        });
        let [alice, bob] = ["alice", "bob"].map(|name| {
            let opening = sprag::Opening::new(place(name), sprag::Key::new([7; 32]), world::id(name));
            Phone { client: sprag::Client::open(opening, environment()).unwrap(), id: world::id(name) }
        });
        // They forget the session that the copies will name, and have another.
        for (phone, other) in [(&alice, b"bob".as_slice()), (&bob, b"alice")] {
            let number = phone.client.contact(other).unwrap().number.unwrap().digits();
            phone.client.forget(other, &number).unwrap();
        }
        settle(&mut server, &alice, &bob);
        for (copy, old) in copies.iter().zip(&old) {
            assert_eq!(deliver(copy, old), [ASKED]);
            server.pump(copy);
        }
        for phone in [&alice, &bob] {
            server.deliver(phone);
        }
        for phone in [&alice, &bob] {
            server.pump(phone);
        }
        for _ in 0..2 {
            for phone in [&alice, &bob] {
                server.deliver(phone);
                server.pump(phone);
            }
        }
        let events = [&alice, &bob].map(|phone| phone.take());
        for events in &events {
            assert_eq!(restarts(events).iter().map(|(resumed, _)| *resumed).collect::<Vec<_>>(), [false], "{events:?}");
        }
        converge(&mut server, &hands, &alice, &bob);
        are_in_one_session(&mut server, &scratch, [&alice, &bob]);
    }
}

/// Each writes in the session that the other writes in: one row changes.
fn are_in_one_session(server: &mut Server, scratch: &Scratch, [alice, bob]: [&Phone; 2]) {
    let sessions = || ["alice", "bob"].map(|name| session_rows(scratch, name));
    let before = sessions();
    for (from, to) in [(alice, bob), (bob, alice)] {
        server.send(from, to, "on");
        server.deliver(to);
    }
    for (before, after) in before.iter().zip(sessions()) {
        assert_eq!(before.iter().zip(&after).filter(|(before, after)| before != after).count(), 1);
    }
}

/// The rows of all sessions of a phone.
fn session_rows(scratch: &Scratch, name: &str) -> Vec<(i64, Vec<u8>)> {
    let raw = rusqlite::Connection::open(scratch.file(name)).unwrap();
    let mut all = raw.prepare("SELECT * FROM session WHERE id > 0 ORDER BY id").unwrap();
    let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Who only reads answers by itself after fifty messages or a week, and no more often; so that the ratchets turn.
#[test]
fn a_silent_device_answers_by_itself() {
    let hands = Hands::new();
    let mut server = Server::default();
    let (alice, bob) = friends(&mut server, &hands);
    let listen = |server: &mut Server| {
        bob.client.wake(Hint::default()).unwrap();
        bob.client.wake(Hint::default()).unwrap();
        server.pump(&bob);
        let answers = server.fetch(&alice);
        assert!(
            deliver(&alice, &answers)
                .iter()
                .all(|found| matches!(found, Finding::Opened { events } if events.is_empty()))
        );
        answers.len()
    };
    let turned = || alice.client.freshness(b"bob").unwrap().remove(0).since_turn;
    let mut answered = Vec::new();
    for number in 1..=200 {
        server.send(&alice, &bob, "on and on");
        server.deliver(&bob);
        if listen(&mut server) > 0 {
            answered.push(number);
        }
    }
    assert!((3..=4).contains(&answered.len()), "{answered:?}");
    assert!(answered.windows(2).all(|pair| (50..66).contains(&(pair[1] - pair[0]))), "{answered:?}");
    assert!(turned() < 70);
    // Three messages, and then nothing: answered once, within eight days.
    for _ in 0..3 {
        server.send(&alice, &bob, "and then silence");
    }
    server.deliver(&bob);
    let mut days = Vec::new();
    for day in 1..=30 {
        hands.pass(DAY);
        if listen(&mut server) > 0 {
            days.push(day);
        }
        alice.client.wake(Hint::default()).unwrap();
        server.pump(&alice);
        server.deliver(&bob);
    }
    assert_eq!(days.len(), 1, "{days:?}");
    assert!((7..=9).contains(&days[0]), "{days:?}");
    // What a device says by itself is nothing to be answered: nobody goes on for ever.
    hands.pass(20 * DAY);
    alice.client.wake(Hint::default()).unwrap();
    server.pump(&alice);
    assert!(server.fetch(&bob).is_empty());
}
