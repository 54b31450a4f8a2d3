//! Two and three phones talk through an honest server and one that is not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use sprag::context::Environment;
use sprag::{
    Client, Conversation, Error, Finding, Incoming, Key, MessageId, MessageState, Opening, Outcome, Place, Preview,
    Reason, SendOptions, Trust, What, recognise,
};
use world::{Phone, Server, id, text, texts};

fn two() -> (Server, Phone, Phone) {
    let mut server = Server::default();
    let (alice, bob) = (Phone::new("alice"), Phone::new("bob"));
    server.pump(&alice);
    server.pump(&bob);
    (server, alice, bob)
}

#[test]
fn a_first_message_to_somebody_unknown_and_the_conversation_after_it() {
    let (mut server, alice, bob) = two();
    let sent = alice.send(&bob, "hello");
    assert_eq!(sent.state, MessageState::WaitingKeys);
    for request in sent.requests {
        let outcome = server.answer(&alice.id, &request.action);
        alice.client.respond(request.id, outcome).unwrap();
    }
    server.pump(&alice);
    assert_eq!(alice.client.state(sent.message.as_bytes()), Ok(MessageState::Accepted));
    let incoming = server.fetch(&bob).remove(0);
    assert!(recognise(&incoming.bytes));
    assert!(
        matches!(bob.client.peek(&incoming).unwrap(), Preview::Message { content, .. } if content == text("hello"))
    );
    bob.client.deliver(std::slice::from_ref(&incoming)).unwrap();
    let events = bob.take();
    assert_eq!(texts(&events), ["hello"]);
    assert!(matches!(&events[0].what, What::Message(m) if m.first_contact && m.sender.account == alice.id));
    for round in 0..30 {
        server.send(&bob, &alice, &format!("b{round}"));
        server.send(&alice, &bob, &format!("a{round}"));
        server.deliver(&alice);
        server.deliver(&bob);
        assert_eq!(alice.texts(), [format!("b{round}")]);
        assert_eq!(bob.texts(), [format!("a{round}")]);
    }
    let number = alice.client.contact(b"bob").unwrap().number.unwrap().digits();
    assert_eq!(number, bob.client.contact(b"alice").unwrap().number.unwrap().digits());
    assert_eq!(number.len(), 60);
}

#[test]
fn both_start_at_once_and_converge_on_one_session() {
    for repeats_one_time in [false, true] {
        let (mut server, alice, bob) = two();
        server.repeats_one_time = repeats_one_time;
        server.send(&alice, &bob, "from alice");
        server.send(&bob, &alice, "from bob");
        server.deliver(&alice);
        server.deliver(&bob);
        assert_eq!(alice.texts(), ["from bob"]);
        assert_eq!(bob.texts(), ["from alice"]);
        for round in 0..4 {
            server.send(&alice, &bob, "on");
            server.deliver(&bob);
            server.send(&bob, &alice, "on");
            server.deliver(&alice);
            let events: Vec<_> = alice.take().into_iter().chain(bob.take()).collect();
            assert_eq!(texts(&events).len(), 2, "round {round}");
            assert!(!events.iter().any(|event| matches!(event.what, What::SessionRestarted { .. })));
        }
    }
}

#[test]
fn repeats_echoes_garbage_and_strangers_are_verdicts_and_change_nothing() {
    let (mut server, alice, bob) = two();
    let carol = Phone::new("carol");
    server.pump(&carol);
    server.send(&alice, &bob, "one");
    let incoming = server.fetch(&bob).remove(0);
    let one = std::slice::from_ref(&incoming);
    let verdict = |phone: &Phone, batch: &[Incoming]| phone.client.deliver(batch).unwrap().verdicts.remove(0).finding;
    assert!(matches!(verdict(&bob, one), Finding::Opened { .. }));
    for _ in 0..3 {
        assert!(matches!(verdict(&bob, one), Finding::Duplicate { .. }));
    }
    assert!(matches!(verdict(&alice, one), Finding::OwnEcho { .. }));
    assert!(matches!(verdict(&carol, one), Finding::NotAddressed));
    assert!(matches!(verdict(&bob, &[Incoming::new(b"hi there".to_vec())]), Finding::Foreign));
    assert_eq!(bob.texts(), ["one"]);
    // An answer, and then every byte of a message of the answered session flipped.
    server.send(&bob, &alice, "two");
    server.deliver(&alice);
    server.send(&alice, &bob, "three");
    let incoming = server.fetch(&bob).remove(0);
    for at in 0..incoming.bytes.len() {
        let mut forged = incoming.clone();
        forged.bytes[at] ^= 1;
        let finding = verdict(&bob, &[forged]);
        assert!(!matches!(finding, Finding::Opened { .. } | Finding::Duplicate { .. }), "byte {at}: {finding:?}");
    }
    bob.take();
    assert!(matches!(verdict(&bob, &[incoming]), Finding::Opened { .. }));
    assert_eq!(bob.texts(), ["three"]);
}

#[test]
fn nobody_is_pinned_or_shown_under_an_id_that_is_not_theirs() {
    let (mut server, alice, bob) = two();
    // Mallory's account claims to be alice, and the server plays along as far as it can.
    let mallory = Phone::new("alice");
    let mut elsewhere = Server::default();
    elsewhere.pump(&mallory);
    elsewhere.pump(&bob);
    server.send(&alice, &bob, "the real one");
    server.deliver(&bob);
    bob.take();
    let number = bob.client.contact(b"alice").unwrap().number.unwrap().digits();
    bob.client.confirm(b"alice", &number).unwrap();
    bob.take();
    let sent = mallory.send(&bob, "the false one");
    for request in sent.requests {
        let outcome = server.answer(&mallory.id, &request.action);
        mallory.client.respond(request.id, outcome).unwrap();
    }
    server.pump(&mallory);
    let incoming = server.fetch(&bob).pop().unwrap();
    let mut nameless = incoming.clone();
    nameless.from = None;
    let mut other = incoming.clone();
    other.from = Some(id("carol"));
    let verdicts = bob.client.deliver(&[nameless, other]).unwrap().verdicts;
    assert!(verdicts.iter().all(|v| matches!(v.finding, Finding::Quarantined { .. })));
    assert!(bob.take().is_empty());
    let verdicts = bob.client.deliver(&[incoming]).unwrap().verdicts;
    assert!(matches!(verdicts[0].finding, Finding::Quarantined { .. }));
    let events = bob.take();
    assert!(matches!(&events[..], [event] if matches!(event.what, What::IdentityChanged { .. })));
    // Sending is held until the app decides, what waits for keys included.
    assert_eq!(bob.send(&alice, "wait").state, MessageState::Held);
}

#[test]
fn a_directory_that_answers_with_another_account_is_refused() {
    let (mut server, alice, bob) = two();
    let carol = Phone::new("carol");
    server.pump(&carol);
    server.lie(&bob.id, &carol.id);
    server.send(&alice, &bob, "for bob alone");
    assert!(server.fetch(&carol).is_empty() && server.fetch(&bob).is_empty());
    assert!(alice.take().iter().any(|event| matches!(
        &event.what,
        What::Progress { state: MessageState::Failed, reason: Some(Reason::Mismatch), .. }
    )));
    assert_eq!(alice.client.contact(b"bob").unwrap().trust, Trust::Unseen);
}

/// A server that files a message under another conversation than the one it was written in.
#[test]
fn a_message_in_another_conversation_is_not_shown() {
    let (mut server, alice, bob) = two();
    server.send(&alice, &bob, "first");
    server.deliver(&bob);
    server.send(&bob, &alice, "answer");
    server.deliver(&alice);
    bob.take();
    server.send(&alice, &bob, "yes, do it");
    let incoming = server.fetch(&bob).remove(0);
    let mut filed = incoming.clone();
    filed.conversation = Some(Conversation::Direct(id("carol")));
    let verdict = bob.client.deliver(&[filed.clone()]).unwrap().verdicts.remove(0).finding;
    assert!(matches!(verdict, Finding::Unreadable { reason: Reason::Misfiled, .. }));
    assert!(bob.texts().is_empty());
    assert!(matches!(bob.client.peek(&filed), Ok(Preview::Unreadable { reason: Reason::Misfiled })));
    // Where it belongs it is shown.
    filed.conversation = Some(Conversation::Direct(alice.id.clone()));
    bob.client.deliver(&[filed]).unwrap();
    assert_eq!(bob.texts(), ["yes, do it"]);
}

/// A directory that shows two people different lists of one number: the first message between them names both.
#[test]
fn a_split_view_is_told_by_the_first_message() {
    let scratch = world::Scratch::new("split");
    let place = |file: &str| Place::File(scratch.file(file));
    let hands = world::Hands::new();
    let environment = || Environment { clock: hands.clone(), ..Environment::platform() };
    let (mut server, alice) = (Server::default(), Phone::timed("alice", &hands));
    server.pump(&alice);
    let bob = Phone::with("bob", place("bob.sprag"), environment());
    server.pump(&bob);
    server.send(&alice, &bob, "first");
    server.deliver(&bob);
    server.send(&bob, &alice, "answer");
    server.deliver(&alice);
    drop(bob);
    // What somebody with a copy of Bob's phone signs under the number that Bob signs his next list under.
    std::fs::copy(scratch.file("bob.sprag"), scratch.file("copy.sprag")).unwrap();
    hands.pass(14 * world::DAY);
    let later = |file: &str, server: &mut Server| {
        hands.pass(world::DAY);
        let opening = Opening::new(place(file), Key::new([7; 32]), id("bob"));
        let phone = Phone { client: Client::open(opening, environment()).unwrap(), id: id("bob") };
        (0..2).for_each(|_| assert!(phone.client.wake(sprag::Hint::default()).is_ok()));
        server.pump(&phone);
        phone.take();
        phone
    };
    let mut theirs = Server::default();
    let bob = later("bob.sprag", &mut server);
    later("copy.sprag", &mut theirs);
    let sent = alice.send(&bob, "under the other list");
    alice.client.respond(sent.requests[0].id, Outcome::Stale { accounts: Vec::new() }).unwrap();
    theirs.pump(&alice);
    let incoming = theirs.fetch(&bob);
    let verdict = bob.client.deliver(&incoming).unwrap().verdicts.remove(0).finding;
    assert!(matches!(verdict, Finding::Opened { .. }), "{verdict:?}");
    let told = bob.take();
    assert_eq!(texts(&told), ["under the other list"]);
    let conflict =
        |event: &sprag::Event| matches!(&event.what, What::ListConflict { theirs, .. } if theirs.sequence == 2);
    assert!(told.iter().any(conflict), "{told:?}");
}

/// The server had it, and the answer was lost; later it says that the lists were old: the same message, sealed anew.
#[test]
fn a_message_that_was_sealed_anew_is_shown_once() {
    let (mut server, alice, bob) = two();
    server.send(&alice, &bob, "first");
    server.deliver(&bob);
    bob.take();
    let sent = alice.send(&bob, "once");
    server.answer(&alice.id, &sent.requests[0].action);
    server.deliver(&bob);
    alice.client.respond(sent.requests[0].id, Outcome::Stale { accounts: Vec::new() }).unwrap();
    server.pump(&alice);
    let findings = server.deliver(&bob);
    assert_eq!(findings, [Finding::Duplicate { message: Some(sent.message) }]);
    assert_eq!(bob.texts(), ["once"]);
    server.send(&alice, &bob, "another");
    server.deliver(&bob);
    assert_eq!(bob.texts(), ["another"]);
}

/// A server that hands everyone everything hands us our own: named, so that the app finds its row.
#[test]
fn an_own_message_that_comes_back_is_named() {
    let (mut server, alice, bob) = two();
    let sent = alice.send(&bob, "mine");
    server.pump(&alice);
    for request in sent.requests {
        let outcome = server.answer(&alice.id, &request.action);
        alice.client.respond(request.id, outcome).unwrap();
    }
    server.pump(&alice);
    let mut back = server.fetch(&bob);
    back[0].from = Some(alice.id.clone());
    let found = alice.client.deliver(&back).unwrap().verdicts.remove(0).finding;
    assert_eq!(found, Finding::OwnEcho { message: Some(sent.message) });
    assert!(alice.texts().is_empty());
}

/// The session proves who it is from: a server that names somebody else changes nothing but is told of.
#[test]
fn another_sender_than_the_named_one_is_told() {
    let (mut server, alice, bob) = two();
    server.send(&alice, &bob, "first");
    server.deliver(&bob);
    bob.take();
    server.send(&alice, &bob, "from whom?");
    let mut incoming = server.fetch(&bob).remove(0);
    incoming.from = Some(id("carol"));
    let verdict = bob.client.deliver(&[incoming]).unwrap().verdicts.remove(0).finding;
    assert!(matches!(verdict, Finding::Opened { .. }));
    let events = bob.take();
    assert!(events.iter().any(|event| matches!(
        &event.what,
        What::SenderDiffers { named, proved, .. } if *named == id("carol") && *proved == alice.id
    )));
    let from = |event: &sprag::Event| match &event.what {
        What::Message(message) => Some(message.sender.account.clone()),
        _ => None,
    };
    assert_eq!(events.iter().find_map(from), Some(alice.id));
}

#[test]
fn the_same_id_is_the_same_message() {
    let (_, alice, _) = two();
    let options = || {
        let mut options = SendOptions::default();
        options.client_id = Some(MessageId::new(b"job 7").unwrap());
        options
    };
    let to = Conversation::Direct(id("bob"));
    let first = alice.client.send(&to, &text("once"), &options()).unwrap();
    let second = alice.client.send(&to, &text("once"), &options()).unwrap();
    assert_eq!((first.message, first.state), (second.message, second.state));
    assert!(matches!(alice.client.send(&to, &text("other"), &options()), Err(Error::Misuse(_))));
    let own = Conversation::Direct(id("alice"));
    assert!(matches!(alice.client.send(&own, &text("me"), &SendOptions::default()), Err(Error::Misuse(_))));
    alice.client.cancel(b"job 7").unwrap();
    assert_eq!(alice.client.state(b"job 7"), Ok(MessageState::Cancelled));
    assert_eq!(alice.client.state(b"job 8"), Err(Error::Unknown));
}

#[test]
fn many_messages_late_and_out_of_order_arrive_once() {
    let (mut server, alice, bob) = two();
    server.send(&alice, &bob, "first");
    server.deliver(&bob);
    server.send(&bob, &alice, "answer");
    server.deliver(&alice);
    bob.take();
    for number in 0..200 {
        server.send(&alice, &bob, &number.to_string());
    }
    let mut batch = server.fetch(&bob);
    assert_eq!(batch.len(), 200);
    batch.reverse();
    batch.extend(batch.clone());
    let verdicts = bob.client.deliver(&batch).unwrap().verdicts;
    assert!(verdicts[..200].iter().all(|v| matches!(v.finding, Finding::Opened { .. })));
    assert!(verdicts[200..].iter().all(|v| matches!(v.finding, Finding::Duplicate { .. })));
    let mut numbers: Vec<u32> = bob.texts().iter().map(|text| text.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..200).collect::<Vec<_>>());
}

#[test]
fn a_store_on_disk_goes_on_where_it_stopped() {
    let directory = std::env::temp_dir().join(format!("sprag-conversation-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let place = Place::File(directory.join("alice.sprag"));
    let mut server = Server::default();
    let bob = Phone::new("bob");
    server.pump(&bob);
    let alice = Phone::at("alice", place.clone());
    server.pump(&alice);
    server.send(&alice, &bob, "before");
    drop(alice);
    let opening = |key, account| Opening::new(place.clone(), Key::new([key; 32]), id(account));
    let environment = Environment::platform;
    assert_eq!(Client::open(opening(8, "alice"), environment()).map(|_| ()), Err(Error::WrongKey));
    assert_eq!(Client::open(opening(7, "bob"), environment()).map(|_| ()), Err(Error::WrongAccount));
    let alice = Phone { client: Client::open(opening(7, "alice"), environment()).unwrap(), id: id("alice") };
    server.send(&alice, &bob, "after");
    server.deliver(&bob);
    assert_eq!(bob.texts(), ["before", "after"]);
    server.send(&bob, &alice, "yes");
    server.deliver(&alice);
    assert_eq!(alice.texts(), ["yes"]);
    alice.client.suspend().unwrap();
    assert!(alice.client.events(0, 1).is_err());
    alice.client.resume().unwrap();
    alice.client.rekey(&Key::new([9; 32])).unwrap();
    drop(alice);
    assert_eq!(Client::open(opening(7, "alice"), environment()).map(|_| ()), Err(Error::WrongKey));
    Client::open(opening(9, "alice"), environment()).unwrap().erase().unwrap();
    assert_eq!(Client::open(opening(9, "alice"), environment()).map(|_| ()), Err(Error::NoStore));
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn a_request_that_could_not_be_carried_is_offered_again_and_a_handshake_is_answered() {
    let (mut server, alice, bob) = two();
    let sent = alice.send(&bob, "hello");
    alice.client.respond(sent.requests[0].id, Outcome::Retry { after: Some(0) }).unwrap();
    let again = alice.client.requests(10, 60).unwrap();
    assert_eq!(again[0].id, sent.requests[0].id);
    assert_eq!(again[0].attempt, 2);
    assert!(alice.client.requests(10, 60).unwrap().is_empty(), "what is leased is not offered");
    let outcome = server.answer(&alice.id, &again[0].action);
    alice.client.respond(again[0].id, outcome.clone()).unwrap();
    alice.client.respond(again[0].id, outcome).unwrap();
    server.pump(&alice);
    let first = server.deliver(&bob);
    assert!(matches!(first[..], [Finding::Opened { .. }]));
    bob.client.wake(sprag::Hint::default()).unwrap();
    server.pump(&bob);
    let answer = server.fetch(&alice).remove(0);
    assert!(answer.bytes.len() < 500);
    alice.client.deliver(&[answer]).unwrap();
    alice.take();
    // Answered: the handshake is not repeated any more, and the size on the wire is the final one.
    let hundred = "x".repeat(100);
    server.send(&alice, &bob, &hundred);
    let envelope = server.fetch(&bob).remove(0);
    assert_eq!(envelope.bytes.len(), 360);
}
