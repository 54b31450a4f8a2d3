//! The relay as a client meets it: raw HTTP over loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod client;
mod keys;
mod mail;
mod malice;
