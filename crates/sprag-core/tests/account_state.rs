//! The state of an account in pages: all of it arrives, in pages of any size, and strange pages are refused.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test says no by panicking")]

mod people;

use people::{Person, list_of};
use proptest::prelude::*;
use sprag_core::Error;
use sprag_core::account_state::{ContactState, KnownList, Place, Protection, StatePage};
use sprag_core::content::RoomId;
use sprag_core::identity::AccountId;
use sprag_core::secret::SecretBytes;
use sprag_core::wire::Writer;

fn contact(name: &str, trust: u8) -> ContactState {
    let person = Person::new(name);
    ContactState { account: person.account.account().clone(), trust, list: KnownList::Whole(person.list) }
}

fn direct(name: &str, level: u8) -> Protection {
    Protection { place: Place::Direct(AccountId::new(name.as_bytes()).unwrap()), level }
}

fn room(name: &str, level: u8) -> Protection {
    Protection { place: Place::Room(RoomId::new(name.as_bytes()).unwrap()), level }
}

fn read(pages: &[SecretBytes]) -> Vec<StatePage> {
    pages.iter().map(|page| StatePage::decode(page.expose_secret()).unwrap()).collect()
}

#[test]
fn an_account_key_is_in_the_first_page_and_only_where_it_was_given() {
    let alice = Person::new("alice");
    let account = alice.account.account();
    let contacts: Vec<_> = ["bob", "carol", "dave"].map(|name| contact(name, 2)).into();
    let pages = StatePage::split(Some(&alice.account), &contacts, &[], 200).unwrap();
    assert!(pages.len() > 1);
    let pages = read(&pages);
    let key = pages[0].account_key(account).unwrap().unwrap();
    assert_eq!(key.expose_seed(), alice.account.expose_seed());
    assert!(pages[1..].iter().all(|page| page.account_key(account).unwrap().is_none()));
    assert_eq!(pages[0].account_key(&contacts[0].account).err(), Some(Error::Mismatch));
    let without = StatePage::split(None, &contacts, &[], 200).unwrap();
    assert!(read(&without)[0].account_key(account).unwrap().is_none());
    let seed = alice.account.expose_seed();
    assert!(without.iter().all(|page| !page.expose_secret().windows(32).any(|window| window == seed)));
}

#[test]
fn nothing_at_all_is_one_page() {
    let pages = StatePage::split(None, &[], &[], 100).unwrap();
    assert_eq!(pages.len(), 1);
    assert_eq!(pages[0].expose_secret(), [0x85, 0, 1, 0xf6, 0x80, 0x80]);
    let page = StatePage::decode(pages[0].expose_secret()).unwrap();
    assert!((page.number, page.pages) == (0, 1) && page.contacts.is_empty() && page.protections.is_empty());
}

#[test]
fn a_list_too_long_for_a_page_is_named_instead() {
    let alice = Person::new("alice");
    let devices: Vec<_> = (0..9).map(|i| Person::new(&format!("device {i}")).device).collect();
    let list = list_of(&alice.account, &devices.iter().collect::<Vec<_>>(), 7, [3; 32]);
    let hash = *list.hash();
    let state = ContactState { account: list.account().clone(), trust: 1, list: KnownList::Whole(list) };
    let whole = StatePage::split(None, std::slice::from_ref(&state), &[], 10_000).unwrap();
    assert_eq!(read(&whole)[0].contacts, std::slice::from_ref(&state));
    let named = StatePage::split(None, std::slice::from_ref(&state), &[], 256).unwrap();
    assert_eq!(read(&named)[0].contacts[0].list, KnownList::Named { sequence: 7, hash });
    assert_eq!(StatePage::split(None, &[state], &[], 120).err(), Some(Error::TooLarge));
    assert_eq!(StatePage::split(None, &[], &[direct("bob", 2)], 20).err(), Some(Error::TooLarge));
}

#[test]
fn what_is_there_twice_is_refused() {
    let twice = [contact("bob", 1), contact("bob", 2)];
    assert_eq!(StatePage::split(None, &twice, &[], 10_000).err(), Some(Error::Malformed));
    let twice = [direct("bob", 1), direct("bob", 2)];
    assert_eq!(StatePage::split(None, &[], &twice, 10_000).err(), Some(Error::Malformed));
    // A room and an account may have the same id.
    assert!(StatePage::split(None, &[], &[direct("bob", 1), room("bob", 1)], 10_000).is_ok());
}

#[test]
fn strange_pages_are_refused() {
    let alice = Person::new("alice");
    let bob = Person::new("bob");
    let pages = StatePage::split(Some(&alice.account), &[contact("bob", 2)], &[direct("bob", 3), room("a", 2)], 10_000);
    let pages = pages.unwrap();
    let bytes = pages[0].expose_secret();
    for length in 0..bytes.len() {
        assert!(StatePage::decode(&bytes[..length]).is_err(), "{length}");
    }
    let decode = |bytes: &[u8]| StatePage::decode(bytes).err();
    assert_eq!(decode(bytes), None);
    assert_eq!(decode(&[bytes, &[0]].concat()), Some(Error::Malformed));
    let page = |number: u64, seed: usize, contacts: &[&[u8]], protections: &[&[u8]]| {
        let mut writer = Writer::new();
        writer.array(5).uint(number).uint(1).bytes(&vec![7; seed]).array(contacts.len());
        writer.raw(&contacts.concat());
        writer.array(protections.len());
        writer.raw(&protections.concat());
        writer.finish()
    };
    let of = |person: &Person, trust: u64, list: &[u8]| {
        let account = person.account.account();
        let mut writer = Writer::new();
        writer.array(4).bytes(account.id.as_bytes()).bytes(account.key.as_bytes()).uint(trust).raw(list);
        writer.finish()
    };
    let named = [&[0x82, 7, 0x58, 32][..], &[9; 32]].concat();
    let mut foreign = Writer::new();
    foreign.bytes(bob.list.as_bytes());
    let foreign = foreign.finish();
    assert_eq!(decode(&page(0, 32, &[&of(&alice, 1, &named), &of(&bob, 1, &foreign)], &[])), None);
    assert_eq!(decode(&page(1, 32, &[], &[])), Some(Error::Malformed));
    assert_eq!(decode(&page(0, 31, &[], &[])), Some(Error::Malformed));
    assert_eq!(decode(&page(0, 32, &[&of(&bob, 1, &named), &of(&alice, 1, &named)], &[])), Some(Error::Malformed));
    assert_eq!(decode(&page(0, 32, &[&of(&alice, 1, &foreign)], &[])), Some(Error::Mismatch));
    assert_eq!(decode(&page(0, 32, &[&of(&alice, 256, &named)], &[])), Some(Error::Malformed));
    assert_eq!(decode(&page(0, 32, &[&of(&alice, 1, &[0xf6])], &[])), Some(Error::Malformed));
    let (one, two, room): (&[u8], &[u8], &[u8]) =
        (&[0x83, 1, 0x41, 1, 2], &[0x83, 1, 0x41, 2, 2], &[0x83, 2, 0x41, 1, 2]);
    assert_eq!(decode(&page(0, 32, &[], &[one, two, room])), None);
    assert_eq!(decode(&page(0, 32, &[], &[two, one])), Some(Error::Malformed));
    assert_eq!(decode(&page(0, 32, &[], &[room, one])), Some(Error::Malformed));
    assert_eq!(decode(&page(0, 32, &[], &[one, one])), Some(Error::Malformed));
    assert_eq!(decode(&page(0, 32, &[], &[&[0x83, 3, 0x41, 1, 2]])), Some(Error::Unsupported));
    assert_eq!(decode(&page(0, 32, &[], &[&[0x83, 1, 0x40, 2]])), Some(Error::Malformed));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_of_it_arrives_in_pages_of_any_size(
        people in prop::collection::btree_map("[a-z]{1,64}", 1..4_u8, 0..12),
        places in prop::collection::btree_map((any::<bool>(), "[a-z]{1,64}"), 1..4_u8, 0..40),
        max in 240..4_000_usize,
    ) {
        let contacts: Vec<_> = people.iter().map(|(name, trust)| contact(name, *trust)).collect();
        let protections: Vec<_> =
            places.iter().map(|((is_room, name), level)| if *is_room { room(name, *level) } else { direct(name, *level) }).collect();
        let shuffled: Vec<_> = contacts.iter().rev().cloned().collect();
        let pages = StatePage::split(None, &shuffled, &protections, max).unwrap();
        prop_assert!(pages.iter().all(|page| page.expose_secret().len() <= max));
        let pages = read(&pages);
        for (number, page) in (0..).zip(&pages) {
            prop_assert_eq!((page.number, page.pages as usize), (number, pages.len()));
        }
        let arrived: Vec<_> = pages.iter().flat_map(|page| page.contacts.clone()).collect();
        let mut sorted = contacts;
        sorted.sort_by(|a, b| a.account.cmp(&b.account));
        prop_assert_eq!(arrived.len(), sorted.len());
        for (got, sent) in arrived.iter().zip(&sorted) {
            prop_assert!(got.account == sent.account && got.trust == sent.trust);
            prop_assert_eq!(got.list.named(), sent.list.named());
        }
        let arrived: Vec<_> = pages.iter().flat_map(|page| page.protections.clone()).collect();
        let mut sorted = protections;
        sorted.sort_by(|a, b| a.place.cmp(&b.place));
        prop_assert_eq!(arrived, sorted);
    }
}
