//! How sessions begin, cross, are lost and begun anew.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use std::sync::Arc;

use sprag::context::Environment;
use sprag::{
    Action, Client, Config, Event, Finding, Hint, Incoming, Key, MessageState, Outcome, Place, Reason, Rejection, What,
};
use world::{DAY, Hands, Phone, Server, id, texts};

fn pair(server: &mut Server, hands: &Arc<Hands>) -> (Phone, Phone) {
    let (alice, bob) = (Phone::timed("alice", hands), Phone::timed("bob", hands));
    server.pump(&alice);
    server.pump(&bob);
    (alice, bob)
}

fn restarts(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event.what, What::SessionRestarted { .. })).count()
}

fn finding(phone: &Phone, incoming: &Incoming) -> Finding {
    phone.client.deliver(std::slice::from_ref(incoming)).unwrap().verdicts.remove(0).finding
}

/// Every loss among two crossing pairs of first messages, with one-time prekeys handed out once, twice and never.
#[test]
fn crossing_first_messages_with_losses_converge() {
    for directory in 0..3 {
        for lost in 0..16_u32 {
            let hands = Hands::new();
            let mut server = Server::default();
            let (alice, bob) = pair(&mut server, &hands);
            (server.repeats_one_time, server.without_one_time) = (directory == 1, directory == 2);
            for (from, to) in [(&alice, &bob), (&bob, &alice)] {
                server.send(from, to, "first");
                server.send(from, to, "second");
            }
            let mut shown = Vec::new();
            for (shift, phone) in [(0, &alice), (2, &bob)] {
                let kept = server.fetch(phone).into_iter().enumerate();
                let kept: Vec<_> = kept.filter(|(n, _)| lost >> (shift + n) & 1 == 0).map(|(_, m)| m).collect();
                let expected = kept.len();
                phone.client.deliver(&kept).unwrap();
                let events = phone.take();
                assert_eq!(texts(&events).len(), expected, "{directory} {lost:04b}");
                assert_eq!(restarts(&events), 0);
                shown.push(expected);
            }
            for round in 0..3 {
                for (from, to) in [(&alice, &bob), (&bob, &alice)] {
                    server.send(from, to, "later");
                    server.deliver(to);
                    let events = to.take();
                    assert_eq!(texts(&events), ["later"], "{directory} {lost:04b} {round}");
                    assert_eq!(restarts(&events), 0, "{directory} {lost:04b} {round}");
                }
            }
            // One session: nothing repeats a handshake any more.
            server.send(&alice, &bob, "small");
            server.send(&bob, &alice, "small");
            for phone in [&alice, &bob] {
                assert!(server.fetch(phone).iter().all(|incoming| incoming.bytes.len() < 500));
            }
        }
    }
}

/// After a crossing both sides send and receive in one session: its row alone changes, and so its ratchet turns.
#[test]
fn crossing_sessions_become_one_in_both_directions() {
    let scratch = world::Scratch::new("one-session");
    let place = |name: &str| sprag::Place::File(scratch.file(name));
    let mut server = Server::default();
    let (alice, bob) = (Phone::at("alice", place("alice")), Phone::at("bob", place("bob")));
    server.pump(&alice);
    server.pump(&bob);
    server.send(&alice, &bob, "crossing");
    server.send(&bob, &alice, "crossing");
    let mut round = || {
        for (from, to) in [(&alice, &bob), (&bob, &alice)] {
            server.deliver(to);
            server.send(from, to, "on");
            server.deliver(to);
        }
    };
    round();
    round();
    let rows = |name: &str| -> std::collections::BTreeMap<i64, Vec<u8>> {
        let raw = rusqlite::Connection::open(scratch.file(name)).unwrap();
        let mut statement = raw.prepare("SELECT id, v FROM session WHERE id > 0").unwrap();
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    };
    for name in ["alice", "bob"] {
        let before = rows(name);
        assert_eq!(before.len(), 2);
        round();
        let changed = rows(name).iter().filter(|(id, row)| before.get(id) != Some(row)).count();
        assert_eq!(changed, 1, "{name}");
    }
}

#[test]
fn a_late_crossing_message_is_no_restart() {
    let hands = Hands::new();
    let mut server = Server::default();
    let (alice, bob) = pair(&mut server, &hands);
    server.send(&alice, &bob, "from alice");
    server.send(&bob, &alice, "from bob, late");
    let late = server.fetch(&alice);
    server.deliver(&bob);
    for _ in 0..20 {
        server.send(&bob, &alice, "on");
        server.deliver(&alice);
        server.send(&alice, &bob, "on");
        server.deliver(&bob);
    }
    alice.take();
    alice.client.deliver(&late).unwrap();
    let events = alice.take();
    assert_eq!(texts(&events), ["from bob, late"]);
    assert_eq!(restarts(&events), 0);
    server.send(&alice, &bob, "one session");
    server.deliver(&bob);
    assert_eq!(texts(&bob.take()).last().unwrap(), "one session");
}

/// With a one-time prekey its deletion stops a replay; without one it is the memory of the transcript that does, after the
/// envelope and the session itself were forgotten.
#[test]
fn a_first_message_played_again_begins_nothing() {
    for without_one_time in [false, true] {
        let hands = Hands::new();
        let mut server = Server::default();
        server.without_one_time = without_one_time;
        let (alice, bob) = pair(&mut server, &hands);
        server.send(&alice, &bob, "once");
        let first = server.fetch(&bob).remove(0);
        assert!(matches!(finding(&bob, &first), Finding::Opened { .. }));
        assert!(matches!(finding(&bob, &first), Finding::Duplicate { .. }));
        server.send(&bob, &alice, "answer");
        server.deliver(&alice);
        for number in 0..4_300 {
            server.send(&alice, &bob, &number.to_string());
            if number % 100 == 99 {
                server.deliver(&bob);
                server.send(&bob, &alice, "and back");
                server.deliver(&alice);
            }
        }
        bob.take();
        let found = finding(&bob, &first);
        assert!(matches!(found, Finding::Unreadable { reason: Reason::KeyGone, .. }), "{found:?}");
        // After the signed prekey's replacement too.
        hands.pass(8 * DAY);
        bob.client.wake(Hint::default()).unwrap();
        server.pump(&bob);
        let found = finding(&bob, &first);
        assert!(matches!(found, Finding::Unreadable { reason: Reason::KeyGone, .. }), "{found:?}");
        let events = bob.take();
        assert!(texts(&events).is_empty() && restarts(&events) == 0);
        server.send(&alice, &bob, "unharmed");
        server.deliver(&bob);
        assert_eq!(bob.texts(), ["unharmed"]);
    }
}

#[test]
fn a_handshake_is_repeated_eight_times_and_then_daily() {
    let hands = Hands::new();
    let mut server = Server::default();
    let (alice, bob) = pair(&mut server, &hands);
    let carries = |server: &mut Server, count: usize| {
        for _ in 0..count {
            server.send(&alice, &bob, "hello?");
        }
        server.fetch(&bob).iter().filter(|incoming| incoming.bytes.len() > 1_568).count()
    };
    assert_eq!(carries(&mut server, 12), 8);
    assert_eq!(carries(&mut server, 5), 0);
    hands.pass(DAY);
    assert_eq!(carries(&mut server, 3), 1);
    // Whichever of them arrives begins the session, and opens those before and after it.
    hands.pass(DAY);
    for number in 0..3 {
        server.send(&alice, &bob, &number.to_string());
    }
    server.deliver(&bob);
    assert_eq!(bob.texts(), ["0", "1", "2"]);
}

#[test]
fn a_session_that_nobody_answers_is_begun_anew_after_a_week() {
    let hands = Hands::new();
    let mut server = Server::default();
    let (alice, bob) = pair(&mut server, &hands);
    server.send(&alice, &bob, "lost");
    server.fetch(&bob);
    hands.pass(6 * DAY);
    assert_eq!(alice.send(&bob, "still the same session").state, MessageState::Ready);
    hands.pass(DAY);
    bob.client.wake(Hint::default()).unwrap();
    server.pump(&bob);
    let sent = alice.send(&bob, "anew");
    assert_eq!(sent.state, MessageState::WaitingKeys);
    for request in sent.requests {
        let outcome = server.answer(&alice.id, &request.action);
        alice.client.respond(request.id, outcome).unwrap();
    }
    server.pump(&alice);
    server.deliver(&bob);
    assert_eq!(bob.texts().last().unwrap(), "anew");
    server.send(&bob, &alice, "there you are");
    server.deliver(&alice);
    let events = alice.take();
    assert_eq!(texts(&events), ["there you are"]);
    assert_eq!(restarts(&events), 0);
}

#[test]
fn a_second_session_of_a_contact_that_was_not_announced_is_told() {
    let hands = Hands::new();
    let mut server = Server::default();
    let (alice, bob) = pair(&mut server, &hands);
    // Alice is heard and never hears: after a week she begins anew, and Bob cannot know why.
    server.send(&alice, &bob, "hello");
    server.deliver(&bob);
    bob.take();
    hands.pass(7 * DAY);
    server.send(&alice, &bob, "hello?");
    server.deliver(&bob);
    let events = bob.take();
    assert_eq!(texts(&events), ["hello?"]);
    assert_eq!(restarts(&events), 1);
}

/// The signed prekey is replaced after a week, and its private half lives for thirty days from the day on which the directory
/// acknowledged that.
#[test]
fn a_first_message_opens_until_its_prekey_is_gone() {
    let hands = Hands::new();
    let mut server = Server::default();
    server.without_one_time = true;
    let (alice, bob) = pair(&mut server, &hands);
    let carol = Phone::timed("carol", &hands);
    server.pump(&carol);
    server.send(&alice, &bob, "in time");
    server.send(&carol, &bob, "too late");
    let [in_time, too_late] = server.fetch(&bob).try_into().unwrap_or_else(|_| panic!("two messages"));
    let wait = |server: &mut Server, days: u64| {
        for _ in 0..days {
            hands.pass(DAY);
            bob.client.wake(Hint::default()).unwrap();
            server.pump(&bob);
        }
    };
    wait(&mut server, 36);
    assert!(matches!(finding(&bob, &in_time), Finding::Opened { .. }));
    wait(&mut server, 3);
    let found = finding(&bob, &too_late);
    assert!(matches!(found, Finding::Unreadable { reason: Reason::KeyGone, .. }), "{found:?}");
    assert_eq!(bob.texts(), ["in time"]);
}

#[test]
fn a_signed_prekey_lives_on_until_its_replacement_is_published() {
    let hands = Hands::new();
    let mut server = Server::default();
    server.without_one_time = true;
    let (alice, bob) = pair(&mut server, &hands);
    server.send(&alice, &bob, "after months");
    let first = server.fetch(&bob).remove(0);
    for _ in 0..100 {
        hands.pass(DAY);
        // Nothing that Bob wants to publish reaches the directory.
        bob.client.wake(Hint::default()).unwrap();
    }
    assert!(matches!(finding(&bob, &first), Finding::Opened { .. }));
}

/// What was only sealed has not left: a handshake that the server refused, or that was taken back, is carried again.
#[test]
fn a_handshake_is_carried_until_the_server_took_it() {
    for refusal in 0..2 {
        let hands = Hands::new();
        let mut server = Server::default();
        let (alice, bob) = pair(&mut server, &hands);
        for number in 0..10 {
            alice.send(&bob, &number.to_string());
        }
        let mut refused = 0;
        for _ in 0..40 {
            hands.pass(61);
            for request in alice.client.requests(100, 1).unwrap() {
                let outcome = match &request.action {
                    Action::Send(_) if refused < 8 => {
                        refused += 1;
                        if refusal == 0 {
                            Outcome::Stale { accounts: Vec::new() }
                        } else {
                            Outcome::Rejected(Rejection::Forbidden)
                        }
                    }
                    action => server.answer(&alice.id, action),
                };
                alice.client.respond(request.id, outcome).unwrap();
            }
        }
        server.deliver(&bob);
        let expected: Vec<String> = (8 * refusal..10).map(|number: usize| number.to_string()).collect();
        let mut shown = bob.texts();
        shown.sort();
        assert_eq!(shown, expected);
    }
}

#[test]
fn messages_that_do_not_fit_move_nothing() {
    let hands = Hands::new();
    let mut server = Server::default();
    let environment = Environment { clock: hands.clone(), ..Environment::platform() };
    let mut config = Config::new(Place::Memory, Key::new([7; 32]), id("alice"));
    config.policy.max_body = 8_192;
    let alice = Phone { client: Client::create(config, environment).unwrap(), id: id("alice") };
    let bob = Phone::timed("bob", &hands);
    server.pump(&alice);
    server.pump(&bob);
    for _ in 0..9 {
        alice.send(&bob, &"x".repeat(10_000));
    }
    alice.send(&bob, "small");
    hands.pass(61);
    server.pump(&alice);
    let failed = |event: &&Event| {
        matches!(event.what, What::Progress { state: MessageState::Failed, reason: Some(Reason::TooLarge), .. })
    };
    assert_eq!(alice.take().iter().filter(failed).count(), 9);
    server.deliver(&bob);
    assert_eq!(bob.texts(), ["small"]);
}
