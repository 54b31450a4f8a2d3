//! What a message says, as it stands inside the payload: `docs/protocol.md`, *Content*.
//!
//! It does not know who may read it, nor how it is sealed.

mod body;
mod continues;
mod conversation;
mod decision;

use alloc::vec::Vec;

use crate::error::{Error, Result};
use crate::secret::SecretBytes;
use crate::wire::{Extensions, Reader, Writer};

pub use body::{Body, MAX_NAMED};
pub use continues::Continues;
pub use conversation::{Conversation, MAX_MEMBERS, RoomId};
pub use decision::Decision;

/// The most bytes that a body may have.
pub const MAX_BODY: usize = 256 * 1024;

/// The most bytes of a message id.
pub const MAX_MESSAGE_ID: usize = 64;

/// The most bytes of the type of an app's own content.
pub const MAX_TYPE: usize = 64;

/// Bytes of the commitment by which a message is named.
pub const COMMITMENT: usize = 32;

/// Extension: the class of the message, one byte; absent for a message that notifies.
pub const EXT_CLASS: u64 = 1;
/// Extension: the sender's device list, carried by every message to a device that has not stated yet that it knows it.
pub const EXT_LIST: u64 = 2;
/// Extension: the sender's other unanswered sessions with the devices that it goes to, 8 bytes of T each.
pub const EXT_SESSIONS: u64 = 3;
/// Extension: this is sealed anew because an envelope with this commitment, 32 bytes, did not open.
pub const EXT_RECOVERS: u64 = 7;
/// Extension: the sender's whole [`Card`](crate::card::Card), by which a peer without a directory reaches all its devices.
pub const EXT_CARD: u64 = 9;
/// Extension: how far the sender was in the sessions that those which this message begins continue, as
/// [`Continues::encode_all`].
pub const EXT_CONTINUES: u64 = 11;

const KNOWN_EVEN: [u64; 1] = [EXT_LIST];

/// Which device list a message was sent under: its sequence, and a MAC over its hash that only this message's readers
/// can check.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ListStatement {
    /// The list's sequence.
    pub sequence: u64,
    /// The first 8 bytes of the MAC.
    pub mac: [u8; 8],
}

/// One message, without its padding.
pub struct Content {
    /// The message's id, 1 to 64 bytes.
    pub id: Vec<u8>,
    /// When it was sent, unix seconds by the sender's clock.
    pub sent: u64,
    /// Where it belongs.
    pub conversation: Conversation,
    /// The sender's list first, then one for each other account, in order of ids. In a room, one for each member:
    /// with sequence 0 for a member that it was not sealed for.
    pub lists: Vec<ListStatement>,
    /// What it says.
    pub body: Body,
    /// What later releases add.
    pub extensions: Extensions,
}

impl Content {
    /// Encodes the content.
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond [`MAX_BODY`], [`MAX_MEMBERS`] or [`MAX_NAMED`]; [`Error::Malformed`] for an id or type of a wrong length, members
    /// out of order, another number of list statements than the conversation has accounts, nothing named by a body that
    /// names messages, or a [`Body::Unknown`] of a kind that is known.
    pub fn encode(&self) -> Result<SecretBytes> {
        let body = self.body.bytes();
        self.body.check()?;
        if body.expose_secret().len() > body::MAX_ENCODED {
            return Err(Error::TooLarge);
        }
        if self.id.is_empty() || self.id.len() > MAX_MESSAGE_ID || !self.conversation.has_room_for(self.lists.len()) {
            return Err(Error::Malformed);
        }
        let mut writer = Writer::new();
        writer.array(if self.extensions.is_empty() { 6 } else { 7 });
        writer.uint(self.body.kind()).bytes(&self.id).uint(self.sent);
        self.conversation.write(&mut writer)?;
        writer.array(self.lists.len() * 2);
        self.lists.iter().for_each(|list| {
            writer.uint(list.sequence).bytes(&list.mac);
        });
        writer.bytes(body.expose_secret());
        if !self.extensions.is_empty() {
            self.extensions.write(&mut writer);
        }
        Ok(writer.finish_secret())
    }

    /// Decodes a content.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TooLarge`]; [`Error::Unsupported`] for a kind of conversation or an even
    /// extension that this release does not know.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let fields = reader.array()?;
        if !(6..=7).contains(&fields) {
            return Err(Error::Malformed);
        }
        let kind = reader.uint()?;
        let id = reader.bytes_max(MAX_MESSAGE_ID)?.to_vec();
        if id.is_empty() {
            return Err(Error::Malformed);
        }
        let sent = reader.uint()?;
        let conversation = Conversation::read(&mut reader)?;
        let lists = read_lists(&mut reader)?;
        if !conversation.has_room_for(lists.len()) {
            return Err(Error::Malformed);
        }
        let body = Body::read(kind, reader.bytes_max(body::MAX_ENCODED)?)?;
        let extensions = if fields == 7 { Extensions::read(&mut reader, &KNOWN_EVEN)? } else { Extensions::new() };
        reader.end()?;
        Ok(Self { id, sent, conversation, lists, body, extensions })
    }
}

fn read_lists(reader: &mut Reader<'_>) -> Result<Vec<ListStatement>> {
    let items = reader.array()?;
    if items < 2 || !items.is_multiple_of(2) {
        return Err(Error::Malformed);
    }
    (0..items / 2).map(|_| Ok(ListStatement { sequence: reader.uint()?, mac: reader.fixed()? })).collect()
}
