//! Linking: how a new device comes onto an account's list.
//!
//! ```text
//! new device                                         device that holds the account key
//!   shows a code (a secret, and a commitment to its keys)   ──▶   scans it; the user types the digits
//!   opens the offer            ◀── offer: account, list ──
//!   signs its entry for it     ── answer: entry, prekey ──▶       verifies it, signs the next list
//! ```
//! Both messages are sealed under the code's secret and go through the app's server, which can open neither nor make one.
//! It does not know time: that a code lives 60 seconds and is used once is for whoever shows it to see to.
//!
//! `docs/protocol.md`, *Linking*.

mod code;
mod exchange;
mod object;

pub use code::{LinkCode, ScannedCode};
pub use exchange::{Admitted, Offer, Offered};
pub use object::{LinkId, MAX_LINK, Phase, peek};
