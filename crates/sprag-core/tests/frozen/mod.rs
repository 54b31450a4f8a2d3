//! What is frozen in `docs/vectors/`: each file from seeds alone, every intermediate value computed a second time here,
//! from the primitives, and held against what the library says.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "the example writes them, the test reads them")]

pub mod account;
pub mod account_refusals;
pub mod braid;
pub mod card_refusals;
pub mod cards;
pub mod contents;
pub mod handshake;
pub mod json;
pub mod link;
pub mod messages;
pub mod mirror;
pub mod refusals;
pub mod who;

/// All files: name and content.
pub fn all() -> Vec<(&'static str, String)> {
    vec![
        ("lists.json", who::lists().text()),
        ("prekeys.json", who::prekeys().text()),
        ("handshake.json", handshake::file().text()),
        ("messages.json", messages::file().text()),
        ("braid.json", braid::file().text()),
        ("contents.json", contents::file().text()),
        ("link.json", link::file().text()),
        ("account.json", account::file().text()),
        ("cards.json", cards::file().text()),
        ("refusals.json", refusals::file().text()),
    ]
}
