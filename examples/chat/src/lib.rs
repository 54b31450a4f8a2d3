//! The half of the chat that any messenger in Rust can begin with: the example relay over HTTP.

#![forbid(unsafe_code)]

pub mod relay;
