//! The franking commitment: what a message says and to whom, committed to in the open without showing it.
//!
//! A server can stamp it without reading; a receiver shows nothing whose commitment does not open; and one ciphertext
//! cannot mean different things to different devices.

use alloc::vec::Vec;

use subtle::ConstantTimeEq;

use crate::content::{Conversation, RoomId};
use crate::crypto::hash::{Item, expand, hash, hmac};
use crate::error::{Error, Result};
use crate::identity::AccountId;
use crate::label;
use crate::secret::Secret;

pub use crate::content::COMMITMENT;

/// Between whom a message goes: a hash of ids only, so that it opens whatever lists a device knows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Audience([u8; 32]);

impl Audience {
    /// The audience of a direct conversation. The order matters: a message cannot be turned round.
    #[must_use]
    pub fn direct(sender: &AccountId, recipient: &AccountId) -> Self {
        Self(hash(label::AUDIENCE_DIRECT, &[Item::Bytes(sender.as_bytes()), Item::Bytes(recipient.as_bytes())]))
    }

    /// The audience of a room: the members are ids in ascending order, the sender's among them.
    #[must_use]
    pub fn room(sender: &AccountId, room: &RoomId, members: &[AccountId]) -> Self {
        let members: Vec<_> = members.iter().map(|member| Item::Bytes(member.as_bytes())).collect();
        let room = Item::Bytes(room.as_bytes());
        Self(hash(label::AUDIENCE_ROOM, &[Item::Bytes(sender.as_bytes()), room, Item::Array(&members)]))
    }

    /// The audience of a message that names this conversation, from `sender` and read by a device of `reader`.
    ///
    /// # Errors
    /// [`Error::Misfiled`] if it is not for this reader: a direct one that names somebody else, an own one that does not
    /// say to whom it went, a room that either is not in.
    pub fn of(conversation: &Conversation, sender: &AccountId, reader: &AccountId) -> Result<Self> {
        match conversation {
            Conversation::Direct { recipient: None } if sender != reader => Ok(Self::direct(sender, reader)),
            Conversation::Direct { recipient: Some(recipient) } if sender == reader || recipient == reader => {
                Ok(Self::direct(sender, recipient))
            }
            Conversation::Room { id, members } if [sender, reader].iter().all(|who| members.contains(who)) => {
                Ok(Self::room(sender, id, members))
            }
            _ => Err(Error::Misfiled),
        }
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The commitment to a content, without its padding, for an audience.
#[must_use]
pub fn commit(content_key: &Secret<32>, audience: &Audience, content: &[u8]) -> [u8; COMMITMENT] {
    let key = expand(content_key, &[label::FRANKING.as_bytes()]);
    hmac(key.expose_secret(), &[audience.as_bytes(), content])
}

/// Opens a commitment, in constant time.
///
/// # Errors
/// [`Error::Commitment`].
pub fn verify(
    content_key: &Secret<32>,
    audience: &Audience,
    content: &[u8],
    commitment: &[u8; COMMITMENT],
) -> Result<()> {
    let honest: bool = commit(content_key, audience, content).ct_eq(commitment).into();
    if honest || broken!("commitments-unchecked") { Ok(()) } else { Err(Error::Commitment) }
}

/// The MAC that a content states over the hash of a device list, under a key of this message alone: nobody can look
/// for colliding lists beforehand.
#[must_use]
pub fn list_mac(content_key: &Secret<32>, list_hash: &[u8; 32]) -> [u8; 8] {
    list_mac_under(&list_mac_key(content_key), list_hash)
}

/// The key of the MACs over lists that one content states.
pub(crate) fn list_mac_key(content_key: &Secret<32>) -> Secret<32> {
    expand(content_key, &[label::LIST_MAC.as_bytes()])
}

/// The same MAC, under the key of its content.
pub(crate) fn list_mac_under(key: &Secret<32>, list_hash: &[u8; 32]) -> [u8; 8] {
    let mac = hmac(key.expose_secret(), &[list_hash]);
    core::array::from_fn(|i| mac[i])
}

/// The hash of several 32-byte values, each in its place.
pub(crate) fn hash_all<'a>(label: &str, values: impl Iterator<Item = &'a [u8; 32]>) -> [u8; 32] {
    let items: Vec<Item<'_>> = values.map(|value| Item::Bytes(value)).collect();
    hash(label, &items)
}
