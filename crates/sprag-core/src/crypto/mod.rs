//! The only place that names an outside cryptography crate.
//!
//! Each file is one operation named by what it does; the algorithms are those of the one suite of version 1.

pub mod aead;
pub mod dh;
pub mod hash;
pub mod kem;
pub mod sign;
pub mod split_kem;
