//! Linking: both sides agree, and whoever is in between can neither begin nor finish it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test says no by panicking")]

mod people;

use people::{Constant, DAY, NOW, Person, Seeded, list_of};
use sprag_core::crypto::aead;
use sprag_core::crypto::hash::{Item, hash, hkdf};
use sprag_core::identity::{AccountId, DeviceKeys, DeviceList, MAX_DEVICES};
use sprag_core::link::{LinkCode, Offered, Phase, ScannedCode, peek};
use sprag_core::prekey::{OneTimePrekey, SIGNED_LIFETIME, SignedPrekey};
use sprag_core::random::Random;
use sprag_core::secret::Secret;
use sprag_core::wire::{self, Kind, Writer};
use sprag_core::{Error, Result, label};

/// A device that is not on any list yet.
struct Newcomer {
    device: DeviceKeys,
    prekey: Vec<u8>,
    random: Seeded,
}

impl Newcomer {
    fn new(name: &str) -> Self {
        let mut random = Seeded::new(name);
        let device = DeviceKeys::create(&mut random);
        let (_, prekey) = SignedPrekey::create(&device, NOW, &mut random);
        Self { device, prekey, random }
    }

    fn code(&mut self) -> LinkCode {
        LinkCode::create(&id("alice"), &self.device, NOW, &mut self.random)
    }
}

fn id(name: &str) -> AccountId {
    AccountId::new(name.as_bytes()).unwrap()
}

fn scan(code: &LinkCode) -> ScannedCode {
    ScannedCode::parse(code.expose_bytes()).unwrap()
}

fn offer(alice: &mut Person, code: &LinkCode, grant: bool) -> (Offered, Vec<u8>) {
    scan(code).offer(&alice.account, &alice.device, &alice.list, grant, &mut alice.random).unwrap()
}

#[test]
fn a_device_that_shows_a_code_is_admitted() {
    for grant in [false, true] {
        let (mut alice, mut new) = (Person::new("alice"), Newcomer::new("phone"));
        let code = new.code();
        let scanned = ScannedCode::parse_text(&code.expose_text()).unwrap();
        assert_eq!((scanned.digits(), scanned.id()), (code.digits(), code.id()));
        assert!(code.digits().len() == 6 && code.digits().bytes().all(|digit| digit.is_ascii_digit()));
        assert_eq!(*scanned.account(), id("alice"));

        let (offered, object) =
            scanned.offer(&alice.account, &alice.device, &alice.list, grant, &mut alice.random).unwrap();
        assert_eq!(peek(&object), Ok((Phase::Offer, code.id())));
        // Both sides may be read again from their stores in between.
        let offered = Offered::decode(offered.encode().expose_secret()).unwrap();
        assert_eq!((offered.id(), offered.grants_account_key()), (code.id(), grant));
        let code = LinkCode::decode(code.expose_bytes()).unwrap();

        let opened = code.open_offer(&new.device, &object, NOW).unwrap();
        assert_eq!((opened.account(), opened.list()), (alice.account.account(), &alice.list));
        assert_eq!((opened.device(), opened.grants_account_key()), (alice.device.id(), grant));
        let answer = opened.answer(&new.device, &new.prekey, &mut new.random).unwrap();
        assert_eq!(peek(&answer), Ok((Phase::Answer, code.id())));

        let admitted = offered.open_answer(&answer, NOW).unwrap();
        assert_eq!(admitted.device, new.device.entry(grant));
        assert_eq!(admitted.prekey_object, new.prekey);
        assert_eq!(admitted.prekey.device(), new.device.id());
        let mut devices = alice.list.signed_entries();
        devices.push(admitted.entry);
        let next = sprag_core::identity::NewList {
            sequence: 2,
            previous: *alice.list.hash(),
            issued: NOW,
            expires: NOW + DAY,
            ready: true,
            devices: &devices,
            extensions: wire::Extensions::new(),
        };
        let list = next.sign(&alice.account).unwrap();
        assert_eq!(list.device(new.device.id()), Some(&new.device.entry(grant)));
    }
}

#[test]
fn every_flipped_bit_of_an_offer_and_of_an_answer_is_refused() {
    let (mut alice, mut new) = (Person::new("alice"), Newcomer::new("phone"));
    let code = new.code();
    let (offered, object) = offer(&mut alice, &code, false);
    let answer =
        code.open_offer(&new.device, &object, NOW).unwrap().answer(&new.device, &new.prekey, &mut Constant).unwrap();
    type Open<'a> = &'a dyn Fn(&[u8]) -> Option<Error>;
    let open_offer = |bytes: &[u8]| code.open_offer(&new.device, bytes, NOW).err();
    let open_answer = |bytes: &[u8]| offered.open_answer(bytes, NOW).err();
    let both: [(&[u8], Open<'_>); 2] = [(&object, &open_offer), (&answer, &open_answer)];
    for (bytes, open) in both {
        assert_eq!(open(bytes), None);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&flipped).is_some(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(open(&bytes[..length]).is_some(), "{length}");
        }
        assert_eq!(open(&[bytes, &[0]].concat()), Some(Error::Malformed));
        assert_eq!(open(&vec![1; sprag_core::link::MAX_LINK + 1]), Some(Error::TooLarge));
    }
}

#[test]
fn an_object_of_one_phase_or_code_is_none_of_another() {
    let (mut alice, mut new) = (Person::new("alice"), Newcomer::new("phone"));
    let (code, other) = (new.code(), new.code());
    assert_ne!(code.id(), other.id());
    assert_ne!(code.digits(), other.digits());
    let (offered, object) = offer(&mut alice, &code, false);
    let (rival, rival_object) = offer(&mut alice, &code, false);
    let (elsewhere, _) = offer(&mut alice, &other, false);
    let opened = code.open_offer(&new.device, &object, NOW).unwrap();
    let answer = opened.answer(&new.device, &new.prekey, &mut new.random).unwrap();

    assert_eq!(code.open_offer(&new.device, &answer, NOW).err(), Some(Error::Mismatch));
    assert_eq!(offered.open_answer(&object, NOW).err(), Some(Error::Mismatch));
    assert_eq!(other.open_offer(&new.device, &object, NOW).err(), Some(Error::Mismatch));
    assert_eq!(elsewhere.open_answer(&answer, NOW).err(), Some(Error::Mismatch));
    // Two offers to one code: each answer belongs to one of them.
    assert_ne!(object, rival_object);
    assert_eq!(rival.open_answer(&answer, NOW).err(), Some(Error::Open));
    let opened = code.open_offer(&new.device, &rival_object, NOW).unwrap();
    let second = opened.answer(&new.device, &new.prekey, &mut new.random).unwrap();
    assert!(rival.open_answer(&second, NOW).is_ok() && offered.open_answer(&second, NOW).is_err());
    // A phase that was only written over does not open, and a code is no object.
    for (object, phase) in [(&object, 2), (&answer, 1)] {
        let mut turned = object.clone();
        turned[3] = phase;
        assert!(code.open_offer(&new.device, &turned, NOW).is_err() && offered.open_answer(&turned, NOW).is_err());
    }
    assert_eq!(peek(code.expose_bytes()).err(), Some(Error::Unsupported));
    assert_eq!(ScannedCode::parse(&object).err(), Some(Error::TooLarge));
}

#[test]
fn only_the_device_whose_code_was_scanned_is_admitted() {
    let (mut alice, mut new, mut thief) = (Person::new("alice"), Newcomer::new("phone"), Newcomer::new("thief"));
    let code = new.code();
    let (offered, object) = offer(&mut alice, &code, false);
    // Somebody who saw the code over the user's shoulder can open the offer, and still puts no device of theirs on.
    assert_eq!(code.open_offer(&thief.device, &object, NOW).err(), Some(Error::Mismatch));
    let opened = code.open_offer(&new.device, &object, NOW).unwrap();
    assert_eq!(opened.answer(&thief.device, &thief.prekey, &mut thief.random).err(), Some(Error::Mismatch));

    let account = alice.account.account();
    let honest = new.device.sign_entry(account, &new.device.entry(false)).unwrap();
    let theirs = thief.device.sign_entry(account, &thief.device.entry(false)).unwrap();
    let granted = new.device.sign_entry(account, &new.device.entry(true)).unwrap();
    let elsewhere = new.device.sign_entry(Person::new("bob").account.account(), &new.device.entry(false)).unwrap();
    let mut old = new.device.entry(false);
    old.versions = vec![2];
    let unreadable = new.device.sign_entry(account, &old).unwrap();
    let (_, one_time) = OneTimePrekey::create(&new.device, NOW, &mut new.random);
    let (_, stale) = SignedPrekey::create(&new.device, NOW - SIGNED_LIFETIME - 2 * DAY, &mut new.random);
    let answer = |entry: &[u8], prekey: &[u8]| {
        let mut contents = Writer::new();
        contents.array(2).raw(entry).bytes(prekey);
        offered.open_answer(&seal(&code, 2, &hash(label::LINK_OFFER, &[Item::Bytes(&object)]), &contents.finish()), NOW)
    };
    assert!(answer(&honest.encode(), &new.prekey).is_ok(), "the forged answer is sound before it is bent");
    assert_eq!(answer(&theirs.encode(), &thief.prekey).err(), Some(Error::Mismatch));
    assert_eq!(answer(&granted.encode(), &new.prekey).err(), Some(Error::Mismatch));
    assert_eq!(answer(&elsewhere.encode(), &new.prekey).err(), Some(Error::BadSignature));
    assert_eq!(answer(&unreadable.encode(), &new.prekey).err(), Some(Error::Unsupported));
    assert_eq!(answer(&honest.encode(), &thief.prekey).err(), Some(Error::Mismatch));
    assert_eq!(answer(&honest.encode(), &one_time).err(), Some(Error::Mismatch));
    assert_eq!(answer(&honest.encode(), &stale).err(), Some(Error::Expired));
    assert_eq!(answer(&honest.encode(), b"no prekey").err(), Some(Error::Unsupported));
}

/// Seals a link object once more, from the primitives, as whoever knows the code could.
fn seal(code: &LinkCode, phase: u8, before: &[u8], contents: &[u8]) -> Vec<u8> {
    let mut reader = wire::open(code.expose_bytes(), Kind::Link, 4).unwrap();
    assert_eq!(reader.uint(), Ok(0));
    let secret: [u8; 32] = reader.fixed().unwrap();
    let code_hash = hash(label::LINK_CODE, &[Item::Bytes(code.expose_bytes())]);
    let info: [&[u8]; 4] = [label::LINK_KEY.as_bytes(), &[phase], &code_hash, before];
    let key: Secret<32> = hkdf(&[6; 32], &[&secret], &info);
    let sealed = aead::seal(&key, &[0; 12], &[&[1, 9, phase], &code.id().0], contents).unwrap();
    let mut object = wire::begin(Kind::Link, 4);
    object.uint(phase.into()).bytes(&code.id().0).bytes(&[6; 32]).bytes(&sealed);
    object.finish()
}

#[test]
fn an_offer_that_does_not_fit_is_refused_though_well_sealed() {
    let (alice, bob, mut new) = (Person::new("alice"), Person::new("bob"), Newcomer::new("phone"));
    let code = new.code();
    let open = |id: &[u8], key: &[u8], device: u32, list: &DeviceList, now: u64| -> Result<()> {
        let mut contents = Writer::new();
        contents.array(5).bytes(id).bytes(key).uint(device.into()).bool(false).bytes(list.as_bytes());
        code.open_offer(&new.device, &seal(&code, 1, &[], &contents.finish()), now).map(|_| ())
    };
    let account = alice.account.account();
    let key = account.key.as_bytes();
    assert_eq!(open(b"alice", key, alice.device.id(), &alice.list, NOW), Ok(()));
    // Another account's, on whose list an own one is to be; its key under this id; another's list.
    let bobs_key = bob.account.account().key.as_bytes();
    assert_eq!(open(b"bob", bobs_key, bob.device.id(), &bob.list, NOW), Err(Error::Mismatch));
    assert_eq!(open(b"alice", bobs_key, alice.device.id(), &alice.list, NOW), Err(Error::Mismatch));
    assert_eq!(open(b"alice", key, alice.device.id(), &bob.list, NOW), Err(Error::Mismatch));
    assert_eq!(open(b"alice", key, bob.device.id(), &alice.list, NOW), Err(Error::Mismatch));
    assert_eq!(open(b"alice", key, alice.device.id(), &alice.list, NOW + 40 * DAY), Err(Error::Expired));
    // A device that may not admit others.
    let entry = alice.device.sign_entry(account, &alice.device.entry(false)).unwrap();
    let new_list = |devices: &[_]| {
        let list = sprag_core::identity::NewList {
            sequence: 3,
            previous: [0; 32],
            issued: NOW,
            expires: NOW + DAY,
            ready: true,
            devices,
            extensions: wire::Extensions::new(),
        };
        list.sign(&alice.account).unwrap()
    };
    assert_eq!(open(b"alice", key, alice.device.id(), &new_list(&[entry]), NOW), Err(Error::Mismatch));
    // The new device is on the list already: an id is never used twice.
    let taken = list_of(&alice.account, &[&alice.device, &new.device], 2, *alice.list.hash());
    assert_eq!(open(b"alice", key, alice.device.id(), &taken, NOW), Err(Error::Mismatch));
}

#[test]
fn a_device_offers_only_what_it_can_keep() {
    let (alice, mut bob, mut new) = (Person::new("alice"), Person::new("bob"), Newcomer::new("phone"));
    let code = new.code();
    let result = scan(&code).offer(&bob.account, &bob.device, &bob.list, false, &mut bob.random);
    assert_eq!(result.err(), Some(Error::Mismatch), "a code for somebody else");
    let result = scan(&code).offer(&alice.account, &alice.device, &bob.list, false, &mut bob.random);
    assert_eq!(result.err(), Some(Error::Mismatch), "somebody else's list");
    let result = scan(&code).offer(&alice.account, &bob.device, &alice.list, false, &mut bob.random);
    assert_eq!(result.err(), Some(Error::Mismatch), "a device that is not listed");
    let mut random = Seeded::new("many");
    let others: Vec<_> = (1..MAX_DEVICES).map(|_| DeviceKeys::create(&mut random)).collect();
    let all: Vec<_> = others.iter().chain([&alice.device]).collect();
    let full = list_of(&alice.account, &all, 2, *alice.list.hash());
    let result = scan(&code).offer(&alice.account, &alice.device, &full, false, &mut bob.random);
    assert_eq!(result.err(), Some(Error::TooLarge));
    let nearly = list_of(&alice.account, &all[1..], 2, *alice.list.hash());
    assert!(scan(&code).offer(&alice.account, &alice.device, &nearly, false, &mut bob.random).is_ok());
}

#[test]
fn a_constant_generator_repeats_neither_a_secret_nor_a_key() {
    let (alice, phone, tablet) = (Person::new("alice"), Newcomer::new("phone"), Newcomer::new("tablet"));
    let create = |new: &Newcomer, account: &str, now| {
        let code = LinkCode::create(&id(account), &new.device, now, &mut Constant);
        *code.id().0.first_chunk::<8>().unwrap()
    };
    let ids = [
        create(&phone, "alice", NOW),
        create(&phone, "alice", NOW + 1),
        create(&phone, "bob", NOW),
        create(&tablet, "alice", NOW),
    ];
    assert!(ids.iter().enumerate().all(|(i, id)| !ids[..i].contains(id)));
    assert_eq!(ids[0], create(&phone, "alice", NOW));

    let code = LinkCode::create(&id("alice"), &phone.device, NOW, &mut Constant);
    let salt = |object: &[u8]| -> [u8; 32] {
        let mut reader = wire::open(object, Kind::Link, 4).unwrap();
        reader.uint().and_then(|_| reader.bytes()).unwrap();
        reader.fixed().unwrap()
    };
    let random: &mut dyn Random = &mut Constant;
    let offer = |grant, random: &mut dyn Random| {
        scan(&code).offer(&alice.account, &alice.device, &alice.list, grant, random).unwrap().1
    };
    let salts = [salt(&offer(false, random)), salt(&offer(true, random)), salt(&offer(false, &mut Seeded::new("s")))];
    assert!(salts[0] != salts[1] && salts[0] != salts[2]);
}

#[test]
fn a_typed_code_forgives_what_people_do_and_nothing_else() {
    let code = Newcomer::new("phone").code();
    let text = code.expose_text().to_string();
    let accepted = |text: &str| ScannedCode::parse_text(text).is_ok_and(|scanned| scanned.id() == code.id());
    assert!(text.len() < 160 && text.split('-').rev().skip(1).all(|group| group.len() == 5), "{text}");
    assert!(accepted(&text) && accepted(&text.to_lowercase()) && accepted(&text.replace('-', "")));
    assert!(accepted(&text.replace('-', "\n ")) && accepted(&format!(" {text}\r\n")));
    assert!(accepted(&text.replace('0', "o").replace('1', "l")) && accepted(&text.replace('1', "I")));
    for at in 0..text.len() {
        for letter in "0123456789ABCDEFGHJKMNPQRSTVWXYZU!é".chars() {
            let mut typed: Vec<char> = text.chars().collect();
            if typed[at] != '-' && typed[at] != letter {
                typed[at] = letter;
                let typed: String = typed.into_iter().collect();
                assert_eq!(ScannedCode::parse_text(&typed).err(), Some(Error::Malformed), "{typed}");
            }
        }
        // One letter left out, one put twice.
        if &text[at..=at] != "-" {
            assert!(ScannedCode::parse_text(&format!("{}{}", &text[..at], &text[at + 1..])).is_err());
            assert!(ScannedCode::parse_text(&format!("{}{}", &text[..=at], &text[at..])).is_err());
        }
    }
    for text in ["", "-", "0", "00000", "SPRAG:1:00"] {
        assert_eq!(ScannedCode::parse_text(text).err(), Some(Error::Malformed), "{text}");
    }
}

#[test]
fn a_code_is_read_in_one_form_alone() {
    let code = Newcomer::new("phone").code();
    let bytes = code.expose_bytes();
    for length in 0..bytes.len() {
        assert!(ScannedCode::parse(&bytes[..length]).is_err(), "{length}");
    }
    assert_eq!(ScannedCode::parse(&[bytes, &[0]].concat()).err(), Some(Error::Malformed));
    assert_eq!(ScannedCode::parse(&[0; 257]).err(), Some(Error::TooLarge));
    assert_eq!(ScannedCode::parse(Person::new("a").list.as_bytes()).err(), Some(Error::TooLarge));
    assert_eq!(LinkCode::decode(&[1, 0x82, 3, 0]).err(), Some(Error::Mismatch));
}
