//! The ratchet of a session between two devices: content keys in, slots out, and the other way round.
//!
//! It knows no people, envelopes or stores. A message key is a function of two inputs, of which the second is the
//! post-quantum ratchet's place; opening never changes the state, committing comes last.

mod chain;
mod double;
mod header;
mod hint;
mod message;
mod root;
mod skipped;
mod stored;

pub use double::{Delta, MAX_STEPS, Session};
pub use header::{COUNTER_MAX, HEADER};
pub use hint::HintKey;
pub use message::{Binding, HINT, SLOT};
pub use skipped::{BLOCK, BLOCK_IDS, MAX_CHAINS, MAX_SKIPPED, SKIPPED_LIFETIME};
