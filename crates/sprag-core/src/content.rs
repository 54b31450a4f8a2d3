//! What a message says, as it stands inside the payload: `docs/protocol.md`, *Content*.
//!
//! It does not know who may read it, nor how it is sealed.

use alloc::string::String;
use alloc::vec::Vec;

use crate::error::{Error, Result};
use crate::identity::AccountId;
use crate::secret::SecretBytes;
use crate::wire::{Extensions, Reader, Writer};

/// The most bytes that a body may have.
pub const MAX_BODY: usize = 256 * 1024;

/// The most bytes of a message id.
pub const MAX_MESSAGE_ID: usize = 64;

/// The most bytes of the type of an app's own content.
pub const MAX_TYPE: usize = 64;

/// Extension: the class of the message, one byte; absent for a message that notifies.
pub const EXT_CLASS: u64 = 1;
/// Extension: the sender's device list, carried by every message of a session that was not answered yet.
pub const EXT_LIST: u64 = 2;
/// Extension: the sender's other unanswered sessions with the receiving device, 8 bytes of T each.
pub const EXT_SESSIONS: u64 = 3;

/// Kinds of bodies.
const TEXT: u64 = 1;
const APP: u64 = 2;
const EMPTY: u64 = 16;

const KNOWN_EVEN: [u64; 1] = [EXT_LIST];

/// The body of a message, by its kind.
pub enum Body {
    /// Kind 1: a text for a person.
    Text(String),
    /// Kind 2: something of the app's own, with its type (1 to 64 bytes of UTF-8).
    App {
        /// What it is, in the app's own terms.
        kind: String,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// Kind 16: nothing; a control message that answers a handshake or turns the ratchet.
    Empty,
    /// A kind that a later release may know. It is authentic, and kept as it is.
    Unknown {
        /// Its number.
        kind: u64,
        /// Its bytes.
        bytes: Vec<u8>,
    },
}

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
    /// The other account of a direct conversation, written out where own other devices read along.
    pub recipient: Option<AccountId>,
    /// The sender's list first, then one for each account it was sent to, in order of ids.
    pub lists: Vec<ListStatement>,
    /// What it says.
    pub body: Body,
    /// What later releases add.
    pub extensions: Extensions,
}

impl Body {
    fn kind(&self) -> u64 {
        match self {
            Self::Text(_) => TEXT,
            Self::App { .. } => APP,
            Self::Empty => EMPTY,
            Self::Unknown { kind, .. } => *kind,
        }
    }

    /// That it reads back as what it is.
    fn check(&self) -> Result<()> {
        match self {
            Self::App { kind, .. } => check_type(kind),
            Self::Unknown { kind: TEXT | APP | EMPTY, .. } => Err(Error::Malformed),
            _ => Ok(()),
        }
    }

    fn bytes(&self) -> SecretBytes {
        SecretBytes::new(match self {
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::App { kind, bytes } => {
                let mut writer = Writer::new();
                writer.array(2).text(kind).bytes(bytes);
                writer.finish()
            }
            Self::Empty => Vec::new(),
            Self::Unknown { bytes, .. } => bytes.clone(),
        })
    }

    fn read(kind: u64, bytes: &[u8]) -> Result<Self> {
        match kind {
            TEXT => core::str::from_utf8(bytes).map(|text| Self::Text(text.into())).map_err(|_| Error::Malformed),
            APP => {
                let mut reader = Reader::new(bytes);
                reader.array_of(2)?;
                let (kind, bytes) = (reader.text()?, reader.bytes()?);
                reader.end()?;
                check_type(kind)?;
                Ok(Self::App { kind: kind.into(), bytes: bytes.to_vec() })
            }
            EMPTY if bytes.is_empty() => Ok(Self::Empty),
            EMPTY => Err(Error::Malformed),
            _ => Ok(Self::Unknown { kind, bytes: bytes.to_vec() }),
        }
    }
}

const fn check_type(kind: &str) -> Result<()> {
    if kind.is_empty() || kind.len() > MAX_TYPE { Err(Error::Malformed) } else { Ok(()) }
}

impl Content {
    /// Encodes the content.
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond [`MAX_BODY`]; [`Error::Malformed`] for an id or type of a wrong length, no list
    /// statement, or a [`Body::Unknown`] of a kind that is known.
    pub fn encode(&self) -> Result<SecretBytes> {
        let body = self.body.bytes();
        self.body.check()?;
        if body.expose_secret().len() > MAX_BODY + MAX_TYPE + 16 {
            return Err(Error::TooLarge);
        }
        if self.id.is_empty() || self.id.len() > MAX_MESSAGE_ID || self.lists.is_empty() {
            return Err(Error::Malformed);
        }
        let mut writer = Writer::new();
        writer.array(if self.extensions.is_empty() { 6 } else { 7 });
        writer.uint(self.body.kind()).bytes(&self.id).uint(self.sent);
        match &self.recipient {
            Some(recipient) => writer.array(2).uint(1).bytes(recipient.as_bytes()),
            None => writer.null(),
        };
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
        let recipient = if reader.take_null() { None } else { Some(read_recipient(&mut reader)?) };
        let lists = read_lists(&mut reader)?;
        let body = Body::read(kind, reader.bytes_max(MAX_BODY + MAX_TYPE + 16)?)?;
        let extensions = if fields == 7 { Extensions::read(&mut reader, &KNOWN_EVEN)? } else { Extensions::new() };
        reader.end()?;
        Ok(Self { id, sent, recipient, lists, body, extensions })
    }
}

fn read_recipient(reader: &mut Reader<'_>) -> Result<AccountId> {
    let fields = reader.array()?;
    match (reader.uint()?, fields) {
        (1, 2) => AccountId::new(reader.bytes()?),
        (1, _) => Err(Error::Malformed),
        _ => Err(Error::Unsupported),
    }
}

fn read_lists(reader: &mut Reader<'_>) -> Result<Vec<ListStatement>> {
    let items = reader.array()?;
    if items < 2 || !items.is_multiple_of(2) {
        return Err(Error::Malformed);
    }
    (0..items / 2).map(|_| Ok(ListStatement { sequence: reader.uint()?, mac: reader.fixed()? })).collect()
}
