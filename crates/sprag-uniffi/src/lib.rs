//! The Swift, Kotlin and Python face of Sprag: one [`Client`] object and plain records.
//!
//! It converts and forwards, and decides nothing. Every call is synchronous, coarse, and answers with records; nothing calls
//! back. What each record means is said at its namesake in the crate `sprag`; times are Unix seconds.

#![allow(unsafe_code, reason = "the generated border")]

mod bytes;
mod client;
mod diagnosis;
mod error;
mod event;
mod message;
mod names;
mod request;

pub use bytes::Bytes;
pub use client::Client;
pub use diagnosis::{Diagnosis, Figure};
pub use error::SpragError;
pub use event::{Event, Importance, What};
pub use message::{Delivered, Finding, Incoming, Pending, Preview, SendOptions, Sent, Verdict};
pub use names::{
    Armor, Card, Contact, Content, Conversation, Device, Directory, Freshness, LinkCode, LinkPhase, ListRef,
    MessageState, OnChange, Policy, Probed, Protection, Rollout, Trust, default_policy, probed,
};
pub use request::{Action, Found, ListWrite, Outcome, Rejection, Request, StaleList, Wanted, Why};

uniffi::setup_scaffolding!("sprag");

#[global_allocator]
static ALLOCATOR: sprag_wipe::Wiping = sprag_wipe::Wiping;

/// Whether bytes look like an object of Sprag.
#[uniffi::export]
pub fn recognise(bytes: Bytes) -> bool {
    sprag::recognise(bytes.as_ref())
}

/// A few words about a reason's number, for a log.
#[uniffi::export]
pub fn reason_text(reason: u32) -> String {
    sprag::Reason::from_code(reason).map_or_else(|| "unknown reason".to_owned(), |reason| reason.text().to_owned())
}

/// The library's version.
#[uniffi::export]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
