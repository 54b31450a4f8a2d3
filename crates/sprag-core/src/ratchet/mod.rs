//! The ratchet of a session between two devices: content keys in, slots out, and the other way round.
//!
//! It knows no people, envelopes or stores. A message key comes from two ratchets, Diffie-Hellman and ML-KEM, and is secret
//! while either is; opening never changes the state, committing comes last.

mod braid;
mod chain;
mod closed;
mod double;
mod epochs;
mod freshness;
mod header;
mod hint;
#[cfg(test)]
mod late;
mod message;
mod open;
mod resume;
mod root;
mod skipped;
mod stored;

pub use closed::Position;
pub use double::Session;
pub use freshness::{Freshness, MAX_STEPS_PER_DAY};
pub use header::{COUNTER_MAX, HEADER};
pub use hint::HintKey;
pub use message::{Binding, HINT, SLOT};
pub use open::{Delta, Located, MAX_STEPS};
pub use resume::{Continued, Progress};
pub use skipped::{BLOCK, BLOCK_IDS, MAX_CHAINS, MAX_SKIPPED, SKIPPED_LIFETIME};
