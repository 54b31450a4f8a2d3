//! Armor: what messengers do to a text, and what is never taken for an object.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test says no by panicking")]

mod people;

use people::Person;
use proptest::prelude::*;
use sprag_core::Error;
use sprag_core::armor::{MAX_ARMORED, armored_len, find, wrap};

const FALLBACK: &str = "This message is encrypted. Please update the app.";

#[test]
fn an_object_is_found_after_its_fallback() {
    let object = Person::new("alice").list.as_bytes().to_vec();
    let text = wrap(FALLBACK, &object).unwrap();
    assert_eq!(find(&text), Some(object.clone()));
    let armor = text.strip_prefix(FALLBACK).unwrap().strip_prefix(' ').unwrap();
    assert_eq!(armor.len(), armored_len(object.len()));
    // Nothing that markdown, quotes, links, mentions or emoji are made of; and one beginning alone.
    assert!(armor.starts_with("SPRAG") && armor.chars().all(|c| c.is_ascii_alphanumeric()));
    assert_eq!(armor.matches('S').count(), 1);
    assert_eq!(wrap("", &object).unwrap(), armor);
    // Four letters for three bytes, and a beginning.
    assert_eq!(armored_len(360), 5 + 11 + 45 * 11);
}

#[test]
fn it_is_found_whatever_stands_around_it_and_wraps_it() {
    let object = Person::new("alice").signed_object;
    let armor = wrap("", &object).unwrap();
    for around in [
        format!("Hi!\n\n{armor}\n\nSent from my phone. SPRAG is a word, and so is SPRAGUE."),
        format!("SPRAG SPRAG {armor}"),
        format!("SPRA{armor}"),
        format!("**{armor}**"),
        format!("<p>{armor}</p>"),
        format!("\u{201c}{armor}\u{201d}"),
        format!("{}{armor}", &armor[..300]),
        format!("{armor}{armor}"),
        format!("{} {armor}", wrap("", b"").err().map_or("", |_| "SPRAG1111111111111111")),
    ] {
        assert_eq!(find(&around).as_ref(), Some(&object), "{around}");
    }
    for between in
        [" ", "\n", "\r\n", "\t", "\u{a0}", "\u{200b}", "\u{ad}", "\u{feff}", "\u{2028}", "\u{2060}", "\u{200e}"]
    {
        for every in [1, 7, 76] {
            let letters: Vec<char> = armor.chars().collect();
            let wrapped: Vec<String> = letters.chunks(every).map(|line| line.iter().collect()).collect();
            assert_eq!(find(&wrapped.join(between)).as_ref(), Some(&object), "{between:?} after {every}");
        }
    }
}

#[test]
fn a_changed_text_is_no_object() {
    let armor = wrap("", b"an object that is not a whole number of blocks").unwrap();
    assert!(find(&armor).is_some());
    for at in 0..armor.len() {
        for letter in ['1', 'z', 'S', '0', 'O', '-', 'é'] {
            let mut changed: Vec<char> = armor.chars().collect();
            if changed[at] != letter {
                changed[at] = letter;
                assert_eq!(find(&changed.iter().collect::<String>()), None, "{letter} at {at}");
            }
        }
        assert_eq!(find(&format!("{}{}", &armor[..at], &armor[at + 1..])), None, "without {at}");
        assert_eq!(find(&armor[..at]), None, "cut at {at}");
    }
    assert_eq!(find(&armor.to_lowercase()), None);
    assert_eq!(find(""), None);
}

/// A number in the letters of the armor.
fn letters(mut value: u128, count: usize) -> String {
    let alphabet: Vec<char> = "123456789ABCDEFGHJKLMNPQRTUVWXYZabcdefghijkmnopqrstuvwxyz".chars().collect();
    let mut letters = vec![];
    for _ in 0..count {
        letters.insert(0, alphabet[usize::try_from(value % 57).unwrap()]);
        value /= 57;
    }
    assert_eq!(value, 0);
    letters.into_iter().collect()
}

#[test]
fn an_object_has_one_armor() {
    // The same bytes, spelled as a number that is larger by what they cannot say.
    for (object, value, count) in [(vec![0; 8], 1_u128 << 64, 11), (vec![255], 255 + 256, 2), (vec![7; 5], 1 << 40, 7)]
    {
        let armor = wrap("", &object).unwrap();
        let own = object.iter().fold(0, |value: u128, byte| value << 8 | u128::from(*byte));
        assert_eq!(armor[16..], letters(own, count));
        let value = if object[0] == 7 { value + own } else { value };
        assert_eq!(find(&format!("{}{}", &armor[..16], letters(value, count))), None, "{object:?}");
    }
}

#[test]
fn what_cannot_be_put_into_armor() {
    assert_eq!(wrap("", b"").err(), Some(Error::Malformed));
    let armored = wrap("", b"one").unwrap();
    assert_eq!(wrap(&armored, b"two").err(), Some(Error::Malformed));
    assert_eq!(wrap("", &vec![1; MAX_ARMORED + 1]).err(), Some(Error::TooLarge));
    let large = vec![1; MAX_ARMORED];
    assert!(find(&wrap("SPRAG", &large).unwrap()) == Some(large));
}

#[test]
fn beginnings_without_an_end_cost_no_more_than_other_text() {
    // Each of them announces a megabyte. Were each followed to the end, this would take hours.
    let armor = wrap("", &vec![7; 1_000_000]).unwrap();
    let beginning = &armor[..16];
    assert_eq!(find(&beginning.repeat(200_000)), None);
    assert_eq!(find(&"SPRAG".repeat(600_000)), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_object_comes_through_any_wrapping(
        object in prop::collection::vec(any::<u8>(), 1..400),
        before in "[ -~]{0,40}",
        after in "( [ -~]{0,40})?",
        breaks in prop::collection::vec((0..600_usize, prop::sample::select(vec![' ', '\n', '\u{200b}'])), 0..12),
    ) {
        let mut letters: Vec<char> = wrap(&before, &object).unwrap().chars().collect();
        for (at, character) in breaks {
            letters.insert(at % letters.len(), character);
        }
        let text: String = letters.into_iter().collect();
        prop_assert_eq!(find(&format!("{text}{after}")), Some(object));
    }

    #[test]
    fn any_text_is_searched(text in "(SPRAG[0-9A-Za-z ]{0,60}|.{0,20}){0,6}") {
        prop_assert_eq!(find(&text), None);
    }
}
