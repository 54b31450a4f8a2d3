//! The world in a box: real clients, unmodified and used through the door that an app has, on simulated disks that
//! lose power, with clocks that jump and a server that lies. One seed gives one course of events, every time.
//!
//! It knows nothing of the inside of the engine. A program that links it has its SQLite work on simulated disks only:
//! it is for tests.

pub mod baton;
pub mod disk;
pub mod environment;
pub mod hook;
pub mod phone;
pub mod talk;
pub mod world;

pub use sprag_testkit::{net, random};
