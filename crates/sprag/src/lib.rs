//! The engine of Sprag: end-to-end encryption for a messenger that exists already.
//!
//! It keeps accounts, contacts, sessions and queues in an encrypted store, and does no network, no threads and no
//! screen: what goes out and what came in passes through [`Client`], and every call that changed something is durable
//! when it returns.

#![forbid(unsafe_code)]

pub mod context;
pub mod error;
#[allow(dead_code, reason = "used by the modules of the engine")]
mod store;
