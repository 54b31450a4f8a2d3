//! The ratchet of a session between two devices: content keys in, slots out, and the other way round.
//!
//! It knows no people, envelopes or stores. A message key comes from two ratchets, Diffie-Hellman and ML-KEM, and is secret
//! while either is; opening never changes the state, committing comes last.

mod braid;
mod chain;
mod double;
mod epochs;
mod header;
mod hint;
#[cfg(test)]
mod late;
mod message;
mod root;
mod skipped;
mod stored;

pub use double::{Delta, Freshness, MAX_STEPS, Session};
pub use header::{COUNTER_MAX, HEADER};
pub use hint::HintKey;
pub use message::{Binding, HINT, SLOT};
pub use skipped::{BLOCK, BLOCK_IDS, MAX_CHAINS, MAX_SKIPPED, SKIPPED_LIFETIME};
