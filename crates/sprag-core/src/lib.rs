//! The cryptographic core of Sprag: bytes in, bytes out.
//!
//! It does no I/O, has no clock and no random generator: time and randomness come in as parameters. It does not know
//! what an app, a server or a store is. The normative description of what it implements is `docs/protocol.md`.
//!
//! A file imports only from those above it in this list.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

/// Whether a promise is to be broken on purpose: never, but in a build that is made for it.
macro_rules! broken {
    ($switch:literal) => {{
        #[cfg(feature = "sabotage")]
        let broken = crate::sabotage::on($switch);
        #[cfg(not(feature = "sabotage"))]
        let broken = false;
        broken
    }};
}

#[cfg(feature = "sabotage")]
pub mod sabotage;

pub mod error;
pub mod random;
pub mod secret;
pub mod wire;

pub mod label;

#[macro_use]
mod id;

mod text;

pub mod crypto;

pub mod identity;

pub mod safety_number;

pub mod prekey;

pub mod link;

pub mod card;

pub mod handshake;

pub mod ratchet;

pub mod armor;

pub mod padding;

pub mod content;

pub mod account_state;

pub mod franking;

pub mod envelope;

pub use error::{Error, Result};
