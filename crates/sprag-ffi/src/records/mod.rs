//! The records that cross the border, and how they come from and become the engine's.

mod config;
mod contact;
mod device;
mod event;
mod message;
mod request;

use sprag::{AccountId, Content, Conversation, DeviceId, RoomId};

use crate::border::{Answer, sprag_bytes, status};
use crate::constants::{SPRAG_CONVERSATION_DIRECT, SPRAG_CONVERSATION_ROOM, SPRAG_MISUSE};

pub use config::*;
pub use contact::*;
pub use device::*;
pub use event::*;
pub use message::*;
pub use request::*;

/// What the lists inside one record borrow.
#[derive(Default)]
pub(crate) struct Lists {
    bytes: Vec<Vec<sprag_bytes>>,
    numbers: Vec<Vec<u64>>,
    devices: Vec<Vec<u32>>,
}

impl Lists {
    /// Keeps a list of bytes; its block does not move with what holds it.
    pub(super) fn bytes<'a>(&mut self, items: impl IntoIterator<Item = &'a [u8]>) -> (*const sprag_bytes, usize) {
        keep(&mut self.bytes, items.into_iter().map(sprag_bytes::of).collect())
    }

    pub(super) fn numbers(&mut self, items: impl IntoIterator<Item = u64>) -> (*const u64, usize) {
        keep(&mut self.numbers, items.into_iter().collect())
    }

    pub(super) fn devices(&mut self, items: &[DeviceId]) -> (*const u32, usize) {
        keep(&mut self.devices, items.iter().map(|device| device.0).collect())
    }
}

fn keep<T>(lists: &mut Vec<Vec<T>>, list: Vec<T>) -> (*const T, usize) {
    if list.is_empty() {
        return (std::ptr::null(), 0);
    }
    let place = (list.as_ptr(), list.len());
    lists.push(list);
    place
}

pub(super) fn account(bytes: &[u8]) -> Answer<AccountId> {
    AccountId::new(bytes).map_err(status)
}

/// A conversation: that with the account `peer`, or the room `peer` with its members.
///
/// # Safety
/// The members' bytes are valid.
pub(crate) unsafe fn conversation(kind: u32, peer: &[u8], members: &[sprag_bytes]) -> Answer<Conversation> {
    match kind {
        SPRAG_CONVERSATION_DIRECT if members.is_empty() => account(peer).map(Conversation::Direct),
        SPRAG_CONVERSATION_ROOM => {
            let member = |member: &sprag_bytes| {
                // SAFETY: the caller's promise.
                account(unsafe { member.need() }?)
            };
            let members = members.iter().map(member).collect::<Answer<_>>()?;
            Ok(Conversation::Room { id: RoomId::new(peer).map_err(status)?, members })
        }
        _ => Err(SPRAG_MISUSE),
    }
}

/// What names a conversation, and its members.
pub(super) fn place(conversation: &Conversation, lists: &mut Lists) -> (sprag_bytes, *const sprag_bytes, usize) {
    let (peer, members): (_, &[AccountId]) = match conversation {
        Conversation::Direct(account) => (sprag_bytes::of(account.as_bytes()), &[]),
        Conversation::Room { id, members } => (sprag_bytes::of(id.as_bytes()), members),
        _ => (sprag_bytes::ABSENT, &[]),
    };
    let (members, len) = lists.bytes(members.iter().map(AccountId::as_bytes));
    (peer, members, len)
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
