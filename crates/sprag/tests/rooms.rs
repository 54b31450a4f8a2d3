//! Rooms: conversations of several, whose members the app's server decides.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use sprag::{
    AccountId, Conversation, Event, Finding, Incoming, MessageState, Outcome, Reason, Rejection, RoomId, SendOptions,
    Sent, What,
};
use world::{Hands, Phone, Server, id, text, texts};

fn room(name: &str, members: &[&str]) -> Conversation {
    Conversation::Room { id: RoomId::new(name).unwrap(), members: members.iter().map(|name| id(name)).collect() }
}

/// Sends, and carries everything out.
fn say(server: &mut Server, from: &Phone, conversation: &Conversation, what: &str) -> Sent {
    let sent = from.client.send(conversation, &text(what), &SendOptions::default()).unwrap();
    for request in &sent.requests {
        let outcome = server.answer(&from.id, &request.action);
        from.client.respond(request.id, outcome).unwrap();
    }
    server.pump(from);
    sent
}

fn phones(server: &mut Server, names: &[&str]) -> Vec<Phone> {
    names
        .iter()
        .map(|name| {
            let phone = Phone::new(name);
            server.pump(&phone);
            phone.take();
            phone
        })
        .collect()
}

fn deliver_filed(phone: &Phone, from: &str, filed: &Conversation, bytes: &[u8]) -> Finding {
    let mut incoming = Incoming::from(id(from), bytes.to_vec());
    incoming.conversation = Some(filed.clone());
    phone.client.deliver(&[incoming]).unwrap().verdicts.remove(0).finding
}

fn differs(events: &[Event]) -> Vec<(Vec<AccountId>, Vec<AccountId>)> {
    let of = |event: &Event| match &event.what {
        What::AudienceDiffers { added, missing, .. } => Some((added.clone(), missing.clone())),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

#[test]
fn a_message_to_a_room_is_one_body_that_every_member_reads() {
    let mut server = Server::default();
    let phones = phones(&mut server, &["alice", "bob", "carol"]);
    let [alice, bob, carol] = &phones[..] else { panic!() };
    // The app may name itself or not, and in any order.
    say(&mut server, alice, &room("den", &["carol", "bob"]), "hello, all");
    for (phone, name) in [(bob, "bob"), (carol, "carol")] {
        server.deliver(phone);
        let events = phone.take();
        assert_eq!(texts(&events), ["hello, all"], "{name}");
        let shown = events.iter().find_map(|event| match &event.what {
            What::Message(message) => Some(message.conversation.clone()),
            _ => None,
        });
        assert_eq!(shown, Some(room("den", &["alice", "bob", "carol"])));
    }
    say(&mut server, bob, &room("den", &["alice", "carol", "bob"]), "hello, both");
    say(&mut server, carol, &room("den", &["alice", "bob"]), "me too");
    for (phone, expected) in
        [(alice, vec!["hello, both", "me too"]), (carol, vec!["hello, both"]), (bob, vec!["me too"])]
    {
        server.deliver(phone);
        let events = phone.take();
        assert_eq!(texts(&events), expected);
        assert!(differs(&events).is_empty());
    }
    // Everybody has answered: a slot for each device, and one body.
    let sent = alice.client.send(&room("den", &["bob", "carol"]), &text(&"x".repeat(100)), &SendOptions::default());
    let requests = sent.unwrap().requests;
    let [request] = &requests[..] else { panic!("{requests:?}") };
    let sprag::Action::Send(send) = &request.action else { panic!() };
    assert_eq!(send.to, [id("bob"), id("carol")]);
    assert!(send.blob.len() < 560, "{}", send.blob.len());
}

#[test]
fn a_message_is_shown_only_where_its_sender_put_it() {
    let mut server = Server::default();
    let phones = phones(&mut server, &["alice", "bob", "carol"]);
    let [alice, bob, _] = &phones[..] else { panic!() };
    say(&mut server, alice, &room("den", &["bob", "carol"]), "in the den");
    let bytes = server.fetch(bob).remove(0).bytes;
    let misfiled = |filed: &Conversation| {
        let finding = deliver_filed(bob, "alice", filed, &bytes);
        assert!(matches!(finding, Finding::Unreadable { reason: Reason::Misfiled, .. }), "{finding:?}");
    };
    misfiled(&Conversation::Direct(id("alice")));
    misfiled(&room("attic", &["alice", "bob", "carol"]));
    assert!(bob.texts().is_empty());
    let finding = deliver_filed(bob, "alice", &room("den", &["alice", "bob", "carol"]), &bytes);
    assert!(matches!(finding, Finding::Opened { .. }));
    assert_eq!(bob.texts(), ["in the den"]);
    // And the other way round.
    server.send(alice, bob, "to bob alone");
    let bytes = server.fetch(bob).remove(0).bytes;
    let finding = deliver_filed(bob, "alice", &room("den", &["alice", "bob", "carol"]), &bytes);
    assert!(matches!(finding, Finding::Unreadable { reason: Reason::Misfiled, .. }), "{finding:?}");
}

#[test]
fn members_who_are_told_different_members_find_out() {
    let mut server = Server::default();
    let phones = phones(&mut server, &["alice", "bob", "carol", "mallory"]);
    let [alice, bob, ..] = &phones[..] else { panic!() };
    say(&mut server, bob, &room("den", &["alice", "carol"]), "three of us");
    server.deliver(alice);
    alice.take();
    // The server tells Alice of one more.
    let sent = say(&mut server, alice, &room("den", &["bob", "carol", "mallory"]), "four");
    assert_eq!(sent.state, MessageState::WaitingKeys);
    server.deliver(bob);
    let events = bob.take();
    assert_eq!(texts(&events), ["four"]);
    assert_eq!(differs(&events), [(vec![id("mallory")], Vec::new())]);
    // Once, not with every message.
    say(&mut server, alice, &room("den", &["bob", "carol", "mallory"]), "again");
    server.deliver(bob);
    assert!(differs(&bob.take()).is_empty());
    // What the app says now is what counts.
    let bytes = {
        say(&mut server, alice, &room("den", &["bob", "carol"]), "three again");
        server.fetch(bob).remove(0).bytes
    };
    deliver_filed(bob, "alice", &room("den", &["alice", "bob", "carol", "mallory"]), &bytes);
    assert_eq!(differs(&bob.take()), [(Vec::new(), vec![id("mallory")])]);
}

#[test]
fn nobody_is_left_out_silently() {
    let mut server = Server::default();
    let phones = phones(&mut server, &["alice", "bob"]);
    let [alice, bob] = &phones[..] else { panic!() };
    let sent = alice.client.send(&room("den", &["bob", "nobody"]), &text("hello"), &SendOptions::default()).unwrap();
    assert_eq!((sent.state, sent.requests.len()), (MessageState::WaitingKeys, 2));
    for request in sent.requests {
        let outcome = match &request.action {
            sprag::Action::FetchKeys(fetch) if fetch.accounts[0].account == id("nobody") => {
                Outcome::Rejected(Rejection::NoSuchAccount)
            }
            action => server.answer(&alice.id, action),
        };
        alice.client.respond(request.id, outcome).unwrap();
    }
    server.pump(alice);
    assert!(server.fetch(bob).is_empty());
    assert_eq!(alice.client.state(sent.message.as_bytes()), Ok(MessageState::Failed));
    let named = alice.take().into_iter().find_map(|event| match event.what {
        What::Progress { account, state: MessageState::Failed, reason, .. } => Some((account, reason)),
        _ => None,
    });
    assert_eq!(named, Some((Some(id("nobody")), Some(Reason::NoSuchAccount))));
}

#[test]
fn a_room_has_bounds() {
    let mut server = Server::default();
    let phones = phones(&mut server, &["alice"]);
    let send = |conversation: &Conversation| phones[0].client.send(conversation, &text("x"), &SendOptions::default());
    assert!(send(&room("den", &["alice"])).is_err());
    let many: Vec<String> = (0..sprag::MAX_MEMBERS).map(|number| format!("member {number}")).collect();
    assert!(send(&room("den", &many.iter().map(String::as_str).collect::<Vec<_>>())).is_err());
    assert!(send(&room("den", &many[1..].iter().map(String::as_str).collect::<Vec<_>>())).is_ok());
}

/// Whatever a server names as the members of a room, what comes with it is taken in.
#[test]
fn members_that_cannot_be_a_room_are_no_error() {
    let mut server = Server::default();
    let phones = phones(&mut server, &["alice", "bob"]);
    let [alice, bob] = &phones[..] else { panic!() };
    let many: Vec<String> = (0..300).map(|number| format!("member {number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for members in [&["bob"][..], &[], &many] {
        say(&mut server, alice, &room("den", &["bob"]), "hello");
        let bytes = server.fetch(bob).remove(0).bytes;
        assert!(matches!(deliver_filed(bob, "alice", &room("den", members), &bytes), Finding::Opened { .. }));
    }
}

/// Bodies are short, and a first message goes to so many devices that their handshakes have no room in it: they go ahead.
#[test]
fn handshakes_that_have_no_room_go_ahead() {
    let hands = Hands::new();
    let mut server = Server::default();
    let mut policy = sprag::Policy::default();
    policy.max_body = 8 * 1024;
    let new = |name: &str, is_first: bool| {
        let mut config = sprag::Config::new(sprag::Place::Memory, sprag::Key::new([7; 32]), id(name));
        config.policy = policy.clone();
        config.start = if is_first { sprag::Start::NewAccount } else { sprag::Start::Link };
        let environment =
            sprag::context::Environment { clock: hands.clone(), ..sprag::context::Environment::platform() };
        Phone { client: sprag::Client::create(config, environment).unwrap(), id: id(name) }
    };
    let mut all = Vec::new();
    for name in ["alice", "bob", "carol"] {
        let first = new(name, true);
        server.pump(&first);
        let others = [new(name, false), new(name, false)];
        for other in &others {
            server.link(&first, other, false);
        }
        all.push([vec![first], others.into()].into_iter().flatten().collect::<Vec<_>>());
    }
    let everybody = || all.iter().flatten();
    for _ in 0..3 {
        for phone in everybody() {
            server.deliver(phone);
            phone.client.wake(sprag::Hint::default()).unwrap();
            server.pump(phone);
        }
    }
    everybody().for_each(|phone| drop(phone.take()));
    let den = room("den", &["alice", "bob", "carol"]);
    let sent = say(&mut server, &all[0][0], &den, "hello, all nine");
    assert_eq!(all[0][0].client.state(sent.message.as_bytes()), Ok(MessageState::Accepted));
    let expected: Vec<_> = everybody().map(|phone| phone.client.device() != all[0][0].client.device()).collect();
    for (phone, expected) in everybody().zip(&expected) {
        for mail in server.fetch(phone) {
            assert!(mail.bytes.len() <= 8 * 1024);
            phone.client.deliver(&[mail]).unwrap();
        }
        assert_eq!(phone.texts().len(), usize::from(*expected), "{:?}", phone.id);
    }
    // The next ones go while nobody has answered, and after.
    say(&mut server, &all[0][0], &den, "and again");
    for phone in everybody() {
        server.deliver(phone);
        phone.client.wake(sprag::Hint::default()).unwrap();
        server.pump(phone);
    }
    say(&mut server, &all[1][2], &den, "hello yourself");
    for (at, phone) in everybody().enumerate() {
        server.deliver(phone);
        let shown = phone.texts();
        assert_eq!(shown.contains(&"and again".to_owned()), at != 0, "{shown:?}");
        assert_eq!(shown.contains(&"hello yourself".to_owned()), at != 5, "{shown:?}");
    }
    // What has no room by itself fails at once.
    let long = "long ".repeat(2_000);
    let refused = all[0][0].client.send(&den, &text(&long), &SendOptions::default());
    assert!(matches!(refused, Err(sprag::Error::Misuse(_))), "{refused:?}");
}
