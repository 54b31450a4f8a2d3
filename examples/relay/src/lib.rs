//! A small real server for messengers that use Sprag: a key directory and a mailbox for each account, over plain
//! HTTP/1.1 that any language speaks in a few lines. It sees opaque bytes and never links the engine.

#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "an example; what it speaks is in docs/relay.md")]

mod http;
pub mod limit;
pub mod malice;
pub mod parts;
mod routes;
pub mod server;
pub mod store;
