//! The bodies of messages, by their kinds: what people say to each other, and what devices do.
//!
//! It does not act on anything. Kinds from 16 on are control: a person is never shown one.

use alloc::string::String;
use alloc::vec::Vec;

use crate::content::{COMMITMENT, Decision, MAX_BODY, MAX_TYPE};
use crate::error::{Error, Result};
use crate::identity::SignedEntry;
use crate::secret::SecretBytes;
use crate::wire::{Reader, Writer};

/// The most messages that one [`Body::Renew`] or [`Body::Gone`] names.
pub const MAX_NAMED: usize = 64;

/// The most bytes that a body takes on the wire.
pub(super) const MAX_ENCODED: usize = MAX_BODY + MAX_TYPE + 16;

const TEXT: u64 = 1;
const APP: u64 = 2;
const EMPTY: u64 = 16;
const STATE: u64 = 17;
const ENTRY: u64 = 18;
const REKEY: u64 = 19;
const RENEW: u64 = 20;
const GONE: u64 = 21;
const RETIRE: u64 = 22;
const DECISION: u64 = 23;
const ASK_STATE: u64 = 24;

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
    /// Kind 17, between own devices: a page of the account's state, for a device that was just linked.
    State(SecretBytes),
    /// Kind 18, between own devices: the sender's entry, signed for a new account key.
    Entry(SignedEntry),
    /// Kind 19, between own devices: asks the others to sign their entries for the new account key of this succession,
    /// a whole object that nobody has verified yet.
    Rekey(Vec<u8>),
    /// Kind 20: what came with these commitments did not open. Asks for them to be sealed again, in the session that
    /// carries this. 1 to [`MAX_NAMED`].
    Renew(Vec<[u8; COMMITMENT]>),
    /// Kind 21, the other answer to kind 20: what these commitments were made for will not be sent again.
    Gone(Vec<[u8; COMMITMENT]>),
    /// Kind 22, between own devices: the sender is to be taken off the list.
    Retire,
    /// Kind 23, between own devices: what the user decided about a contact.
    Decision(Decision),
    /// Kind 24, between own devices: the sender asks for the state of the account, which has not come whole.
    AskState,
    /// A kind that a later release may know. It is authentic, and kept as it is.
    Unknown {
        /// Its number.
        kind: u64,
        /// Its bytes.
        bytes: Vec<u8>,
    },
}

impl Body {
    pub(super) const fn kind(&self) -> u64 {
        match self {
            Self::Text(_) => TEXT,
            Self::App { .. } => APP,
            Self::Empty => EMPTY,
            Self::State(_) => STATE,
            Self::Entry(_) => ENTRY,
            Self::Rekey(_) => REKEY,
            Self::Renew(_) => RENEW,
            Self::Gone(_) => GONE,
            Self::Retire => RETIRE,
            Self::Decision(_) => DECISION,
            Self::AskState => ASK_STATE,
            Self::Unknown { kind, .. } => *kind,
        }
    }

    /// That it reads back as what it is.
    pub(super) fn check(&self) -> Result<()> {
        match self {
            Self::App { kind, .. } => check_type(kind),
            Self::Renew(named) | Self::Gone(named) => check_named(named),
            Self::Unknown { kind: TEXT | APP | EMPTY..=ASK_STATE, .. } => Err(Error::Malformed),
            _ => Ok(()),
        }
    }

    pub(super) fn bytes(&self) -> SecretBytes {
        SecretBytes::new(match self {
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::App { kind, bytes } => {
                let mut writer = Writer::new();
                writer.array(2).text(kind).bytes(bytes);
                writer.finish()
            }
            Self::Empty | Self::Retire | Self::AskState => Vec::new(),
            Self::Decision(decision) => decision.encode(),
            Self::State(page) => return page.duplicate(),
            Self::Entry(entry) => entry.encode(),
            Self::Renew(named) | Self::Gone(named) => named.as_flattened().to_vec(),
            Self::Rekey(bytes) | Self::Unknown { bytes, .. } => bytes.clone(),
        })
    }

    pub(super) fn read(kind: u64, bytes: &[u8]) -> Result<Self> {
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
            RETIRE if bytes.is_empty() => Ok(Self::Retire),
            ASK_STATE if bytes.is_empty() => Ok(Self::AskState),
            EMPTY | RETIRE | ASK_STATE => Err(Error::Malformed),
            DECISION => Decision::decode(bytes).map(Self::Decision),
            STATE => Ok(Self::State(SecretBytes::new(bytes.to_vec()))),
            ENTRY => SignedEntry::decode(bytes).map(Self::Entry),
            REKEY => Ok(Self::Rekey(bytes.to_vec())),
            RENEW => read_named(bytes).map(Self::Renew),
            GONE => read_named(bytes).map(Self::Gone),
            _ => Ok(Self::Unknown { kind, bytes: bytes.to_vec() }),
        }
    }
}

const fn check_type(kind: &str) -> Result<()> {
    if kind.is_empty() || kind.len() > MAX_TYPE { Err(Error::Malformed) } else { Ok(()) }
}

const fn check_named(named: &[[u8; COMMITMENT]]) -> Result<()> {
    match named.len() {
        0 => Err(Error::Malformed),
        1..=MAX_NAMED => Ok(()),
        _ => Err(Error::TooLarge),
    }
}

fn read_named(bytes: &[u8]) -> Result<Vec<[u8; COMMITMENT]>> {
    let (named, rest) = bytes.as_chunks::<COMMITMENT>();
    if !rest.is_empty() {
        return Err(Error::Malformed);
    }
    check_named(named)?;
    Ok(named.to_vec())
}
