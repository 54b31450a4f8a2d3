//! Lists of contacts that have expired, and those that only others were shown.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use sprag::context::Environment;
use sprag::{
    Action, Client, Conversation, Event, Hint, Key, MessageState, Opening, Outcome, Place, RoomId, SendOptions, What,
};
use world::{DAY, Hands, Phone, Scratch, Server, id, text};

/// Two who have written to each other, and the tablet of one of them.
fn acquainted(hands: &std::sync::Arc<Hands>) -> (Server, Phone, Phone, Phone) {
    let mut server = Server::default();
    let (alice, bob) = (Phone::timed("alice", hands), Phone::timed("bob", hands));
    server.pump(&alice);
    server.pump(&bob);
    let tablet = Phone::newcomer("alice", Environment { clock: hands.clone(), ..Environment::platform() });
    server.link(&alice, &tablet, false);
    server.send(&bob, &alice, "hello");
    for _ in 0..2 {
        for phone in [&alice, &tablet, &bob] {
            server.deliver(phone);
            phone.client.wake(Hint::default()).unwrap();
            server.pump(phone);
        }
    }
    [&alice, &tablet, &bob].into_iter().for_each(|phone| drop(phone.take()));
    (server, alice, tablet, bob)
}

fn conflicts(events: &[Event]) -> Vec<(u64, u64)> {
    let of = |event: &Event| match &event.what {
        What::ListConflict { mine, theirs, .. } => Some((mine.sequence, theirs.sequence)),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

/// A server that keeps quiet about a device that was taken off can do so until the list expires, and no longer unseen.
#[test]
fn an_expired_list_is_asked_for_before_anything_is_sealed_under_it() {
    let hands = Hands::new();
    let (mut server, alice, tablet, bob) = acquainted(&hands);
    alice.client.revoke(tablet.client.device()).unwrap();
    server.pump(&alice);
    for days in [11, 1, 11, 1, 11, 2] {
        hands.pass(days * DAY);
        alice.client.wake(Hint::default()).unwrap();
        server.pump(&alice);
    }
    let sent = bob.send(&alice, "after long");
    assert_eq!(sent.state, MessageState::WaitingKeys);
    let [request] = &sent.requests[..] else { panic!("{:?}", sent.requests) };
    let Action::FetchKeys(fetch) = &request.action else { panic!("{:?}", request.action) };
    assert!(!fetch.one_time, "a list alone uses up no one-time prekey");
    let outcome = server.answer(&bob.id, &request.action);
    bob.client.respond(request.id, outcome).unwrap();
    let events = bob.take();
    let is_gone = |event: &Event| matches!(&event.what, What::DevicesChanged { removed, .. } if *removed == [tablet.client.device()]);
    assert!(events.iter().any(is_gone), "{events:?}");
    server.pump(&bob);
    server.deliver(&alice);
    assert_eq!(alice.texts(), ["after long"]);
    server.deliver(&tablet);
    assert!(tablet.texts().is_empty());
    // A list that is good asks for nothing.
    assert_eq!(bob.send(&alice, "and again").state, MessageState::Ready);
}

/// What a server answers, or that it does not, holds nothing up: it is told once a day, and asked once an hour.
#[test]
fn a_server_that_has_no_newer_list_stops_no_message() {
    for outcome in [
        None,
        Some(Outcome::Keys { found: Vec::new(), absent: vec![id("alice")] }),
        Some(Outcome::Retry { after: None }),
    ] {
        let hands = Hands::new();
        let (mut server, alice, _, bob) = acquainted(&hands);
        hands.pass(37 * DAY);
        let is_told = !matches!(outcome, Some(Outcome::Retry { .. }));
        for number in 0..3 {
            let sent = bob.send(&alice, &format!("number {number}"));
            let is_asked = sent.requests.iter().any(|request| matches!(request.action, Action::FetchKeys(_)));
            assert_eq!(is_asked, number == 0, "{outcome:?}");
            for request in sent.requests {
                let honest = server.answer(&bob.id, &request.action);
                let is_fetch = matches!(request.action, Action::FetchKeys(_));
                bob.client.respond(request.id, outcome.clone().filter(|_| is_fetch).unwrap_or(honest)).unwrap();
            }
            for request in bob.client.requests(100, 1).unwrap() {
                let Action::Send(_) = request.action else { continue };
                let outcome = server.answer(&bob.id, &request.action);
                bob.client.respond(request.id, outcome).unwrap();
            }
            let told = conflicts(&bob.take()).len();
            assert_eq!(told, usize::from(is_told && number == 0), "{outcome:?}");
        }
        server.deliver(&alice);
        assert_eq!(alice.texts(), ["number 0", "number 1", "number 2"]);
    }
}

/// Somebody in a room knows a newer list of a third: it is asked for, and compared with what was said of it.
#[test]
fn a_list_that_another_speaks_of_is_asked_for() {
    let hands = Hands::new();
    let scratch = Scratch::new("spoken-of");
    let environment = || Environment { clock: hands.clone(), ..Environment::platform() };
    let place = |file: &str| Place::File(scratch.file(file));
    let mut server = Server::default();
    let (alice, bob) = (Phone::timed("alice", &hands), Phone::timed("bob", &hands));
    let carol = Phone::with("carol", place("carol"), environment());
    [&alice, &bob, &carol].into_iter().for_each(|phone| server.pump(phone));
    let room =
        Conversation::Room { id: RoomId::new("r").unwrap(), members: ["alice", "bob", "carol"].map(id).to_vec() };
    let say = |server: &mut Server, phone: &Phone, what: &str| {
        let sent = phone.client.send(&room, &text(what), &SendOptions::default()).unwrap();
        for request in sent.requests {
            let outcome = server.answer(&phone.id, &request.action);
            phone.client.respond(request.id, outcome).unwrap();
        }
        server.pump(phone);
    };
    for phone in [&alice, &bob, &carol] {
        say(&mut server, phone, "here");
        [&alice, &bob, &carol].into_iter().for_each(|phone| drop(server.deliver(phone)));
    }
    drop(carol);
    std::fs::copy(scratch.file("carol"), scratch.file("thief")).unwrap();
    let open =
        |file: &str| Client::open(Opening::new(place(file), Key::new([7; 32]), id("carol")), environment()).unwrap();
    let (carol, thief) = [open("carol"), open("thief")].map(|client| Phone { client, id: id("carol") }).into();
    // Two lists of one number: Alice is shown the one, and the directory has the other for Bob.
    let (mut liar, first) = (Server::default(), server.lists.clone());
    hands.pass(14 * DAY);
    for (phone, server) in [(&carol, &mut server), (&thief, &mut liar)] {
        for _ in 0..2 {
            hands.pass(DAY);
            phone.client.wake(Hint::default()).unwrap();
            server.pump(phone);
        }
    }
    let (honest, forged) = (server.lists.clone(), liar.lists[&b"carol"[..]].clone());
    server.send(&carol, &alice, "my list is with this");
    server.deliver(&alice);
    [&alice, &bob].into_iter().for_each(|phone| drop(phone.take()));
    let mut step = |lists: &std::collections::BTreeMap<Vec<u8>, Vec<u8>>, what: &str| {
        server.lists.clone_from(lists);
        say(&mut server, &alice, what);
        server.deliver(&bob);
        let asked = bob.client.requests(100, 1).unwrap();
        for request in &asked {
            let outcome = server.answer(&bob.id, &request.action);
            bob.client.respond(request.id, outcome).unwrap();
        }
        let asked = asked.iter().filter(|request| matches!(request.action, Action::FetchKeys(_))).count();
        (asked, conflicts(&bob.take()))
    };
    // The directory shows none of that number; and is not asked again within the hour.
    assert_eq!(step(&first, "one"), (1, vec![(1, 2)]));
    assert_eq!(step(&first, "two"), (0, vec![]));
    hands.pass(3_600);
    // It shows another: that one can follow, and is not what Alice was shown.
    let mut lists = honest;
    lists.insert(b"carol".to_vec(), forged);
    assert_eq!(step(&lists, "three"), (1, vec![(2, 2)]));
    // From now on every message tells.
    assert_eq!(step(&lists, "four"), (0, vec![(2, 2)]));
}
