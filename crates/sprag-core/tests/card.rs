//! Contact cards: whole ones in parts of any size, small ones as codes and links, and what is none.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test says no by panicking")]

mod people;

use people::{NOW, Person, list_of};
use proptest::prelude::*;
use sprag_core::card::{Card, CardPart, MAX_CARD, MAX_PARTS, SmallCard};
use sprag_core::identity::{AccountId, DeviceKeys, MAX_DEVICES};
use sprag_core::prekey::{Bundle, SignedPrekey};
use sprag_core::wire::{self, Kind, Writer};
use sprag_core::{Error, Result};

fn parse(parts: &[Vec<u8>]) -> Vec<CardPart> {
    parts.iter().map(|part| CardPart::parse(part).unwrap()).collect()
}

/// An account with two devices, and the card of both.
fn two() -> (Person, Person, Card) {
    let first = Person::new("alice");
    let second = first.second("alice's second device");
    let card = Card::new(&second.list, &[&second.signed_object, &first.signed_object]).unwrap();
    (first, second, card)
}

#[test]
fn a_card_has_all_that_a_directory_would_return() {
    let (first, second, card) = two();
    let again = Card::decode(&card.encode()).unwrap();
    assert_eq!(again.encode(), card.encode());
    assert_eq!(*again.list(), second.list);
    let mut objects = vec![first.signed_object.as_slice(), &second.signed_object];
    if first.device.id() > second.device.id() {
        objects.reverse();
    }
    objects.insert(0, second.list.as_bytes());
    assert_eq!(again.objects().collect::<Vec<_>>(), objects);
    let prekeys: Vec<_> = again.prekeys().cloned().collect();
    for device in [first.device.id(), second.device.id()] {
        assert!(Bundle::pick(again.list(), device, &prekeys).unwrap().verify(NOW).is_ok());
    }
    // One device's prekey is enough; none is no card.
    assert!(Card::new(&second.list, &[&first.signed_object]).is_ok());
    assert_eq!(Card::new(&second.list, &[]).err(), Some(Error::Malformed));
}

#[test]
fn a_card_has_no_strange_prekey_and_none_twice() {
    let (first, second, _) = two();
    let bob = Person::new("bob");
    let new = |prekeys: &[&[u8]]| Card::new(&second.list, prekeys).err();
    assert_eq!(new(&[&first.signed_object, &bob.signed_object]), Some(Error::Mismatch));
    assert_eq!(new(&[&first.one_time_object]), Some(Error::Mismatch));
    assert_eq!(new(&[&first.signed_object, &first.signed_object]), Some(Error::Malformed));
    assert_eq!(new(&[b"no prekey"]), Some(Error::Unsupported));
    // Written out in another order than that of the devices.
    let whole = |prekeys: &[&[u8]]| {
        let mut writer = Writer::new();
        writer.array(2).bytes(second.list.as_bytes()).array(prekeys.len());
        prekeys.iter().for_each(|prekey| {
            writer.bytes(prekey);
        });
        Card::decode(&writer.finish()).err()
    };
    let (low, high) = if first.device.id() < second.device.id() { (&first, &second) } else { (&second, &first) };
    assert_eq!(whole(&[&low.signed_object, &high.signed_object]), None);
    assert_eq!(whole(&[&high.signed_object, &low.signed_object]), Some(Error::Malformed));
    assert_eq!(whole(&[]), Some(Error::Malformed));
    assert_eq!(whole(&[&low.signed_object, &bob.signed_object]), Some(Error::Mismatch));
    assert_eq!(whole(&vec![low.signed_object.as_slice(); MAX_DEVICES + 1]), Some(Error::TooLarge));
    assert_eq!(Card::decode(&vec![0; MAX_CARD + 1]).err(), Some(Error::TooLarge));
}

#[test]
fn the_largest_account_has_a_card() {
    let alice = Person::new("alice");
    let mut random = people::Seeded::new("many");
    let devices: Vec<_> = (0..MAX_DEVICES).map(|_| DeviceKeys::create(&mut random)).collect();
    let list = list_of(&alice.account, &devices.iter().collect::<Vec<_>>(), 2, *alice.list.hash());
    let prekeys: Vec<_> = devices.iter().map(|device| SignedPrekey::create(device, NOW, &mut random).1).collect();
    let card = Card::new(&list, &prekeys.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
    let parts = card.parts(8 * 1024).unwrap();
    assert!(parts.len() > 3 && parts.iter().all(|part| part.len() <= 8 * 1024));
    let assembled = CardPart::assemble(&parse(&parts)).unwrap().unwrap();
    assert_eq!(assembled.encode(), card.encode());
    assert_eq!(card.parts(100).err(), Some(Error::TooLarge));
    assert_eq!(card.parts(50).err(), Some(Error::TooLarge));
    assert_eq!(card.parts(0).err(), Some(Error::TooLarge));
}

#[test]
fn parts_of_different_cards_and_changed_parts_make_no_card() {
    let (first, _, card) = two();
    let other = Card::new(&first.list, &[&first.signed_object]).unwrap();
    let parts = card.parts(1_000).unwrap();
    let mixed = [parse(&parts[..1]), parse(&other.parts(1_000).unwrap()[1..])].concat();
    assert_eq!(CardPart::assemble(&mixed).err(), Some(Error::Mismatch));
    // Nor do parts of the same card that was cut into more.
    let cut = [parse(&parts[..1]), parse(&card.parts(700).unwrap()[1..])].concat();
    assert_eq!(CardPart::assemble(&cut).err(), Some(Error::Mismatch));
    for (number, part) in parts.iter().enumerate() {
        for bit in (0..part.len() * 8).step_by(41).chain(0..80) {
            let mut changed = parts.clone();
            changed[number][bit / 8] ^= 1 << (bit % 8);
            let parsed: Result<Vec<_>> = changed.iter().map(|part| CardPart::parse(part)).collect();
            let assembled = parsed.and_then(|parts| CardPart::assemble(&parts));
            assert!(!matches!(assembled, Ok(Some(_))), "bit {bit} of part {number}");
        }
        for length in 0..part.len() {
            assert!(CardPart::parse(&part[..length]).is_err(), "{length} bytes of part {number}");
        }
    }
    assert!(CardPart::assemble(&[]).unwrap().is_none());
}

#[test]
fn parts_of_a_wrong_shape_are_refused() {
    let part = |form: u64, number: u64, count: u64, hash: usize, length: usize| {
        let mut writer = wire::begin(Kind::Card, 5);
        writer.uint(form).uint(number).uint(count).bytes(&vec![1; hash]).bytes(&vec![2; length]);
        CardPart::parse(&writer.finish()).err()
    };
    let most = MAX_PARTS as u64;
    assert_eq!(part(1, 0, 1, 32, 1), None);
    assert_eq!(part(1, most - 1, most, 32, 1), None);
    assert_eq!(part(1, most, most + 1, 32, 1), Some(Error::TooLarge));
    assert_eq!(part(1, 1, 1, 32, 1), Some(Error::Malformed));
    assert_eq!(part(1, 0, 0, 32, 1), Some(Error::Malformed));
    assert_eq!(part(1, 0, 1, 31, 1), Some(Error::Malformed));
    assert_eq!(part(1, 0, 1, 32, 0), Some(Error::Malformed));
    assert_eq!(part(1, 0, 1, 32, MAX_CARD + 1), Some(Error::TooLarge));
    assert_eq!(part(2, 0, 1, 32, 1), Some(Error::Unsupported));
    assert_eq!(CardPart::parse(Person::new("bob").list.as_bytes()).err(), Some(Error::Mismatch));
    let small = SmallCard::of(Person::new("bob").account.account()).encode();
    assert_eq!(CardPart::parse(&small).err(), Some(Error::Malformed));
    // A whole that is too large is refused before it is read.
    let huge = |number: u64| {
        let mut writer = wire::begin(Kind::Card, 5);
        writer.uint(1).uint(number).uint(2).bytes(&[1; 32]).bytes(&vec![2; MAX_CARD]);
        CardPart::parse(&writer.finish()).unwrap()
    };
    assert_eq!(CardPart::assemble(&[huge(0), huge(1)]).err(), Some(Error::TooLarge));
}

#[test]
fn a_small_card_lets_one_account_through() {
    let alice = Person::new("alice");
    let account = alice.account.account();
    let card = SmallCard::of(account);
    assert_eq!(SmallCard::decode(&card.encode()).as_ref(), Ok(&card));
    assert_eq!(card.check(account), Ok(()));
    // The name alone, or the key alone, is not the account.
    let mut other = account.clone();
    other.id = AccountId::new(b"alicia").unwrap();
    assert_eq!(card.check(&other), Err(Error::Mismatch));
    let mut other = Person::new("bob").account.account().clone();
    other.id = account.id.clone();
    assert_eq!(card.check(&other), Err(Error::Mismatch));
    let bytes = card.encode();
    for length in 0..bytes.len() {
        assert!(SmallCard::decode(&bytes[..length]).is_err(), "{length}");
    }
    assert_eq!(SmallCard::decode(&[bytes.as_slice(), &[0]].concat()).err(), Some(Error::Malformed));
    let (_, _, whole) = two();
    assert_eq!(SmallCard::decode(&whole.parts(10_000).unwrap()[0]).err(), Some(Error::Malformed));
    let mut form = bytes;
    form[3] = 2;
    assert_eq!(SmallCard::decode(&form).err(), Some(Error::Unsupported));
}

#[test]
fn a_link_is_read_as_people_and_systems_change_it() {
    let card = SmallCard::of(Person::new("alice").account.account());
    let link = card.link();
    assert!(link.starts_with("sprag:") && link[6..].chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()));
    let read = |link: &str| SmallCard::parse_link(link);
    for same in [
        link.clone(),
        link.to_uppercase(),
        link.to_lowercase(),
        link.replace("sprag:", "Sprag://"),
        format!("  {link}\n"),
        format!("{}\n{}", &link[..40], &link[40..]),
    ] {
        assert_eq!(read(&same).as_ref(), Ok(&card), "{same}");
    }
    for at in 6..link.len() {
        let letter = if &link[at..=at] == "7" { "8" } else { "7" };
        let changed = format!("{}{letter}{}", &link[..at], &link[at + 1..]);
        assert_eq!(read(&changed).err(), Some(Error::Malformed), "{changed}");
        assert_eq!(read(&link[..at]).err(), Some(Error::Malformed));
    }
    assert_eq!(read(&link[6..]).err(), Some(Error::Unsupported));
    for (other, error) in [
        ("", Error::Unsupported),
        ("sprag", Error::Unsupported),
        ("https://example.com", Error::Unsupported),
        ("sprag:", Error::Malformed),
        ("spragé:00", Error::Unsupported),
        ("SPRAG:1:00FF", Error::Malformed),
    ] {
        assert_eq!(read(other).err(), Some(error), "{other}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_card_is_put_together_in_any_order_when_its_last_part_is_there(
        max in 80..4_500_usize,
        order in any::<u64>(),
    ) {
        let (_, _, card) = two();
        let mut parts = parse(&card.parts(max).unwrap());
        prop_assert!(card.parts(max).unwrap().iter().all(|part| part.len() <= max));
        let mut random = order;
        for i in (1..parts.len()).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            parts.swap(i, (random >> 33) as usize % (i + 1));
        }
        for count in 0..parts.len() {
            prop_assert!(CardPart::assemble(&parts[..count]).unwrap().is_none());
        }
        let assembled = CardPart::assemble(&parts).unwrap().unwrap();
        prop_assert_eq!(assembled.encode(), card.encode());
    }
}
