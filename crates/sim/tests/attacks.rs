//! Attacks by name, through the door alone. The numbers are those of docs/evidence.md.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use rusqlite::Connection;
use sprag::{
    Client, Conversation, Error, Finding, Hint, Incoming, Key, MessageState, Opening, Place, Preview, Reason, Role,
    StoreFault, What,
};
use sprag_malice::Trick;
use sprag_sim::disk::{Disk, Image, Loss, Name};
use sprag_sim::phone::{Phone, account};
use sprag_sim::random::Dice;
use sprag_sim::talk::Talk;

/// Alice and Bob have heard of each other: neither repeats a handshake.
fn talking() -> Talk {
    let mut talk = Talk::of(&["alice", "bob"]).unwrap();
    talk.send("alice", "bob", "hello").unwrap();
    talk.deliver("bob").unwrap();
    talk.send("bob", "alice", "hello yourself").unwrap();
    talk.deliver("alice").unwrap();
    talk.texts("alice").unwrap();
    talk.texts("bob").unwrap();
    talk
}

fn opened(finding: &Finding) -> bool {
    matches!(finding, Finding::Opened { .. })
}

/// Attack 10: A first message comes again and again, with a one-time prekey and without, before and after it is answered: one
/// session, one message, one event.
#[test]
fn a10_a_first_message_played_again_is_one_message() {
    for one_time in [true, false] {
        let mut talk = Talk::of(&["alice", "bob"]).unwrap();
        if !one_time {
            talk.server.play(Trick::NoOneTime { asker: 0, account: 1 }).unwrap();
        }
        talk.send("alice", "bob", "hello").unwrap();
        let first = talk.collect("bob").remove(0);
        assert!(opened(&talk.give("bob", std::slice::from_ref(&first)).unwrap()[0]));
        let rows = prekeys(talk.phone("bob"));
        let mut sizes = vec![talk.phone("bob").disk().contents().contents(Name::Main).map(<[u8]>::len)];
        for round in 0..50 {
            for finding in talk.give("bob", &[first.clone(), first.clone()]).unwrap() {
                assert!(matches!(finding, Finding::Duplicate { .. }), "{finding:?}");
            }
            if round == 20 {
                talk.send("bob", "alice", "hello yourself").unwrap();
                talk.deliver("alice").unwrap();
            }
            sizes.push(talk.phone("bob").disk().contents().contents(Name::Main).map(<[u8]>::len));
        }
        assert_eq!(prekeys(talk.phone("bob")), rows, "nothing more is used up");
        assert_eq!(talk.texts("bob").unwrap(), ["hello"]);
        assert!(sizes.last().unwrap() <= &sizes[30], "nothing grows");
    }
}

/// How many rows the stock of prekeys has, seen from outside.
fn prekeys(phone: &Phone) -> i64 {
    let conn = Connection::open_with_flags(phone.disk().path(), rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    conn.query_row("SELECT count(*) FROM prekey", [], |row| row.get(0)).unwrap()
}

/// Attack 10, 13: A one-time prekey that the server hands out twice opens one session; the second one is refused and reported,
/// and the next message without it arrives.
#[test]
fn a10_a_one_time_prekey_opens_one_session() {
    let mut talk = Talk::of(&["alice", "bob", "carol"]).unwrap();
    talk.send("alice", "bob", "first").unwrap();
    talk.server.play(Trick::OneTimeTwice { asker: 2, account: 1 }).unwrap();
    talk.send("carol", "bob", "second").unwrap();
    let findings = talk.deliver("bob").unwrap();
    assert!(opened(&findings[0]));
    assert!(matches!(findings[1], Finding::Unreadable { reason: Reason::KeyGone, .. }), "{:?}", findings[1]);
    let events = talk.take("bob").unwrap();
    assert!(events.iter().any(|event| matches!(event.what, What::Unreadable { reason: Reason::KeyGone, .. })));
}

/// Attack 11: Both begin at once, messages cross, and the first of one is lost: they converge on one session.
#[test]
fn a11_both_begin_at_once_and_one_message_is_lost() {
    for lost in [None, Some("alice"), Some("bob")] {
        let mut talk = Talk::of(&["alice", "bob"]).unwrap();
        talk.send("alice", "bob", "from alice").unwrap();
        talk.send("bob", "alice", "from bob").unwrap();
        for name in ["alice", "bob"] {
            let batch = talk.collect(name);
            if lost != Some(name) {
                assert!(opened(&talk.give(name, &batch).unwrap()[0]));
            }
        }
        let mut sizes = BTreeSet::new();
        for round in 0..6 {
            for (from, to) in [("alice", "bob"), ("bob", "alice")] {
                talk.send(from, to, "on").unwrap();
                let batch = talk.collect(to);
                if round >= 3 {
                    sizes.insert(batch.iter().map(|incoming| incoming.bytes.len()).max());
                }
                assert!(talk.give(to, &batch).unwrap().iter().all(opened), "{lost:?}, round {round}");
                let events = talk.take(to).unwrap();
                assert!(!events.iter().any(|event| matches!(event.what, What::SessionRestarted { .. })), "{lost:?}");
            }
        }
        assert_eq!(sizes.len(), 1, "nobody repeats a handshake");
    }
}

/// Attack 13: The server uses one-time prekeys up, or withholds them: it works, is said, and what is refilled does not follow
/// what was used up.
#[test]
fn a13_drained_one_time_prekeys_are_said_and_refilled() {
    let mut talk = Talk::of(&["alice", "bob"]).unwrap();
    talk.server.play(Trick::Drain { account: 1 }).unwrap();
    assert_eq!(talk.send("alice", "bob", "without").unwrap(), MessageState::Accepted);
    assert!(opened(&talk.deliver("bob").unwrap()[0]));
    let device = talk.phone("bob").app(|client| Ok(client.device().0)).unwrap();
    let mut made = 0;
    for _ in 0..20 {
        let left = talk.server.directory.left(b"bob", device);
        let mut hint = Hint::default();
        hint.one_time_left = u32::try_from(left).ok();
        talk.wake("bob", hint).unwrap();
        made += talk.server.directory.left(b"bob", device) - left;
        let _ = talk.server.play(Trick::Drain { account: 1 });
    }
    let events = talk.take("bob").unwrap();
    assert!(events.iter().any(|event| matches!(event.what, What::KeysLow { .. })));
    assert!((1..=2_000).contains(&made), "{made} prekeys were made for a server that throws them away");
}

/// Attack 14: Another version or kind, an unknown field, stripped or lowered: nothing opens, and the reason is a refusal.
#[test]
fn a14_versions_and_kinds_fail_closed() {
    let mut talk = talking();
    talk.send("alice", "bob", "as it is").unwrap();
    let honest = talk.collect("bob").remove(0);
    for version in (0..=255_u8).filter(|version| *version != honest.bytes[0]) {
        let mut other = honest.clone();
        other.bytes[0] = version;
        let finding = talk.give("bob", &[other]).unwrap().remove(0);
        let closed = matches!(finding, Finding::Foreign | Finding::NotAddressed | Finding::Unreadable { .. });
        assert!(closed, "version {version}: {finding:?}");
    }
    for kind in 0..=255_u8 {
        let mut other = honest.clone();
        if std::mem::replace(&mut other.bytes[2], kind) != kind {
            assert!(!opened(&talk.give("bob", &[other]).unwrap()[0]), "kind {kind}");
        }
    }
    assert!(opened(&talk.give("bob", &[honest]).unwrap()[0]));
    // Keys of another version are none.
    for part in 0..3 {
        let mut talk = Talk::of(&["alice", "bob"]).unwrap();
        talk.server.play(Trick::FlipKeys { asker: 0, account: 1, part, bit: 0 }).unwrap();
        let state = talk.send("alice", "bob", "no").unwrap();
        let parts = talk.server.mail.archive().len();
        assert!(state == MessageState::Failed || (part == 2 && parts == 1), "part {part}: {state:?}");
    }
}

/// Attack 15: Filed elsewhere, named after somebody else, sent back to where it came from.
#[test]
fn a15_a_message_opens_only_where_it_belongs() {
    let mut talk = Talk::of(&["alice", "bob", "carol"]).unwrap();
    talk.send("alice", "bob", "hello").unwrap();
    talk.deliver("bob").unwrap();
    talk.send("bob", "alice", "hello yourself").unwrap();
    talk.deliver("alice").unwrap();
    talk.send("alice", "bob", "for bob").unwrap();
    let honest = talk.collect("bob").remove(0);
    let mut filed = honest.clone();
    filed.conversation = Some(Conversation::Direct(account("carol")));
    let finding = talk.give("bob", &[filed]).unwrap().remove(0);
    assert!(matches!(finding, Finding::Unreadable { reason: Reason::Misfiled, .. }), "{finding:?}");
    for other in ["alice", "carol"] {
        assert!(!opened(&talk.give(other, std::slice::from_ref(&honest)).unwrap()[0]));
    }
    let mut misnamed = honest.clone();
    misnamed.from = Some(account("carol"));
    // The session proves who it is from, whatever the server says.
    assert!(matches!(
        talk.phone("bob").app(|client| client.peek(&misnamed)).unwrap(),
        Preview::Message { sender, .. } if sender.account == account("alice")
    ));
    assert!(opened(&talk.give("bob", &[honest]).unwrap()[0]));
}

/// Attack 16: A phone is put back to a backup while what it sent since is on its way: no two ciphertexts share a keystream, and
/// the peer's phone says what it cannot read.
#[test]
fn a16_a_restored_phone_is_seen_and_repeats_no_key() {
    let mut talk = talking();
    let image = talk.phone("alice").disk().contents();
    let randomness = talk.phone("alice").instruments.source();
    talk.send("alice", "bob", "this is the first course").unwrap();
    let first = talk.collect("bob").remove(0);
    talk.phone_mut("alice").replace(image);
    talk.phone_mut("alice").restart(0).unwrap();
    talk.phone("alice").instruments.draw_from(randomness);
    talk.send("alice", "bob", "and that is the other  !").unwrap();
    let second = talk.collect("bob").remove(0);
    // Of two texts under one key, the exclusive or of the ciphertexts is that of the texts: mostly zeros at their ends.
    let (a, b) = (&first.bytes, &second.bytes);
    let same = a.iter().rev().zip(b.iter().rev()).take(200).filter(|(a, b)| a == b).count();
    assert!(same < 20, "{same} of 200 bytes are the same");
    let findings = talk.give("bob", &[first, second]).unwrap();
    assert!(opened(&findings[0]));
    assert!(matches!(findings[1], Finding::Unreadable { .. }), "{:?}", findings[1]);
    let events = talk.take("bob").unwrap();
    assert!(events.iter().any(|event| matches!(event.what, What::Unreadable { .. })));
}

/// Attack 21: Forged messages by the thousand: each costs little, leaves little, and the session is unharmed.
#[test]
fn a21_forgeries_by_the_thousand_harm_nothing() {
    let mut talk = talking();
    talk.send("alice", "bob", "honest").unwrap();
    let honest = talk.collect("bob").remove(0);
    let before = talk.phone("bob").disk().counts();
    let dice = &mut Dice::new(21);
    for _ in 0..20 {
        let batch: Vec<Incoming> = (0..100)
            .map(|_| {
                let mut forged = honest.clone();
                let bit = dice.below(forged.bytes.len() * 8);
                forged.bytes[bit / 8] ^= 1 << (bit % 8);
                forged
            })
            .collect();
        assert!(!talk.give("bob", &batch).unwrap().iter().any(opened));
    }
    let cost = talk.phone("bob").disk().counts().since(before);
    let pages = cost.log_pages + cost.main_pages;
    assert!(pages < 4_000, "{pages} pages for 2,000 forgeries");
    let size = talk.phone("bob").disk().contents().contents(Name::Main).map_or(0, <[u8]>::len);
    assert!(size < 2_000_000, "{size} bytes");
    assert!(opened(&talk.give("bob", &[honest]).unwrap()[0]));
    assert_eq!(talk.texts("bob").unwrap(), ["honest"]);
}

/// What a phone says of itself, to compare: contact, events, outbox.
fn says(phone: &Phone) -> Result<Vec<String>, Error> {
    phone.app(|client| {
        let events = client.events(0, 1000)?.into_iter().map(|event| format!("{event:?}"));
        let mut all: Vec<String> = events.collect();
        all.push(format!("{:?}", client.contact(b"alice")?.number));
        all.push(format!("{:?}", client.state(b"m4")));
        all.push(format!("{:?}", client.done(&[])?));
        Ok(all)
    })
}

/// Attack 36: Any bit of any page flipped: what is damaged is said, and never taken for a fresh start.
#[test]
fn a36_a_flipped_bit_in_any_page_is_said_or_harmless() {
    let mut talk = talking();
    for number in 0..5 {
        talk.send("alice", "bob", &format!("number {number}")).unwrap();
    }
    talk.deliver("bob").unwrap();
    talk.send("alice", "bob", "one more").unwrap();
    let waiting = talk.collect("bob");
    talk.phone("bob").app(Client::suspend).unwrap();
    let clean = talk.phone("bob").disk().contents();
    let start = |image: Image| {
        let mut phone = Phone::off("bob", Disk::mount(image), talk.phone("bob").instruments.clone());
        phone.start(Role::App).map(|_| phone)
    };
    let expected = says(&start(clean.clone()).unwrap()).unwrap();
    let bits = clean.contents(Name::Main).map_or(0, <[u8]>::len) * 8;
    let dice = &mut Dice::new(36);
    let (mut said, mut harmless) = (0, 0);
    for _ in 0..1500 {
        let mut image = clean.clone();
        image.flip(Name::Main, dice.below(bits));
        let outcome = start(image).and_then(|phone| {
            let says = says(&phone)?;
            let findings = phone.app(|client| client.deliver(&waiting))?.verdicts;
            Ok((says, findings))
        });
        match outcome {
            Ok((says, verdicts)) => {
                assert_eq!(says, expected);
                if is_damaged(&verdicts[0].finding) {
                    said += 1;
                } else {
                    assert!(opened(&verdicts[0].finding), "{:?}", verdicts[0].finding);
                    harmless += 1;
                }
            }
            Err(
                Error::Store(StoreFault::Corrupt | StoreFault::Io) | Error::WrongKey | Error::NoStore | Error::Newer,
            ) => {
                said += 1;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    println!("{said} said, {harmless} harmless");
    assert!(said > 10 && harmless > 10);
}

/// Whether damage in the store is what a message cannot be read for.
fn is_damaged(finding: &Finding) -> bool {
    matches!(finding, Finding::Unreadable { reason: Reason::Damaged, .. })
}

/// Attack 36: Values exchanged between rows, tables and stores, and rows that vanish.
#[test]
fn a36_exchanged_and_vanished_rows_are_said() {
    let mut talk = talking();
    talk.send("alice", "bob", "one more").unwrap();
    let waiting = talk.collect("bob");
    talk.phone("bob").app(Client::suspend).unwrap();
    let clean = talk.phone("bob").disk().contents();
    let broken = [
        "UPDATE session SET v = (SELECT v FROM contact WHERE id > 0 LIMIT 1) WHERE id > 0",
        "UPDATE session SET v = (SELECT v FROM session WHERE id = 0) WHERE id > 0",
        "DELETE FROM session WHERE id > 0",
        "DELETE FROM contact WHERE id > 0",
        "DELETE FROM contact",
        "UPDATE contact SET name_hash = CAST(printf('%016d', id) AS BLOB) WHERE id > 0",
        "UPDATE session SET id = id + 1 WHERE id > 0",
        "DELETE FROM meta WHERE id = 1",
    ];
    for sql in broken {
        let disk = Disk::mount(clean.clone());
        Connection::open_with_flags(disk.path(), rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE)
            .unwrap()
            .execute_batch(sql)
            .unwrap();
        let mut phone = Phone::off("bob", disk, talk.phone("bob").instruments.clone());
        // A damaged session is the verdict on its messages, so that others go on; all else is the call's error.
        match phone.start(Role::App).and_then(|_| phone.app(|client| client.deliver(&waiting))) {
            Ok(delivered) => {
                assert!(is_damaged(&delivered.verdicts[0].finding), "{sql}: {:?}", delivered.verdicts[0].finding);
                assert!(sql.contains("session"), "{sql}");
                let events = phone.app(|client| client.events(0, 100)).unwrap();
                assert!(events.iter().any(|event| matches!(event.what, What::StoreTrouble { .. })), "{sql}");
            }
            Err(error) => assert_eq!(error, Error::Store(StoreFault::Corrupt), "{sql}"),
        }
    }
}

/// Attack 36: The wrong key and the wrong account are said, and change nothing.
#[test]
fn a36_a_wrong_key_is_said_and_changes_nothing() {
    let talk = talking();
    talk.phone("bob").app(Client::suspend).unwrap();
    let disk = Disk::mount(talk.phone("bob").disk().contents());
    let before = disk.contents();
    let open = |key: u8, name: &str| {
        let place = Place::File(disk.path().to_path_buf());
        let opening = Opening::new(place, Key::new([key; 32]), account(name));
        Client::open(opening, talk.phone("bob").instruments.environment()).map(|_| ())
    };
    assert_eq!(open(8, "bob"), Err(Error::WrongKey));
    assert_eq!(open(7, "alice"), Err(Error::WrongAccount));
    assert_eq!(disk.contents().contents(Name::Main), before.contents(Name::Main));
    assert_eq!(open(7, "bob"), Ok(()));
}

/// A message to Bob from somebody who took Alice's name at the server: Alice with a new phone and nothing kept, or Mallory.
fn from_another_alice(talk: &Talk, seed: u64) -> Incoming {
    let mallory = Phone::create("alice", seed).unwrap();
    let mut elsewhere = Talk::of(&["bob"]).unwrap();
    elsewhere.server = talk.server.clone();
    elsewhere.join("alice", mallory);
    elsewhere.send("alice", "bob", "the false one").unwrap();
    elsewhere.collect("bob").pop().unwrap()
}

fn number(talk: &Talk, pinned: bool) -> Option<String> {
    let contact = talk.phone("bob").app(|client| client.contact(b"alice")).unwrap();
    let number = if pinned { contact.number } else { contact.offered };
    number.map(|number| number.digits())
}

fn confirm(talk: &Talk) {
    let seen = number(talk, true).unwrap();
    talk.phone("bob").app(|client| client.confirm(b"alice", &seen)).unwrap();
}

/// Attack 6, 15: Somebody else's key under the name of a verified contact: quarantined, said, and nothing more is sent there.
#[test]
fn another_key_under_a_pinned_name_is_refused_and_said() {
    let mut talk = talking();
    confirm(&talk);
    let forged = from_another_alice(&talk, 66);
    let findings = talk.give("bob", &[forged]).unwrap();
    assert!(matches!(findings[..], [Finding::Quarantined { .. }]), "{findings:?}");
    let events = talk.take("bob").unwrap();
    assert!(events.iter().any(|event| matches!(event.what, What::IdentityChanged { was_verified: true, .. })));
    assert_eq!(talk.send("bob", "alice", "wait").unwrap(), MessageState::Held);
}

/// Attack 5: Somebody takes the name of a contact without the account key: another identity, visibly, and nothing that was
/// held for the old one is sent to it.
#[test]
fn a05_a_name_taken_anew_is_another_identity() {
    let talk = talking();
    let old = number(&talk, true);
    let forged = from_another_alice(&talk, 66);
    let findings = talk.give("bob", &[forged]).unwrap();
    assert!(opened(&findings[0]), "{findings:?}");
    let events = talk.take("bob").unwrap();
    let is_said = events.iter().any(|event| {
        matches!(&event.what, What::IdentityChanged { old_number, new_number, .. }
            if Some(old_number) == old.as_ref() && Some(new_number) == number(&talk, true).as_ref())
    });
    assert!(is_said && number(&talk, true) != old, "{events:?}");
}

/// Attack 6: The server offers another identity, and yet another while the user compares: only the number that is on offer is
/// accepted, and nothing leaves by itself.
#[test]
fn a06_a_change_is_accepted_by_the_number_that_was_seen() {
    let mut talk = talking();
    confirm(&talk);
    let mut seen = Vec::new();
    for seed in [66, 67] {
        let forged = from_another_alice(&talk, seed);
        assert!(matches!(talk.give("bob", &[forged]).unwrap()[..], [Finding::Quarantined { .. }]));
        seen.push(number(&talk, false).unwrap());
    }
    assert_eq!(talk.send("bob", "alice", "wait").unwrap(), MessageState::Held);
    let accept = |number: &str| talk.phone("bob").app(|client| client.accept_change(b"alice", number)).map(|_| ());
    assert_eq!(accept(&seen[0]), Err(Error::NotAllowed));
    assert_eq!(number(&talk, false).as_ref(), Some(&seen[1]));
    assert_eq!(accept(&seen[1]), Ok(()));
    assert_eq!((number(&talk, true).as_ref(), number(&talk, false)), (Some(&seen[1]), None));
    assert_eq!(talk.phone("bob").app(|client| client.requests(100, 60)).unwrap(), []);
}

/// Attack 17: A phone that loses power between its acknowledgement and the server's hearing of it loses nothing.
#[test]
fn a17_what_was_acknowledged_is_there_after_a_power_cut() {
    for loss in [Loss::Unsynced, Loss::Torn(1), Loss::Reordered(2)] {
        let mut talk = talking();
        talk.send("alice", "bob", "keep this").unwrap();
        talk.deliver("bob").unwrap();
        talk.phone_mut("bob").cut(loss);
        talk.phone_mut("bob").restart(0).unwrap();
        assert_eq!(talk.texts("bob").unwrap(), ["keep this"]);
    }
}
