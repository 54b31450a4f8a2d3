//! The records that cross the border, and how they come from and become the engine's.

mod config;
mod contact;
mod event;
mod message;
mod request;

use sprag::{AccountId, Content, Conversation};

use crate::border::{Answer, sprag_bytes, status};
use crate::constants::{SPRAG_CONVERSATION_DIRECT, SPRAG_MISUSE};

pub use config::*;
pub use contact::*;
pub use event::*;
pub use message::*;
pub use request::*;

/// What the lists inside one record borrow.
#[derive(Default)]
pub(crate) struct Lists {
    pub(super) _bytes: Vec<sprag_bytes>,
    pub(super) _numbers: Vec<u64>,
}

pub(super) fn account(bytes: &[u8]) -> Answer<AccountId> {
    AccountId::new(bytes).map_err(status)
}

/// A conversation: kind 1 is that with the one account named.
pub(super) fn conversation(kind: u32, peer: &[u8]) -> Answer<Conversation> {
    match kind {
        SPRAG_CONVERSATION_DIRECT => account(peer).map(Conversation::Direct),
        _ => Err(SPRAG_MISUSE),
    }
}

pub(super) fn peer(conversation: &Conversation) -> sprag_bytes {
    match conversation {
        Conversation::Direct(account) => sprag_bytes::of(account.as_bytes()),
        _ => sprag_bytes::ABSENT,
    }
}

/// The kind of the app's own content; empty for text.
pub(super) fn content_kind(content: &Content) -> sprag_bytes {
    match content {
        Content::App { kind, .. } => sprag_bytes::of(kind.as_bytes()),
        _ => sprag_bytes::ABSENT,
    }
}

pub(super) fn join<T>(has: u32, value: T) -> Option<T> {
    (has != 0).then_some(value)
}

macro_rules! filled {
    ($name:ident, $last:ident: $type:ty) => {
        // SAFETY: `repr(C)`, numbers, pointers and `sprag_bytes` alone, `size` first; all zeros is a value.
        unsafe impl Sized32 for $name {
            const LEAST: usize = std::mem::offset_of!($name, $last) + size_of::<$type>();
        }
    };
}

use filled;
