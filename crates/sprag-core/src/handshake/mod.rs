//! The handshake: PQXDH with the initiator bound and hidden.
//!
//! It does not know sessions, messages or people: it turns a verified bundle, or the handshake fields of a first
//! message, into an [`Established`]. Nothing is stored or deleted here; whatever is refused changes nothing.
//!
//! ```text
//!   a: VerifiedBundle ── initiate() ──▶ Initiated { fields, established }
//!                                          │ Fields, repeated verbatim until answered
//!   b:        Fields  ── unseal() ──▶ Unsealed { claim } ── finish() ──▶ Established
//! ```
//!
//! `docs/protocol.md`, *Handshake*.

mod established;
mod fields;
mod initiator;
mod responder;
mod resumption;
mod transcript;

pub use established::Established;
pub use fields::{Fields, MAX_SEALED_ID};
pub use initiator::{Initiated, initiate};
pub use responder::{Unsealed, unseal};
pub use resumption::{Resumption, ResumptionId};
pub use transcript::Claim;
