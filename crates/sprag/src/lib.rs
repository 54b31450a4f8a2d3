//! The engine of Sprag: end-to-end encryption for a messenger that exists already.
//!
//! It keeps accounts, contacts, sessions and queues in an encrypted store, and does no network, no threads and no
//! screen: what goes out and what came in passes through [`Client`], and every call that changed something is durable
//! when it returns.

#![forbid(unsafe_code)]

/// Whether a promise is to be broken on purpose: never, but in a build that is made for it.
macro_rules! broken {
    ($switch:literal) => {{
        #[cfg(feature = "sabotage")]
        let broken = sprag_core::sabotage::on($switch);
        #[cfg(not(feature = "sabotage"))]
        let broken = false;
        broken
    }};
}

#[macro_use]
mod numbered;

mod account;
mod cards;
mod client;
mod codec;
pub mod config;
mod contact;
pub mod context;
mod conversation;
mod counters;
mod decisions;
mod devices;
mod diagnosis;
mod directory;
pub mod error;
pub mod event;
mod healing;
pub mod id;
mod inbox;
mod link;
mod lists;
mod notice;
mod outbox;
mod prekeys;
mod probe;
mod protection;
pub mod request;
mod resume;
mod rows;
mod seen;
mod session;
mod stale;
mod store;
mod succession;
mod trust;
mod upkeep;
mod welcome;

pub use client::Client;
pub use config::{Armor, Config, Directory, Key, OnChange, Opening, Place, Policy, Role, Rollout, Shelf, Start};
pub use diagnosis::{Diagnosis, Figure};
pub use error::{Error, Result, StoreFault};
pub use event::{
    Delivered, Event, Finding, Healing, Hint, Importance, Incoming, LinkPhase, ListRef, Message, MessageState, Pending,
    Preview, Reason, SendOptions, Sent, Verdict, What,
};
pub use id::{
    AccountId, BlobId, Class, Contact, Content, Conversation, Device, DeviceId, Freshness, LinkCode, MAX_CONTENT,
    MAX_ID, MAX_MEMBERS, MessageId, OwnCard, Protection, RequestId, RoomId, SafetyNumber, Sender, Trust,
};
pub use inbox::recognise;
pub use probe::{Probed, probed};
pub use request::{
    Action, FetchKeys, Found, ListWrite, Outcome, PublishKeys, Rejection, Request, Send, StaleList, Wanted, Why,
};
