//! What is fuzzed: one function for each target, from bytes to nothing, that panics when something is wrong.
//!
//! The programs in `fuzz_targets` hand them to libFuzzer; `tests/replay.rs` hands them the committed corpora, on stable
//! and without libFuzzer. The libraries are the ones that ship, unmodified.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a target says no by panicking")]

mod account;
mod engine;
mod input;
mod objects;
#[path = "../../crates/sprag-core/tests/people/mod.rs"]
mod people;
mod ratchet;
mod session;
mod text;

pub use input::Input;

/// A target: what it is called, and what is done with the bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All targets, one program in `fuzz_targets` and one directory in `corpus` for each.
pub const TARGETS: &[Target] = &[
    ("wire", objects::wire),
    ("list", objects::list),
    ("entry", objects::entry),
    ("pin", objects::pin),
    ("prekey", objects::prekey),
    ("bundle", objects::bundle),
    ("fields", objects::fields),
    ("claim", objects::claim),
    ("envelope", objects::envelope),
    ("content", objects::content),
    ("succession", account::succession),
    ("code", account::code),
    ("link", account::link),
    ("page", account::page),
    ("card", text::card),
    ("armor", text::armor),
    ("padding", objects::padding),
    ("scan", objects::scan),
    ("header", ratchet::header),
    ("state", ratchet::state),
    ("session", session::session),
    ("deliver", engine::deliver),
    ("directory", engine::directory),
];

/// Runs one target on some bytes.
///
/// # Panics
/// If there is no such target, or it finds something wrong.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|(target, _)| *target == name);
    let (_, body) = target.unwrap_or_else(|| panic!("no target is called {name}"));
    body(bytes);
}
