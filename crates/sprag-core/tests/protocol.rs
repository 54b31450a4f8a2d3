//! What `docs/protocol.md` states in numbers and names is what the code has.

#![allow(clippy::unwrap_used, reason = "a test says no by panicking")]

use std::collections::BTreeSet;

use sprag_core::content::{
    EXT_CARD, EXT_CLASS, EXT_CONTINUES, EXT_LIST, EXT_RECOVERS, EXT_SESSIONS, MAX_BODY, MAX_MEMBERS, MAX_MESSAGE_ID,
    MAX_NAMED, MAX_TYPE, RoomId,
};
use sprag_core::envelope::{MAX_ENVELOPE, MAX_SLOTS};
use sprag_core::handshake::MAX_SEALED_ID;
use sprag_core::identity::{
    AccountId, CLOCK_TOLERANCE, HISTORY, MAX_DEVICES, MAX_GAP, MAX_LIST, MAX_SEQUENCE, MAX_VERSIONS,
};
use sprag_core::prekey::MAX_PREKEY;
use sprag_core::ratchet::{
    COUNTER_MAX, HEADER, MAX_CHAINS, MAX_SKIPPED, MAX_STEPS, MAX_STEPS_PER_DAY, SKIPPED_LIFETIME, SLOT,
};

const DOCUMENT: &str = include_str!("../../../docs/protocol.md");
const LABELS: &str = include_str!("../src/label.rs");

/// A part of the document: from one heading to the next.
fn section(heading: &str) -> &'static str {
    let from = DOCUMENT.find(heading).unwrap();
    let rest = &DOCUMENT[from + heading.len()..];
    &rest[..rest.find("\n#").unwrap()]
}

#[test]
fn every_label_is_in_the_document_and_no_other_and_none_twice() {
    let labels: Vec<&str> = LABELS.split("\"Sprag v1 ").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let unique: BTreeSet<&str> = labels.iter().copied().collect();
    assert!(unique.len() > 30 && unique.len() == labels.len());
    let rows = section("### Labels\n").lines().filter(|line| line.starts_with("| ") && line.contains('`'));
    let stated: BTreeSet<&str> = rows.flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
    assert_eq!(stated, unique);
}

/// A number with commas, as people read it.
fn commas(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|group| str::from_utf8(group).unwrap()).collect();
    groups.join(",")
}

#[test]
fn every_limit_is_in_the_document() {
    let stated = [
        ("an account id", format!("{} bytes", AccountId::MAX)),
        ("a device list", format!("{} bytes, {MAX_DEVICES} devices, {MAX_VERSIONS} versions", commas(MAX_LIST))),
        ("the number of a list", format!("2^{}, and at least 1; 2^{}", MAX_SEQUENCE.ilog2(), MAX_GAP.ilog2())),
        ("a prekey", format!("{} bytes", commas(MAX_PREKEY))),
        ("a sealed identity", format!("{MAX_SEALED_ID} bytes")),
        ("an envelope", format!("{} bytes, {} slots", commas(MAX_ENVELOPE), commas(MAX_SLOTS))),
        ("a body", format!("{} bytes", commas(MAX_BODY + MAX_TYPE + 16))),
        ("a message id", format!("{MAX_MESSAGE_ID} bytes")),
        ("a room |", format!("{MAX_MEMBERS} members")),
        ("messages that one content", format!("{MAX_NAMED}, and")),
        ("keys skipped by one message", commas(usize::try_from(MAX_STEPS).unwrap())),
        ("keys skipped in the first message", commas(MAX_SKIPPED)),
        ("keys skipped in one day", commas(usize::try_from(MAX_STEPS_PER_DAY).unwrap())),
        (
            "skipped keys kept",
            format!("{} in {MAX_CHAINS} chains, {} days", commas(MAX_SKIPPED), SKIPPED_LIFETIME / 86_400),
        ),
    ];
    let limits = section("### Limits\n");
    for (what, limit) in stated {
        let row = limits.lines().find(|line| line.starts_with(&format!("| {what}"))).unwrap();
        assert!(row.contains(&limit), "{row} does not say {limit}");
    }
    assert!(limits.contains("2^24 − 1") && COUNTER_MAX == (1 << 24) - 1);
    assert!(MAX_SEQUENCE.is_power_of_two() && MAX_GAP.is_power_of_two());
    assert!([AccountId::MAX, RoomId::MAX, MAX_TYPE] == [MAX_MESSAGE_ID; 3], "one row says them all");
    for stated in [
        format!("the last {HISTORY} lists"),
        format!("**Header**, {HEADER} bytes"),
        format!("{SLOT} bytes, one for each device"),
        format!("e + {}", commas(usize::try_from(CLOCK_TOLERANCE).unwrap())),
    ] {
        assert!(DOCUMENT.contains(&stated), "{stated}");
    }
}

#[test]
fn every_extension_and_every_kind_of_a_content_is_in_the_document() {
    let (kinds, extensions) = section("### Content\n").split_once("| extension | value | |").unwrap();
    let numbers = |table: &str| -> Vec<u64> {
        table.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok()).collect()
    };
    let all = [EXT_CLASS, EXT_LIST, EXT_SESSIONS, EXT_RECOVERS, EXT_CARD, EXT_CONTINUES];
    assert_eq!(numbers(extensions), all);
    assert_eq!(numbers(kinds), [1, 2, 16, 17, 18, 19, 20, 21, 22, 23, 24]);
}

#[test]
fn every_refusal_is_in_the_document_under_its_number() {
    use sprag_core::Error;
    let all = [
        (Error::Malformed, "malformed"),
        (Error::Unsupported, "unsupported"),
        (Error::BadKey, "bad key"),
        (Error::BadSignature, "bad signature"),
        (Error::Expired, "expired"),
        (Error::Mismatch, "mismatch"),
        (Error::Open, "open"),
        (Error::TooFar, "too far"),
        (Error::KeyGone, "key gone"),
        (Error::TooLarge, "too large"),
        (Error::Rollback, "rollback"),
        (Error::Fork, "fork"),
        (Error::Commitment, "commitment"),
        (Error::Padding, "padding"),
        (Error::Misfiled, "misfiled"),
        (Error::Exhausted, "exhausted"),
        (Error::Evidence, "evidence"),
        (Error::NotAddressed, "not addressed"),
    ];
    let refusals = section("### Refusals\n");
    let rows = refusals.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| number"));
    assert_eq!(rows.count(), all.len());
    for (error, name) in all {
        assert!(refusals.contains(&format!("| {} | {name} |", error.code())), "{name}");
    }
}
