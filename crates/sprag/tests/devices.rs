//! Accounts with several devices: linked, written to, revoked.

#![allow(clippy::unwrap_used, clippy::panic, clippy::field_reassign_with_default, reason = "a test fails by panicking")]

mod world;

use sprag::context::Environment;
use sprag::{Client, Conversation, DeviceId, Error, Event, Finding, Incoming, LinkPhase, Reason, SendOptions, What};
use world::{Hands, Phone, Server, id, text, texts};

fn linked(server: &mut Server) -> (Phone, Phone, Phone) {
    let (alice, bob) = (Phone::new("alice"), Phone::new("bob"));
    server.pump(&alice);
    server.pump(&bob);
    let tablet = Phone::newcomer("alice", Environment::platform());
    server.link(&alice, &tablet, false);
    (alice, tablet, bob)
}

fn phases(events: &[Event]) -> Vec<LinkPhase> {
    let of = |event: &Event| match event.what {
        What::Link { phase, .. } => Some(phase),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

fn changes(events: &[Event]) -> Vec<(Vec<DeviceId>, Vec<DeviceId>, bool)> {
    let of = |event: &Event| match &event.what {
        What::DevicesChanged { added, removed, own, .. } => Some((added.clone(), removed.clone(), *own)),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

/// Texts that came, with whether they were our own from elsewhere.
fn shown(events: &[Event]) -> Vec<(String, bool, Conversation)> {
    let of = |event: &Event| match &event.what {
        What::Message(message) => match &message.content {
            sprag::Content::Text(text) => Some((text.clone(), message.outgoing, message.conversation.clone())),
            _ => None,
        },
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

#[test]
fn a_linked_device_takes_part() {
    let mut server = Server::default();
    let (alice, bob) = (Phone::new("alice"), Phone::new("bob"));
    server.pump(&alice);
    server.pump(&bob);
    server.send(&alice, &bob, "before");
    server.deliver(&bob);
    bob.take();
    let tablet = Phone::newcomer("alice", Environment::platform());
    assert_eq!(tablet.client.devices().unwrap_err(), Error::NotAllowed);
    let to_bob = Conversation::Direct(id("bob"));
    assert_eq!(tablet.client.send(&to_bob, &text("x"), &SendOptions::default()).unwrap_err(), Error::NotAllowed);
    server.link(&alice, &tablet, false);
    let (on_alice, on_tablet) = (alice.take(), tablet.take());
    assert_eq!(phases(&on_alice), [LinkPhase::Answered, LinkPhase::Admitted]);
    assert_eq!(phases(&on_tablet), [LinkPhase::Offered, LinkPhase::Joined]);
    assert_eq!(changes(&on_alice), [(vec![tablet.client.device()], Vec::new(), true)]);
    assert_eq!(alice.client.devices().unwrap().len(), 2);
    assert_eq!(alice.client.devices().unwrap().iter().map(|device| device.id).collect::<Vec<_>>(), {
        tablet.client.devices().unwrap().iter().map(|device| device.id).collect::<Vec<_>>()
    });
    // Contacts are known there as they are here.
    let number = alice.client.contact(b"bob").unwrap().number.unwrap().digits();
    assert_eq!(tablet.client.contact(b"bob").unwrap().number.unwrap().digits(), number);
    // What one sends, the other shows as sent.
    server.send(&alice, &bob, "from the phone");
    server.deliver(&tablet);
    assert_eq!(shown(&tablet.take()), [("from the phone".into(), true, to_bob.clone())]);
    server.deliver(&bob);
    let on_bob = bob.take();
    assert_eq!(texts(&on_bob), ["from the phone"]);
    assert_eq!(changes(&on_bob), [(vec![tablet.client.device()], Vec::new(), false)]);
    // And what a contact sends, both show.
    server.send(&bob, &alice, "to both");
    for phone in [&alice, &tablet] {
        server.deliver(phone);
        assert_eq!(shown(&phone.take()), [("to both".into(), false, to_bob.clone())]);
    }
    server.send(&tablet, &bob, "from the tablet");
    server.deliver(&bob);
    assert_eq!(bob.texts(), ["from the tablet"]);
    server.deliver(&alice);
    assert_eq!(shown(&alice.take()), [("from the tablet".into(), true, to_bob)]);
}

#[test]
fn a_note_to_oneself_goes_to_the_other_devices() {
    let mut server = Server::default();
    let (alice, tablet, bob) = linked(&mut server);
    tablet.take();
    let me = Conversation::Direct(id("alice"));
    assert!(bob.client.send(&Conversation::Direct(id("bob")), &text("x"), &SendOptions::default()).is_err());
    let sent = alice.client.send(&me, &text("milk"), &SendOptions::default()).unwrap();
    for request in sent.requests {
        let outcome = server.answer(&alice.id, &request.action);
        alice.client.respond(request.id, outcome).unwrap();
    }
    server.deliver(&tablet);
    assert_eq!(shown(&tablet.take()), [("milk".into(), true, me)]);
}

#[test]
fn a_revoked_device_reads_and_sends_nothing_more() {
    let mut server = Server::default();
    let (alice, tablet, bob) = linked(&mut server);
    server.send(&alice, &bob, "hello");
    server.deliver(&bob);
    server.send(&bob, &alice, "hello, both");
    server.deliver(&alice);
    server.deliver(&tablet);
    [&alice, &tablet, &bob].into_iter().for_each(|phone| drop(phone.take()));
    alice.client.revoke(tablet.client.device()).unwrap();
    server.pump(&alice);
    assert_eq!(changes(&alice.take()), [(Vec::new(), vec![tablet.client.device()], true)]);
    server.send(&alice, &bob, "without the tablet");
    server.deliver(&bob);
    let events = bob.take();
    assert_eq!(texts(&events), ["without the tablet"]);
    assert_eq!(changes(&events), [(Vec::new(), vec![tablet.client.device()], false)]);
    server.send(&bob, &alice, "for the phone alone");
    let found = server.deliver(&tablet);
    assert!(found.iter().all(|found| matches!(found, Finding::NotAddressed)), "{found:?}");
    assert!(tablet.texts().is_empty());
    // What it sends is refused.
    server.send(&tablet, &bob, "still here");
    let found = server.deliver(&bob);
    assert!(!found.iter().any(|found| matches!(found, Finding::Opened { .. })), "{found:?}");
    assert!(bob.texts().is_empty());
}

/// Attack 7: without the account key's device and its user's word, and after its minute, no code links anything.
#[test]
fn a07_nothing_links_without_consent_or_too_late() {
    let hands = Hands::new();
    let environment = || Environment { clock: hands.clone(), ..Environment::platform() };
    let mut server = Server::default();
    let alice = Phone::timed("alice", &hands);
    server.pump(&alice);
    let tablet = Phone::newcomer("alice", environment());
    let code = tablet.client.link_code().unwrap();
    let wrong = if code.digits() == "000000" { "000001" } else { "000000" };
    for digits in [wrong, "", "12345"] {
        assert_eq!(alice.client.admit(code.expose_bytes(), digits, false).unwrap_err(), Error::NotAllowed);
    }
    assert!(matches!(alice.client.admit(b"no code", code.digits(), false), Err(Error::Misuse(_))));
    server.pump(&alice);
    assert!(server.fetch(&tablet).is_empty());
    // Held back for a minute, an offer is worth nothing.
    alice.client.admit(code.expose_text().as_bytes(), code.digits(), false).unwrap();
    server.pump(&alice);
    hands.pass(61);
    let offer = server.fetch(&tablet);
    let found = tablet.client.deliver(&offer).unwrap().verdicts.remove(0).finding;
    assert!(matches!(found, Finding::Unreadable { reason: Reason::Expired, .. }), "{found:?}");
    // And so is one for a code that was replaced, or one that comes twice.
    let code = tablet.client.link_code().unwrap();
    alice.client.admit(code.expose_bytes(), code.digits(), false).unwrap();
    tablet.client.link_code().unwrap();
    server.pump(&alice);
    assert!(matches!(server.deliver(&tablet)[..], [Finding::NotAddressed]));
    let code = tablet.client.link_code().unwrap();
    alice.client.admit(code.expose_bytes(), code.digits(), false).unwrap();
    server.pump(&alice);
    let offer = server.fetch(&tablet);
    assert!(matches!(deliver(&tablet.client, &offer[0]), Finding::Opened { .. }));
    assert!(matches!(deliver(&tablet.client, &offer[0]), Finding::NotAddressed));
    // A forged answer, or offer, does not open.
    server.pump(&tablet);
    let mut answer = server.fetch(&alice).pop().unwrap();
    let last = answer.bytes.len() - 1;
    answer.bytes[last] ^= 1;
    assert!(matches!(deliver(&alice.client, &answer), Finding::Unreadable { .. }));
    assert_eq!(alice.client.devices().unwrap().len(), 1);
    // A device without the account key admits nobody.
    answer.bytes[last] ^= 1;
    assert!(matches!(deliver(&alice.client, &answer), Finding::Opened { .. }));
    server.pump(&alice);
    server.deliver(&tablet);
    assert_eq!(alice.client.devices().unwrap().len(), 2);
    let third = Phone::newcomer("alice", environment());
    let code = third.client.link_code().unwrap();
    assert_eq!(tablet.client.admit(code.expose_bytes(), code.digits(), false).unwrap_err(), Error::NotAllowed);
    assert_eq!(tablet.client.revoke(alice.client.device()).unwrap_err(), Error::NotAllowed);
}

fn deliver(client: &Client, incoming: &Incoming) -> Finding {
    client.deliver(core::slice::from_ref(incoming)).unwrap().verdicts.remove(0).finding
}

/// Two devices that hold the account key admit one each at the same time: both are on the list in the end.
#[test]
fn changes_at_once_are_merged() {
    let mut server = Server::default();
    server.compares = true;
    let alice = Phone::new("alice");
    server.pump(&alice);
    let second = Phone::newcomer("alice", Environment::platform());
    server.link(&alice, &second, true);
    let (third, fourth) =
        (Phone::newcomer("alice", Environment::platform()), Phone::newcomer("alice", Environment::platform()));
    let all = [&alice, &second, &third, &fourth];
    for (admitting, new) in [(&alice, &third), (&second, &fourth)] {
        let code = new.client.link_code().unwrap();
        admitting.client.admit(code.expose_bytes(), code.digits(), false).unwrap();
    }
    for _ in 0..8 {
        // All have fetched before any publishes.
        let mail: Vec<_> = all.iter().map(|phone| server.fetch(phone)).collect();
        for (phone, batch) in all.iter().zip(&mail) {
            phone.client.deliver(batch).unwrap();
        }
        for phone in all {
            server.pump(phone);
        }
    }
    for phone in all {
        phone.client.wake(sprag::Hint::default()).unwrap();
        server.pump(phone);
    }
    for phone in all {
        server.deliver(phone);
        assert_eq!(phone.client.devices().unwrap().len(), 4);
    }
    let me = Conversation::Direct(id("alice"));
    all.into_iter().for_each(|phone| drop(phone.take()));
    let sent = third.client.send(&me, &text("to all of mine"), &SendOptions::default()).unwrap();
    for request in sent.requests {
        let outcome = server.answer(&third.id, &request.action);
        third.client.respond(request.id, outcome).unwrap();
    }
    server.pump(&third);
    for phone in [&alice, &second, &fourth] {
        server.deliver(phone);
        assert_eq!(phone.texts(), ["to all of mine"]);
    }
}

/// A directory that shows an older list of ours, or none, is told and given ours again.
#[test]
fn a_daily_look_finds_what_the_directory_shows_of_us() {
    let hands = Hands::new();
    let mut server = Server::default();
    let alice = Phone::timed("alice", &hands);
    server.pump(&alice);
    let first = server.lists.clone();
    let tablet = Phone::newcomer("alice", Environment { clock: hands.clone(), ..Environment::platform() });
    server.link(&alice, &tablet, false);
    let latest = server.lists.clone();
    assert_ne!(first, latest);
    [&alice, &tablet].into_iter().for_each(|phone| drop(phone.take()));
    let a_day_later = |server: &mut Server, phone: &Phone| {
        hands.pass(world::DAY);
        phone.client.wake(sprag::Hint::default()).unwrap();
        server.pump(phone);
        phone.take()
    };
    let conflicts = |events: &[Event]| {
        let of = |event: &&Event| matches!(event.what, What::ListConflict { ref mine, ref theirs, .. } if mine.sequence == 2 && theirs.sequence == 1);
        events.iter().filter(of).count()
    };
    assert!(a_day_later(&mut server, &alice).is_empty());
    server.lists.clone_from(&first);
    assert_eq!(conflicts(&a_day_later(&mut server, &tablet)), 1, "who may not sign tells");
    assert_eq!(server.lists, first);
    assert_eq!(conflicts(&a_day_later(&mut server, &alice)), 1);
    assert_eq!(server.lists, latest);
    server.lists.clear();
    assert!(a_day_later(&mut server, &alice).is_empty());
    assert_eq!(server.lists, latest);
}

#[test]
fn a_device_retires() {
    let mut server = Server::default();
    let (alice, tablet, bob) = linked(&mut server);
    assert_eq!(alice.client.retire().unwrap_err(), Error::NotAllowed, "who would sign the list?");
    tablet.take();
    tablet.client.retire().unwrap();
    assert!(matches!(tablet.take()[..], [Event { what: What::Removed, .. }]));
    let to_bob = Conversation::Direct(bob.id.clone());
    assert_eq!(tablet.client.send(&to_bob, &text("x"), &SendOptions::default()).unwrap_err(), Error::NotAllowed);
    server.pump(&tablet);
    server.deliver(&alice);
    server.pump(&alice);
    assert_eq!(alice.client.devices().unwrap().len(), 1);
    // One that can sign the list signs it without itself.
    let second = Phone::newcomer("alice", Environment::platform());
    server.link(&alice, &second, true);
    alice.take();
    alice.client.retire().unwrap();
    server.pump(&alice);
    assert!(alice.take().iter().any(|event| matches!(event.what, What::Removed)));
    let left = sprag_core::identity::DeviceList::open(&server.lists[&b"alice"[..]]).unwrap();
    assert_eq!(left.devices().map(|device| device.id).collect::<Vec<_>>(), [second.client.device().0]);
}

/// A device that held the account key is revoked: the key goes with it. Our others sign for the next one, contacts see
/// another identity, and what the old key signs counts for nothing.
#[test]
fn another_account_key_follows_when_a_device_that_held_it_is_revoked() {
    let mut server = Server::default();
    server.compares = true;
    let (alice, tablet, bob) = linked(&mut server);
    let carol = Phone::new("carol");
    server.pump(&carol);
    let stolen = Phone::newcomer("alice", Environment::platform());
    server.link(&alice, &stolen, true);
    let ours = [&alice, &tablet, &stolen];
    // All of them know each other, and both contacts know them.
    let settle = |server: &mut Server| {
        for _ in 0..4 {
            for phone in [&alice, &tablet, &stolen, &bob, &carol] {
                server.deliver(phone);
                phone.client.wake(sprag::Hint::default()).unwrap();
                server.pump(phone);
            }
        }
    };
    settle(&mut server);
    server.send(&alice, &bob, "hello, Bob");
    server.send(&alice, &carol, "hello, Carol");
    settle(&mut server);
    server.send(&bob, &alice, "hello, Alice");
    server.send(&carol, &alice, "hello, too");
    settle(&mut server);
    let number = carol.client.contact(b"alice").unwrap().number.unwrap().digits();
    carol.client.confirm(b"alice", &number).unwrap();
    [&alice, &tablet, &stolen, &bob, &carol].into_iter().for_each(|phone| drop(phone.take()));

    alice.client.revoke(stolen.client.device()).unwrap();
    server.pump(&alice);
    settle(&mut server);
    let list = sprag_core::identity::DeviceList::open(&server.lists[&b"alice"[..]]).unwrap();
    assert_eq!(list.devices().count(), 2);
    for phone in [&alice, &tablet] {
        let events = phone.take();
        assert!(!events.iter().any(|event| matches!(event.what, What::Removed)));
        let changes = |event: &&Event| matches!(&event.what, What::IdentityChanged { account, old_number, new_number, was_verified: true, .. } if *account == id("alice") && old_number != new_number);
        assert_eq!(events.iter().filter(changes).count(), 1, "the user is told that every number is another one");
        assert_eq!(phone.client.devices().unwrap().len(), 2);
        assert_ne!(phone.client.contact(b"carol").unwrap().number.unwrap().digits(), number);
    }
    // It can admit again, and who was not granted the key still cannot.
    assert!(alice.client.devices().unwrap().iter().any(|device| device.is_this && device.holds_account_key));
    assert!(tablet.client.revoke(alice.client.device()).is_err());

    server.send(&tablet, &bob, "from the tablet, as before");
    settle(&mut server);
    let events = bob.take();
    assert_eq!(texts(&events), ["from the tablet, as before"]);
    assert!(events.iter().any(|event| matches!(event.what, What::IdentityChanged { was_verified: false, .. })));
    server.send(&bob, &alice, "so it is you");
    settle(&mut server);
    for phone in [&alice, &tablet] {
        assert!(phone.texts().contains(&"so it is you".to_owned()));
    }
    // Whoever compared the number is asked first.
    server.send(&alice, &carol, "me again");
    settle(&mut server);
    let events = carol.take();
    assert!(texts(&events).is_empty());
    assert!(events.iter().any(|event| matches!(event.what, What::IdentityChanged { was_verified: true, .. })));
    // And the stolen one is nobody's device.
    let _ = stolen.client.send(&Conversation::Direct(bob.id.clone()), &text("trust me"), &SendOptions::default());
    server.pump(&stolen);
    settle(&mut server);
    assert!(bob.texts().is_empty());
    assert!(ours[2].texts().is_empty());
}

/// Revoking and admitting in one minute: whichever comes first, nothing stands still, and the account goes on.
#[test]
fn a_device_that_is_admitted_while_the_key_changes_holds_nothing_up() {
    let mut server = Server::default();
    server.compares = true;
    let (alice, tablet, bob) = linked(&mut server);
    let stolen = Phone::newcomer("alice", Environment::platform());
    server.link(&alice, &stolen, true);
    let new = Phone::newcomer("alice", Environment::platform());
    let code = new.client.link_code().unwrap();
    alice.client.revoke(stolen.client.device()).unwrap();
    alice.client.revoke(stolen.client.device()).unwrap();
    alice.client.admit(code.expose_bytes(), code.digits(), false).unwrap();
    for _ in 0..6 {
        for phone in [&alice, &new, &tablet, &stolen, &bob] {
            server.deliver(phone);
            phone.client.wake(sprag::Hint::default()).unwrap();
            server.pump(phone);
        }
    }
    server.send(&alice, &bob, "still here");
    server.deliver(&bob);
    assert_eq!(bob.texts(), ["still here"]);
    assert!(stolen.texts().is_empty());
    // Whoever signed for the old key is linked again.
    if alice.client.devices().unwrap().len() < 3 {
        server.link(&alice, &Phone::newcomer("alice", Environment::platform()), false);
    }
    assert_eq!(alice.client.devices().unwrap().len(), 3);
    assert!(alice.client.devices().unwrap().iter().all(|device| device.id != stolen.client.device()));
}

/// A device that nobody has heard of for long, and that has no keys at the directory, keeps no message from the others.
#[test]
fn a_device_that_is_gone_for_good_holds_nothing_up() {
    let hands = Hands::new();
    let environment = || Environment { clock: hands.clone(), ..Environment::platform() };
    let mut server = Server::default();
    let (alice, bob) = (Phone::timed("alice", &hands), Phone::timed("bob", &hands));
    server.pump(&alice);
    server.pump(&bob);
    let lost = Phone::newcomer("alice", environment());
    server.link(&alice, &lost, false);
    server.send(&bob, &alice, "to both");
    server.deliver(&alice);
    server.send(&alice, &bob, "hello");
    server.deliver(&bob);
    server.forget_keys(&lost);
    for day in 0..10 {
        hands.pass(world::DAY);
        server.send(&bob, &alice, &format!("day {day}"));
        server.send(&alice, &bob, &format!("answer {day}"));
        [&alice, &bob].into_iter().for_each(|phone| {
            server.deliver(phone);
            phone.client.wake(sprag::Hint::default()).unwrap();
            server.pump(phone);
        });
    }
    assert!(alice.texts().contains(&"day 9".to_owned()));
    assert!(bob.texts().contains(&"answer 9".to_owned()));
}

/// Whoever has our account key shows others a list of ours that we are not shown: the first message from them tells us.
#[test]
fn a_list_of_ours_that_only_others_are_shown_is_told() {
    let scratch = world::Scratch::new("shown");
    let hands = Hands::new();
    let environment = || Environment { clock: hands.clone(), ..Environment::platform() };
    let place = |file: &str| sprag::Place::File(scratch.file(file));
    let open = |file: &str| {
        let opening = sprag::Opening::new(place(file), sprag::Key::new([7; 32]), id("alice"));
        Phone { client: Client::open(opening, environment()).unwrap(), id: id("alice") }
    };
    let (mut server, mut liar) = (Server::default(), Server::default());
    let alice = Phone::with("alice", place("alice"), environment());
    let bob = Phone::timed("bob", &hands);
    server.pump(&alice);
    server.pump(&bob);
    server.send(&alice, &bob, "first");
    server.deliver(&bob);
    server.send(&bob, &alice, "answer");
    server.deliver(&alice);
    drop(alice);
    std::fs::copy(scratch.file("alice"), scratch.file("thief")).unwrap();
    let (alice, thief) = (open("alice"), open("thief"));
    hands.pass(14 * world::DAY);
    for _ in 0..2 {
        hands.pass(world::DAY);
        thief.client.wake(sprag::Hint::default()).unwrap();
        liar.pump(&thief);
    }
    // Bob is shown the thief's list, and writes to Alice under it.
    let conflicts = |phone: &Phone| {
        let of = |event: &Event| matches!(&event.what, What::ListConflict { theirs, .. } if theirs.sequence == 2);
        phone.take().iter().filter(|event| of(event)).count()
    };
    let stale = bob.send(&alice, "under the other list").requests;
    bob.client.respond(stale[0].id, sprag::Outcome::Stale { accounts: Vec::new() }).unwrap();
    for number in 0..3 {
        liar.pump(&bob);
        let mail = liar.fetch(&alice);
        assert_eq!(mail.len(), 1);
        alice.client.deliver(&mail).unwrap();
        server.pump(&alice);
        assert_eq!(conflicts(&alice), usize::from(number == 0), "once, and not with every message");
        liar.send(&bob, &alice, &format!("number {number}"));
    }
}
