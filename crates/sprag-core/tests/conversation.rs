//! Conversations and control messages: what a content may say, who can read it as theirs, and who cannot.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test says no by panicking")]

mod people;

use people::{NOW, Person};
use sprag_core::Error;
use sprag_core::content::{
    Body, Content, Continues, Conversation, Decision, ListStatement, MAX_MEMBERS, MAX_NAMED, RoomId,
};
use sprag_core::franking::{self, Audience};
use sprag_core::identity::{AccountId, SignedEntry};
use sprag_core::secret::{Secret, SecretBytes};
use sprag_core::wire::{Extensions, Writer};

fn ids<const N: usize>(names: [&str; N]) -> [AccountId; N] {
    names.map(|name| AccountId::new(name.as_bytes()).unwrap())
}

fn room(name: &str, members: &[AccountId]) -> Conversation {
    Conversation::Room { id: RoomId::new(name.as_bytes()).unwrap(), members: members.to_vec() }
}

fn content(conversation: Conversation, statements: usize, body: Body) -> Content {
    let lists = vec![ListStatement { sequence: 1, mac: [3; 8] }; statements];
    Content { id: vec![5; 8], sent: NOW, conversation, lists, body, extensions: Extensions::new() }
}

fn direct(body: Body) -> Content {
    content(Conversation::Direct { recipient: None }, 2, body)
}

#[test]
fn a_room_is_written_in_one_way_alone() {
    let members = ids(["alice", "bob", "carol"]);
    let good = content(room("club", &members), 3, Body::Empty);
    let bytes = good.encode().unwrap();
    let again = Content::decode(bytes.expose_secret()).unwrap();
    assert_eq!(again.conversation, good.conversation);
    assert_eq!(again.encode().unwrap().expose_secret(), bytes.expose_secret());

    for wrong in [vec![], vec![members[1].clone(), members[0].clone()], vec![members[0].clone(), members[0].clone()]] {
        let statements = wrong.len();
        let refused = content(room("club", &wrong), statements.max(1), Body::Empty).encode();
        assert_eq!(refused.err(), Some(Error::Malformed), "{wrong:?}");
    }
    // A shorter id that is the beginning of another comes first, as bytes do.
    let nested = ids(["a", "ab", "b"]);
    assert!(content(room("club", &nested), 3, Body::Empty).encode().is_ok());
    // One statement for each member, no more and no fewer.
    for statements in [1, 2, 4] {
        let refused = content(room("club", &members), statements, Body::Empty).encode();
        assert_eq!(refused.err(), Some(Error::Malformed), "{statements}");
    }
    for (statements, refused) in [(0, true), (1, false), (2, false), (3, true)] {
        let encoded = content(Conversation::Direct { recipient: None }, statements, Body::Empty).encode();
        assert_eq!(encoded.err() == Some(Error::Malformed), refused, "{statements}");
    }
    let crowd: Vec<_> =
        (0..=MAX_MEMBERS).map(|i| AccountId::new(format!("member {i:03}").as_bytes()).unwrap()).collect();
    assert!(content(room("club", &crowd[1..]), MAX_MEMBERS, Body::Empty).encode().is_ok());
    let crowded = content(room("club", &crowd), MAX_MEMBERS + 1, Body::Empty).encode();
    assert_eq!(crowded.err(), Some(Error::TooLarge));
    assert_eq!(RoomId::new(&[]).err(), Some(Error::Malformed));
    assert_eq!(RoomId::new(&[1; 65]).err(), Some(Error::TooLarge));
}

#[test]
fn who_is_not_in_a_conversation_cannot_read_it_as_theirs() {
    let [alice, bob, carol, dave] = ids(["alice", "bob", "carol", "dave"]);
    let direct = |recipient: Option<&AccountId>| Conversation::Direct { recipient: recipient.cloned() };
    let of = |conversation: &Conversation, sender, reader| Audience::of(conversation, sender, reader);

    let there = Audience::direct(&alice, &bob);
    assert!(of(&direct(None), &alice, &bob) == Ok(there));
    assert!(of(&direct(Some(&bob)), &alice, &bob) == Ok(there));
    // An own device must be told to whom it went, and may be told that it was for itself.
    assert!(of(&direct(Some(&bob)), &alice, &alice) == Ok(there));
    assert!(of(&direct(None), &alice, &alice).err() == Some(Error::Misfiled));
    assert!(of(&direct(Some(&alice)), &alice, &alice) == Ok(Audience::direct(&alice, &alice)));
    // Somebody else's message.
    assert!(of(&direct(Some(&carol)), &alice, &bob).err() == Some(Error::Misfiled));
    assert!(of(&direct(Some(&alice)), &alice, &bob).err() == Some(Error::Misfiled));

    let members = [alice.clone(), bob.clone(), carol.clone()];
    let club = room("club", &members);
    let audience = of(&club, &alice, &bob).unwrap();
    assert!(of(&club, &alice, &carol) == Ok(audience) && of(&club, &alice, &alice) == Ok(audience));
    assert!(of(&club, &alice, &dave).err() == Some(Error::Misfiled));
    assert!(of(&club, &dave, &bob).err() == Some(Error::Misfiled));
    // Another sender, room or member is another audience; so is a direct one.
    let others = [
        Audience::room(&bob, &RoomId::new(b"club").unwrap(), &members),
        Audience::room(&alice, &RoomId::new(b"clubs").unwrap(), &members),
        Audience::room(&alice, &RoomId::new(b"club").unwrap(), &members[..2]),
        Audience::room(&alice, &RoomId::new(b"bob").unwrap(), &[]),
        there,
    ];
    assert!(others.iter().enumerate().all(|(i, one)| *one != audience && !others[..i].contains(one)));
}

#[test]
fn a_commitment_opens_for_its_own_room_alone() {
    let members = ids(["alice", "bob", "carol"]);
    let key = Secret::new([8; 32]);
    let club = content(room("club", &members), 3, Body::Text("yes, do it".into()));
    let bytes = club.encode().unwrap();
    let audience = Audience::of(&club.conversation, &members[0], &members[1]).unwrap();
    let commitment = franking::commit(&key, &audience, bytes.expose_secret());
    assert_eq!(franking::verify(&key, &audience, bytes.expose_secret(), &commitment), Ok(()));
    for other in [
        Audience::of(&room("pub", &members), &members[0], &members[1]).unwrap(),
        Audience::of(&room("club", &members[..2]), &members[0], &members[1]).unwrap(),
        Audience::of(&club.conversation, &members[1], &members[0]).unwrap(),
        Audience::direct(&members[0], &members[1]),
    ] {
        assert_eq!(franking::verify(&key, &other, bytes.expose_secret(), &commitment), Err(Error::Commitment));
    }
}

#[test]
fn control_messages_come_back_as_they_were_and_strange_ones_are_refused() {
    let alice = Person::new("alice");
    let entry = || alice.device.sign_entry(alice.account.account(), &alice.device.entry(true)).unwrap();
    let round = |body: Body| {
        let bytes = direct(body).encode().unwrap();
        let again = Content::decode(bytes.expose_secret()).unwrap();
        assert_eq!(again.encode().unwrap().expose_secret(), bytes.expose_secret());
        again.body
    };
    assert!(
        matches!(round(Body::State(SecretBytes::new(vec![1, 2]))), Body::State(page) if page.expose_secret() == [1, 2])
    );
    assert!(matches!(round(Body::Entry(entry())), Body::Entry(again) if again == entry()));
    assert!(matches!(round(Body::Rekey(vec![1, 2])), Body::Rekey(again) if again == [1, 2]));
    assert!(matches!(round(Body::Renew(vec![[1; 32], [2; 32]])), Body::Renew(again) if again == [[1; 32], [2; 32]]));
    assert!(matches!(round(Body::Gone(vec![[7; 32]; MAX_NAMED])), Body::Gone(again) if again.len() == MAX_NAMED));
    for named in [Body::Renew(Vec::new()), Body::Gone(Vec::new())] {
        assert_eq!(direct(named).encode().err(), Some(Error::Malformed));
    }
    for named in [Body::Renew(vec![[1; 32]; MAX_NAMED + 1]), Body::Gone(vec![[1; 32]; MAX_NAMED + 1])] {
        assert_eq!(direct(named).encode().err(), Some(Error::TooLarge));
    }
    // A control message cannot pass for something that a later release knows.
    assert!(matches!(round(Body::Retire), Body::Retire));
    assert!(matches!(round(Body::AskState), Body::AskState));
    for kind in 16..=24 {
        assert_eq!(direct(Body::Unknown { kind, bytes: vec![0; 32] }).encode().err(), Some(Error::Malformed));
    }
    for kind in [0, 3, 15, 25, 64] {
        assert!(
            matches!(round(Body::Unknown { kind, bytes: vec![9] }), Body::Unknown { kind: again, .. } if again == kind)
        );
    }
    // An entry travels as it was signed, and proves nothing until it is verified.
    let mut bytes = entry().encode();
    assert_eq!(SignedEntry::decode(&bytes), Ok(entry()));
    assert_eq!(SignedEntry::decode(&bytes[..bytes.len() - 1]).err(), Some(Error::Malformed));
    assert_eq!(SignedEntry::decode(&[bytes.as_slice(), &[0]].concat()).err(), Some(Error::Malformed));
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let forged = SignedEntry::decode(&bytes).unwrap();
    assert_eq!(forged.verify(alice.account.account()).err(), Some(Error::BadSignature));
}

#[test]
fn a_decision_is_exact_and_about_a_good_key() {
    let person = Person::new("bob");
    let decision = |choice| Decision { choice, account: person.account.account().clone() };
    let mut writer = Writer::new();
    let account = person.account.account();
    writer.array(3).uint(2).bytes(account.id.as_bytes()).bytes(account.key.as_bytes());
    let bytes = writer.finish();
    // The same bytes as the body of another kind, which takes any.
    let read = |bytes: &[u8]| {
        let mut content =
            direct(Body::State(SecretBytes::new(bytes.to_vec()))).encode().unwrap().expose_secret().to_vec();
        assert_eq!(content[1], 17);
        content[1] = 23;
        Content::decode(&content).map(|content| content.body)
    };
    assert!(matches!(read(&bytes), Ok(Body::Decision(read)) if read == decision(2)));
    let written = direct(Body::Decision(decision(2))).encode().unwrap();
    assert!(written.expose_secret().windows(bytes.len()).any(|window| window == bytes));
    for length in 0..bytes.len() {
        assert_eq!(read(&bytes[..length]).err(), Some(Error::Malformed), "{length}");
    }
    assert_eq!(read(&[bytes.as_slice(), &[0]].concat()).err(), Some(Error::Malformed));
    let at = bytes.windows(32).position(|window| window == person.account.account().key.as_bytes()).unwrap();
    let mut weak = bytes;
    weak[at..at + 32].fill(0);
    assert_eq!(read(&weak).err(), Some(Error::BadKey));
}

#[test]
fn what_is_said_of_continued_sessions_is_exact() {
    let one = Continues { session: [7; 8], turns: 3, epoch: 70_000 };
    let all = [one, Continues { session: [6; 8], turns: u64::MAX, epoch: 0 }];
    let bytes = Continues::encode_all(&all);
    assert_eq!(Continues::decode_all(&bytes).as_deref(), Ok(all.as_slice()));
    for length in 0..bytes.len() {
        assert_eq!(Continues::decode_all(&bytes[..length]).err(), Some(Error::Malformed), "{length}");
    }
    assert_eq!(Continues::decode_all(&[bytes.as_slice(), &[0]].concat()).err(), Some(Error::Malformed));
    assert_eq!(Continues::decode_all(&Continues::encode_all(&[])).as_deref(), Ok([].as_slice()));
    let mut short = Writer::new();
    short.array(1).array(3).bytes(&[7; 7]).uint(3).uint(0);
    assert_eq!(Continues::decode_all(&short.finish()).err(), Some(Error::Malformed));
    assert_eq!(Continues::decode_all(&Continues::encode_all(&vec![one; 1_601])).err(), Some(Error::TooLarge));
    assert!(Continues::decode_all(&Continues::encode_all(&vec![one; 1_600])).is_ok());
}
