//! For the tests of apps that use Sprag: real clients in a world that does what a test says.
//!
//! The clock goes where it is turned, random bytes come from a seed, and the relay is in memory and loses, doubles and
//! reorders what it is told to. The same seed and the same calls give the same bytes, every time: a failure is repeated by
//! its seed.
//!
//! **Never in an app.** Whoever knows the seed knows every key. Nothing that ships depends on this crate.
//!
//! ```
//! use sprag::{Content, Conversation, SendOptions};
//!
//! # fn main() -> sprag::Result<()> {
//! let kit = sprag_testkit::Kit::new(7);
//! let (alice, bob) = (kit.create("alice")?, kit.create("bob")?);
//! kit.settle(&[&alice, &bob])?; // both have published their keys
//! let to_bob = Conversation::Direct(bob.account().clone());
//! alice.send(&to_bob, &Content::Text("hello".into()), &SendOptions::default())?;
//! kit.clock().pass(3_600);
//! kit.settle(&[&alice, &bob])?;
//! assert!(!bob.events(0, 10)?.is_empty());
//! assert!(!kit.relay().has_carried(b"hello"), "the relay saw no plain text");
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod clock;
mod kit;
pub mod net;
pub mod random;
mod relay;

pub use clock::ManualClock;
pub use kit::Kit;
pub use random::{Dice, SeededRandomness};
pub use relay::{Carried, Relay, Weather};
