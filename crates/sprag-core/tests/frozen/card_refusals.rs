//! Of `refusals.json`: whole cards, parts, small cards, links, and texts in which there is no object.

use sprag_core::Error;
use sprag_core::armor;
use sprag_core::card::{Card, SmallCard};
use sprag_core::wire::{self, Kind, Writer};

use super::refusals::Refusal;
use crate::people::Person;

fn refusals<const N: usize>(offered_as: &'static str, all: [(&str, Vec<u8>, Error); N]) -> Vec<Refusal> {
    all.map(|(name, bytes, error)| Refusal { name: name.into(), offered_as, bytes, error }).into()
}

/// Cards in one piece.
pub fn cards() -> Vec<Refusal> {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let second = alice.second("alice's second device");
    let (low, high) = if alice.device.id() < second.device.id() { (&alice, &second) } else { (&second, &alice) };
    let whole = |prekeys: &[&[u8]], extension: &[u8]| {
        let mut writer = Writer::new();
        writer.array(if extension.is_empty() { 2 } else { 3 }).bytes(second.list.as_bytes()).array(prekeys.len());
        prekeys.iter().for_each(|prekey| {
            writer.bytes(prekey);
        });
        writer.raw(extension);
        writer.finish()
    };
    let (low, high) = (low.signed_object.as_slice(), high.signed_object.as_slice());
    let good = whole(&[low, high], &[]);
    assert!(Card::decode(&good).is_ok());
    refusals(
        "card",
        [
            ("card: without a prekey", whole(&[], &[]), Error::Malformed),
            ("card: prekeys in disorder", whole(&[high, low], &[]), Error::Malformed),
            ("card: a prekey twice", whole(&[low, low], &[]), Error::Malformed),
            ("card: a prekey of a device that is not listed", whole(&[&bob.signed_object], &[]), Error::Mismatch),
            ("card: a one-time prekey", whole(&[&alice.one_time_object], &[]), Error::Mismatch),
            ("card: an even extension", whole(&[low, high], &[0xa1, 2, 0x40]), Error::Unsupported),
            ("card: a byte too many", [good.as_slice(), &[0]].concat(), Error::Malformed),
        ],
    )
}

/// Parts, and small cards.
pub fn parts_and_small_ones() -> Vec<Refusal> {
    let alice = Person::new("alice");
    let part = |form: u64, number: u64, count: u64, hash: usize, length: usize| {
        let mut writer = wire::begin(Kind::Card, 5);
        writer.uint(form).uint(number).uint(count).bytes(&vec![1; hash]).bytes(&vec![2; length]);
        writer.finish()
    };
    let small = |form: u64, id: usize, fingerprint: usize| {
        let mut writer = wire::begin(Kind::Card, 3);
        writer.uint(form).bytes(&vec![1; id]).bytes(&vec![2; fingerprint]);
        writer.finish()
    };
    let mut all = refusals(
        "card part",
        [
            ("card part: a list in its place", alice.list.as_bytes().to_vec(), Error::Mismatch),
            ("card part: a small card in its place", small(0, 5, 32), Error::Malformed),
            ("card part: another form", part(2, 0, 1, 32, 9), Error::Unsupported),
            ("card part: beyond the last", part(1, 3, 3, 32, 9), Error::Malformed),
            ("card part: of none", part(1, 0, 0, 32, 9), Error::Malformed),
            ("card part: of 257", part(1, 0, 257, 32, 9), Error::TooLarge),
            ("card part: a hash of 31 bytes", part(1, 0, 1, 31, 9), Error::Malformed),
            ("card part: of nothing", part(1, 0, 1, 32, 0), Error::Malformed),
        ],
    );
    all.extend(refusals(
        "small card",
        [
            ("small card: a part in its place", part(1, 0, 1, 32, 9), Error::Malformed),
            ("small card: another form", small(1, 5, 32), Error::Unsupported),
            ("small card: without an id", small(0, 0, 32), Error::Malformed),
            ("small card: an id of 65 bytes", small(0, 65, 32), Error::TooLarge),
            ("small card: a fingerprint of 31 bytes", small(0, 5, 31), Error::Malformed),
            ("small card: a byte too many", [small(0, 5, 32), vec![0]].concat(), Error::Malformed),
        ],
    ));
    all
}

/// Links of small cards, and armor. The bytes are those of the text.
pub fn texts() -> Vec<Refusal> {
    let alice = Person::new("alice");
    let link = SmallCard::of(alice.account.account()).link();
    let last = if link.ends_with('0') { "1" } else { "0" };
    let mut all = refusals(
        "card link",
        [
            ("card link: another scheme", link.replace("sprag:", "https:").into_bytes(), Error::Unsupported),
            ("card link: without a scheme", link[6..].into(), Error::Unsupported),
            ("card link: another letter at the end", [&link[..link.len() - 1], last].concat().into(), Error::Malformed),
            ("card link: cut short", link[..link.len() - 1].into(), Error::Malformed),
            ("card link: a safety number", b"SPRAG:1:00".to_vec(), Error::Malformed),
        ],
    );
    let armor = armor::wrap("", &[0xff; 9]).unwrap();
    let bent = |at: usize, letters: &str| [&armor[..at], letters, &armor[at + letters.len()..]].concat().into_bytes();
    // What is not found has no reason of its own: the vectors call it malformed.
    all.extend(refusals(
        "armor",
        [
            ("armor: ordinary text", b"SPRAG is a part of a clutch.".to_vec(), Error::Malformed),
            ("armor: cut short", armor[..armor.len() - 1].into(), Error::Malformed),
            ("armor: in small letters", armor.to_lowercase().into(), Error::Malformed),
            ("armor: another letter in the header", bent(10, "zz"), Error::Malformed),
            ("armor: a block of more than 64 bits", bent(16, "zzzzzzzzzzz"), Error::Malformed),
            ("armor: a last block of more than its bytes", bent(27, "zz"), Error::Malformed),
            ("armor: a letter that is not used", bent(20, "0"), Error::Malformed),
            ("armor: a beginning within", bent(20, "S"), Error::Malformed),
        ],
    ));
    all
}
