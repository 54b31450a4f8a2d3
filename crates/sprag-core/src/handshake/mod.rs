//! The handshake: PQXDH with the initiator bound and hidden.
//!
//! It does not know sessions, messages or people: it turns a verified bundle, or the first message's handshake fields,
//! into an [`Established`].

mod established;

pub use established::Established;
