//! What waits to leave: its order, its leases, its end.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use sprag::{Action, Conversation, MessageId, MessageState, Outcome, Reason, Request, SendOptions, What};
use world::{Hands, Phone, Server, id, text};

fn talking(server: &mut Server) -> (std::sync::Arc<Hands>, Phone, Phone) {
    let hands = Hands::new();
    let (alice, bob) = (Phone::timed("alice", &hands), Phone::timed("bob", &hands));
    server.pump(&alice);
    server.pump(&bob);
    server.send(&alice, &bob, "first");
    server.deliver(&bob);
    server.send(&bob, &alice, "answer");
    server.deliver(&alice);
    alice.take();
    (hands, alice, bob)
}

fn messages(requests: &[Request]) -> Vec<Vec<u8>> {
    let ids = requests.iter().filter_map(|request| match &request.action {
        Action::Send(send) => send.message.as_ref().map(|id| id.as_bytes().to_vec()),
        _ => None,
    });
    ids.collect()
}

fn named(number: u32) -> SendOptions {
    let mut options = SendOptions::default();
    options.client_id = Some(MessageId::new(number.to_be_bytes()).unwrap());
    options
}

#[test]
fn a_long_time_offline_keeps_the_order_and_eight_at_once() {
    let mut server = Server::default();
    let (hands, alice, bob) = talking(&mut server);
    let to = Conversation::Direct(bob.id.clone());
    let mut carried = Vec::new();
    for number in 0..200_u32 {
        let sent = alice.client.send(&to, &text(&number.to_string()), &named(number)).unwrap();
        assert_eq!(sent.state, MessageState::Ready);
        assert_eq!(sent.requests.len(), usize::from(number < 8), "what can go at once is leased to the caller");
    }
    assert_eq!(alice.client.requests(0, 60).unwrap().len(), 0);
    assert!(alice.client.requests(100, 60).unwrap().is_empty(), "eight are on their way");
    // The process that had them is gone: their leases run out.
    hands.pass(61);
    loop {
        let requests = alice.client.requests(100, 60).unwrap();
        if requests.is_empty() {
            break;
        }
        assert!(requests.len() <= 8);
        carried.extend(messages(&requests));
        for request in requests {
            let outcome = server.answer(&alice.id, &request.action);
            alice.client.respond(request.id, outcome).unwrap();
        }
    }
    let expected: Vec<_> = (0..200_u32).map(|number| number.to_be_bytes().to_vec()).collect();
    assert_eq!(carried, expected);
    server.deliver(&bob);
    assert_eq!(bob.texts().len(), 201);
    assert_eq!(alice.client.requests(100, 60).unwrap().len(), 0);
}

#[test]
fn what_is_put_off_holds_back_its_conversation_alone() {
    let mut server = Server::default();
    let (hands, alice, bob) = talking(&mut server);
    let carol = Phone::timed("carol", &hands);
    server.pump(&carol);
    server.send(&alice, &carol, "hello");
    let to = Conversation::Direct(bob.id.clone());
    let first = alice.client.send(&to, &text("0"), &named(0)).unwrap().requests.remove(0);
    let pending = alice.client.respond(first.id, Outcome::Retry { after: Some(30) }).unwrap();
    assert_eq!(pending.next_wake_ms, Some(30_000));
    let second = alice.client.send(&to, &text("1"), &named(1)).unwrap();
    assert!(second.requests.is_empty());
    assert_eq!(alice.send(&carol, "not held back").requests.len(), 1);
    hands.pass(30);
    let requests = alice.client.requests(100, 60).unwrap();
    assert_eq!(messages(&requests), [named(0), named(1)].map(|o| o.client_id.unwrap().as_bytes().to_vec()));
    assert_eq!(requests[0].attempt, 2);
}

#[test]
fn whoever_wakes_at_the_first_of_two_times_is_told_the_second() {
    let mut server = Server::default();
    let (hands, alice, bob) = talking(&mut server);
    let to = Conversation::Direct(bob.id.clone());
    let requests =
        [0, 1].map(|number| alice.client.send(&to, &text("hello"), &named(number)).unwrap().requests.remove(0));
    for (request, after) in requests.iter().zip([30, 10]) {
        alice.client.respond(request.id, Outcome::Retry { after: Some(after) }).unwrap();
    }
    hands.pass(10);
    assert_eq!(alice.client.requests(100, 60).unwrap().len(), 0);
    assert_eq!(alice.client.wake(sprag::Hint::default()).unwrap().next_wake_ms, Some(20_000));
}

#[test]
fn a_message_past_its_time_does_not_leave() {
    let mut server = Server::default();
    let (hands, alice, bob) = talking(&mut server);
    let mut options = named(7);
    options.expires = Some(1_800_000_000 + 10);
    let unknown = Conversation::Direct(id("carol"));
    alice.client.send(&unknown, &text("soon"), &options).unwrap();
    options.client_id = Some(MessageId::new(b"kept").unwrap());
    let to = Conversation::Direct(bob.id.clone());
    for number in 0..8 {
        alice.client.send(&to, &text("before"), &named(number + 100)).unwrap();
    }
    assert!(alice.client.send(&to, &text("soon"), &options).unwrap().requests.is_empty());
    hands.pass(61);
    server.pump(&alice);
    server.deliver(&bob);
    assert!(!bob.texts().contains(&"soon".to_owned()));
    assert_eq!(alice.client.state(b"kept"), Ok(MessageState::Failed));
    let expired = |event: &sprag::Event| {
        matches!(&event.what, What::Progress { state: MessageState::Failed, reason: Some(Reason::Expired), .. })
    };
    assert_eq!(alice.take().iter().filter(|event| expired(event)).count(), 1);
}

#[test]
fn a_newer_list_at_the_server_means_sealing_again() {
    let mut server = Server::default();
    let (_, alice, bob) = talking(&mut server);
    let to = Conversation::Direct(bob.id.clone());
    let sent = alice.client.send(&to, &text("again"), &named(1)).unwrap();
    let Action::Send(first) = &sent.requests[0].action else { panic!("a message") };
    let later = alice.client.send(&to, &text("after it"), &named(2)).unwrap();
    alice.client.respond(sent.requests[0].id, Outcome::Stale { accounts: Vec::new() }).unwrap();
    assert_eq!(alice.client.state(&1_u32.to_be_bytes()), Ok(MessageState::WaitingKeys));
    let outcome = server.answer(&alice.id, &later.requests[0].action);
    alice.client.respond(later.requests[0].id, outcome).unwrap();
    let third = alice.client.send(&to, &text("third"), &named(3)).unwrap();
    assert_eq!(third.state, MessageState::WaitingKeys, "what waits already goes first");
    let requests = third.requests;
    assert!(matches!(&requests[0].action, Action::FetchKeys(_)));
    let outcome = server.answer(&alice.id, &requests[0].action);
    alice.client.respond(requests[0].id, outcome).unwrap();
    let requests = alice.client.requests(100, 60).unwrap();
    let Action::Send(second) = &requests[0].action else { panic!("a message") };
    assert_eq!(requests[0].id, sent.requests[0].id, "the same message, the same request");
    assert_ne!(first.blob, second.blob);
    for request in &requests {
        server.answer(&alice.id, &request.action);
    }
    server.deliver(&bob);
    assert_eq!(bob.texts(), ["first", "after it", "again", "third"]);
}

#[test]
fn cancelling_reaches_what_was_not_handed_out() {
    let mut server = Server::default();
    let (_, alice, bob) = talking(&mut server);
    let to = Conversation::Direct(bob.id.clone());
    for number in 0..9 {
        alice.client.send(&to, &text("x"), &named(number)).unwrap();
    }
    assert_eq!(alice.client.cancel(&0_u32.to_be_bytes()).map(|_| ()), Err(sprag::Error::NotAllowed));
    alice.client.cancel(&8_u32.to_be_bytes()).unwrap();
    assert_eq!(alice.client.state(&8_u32.to_be_bytes()), Ok(MessageState::Cancelled));
    let waiting = Conversation::Direct(id("carol"));
    alice.client.send(&waiting, &text("x"), &named(20)).unwrap();
    alice.client.retry(&20_u32.to_be_bytes()).unwrap();
    alice.client.cancel(&20_u32.to_be_bytes()).unwrap();
    assert_eq!(alice.client.cancel(&20_u32.to_be_bytes()).map(|_| ()), Err(sprag::Error::NotAllowed));
}

/// A clock that was a year ahead for a moment holds nothing back for long.
#[test]
fn what_was_leased_or_put_off_by_a_wrong_clock_is_offered_again() {
    let mut server = Server::default();
    let (hands, alice, bob) = talking(&mut server);
    let to = Conversation::Direct(bob.id.clone());
    hands.pass(30 * 86_400);
    for number in 0..2 {
        alice.client.send(&to, &text("now"), &named(number)).unwrap();
    }
    hands.pass(61);
    let requests = alice.client.requests(100, u32::MAX).unwrap();
    assert_eq!(requests.len(), 2);
    alice.client.respond(requests[0].id, Outcome::Retry { after: Some(u32::MAX) }).unwrap();
    hands.back(30 * 86_400);
    let again = alice.client.requests(100, 60).unwrap();
    assert_eq!(messages(&again), messages(&requests));
}

#[test]
fn a_second_carrier_is_never_offered_what_the_first_has() {
    let mut server = Server::default();
    let (hands, alice, bob) = talking(&mut server);
    let to = Conversation::Direct(bob.id.clone());
    let sent = alice.client.send(&to, &text("x"), &named(1)).unwrap();
    assert_eq!(sent.pending.requests, 0, "what is leased is nobody else's");
    let pending = alice.client.retry(&1_u32.to_be_bytes()).unwrap();
    assert_eq!(pending.requests, 0);
    assert!(alice.client.requests(10, 60).unwrap().is_empty());
    let pending = alice.client.respond(sent.requests[0].id, Outcome::Retry { after: Some(600) }).unwrap();
    assert_eq!(pending.requests, 0);
    assert_eq!(alice.client.retry(&1_u32.to_be_bytes()).unwrap().requests, 1, "now it is put off, and need not be");
    hands.pass(1);
    assert_eq!(alice.client.requests(10, 60).unwrap().len(), 1);
}
