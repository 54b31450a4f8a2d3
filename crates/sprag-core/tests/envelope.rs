//! Envelopes: their exact sizes, what binds their parts, and everything that must be refused.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test says no by panicking")]

mod people;

use people::{Constant, NOW, Person, Seeded};
use sprag_core::content::{Body, Content, Conversation, EXT_CLASS, EXT_LIST, ListStatement};
use sprag_core::crypto::aead;
use sprag_core::crypto::hash::hmac;
use sprag_core::crypto::sign::VerifyKey;
use sprag_core::envelope::{Envelope, Franked, SealedPayload, Sealing};
use sprag_core::franking::{self, Audience};
use sprag_core::handshake::{Fields, initiate, unseal};
use sprag_core::ratchet::{HintKey, SLOT, Session};
use sprag_core::secret::Secret;
use sprag_core::wire::{self, Extensions, Kind, Writer};
use sprag_core::{Error, Result, label, padding};

/// Bytes of an answered one-slot envelope with a text of exactly 100 bytes.
const HUNDRED: usize = 360;

/// An end of a conversation: whose, and the session.
struct End {
    person: Person,
    session: Session,
}

/// Two who are about to talk, and the handshake of the first.
fn unanswered(names: [&str; 2]) -> (End, End, Fields) {
    let [from, to] = names.map(Person::new);
    let mut random = Seeded::new("unanswered");
    let initiated = initiate(from.account.account(), &from.device, to.bundle(true), None, &mut random).unwrap();
    let one_time = Some(to.take_one_time());
    let unsealed = unseal(to.account.account(), &to.device, &to.signed, one_time, &initiated.fields).unwrap();
    let initiator = Session::initiate(initiated.established, initiated.their_ratchet_key, &mut random).unwrap();
    let responder = Session::respond(unsealed.finish(None).unwrap(), to.signed.ratchet_key());
    (End { person: from, session: initiator }, End { person: to, session: responder }, initiated.fields)
}

/// Two who have talked: nothing of the handshake is sent any more.
fn answered() -> (End, End) {
    let (mut alice, mut bob, fields) = unanswered(["alice", "bob"]);
    let first = send(&mut alice, &bob.person, Body::Text("hello".into()), Some(&fields));
    receive(&mut bob, &alice.person, &first).unwrap();
    let second = send(&mut bob, &alice.person, Body::Empty, None);
    receive(&mut alice, &bob.person, &second).unwrap();
    (alice, bob)
}

fn content(from: &Person, to: &Person, body: Body) -> Content {
    let list = |person: &Person| ListStatement { sequence: person.list.sequence(), mac: [0; 8] };
    Content {
        id: vec![5; 8],
        sent: NOW,
        conversation: Conversation::Direct { recipient: None },
        lists: vec![list(from), list(to)],
        body,
        extensions: Extensions::new(),
    }
}

fn payload(from: &Person, to: &Person, content: &mut Content) -> SealedPayload {
    let audience = Audience::direct(&from.account.account().id, &to.account.account().id);
    let list_hashes = [*from.list.hash(), *to.list.hash()];
    let (hedge, devices) = (from.device.hedge(), [to.device.device_key()]);
    let sealing = Sealing { hedge: &hedge, audience: &audience, list_hashes: &list_hashes, devices: &devices };
    SealedPayload::seal(content, &sealing, &mut Seeded::new("payload")).unwrap()
}

fn slot(from: &mut End, to: &Person, sealed: &SealedPayload, fields: Option<&Fields>) -> [u8; SLOT] {
    let hash = fields.map(Fields::binding);
    let binding = sealed.binding(hash.as_ref());
    let mut slot = from.session.seal(binding, sealed.content_key(), &mut Seeded::new("slot")).unwrap();
    let hints = HintKey::between(from.person.device.identity(), &to.device.identity().public()).unwrap();
    slot[..4].copy_from_slice(&hints.hint(&from.person.device.device_key(), sealed.commitment()));
    slot
}

fn send(from: &mut End, to: &Person, body: Body, fields: Option<&Fields>) -> Vec<u8> {
    let mut content = content(&from.person, to, body);
    let sealed = payload(&from.person, to, &mut content);
    let slot = slot(from, to, &sealed, fields);
    match fields {
        Some(fields) => sealed.envelope(&[], &[(fields, slot)]).unwrap(),
        None => sealed.envelope(&[slot], &[]).unwrap(),
    }
}

/// What a device does with an envelope, in the order of the design: parse, hint, session, padding, content, commitment,
/// and only then the commit.
fn receive(to: &mut End, from: &Person, bytes: &[u8]) -> Result<Franked> {
    let before = to.session.encode();
    let received = refuse_or_open(to, from, bytes);
    match received {
        Ok((franked, delta)) => {
            to.session.commit(delta, Some(NOW))?;
            Ok(franked)
        }
        Err(error) => {
            assert_eq!(to.session.encode().expose_secret(), before.expose_secret());
            assert!(to.session.encode_skipped().is_empty());
            Err(error)
        }
    }
}

fn refuse_or_open(to: &End, from: &Person, bytes: &[u8]) -> Result<(Franked, sprag_core::ratchet::Delta)> {
    let envelope = Envelope::parse(bytes)?;
    let hints = HintKey::between(to.person.device.identity(), &from.device.identity().public())?;
    let hint = hints.hint(&from.device.device_key(), envelope.commitment());
    let plain = envelope.slots().iter().map(|slot| (slot, None));
    let initial = envelope.initial().iter().map(|initial| (&initial.slot, Some(&initial.fields_hash)));
    let mut ours = plain.chain(initial).filter(|(slot, _)| slot[..4] == hint);
    let (slot, fields) = ours.next().ok_or(Error::NotAddressed)?;
    let (content_key, delta) = to.session.open(slot, envelope.binding(fields))?;
    let audience = Audience::direct(&from.account.account().id, &to.person.account.account().id);
    Ok((envelope.open(&content_key)?.verify(&audience)?, delta))
}

fn text(franked: &Franked) -> &str {
    match &franked.content.body {
        Body::Text(text) => text,
        _ => panic!("no text"),
    }
}

#[test]
fn a_text_of_a_hundred_bytes_costs_exactly_260_more() {
    let (mut alice, mut bob) = answered();
    let said = "x".repeat(100);
    let bytes = send(&mut alice, &bob.person, Body::Text(said.clone()), None);
    assert_eq!(bytes.len(), HUNDRED);
    assert!(bytes.len() - said.len() <= 264);
    // version · array(5) · kind · bstr(32) · bstr(158) · no initial slots · bstr(144 + 16)
    assert_eq!(bytes[..5], [1, 0x85, 1, 0x58, 32]);
    assert_eq!(bytes[37..39], [0x58, 158]);
    assert_eq!(bytes[197..200], [0x80, 0x58, 160]);
    let franked = receive(&mut bob, &alice.person, &bytes).unwrap();
    assert_eq!(text(&franked), said);
    assert!(franked.states(0, alice.person.list.hash()) && franked.states(1, bob.person.list.hash()));
    assert!(!franked.states(0, bob.person.list.hash()) && !franked.states(2, bob.person.list.hash()));
}

#[test]
fn every_flipped_bit_of_an_answered_envelope_is_refused_and_changes_nothing() {
    let (mut alice, mut bob) = answered();
    let bytes = send(&mut alice, &bob.person, Body::Text("x".repeat(100)), None);
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(receive(&mut bob, &alice.person, &flipped).is_err(), "bit {bit}");
    }
    for length in 0..bytes.len() {
        assert!(receive(&mut bob, &alice.person, &bytes[..length]).is_err(), "length {length}");
    }
    assert_eq!(receive(&mut bob, &alice.person, &[&bytes[..], &[0]].concat()).err(), Some(Error::Malformed));
    receive(&mut bob, &alice.person, &bytes).unwrap();
    assert!(receive(&mut bob, &alice.person, &bytes).is_err());
}

#[test]
fn every_flipped_bit_of_a_first_message_is_refused_even_where_the_session_is_known() {
    let (mut alice, mut bob, fields) = unanswered(["alice", "bob"]);
    let bytes = send(&mut alice, &bob.person, Body::Text("hello".into()), Some(&fields));
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(receive(&mut bob, &alice.person, &flipped).is_err(), "bit {bit}");
    }
    // The slot alone, as if the session had been answered, is not the same message.
    let envelope = Envelope::parse(&bytes).unwrap();
    assert!(bob.session.open(&envelope.initial()[0].slot, envelope.binding(None)).is_err());
    assert_eq!(text(&receive(&mut bob, &alice.person, &bytes).unwrap()), "hello");
}

#[test]
fn a_genuine_slot_on_another_body_is_refused() {
    let (mut alice, mut bob) = answered();
    let one = send(&mut alice, &bob.person, Body::Text("yes, do it".into()), None);
    let two = send(&mut alice, &bob.person, Body::Text("no, do not".into()), None);
    assert_eq!(one.len(), two.len());
    // Commitment, slot (with and without its hint) and payload, each from the other message, in every mixture.
    let parts = [5..37, 39..43, 43..197, 200..one.len()];
    for mixture in 1..(1 << parts.len()) - 1 {
        let mut mixed = one.clone();
        for (at, part) in parts.iter().enumerate().filter(|(at, _)| mixture & (1 << at) != 0) {
            assert_ne!(one[part.clone()], two[part.clone()], "part {at}");
            mixed[part.clone()].copy_from_slice(&two[part.clone()]);
        }
        assert!(receive(&mut bob, &alice.person, &mixed).is_err(), "mixture {mixture:b}");
        // Nor does it help to compute the hint anew, as whoever knows the pair's hint key could.
        let envelope = Envelope::parse(&mixed).unwrap();
        let opened = bob.session.open(&envelope.slots()[0], envelope.binding(None));
        assert!(mixture & 0b1101 == 0 || mixture & 0b1101 == 0b1101 || opened.is_err(), "mixture {mixture:b}");
    }
    // A genuine header under another sealed body, of the same chain.
    let mut header = one.clone();
    header[149..197].copy_from_slice(&two[149..197]);
    assert_eq!(receive(&mut bob, &alice.person, &header).err(), Some(Error::Open));
    assert_eq!(text(&receive(&mut bob, &alice.person, &one).unwrap()), "yes, do it");
    assert_eq!(text(&receive(&mut bob, &alice.person, &two).unwrap()), "no, do not");
}

#[test]
fn a_message_cannot_be_turned_round_or_moved_to_another_pair() {
    let (mut alice, bob) = answered();
    let bytes = send(&mut alice, &bob.person, Body::Text("for bob".into()), None);
    let envelope = Envelope::parse(&bytes).unwrap();
    let (key, _) = bob.session.open(&envelope.slots()[0], envelope.binding(None)).unwrap();
    let carol = Person::new("carol");
    let [a, b, c] = [&alice.person, &bob.person, &carol].map(|person| &person.account.account().id);
    for (from, to) in [(b, a), (a, c), (c, b), (a, a), (b, b)] {
        let opened = envelope.open(&key).unwrap().verify(&Audience::direct(from, to));
        assert_eq!(opened.err(), Some(Error::Commitment));
    }
    assert!(envelope.open(&key).unwrap().verify(&Audience::direct(a, b)).is_ok());
    assert!(envelope.open(&Secret::new([0; 32])).err() == Some(Error::Open));
}

#[test]
fn each_of_many_devices_finds_and_opens_its_own_slot_and_each_costs_158_bytes() {
    let (mut alice, mut bob) = answered();
    let names = ["carol", "dave", "erin"];
    let mut others: Vec<(End, End)> = names
        .iter()
        .map(|name| {
            // Sessions of one and the same sender with several devices.
            let (mut ours, mut theirs, fields) = unanswered(["alice", name]);
            let first = send(&mut ours, &theirs.person, Body::Empty, Some(&fields));
            receive(&mut theirs, &ours.person, &first).unwrap();
            (ours, theirs)
        })
        .collect();
    let mut content = content(&alice.person, &bob.person, Body::Text("x".repeat(100)));
    let sealed = payload(&alice.person, &bob.person, &mut content);
    let mut slots = vec![slot(&mut alice, &bob.person, &sealed, None)];
    for (ours, theirs) in &mut others {
        slots.push(slot(ours, &theirs.person, &sealed, None));
    }
    let bytes = sealed.envelope(&slots, &[]).unwrap();
    // A byte string of 256 bytes and more has a head of three.
    assert_eq!(bytes.len(), HUNDRED + 3 * SLOT + 1);
    let envelope = Envelope::parse(&bytes).unwrap();
    assert_eq!(envelope.slots(), slots);
    let audience = Audience::direct(&alice.person.account.account().id, &bob.person.account.account().id);
    for (at, (_, theirs)) in others.iter().enumerate() {
        let hints =
            HintKey::between(theirs.person.device.identity(), &alice.person.device.identity().public()).unwrap();
        let hint = hints.hint(&alice.person.device.device_key(), envelope.commitment());
        let ours: Vec<_> = envelope.slots().iter().filter(|slot| slot[..4] == hint).collect();
        assert_eq!(ours, [&slots[at + 1]]);
        for (other, slot) in slots.iter().enumerate() {
            assert_eq!(theirs.session.open(slot, envelope.binding(None)).is_ok(), other == at + 1);
        }
        let (key, _) = theirs.session.open(ours[0], envelope.binding(None)).unwrap();
        assert!(envelope.open(&key).unwrap().verify(&audience).is_ok());
    }
    // What is flipped in a foreign slot is not bob's to see; a dropped one neither.
    let mut flipped = bytes.clone();
    flipped[40 + SLOT + 50] ^= 1;
    let bob_opens = |bytes: &[u8]| refuse_or_open(&bob, &alice.person, bytes).is_ok();
    assert!(bob_opens(&flipped) && bob_opens(&sealed.envelope(&slots[..1], &[]).unwrap()));
    assert_eq!(
        refuse_or_open(&bob, &alice.person, &sealed.envelope(&slots[1..], &[]).unwrap()).err(),
        Some(Error::NotAddressed)
    );
    receive(&mut bob, &alice.person, &bytes).unwrap();
}

#[test]
fn a_content_key_depends_on_all_that_is_said_even_under_a_constant_generator() {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let [a, b] = [&alice, &bob].map(|person| &person.account.account().id);
    let (there, back) = (Audience::direct(a, b), Audience::direct(b, a));
    let (hedge, other_hedge) = (alice.device.hedge(), bob.device.hedge());
    let (hashes, swapped) = ([[1; 32], [2; 32]], [[2; 32], [1; 32]]);
    let devices = [bob.device.device_key(), alice.device.device_key()];
    let reversed = [devices[1], devices[0]];
    let key = |said: &str, hedge: &Secret<32>, audience: &Audience, hashes: &[[u8; 32]], devices: &[VerifyKey]| {
        let mut content = content(&alice, &bob, Body::Text(said.into()));
        let sealing = Sealing { hedge, audience, list_hashes: hashes, devices };
        let sealed = SealedPayload::seal(&mut content, &sealing, &mut Constant).unwrap();
        *sealed.content_key().expose_secret()
    };
    let base = key("yes", &hedge, &there, &hashes, &devices);
    let others = [
        key("no", &hedge, &there, &hashes, &devices),
        key("yes", &other_hedge, &there, &hashes, &devices),
        key("yes", &hedge, &back, &hashes, &devices),
        key("yes", &hedge, &there, &swapped, &devices),
        key("yes", &hedge, &there, &hashes, &devices[..1]),
    ];
    assert!(others.iter().all(|other| *other != base));
    assert_eq!(base, key("yes", &hedge, &there, &hashes, &reversed));
    let sealing = Sealing { hedge: &hedge, audience: &there, list_hashes: &hashes[..1], devices: &devices };
    let mut content = content(&alice, &bob, Body::Empty);
    assert_eq!(SealedPayload::seal(&mut content, &sealing, &mut Constant).err(), Some(Error::Mismatch));
}

/// Seals a payload as a dishonest member could: any padded bytes, any commitment.
fn forge(key: &Secret<32>, padded: &[u8], commitment: [u8; 32]) -> Vec<u8> {
    let payload_key = Secret::new(hmac(key.expose_secret(), &[label::PAYLOAD.as_bytes(), &[1]]));
    let payload = aead::seal(&payload_key, &[0; 12], &[&[1, 1], &commitment], padded).unwrap();
    let mut writer = wire::begin(Kind::Envelope, 4);
    writer.bytes(&commitment).bytes(&[0; SLOT]).array(0).bytes(&payload);
    writer.finish()
}

#[test]
fn a_member_that_forges_padding_commitment_or_content_is_refused() {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let audience = Audience::direct(&alice.account.account().id, &bob.account.account().id);
    let key = Secret::new([3; 32]);
    let encoded = content(&alice, &bob, Body::Text("hi".into())).encode().unwrap();
    let encoded = encoded.expose_secret();
    let open = |padded: &[u8], committed: &[u8]| {
        let bytes = forge(&key, padded, franking::commit(&key, &audience, committed));
        Envelope::parse(&bytes).unwrap().open(&key).and_then(|opened| opened.verify(&audience)).err()
    };
    let padded = padding::pad(encoded).unwrap().to_vec();
    assert_eq!(open(&padded, encoded), None);
    assert_eq!(open(&padded, &padded), Some(Error::Commitment));
    for wrong in [
        Vec::new(),
        vec![0; 128],
        encoded.to_vec(),
        padded[..padded.len() - 1].to_vec(),
        [&padded[..], &[0]].concat(),
        [&padded[..], &[0; 128]].concat(),
        [encoded, &[0x81], &vec![0; 127 - encoded.len()]].concat(),
        [encoded, &[0x80], &vec![0; 126 - encoded.len()], &[1]].concat(),
    ] {
        assert_eq!(open(&wrong, encoded), Some(Error::Padding));
    }
    let trailing = [encoded, &[0xf6]].concat();
    assert_eq!(open(&padding::pad(&trailing).unwrap(), &trailing), Some(Error::Malformed));
}

#[test]
fn envelopes_of_a_wrong_shape_are_refused() {
    let shaped = |slots: usize, extra: &dyn Fn(&mut Writer)| {
        let mut writer = wire::begin(Kind::Envelope, 4);
        writer.bytes(&[1; 32]).bytes(&vec![0; slots]);
        extra(&mut writer);
        writer.finish()
    };
    let parse = |bytes: &[u8]| Envelope::parse(bytes).err();
    let none = |writer: &mut Writer| {
        writer.array(0).bytes(&[9; 144]);
    };
    assert_eq!(parse(&shaped(SLOT, &none)), None);
    for slots in [0, 1, SLOT - 1, SLOT + 1] {
        assert_eq!(parse(&shaped(slots, &none)), Some(Error::Malformed), "{slots} bytes of slots");
    }
    assert_eq!(parse(&shaped(1_600 * SLOT, &none)), None);
    assert_eq!(parse(&shaped(1_601 * SLOT, &none)), Some(Error::TooLarge));
    let many = |writer: &mut Writer| {
        writer.array(1_600).bytes(&[9; 2_000]);
    };
    assert_eq!(parse(&shaped(SLOT, &many)), Some(Error::TooLarge));
    let other_version = [&[2], &shaped(SLOT, &none)[1..]].concat();
    assert_eq!(parse(&other_version), Some(Error::Unsupported));
    // A length in more bytes than it needs.
    let good = shaped(SLOT, &none);
    let long = [&good[..3], &[0x59, 0, 32], &good[5..]].concat();
    assert_eq!(parse(&long), Some(Error::Malformed));
}

#[test]
fn contents_come_back_as_they_were_and_strange_ones_are_refused() {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let round = |content: &Content| Content::decode(content.encode().unwrap().expose_secret());
    let app = Body::App { kind: "poll".into(), bytes: vec![1, 2, 3] };
    let unknown = Body::Unknown { kind: 99, bytes: vec![7; 40] };
    // A kind that is known cannot pass for one that is not.
    for kind in [1, 2, 16] {
        let masked = content(&alice, &bob, Body::Unknown { kind, bytes: b"text".to_vec() });
        assert_eq!(masked.encode().err(), Some(Error::Malformed));
    }
    let unstated = Content { lists: Vec::new(), ..content(&alice, &bob, Body::Empty) };
    assert_eq!(unstated.encode().err(), Some(Error::Malformed));
    for body in [Body::Text("ünï".into()), app, Body::Empty, unknown] {
        let mut content = content(&alice, &bob, body);
        content.conversation = Conversation::Direct { recipient: Some(bob.account.account().id.clone()) };
        content.extensions.insert(EXT_CLASS, vec![1]);
        content.extensions.insert(EXT_LIST, alice.list.as_bytes().to_vec());
        content.extensions.insert(77, vec![8]);
        let again = round(&content).unwrap();
        assert_eq!(again.encode().unwrap().expose_secret(), content.encode().unwrap().expose_secret());
        assert!(again.conversation == content.conversation && again.id == content.id && again.lists == content.lists);
        content.extensions.insert(78, vec![8]);
        assert_eq!(round(&content).err(), Some(Error::Unsupported));
    }
    for length in [0, 65] {
        let mut content = content(&alice, &bob, Body::Empty);
        content.id = vec![0; length];
        assert_eq!(content.encode().err(), Some(Error::Malformed));
    }
    for kind in [String::new(), "x".repeat(65)] {
        let content = content(&alice, &bob, Body::App { kind, bytes: Vec::new() });
        assert_eq!(content.encode().err(), Some(Error::Malformed));
    }
    // An empty extension map is absent, never written out.
    let plain = content(&alice, &bob, Body::Empty).encode().unwrap();
    let with_map = [&[0x87], &plain.expose_secret()[1..], &[0xa0]].concat();
    assert_eq!(Content::decode(&with_map).err(), Some(Error::Malformed));
    // The lists end in an empty body, which is one byte: two statements of ten bytes each.
    let before = plain.expose_secret().len() - 1 - 1 - 2 * 10;
    let without_lists = [&plain.expose_secret()[..before], &[0x80, 0x40]].concat();
    assert_eq!(Content::decode(&without_lists).err(), Some(Error::Malformed));
    let with_body = [&plain.expose_secret()[..plain.expose_secret().len() - 1], &[0x41, 0]].concat();
    assert_eq!(Content::decode(&with_body).err(), Some(Error::Malformed));
}

#[test]
fn padding_is_padmé_from_128_bytes_on() {
    for (length, padded) in [(0, 128), (127, 128), (128, 144), (140, 144), (143, 144), (144, 160), (999, 1024)] {
        assert_eq!(padding::padded_len(length), Ok(padded), "{length}");
    }
    for length in 0..5_000 {
        let content = vec![0; length];
        let padded = padding::pad(&content).unwrap();
        assert_eq!(padding::unpad(&padded), Ok(content.as_slice()));
        assert!(padded.len() == 128 || (padded.len() - length - 1) * 100 <= 12 * padded.len());
    }
    assert_eq!(padding::padded_len(usize::MAX), Err(Error::TooLarge));
}
