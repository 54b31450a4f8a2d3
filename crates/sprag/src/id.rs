//! Who and what is spoken of: accounts, devices, messages, conversations, and what is known of a contact.
//!
//! It knows no keys and no store: these are names, compared as bytes and never normalised.

pub use sprag_core::safety_number::SafetyNumber;
use sprag_core::secret::SecretBytes;
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// The longest account id, message id, app reference and content type, in bytes.
pub const MAX_ID: usize = 64;

/// The longest content, in bytes: 256 KiB.
pub const MAX_CONTENT: usize = 256 * 1024;

macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $misuse:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<[u8]>);

        impl $name {
            /// Takes 1 to 64 bytes; anything else is [`Error::Misuse`].
            pub fn new(bytes: impl AsRef<[u8]>) -> Result<Self> {
                let bytes = bytes.as_ref();
                if bytes.is_empty() || bytes.len() > MAX_ID {
                    return Err(Error::Misuse($misuse));
                }
                Ok(Self(bytes.into()))
            }

            /// The bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }

            /// The bytes, to keep.
            #[must_use]
            pub fn to_vec(&self) -> Vec<u8> {
                self.0.to_vec()
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.escape_ascii())
            }
        }
    };
}

byte_id! {
    /// An account: the app's immutable id of a user, 1 to 64 bytes, compared as bytes. Not a phone number or a name
    /// that may be handed on to somebody else.
    AccountId, "an account id is 1 to 64 bytes"
}

byte_id! {
    /// A message: 1 to 64 bytes, unique among the messages of its sender. It travels inside the message, and is what
    /// replies, receipts and edits name.
    MessageId, "a message id is 1 to 64 bytes"
}

byte_id! {
    /// A room: the app's immutable id of a conversation of several, 1 to 64 bytes.
    RoomId, "a room id is 1 to 64 bytes"
}

/// A device of an account: a random number that is never bound to other keys later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub u32);

/// A request: stable over leases and restarts, and so the idempotency key towards the app's server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// The hash of an encrypted blob: the trace by which support can follow a message over devices without reading it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(pub [u8; 32]);

impl BlobId {
    /// The id of a blob: its SHA-256.
    #[must_use]
    pub fn of(blob: &[u8]) -> Self {
        Self(sprag_core::crypto::hash::sha256(blob))
    }
}

impl core::fmt::Debug for BlobId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("BlobId(")?;
        self.0.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("…)")
    }
}

/// The most members of a room.
pub const MAX_MEMBERS: usize = sprag_core::content::MAX_MEMBERS;

/// Where a message belongs. Kind 3 (a group with signed membership) is reserved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Conversation {
    /// The conversation of two: ours with this other account. With our own account: a note to our other devices.
    Direct(AccountId),
    /// A conversation of several, whose members the app's server decides: whoever it names can read what is sent from then
    /// on. Every message says whom its sender wrote to, so that members who are told different things find out.
    Room {
        /// Which room.
        id: RoomId,
        /// The members, ourselves included or not, in any order: at most [`MAX_MEMBERS`].
        members: Vec<AccountId>,
    },
}

impl Conversation {
    /// The stable number of this kind of conversation.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::Direct(_) => 1,
            Self::Room { .. } => 2,
        }
    }
}

/// What a message says, at most 256 KiB. How the app shows it is the app's.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// Text, as it was typed.
    Text(String),
    /// Anything of the app's own: receipts, reactions, edits, pictures' descriptions.
    App {
        /// What it is, in the app's words: 1 to 64 bytes.
        kind: String,
        /// The thing itself.
        bytes: Vec<u8>,
    },
}

impl Content {
    /// The stable number of this kind of content.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::Text(_) => 1,
            Self::App { .. } => 2,
        }
    }

    /// The bytes that the message carries for it: the text's UTF-8, or the app's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::App { bytes, .. } => bytes,
        }
    }
}

/// Says the kind and the size and nothing of what is said: contents must not end in somebody's log.
impl core::fmt::Debug for Content {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::App { kind, bytes } => write!(f, "App({kind:?}, {} bytes)", bytes.len()),
        }
    }
}

numbered! {
    /// How a message is to be treated on its way. Number 3 (fleeting, such as typing) is reserved.
    #[derive(Default)]
    pub enum Class: "class" {
        /// Durable, and may ring.
        #[default]
        Message = 1,
        /// Durable and silent: receipts, edits, reactions.
        Quiet = 2,
    }
}

/// Who sent a message, as the session proved it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sender {
    /// The account.
    pub account: AccountId,
    /// Its device.
    pub device: DeviceId,
}

numbered! {
    /// How far a contact's identity can be trusted.
    pub enum Trust: "state" {
        /// Pinned when first seen: it has not changed since, and nobody compared safety numbers.
        Pinned = 1,
        /// The user compared the safety number, and said so with `Client::confirm`.
        Verified = 2,
        /// Sending is held until the user decides, which `Client::accept_change` tells: another identity than the pinned one was
        /// offered, or somebody else may act as a contact whose number the user had compared.
        Changed = 3,
        /// Nothing is pinned: the account is known by name alone.
        Unseen = 4,
    }
}

numbered! {
    /// How far a conversation is protected. It only rises: nothing that a server says or leaves out, and no call, takes a
    /// conversation back below [`Self::Encrypted`].
    #[derive(PartialOrd, Ord)]
    pub enum Protection: "state" {
        /// Somebody in it cannot read what is encrypted, or nobody was asked yet. `send` answers
        /// [`Error::NotProtected`], and the app uses the path it had before.
        Plain = 1,
        /// Everybody in it was seen to be able to read what is encrypted, and nobody has begun.
        Offered = 2,
        /// What is said is encrypted, for good. Plain text that comes is an event and no message.
        Encrypted = 3,
        /// The same, and the user has compared the safety number of everybody in it. It is told for as long as that is so.
        Verified = 4,
    }
}

/// The code that a new device shows, for a device of the account to scan: a secret, and what says which keys are meant.
/// Wiped on drop. Whoever else sees it within its minute could answer the device in the account's place.
pub struct LinkCode {
    bytes: SecretBytes,
    text: Zeroizing<String>,
    digits: String,
    expires: u64,
}

impl LinkCode {
    pub(crate) const fn new(bytes: SecretBytes, text: Zeroizing<String>, digits: String, expires: u64) -> Self {
        Self { bytes, text, digits, expires }
    }

    /// What is shown as a QR code: at most 256 bytes.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        self.bytes.expose_secret()
    }

    /// The same as text, to be typed or pasted.
    #[must_use]
    pub fn expose_text(&self) -> &str {
        &self.text
    }

    /// The six digits that the user types on the other device: consent, not security.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// When it is worth nothing any more, Unix seconds by this device's clock: a minute after it was made.
    #[must_use]
    pub const fn expires(&self) -> u64 {
        self.expires
    }
}

/// Our own card, for others to import.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnCard {
    /// What is shown as a QR code: the account's id and the fingerprint of its key.
    pub code: Vec<u8>,
    /// The same as a link, `sprag:` and letters.
    pub link: String,
    /// The whole card, as bodies that the app's server carries; none where there is a directory. Whoever is handed all of them by `deliver`, as from us, can
    /// write to us where there is no directory.
    pub parts: Vec<Vec<u8>>,
}

/// One of our own devices, as our list has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Device {
    /// Which.
    pub id: DeviceId,
    /// Whether it is the one that is asked.
    pub is_this: bool,
    /// Whether it may admit and revoke others.
    pub holds_account_key: bool,
}

impl Device {
    /// Puts the record together.
    #[must_use]
    pub const fn new(id: DeviceId, is_this: bool, holds_account_key: bool) -> Self {
        Self { id, is_this, holds_account_key }
    }
}

/// How long ago the session with a device was given a fresh secret. Somebody who copied a phone reads nothing that is sent
/// after *that* phone has brought one of its own: with messages going both ways, the one after the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Freshness {
    /// Which device of the contact.
    pub device: DeviceId,
    /// Fresh post-quantum secrets so far.
    pub epoch: u64,
    /// Messages, either way, since the last fresh post-quantum secret.
    pub since_epoch: u32,
    /// Messages, either way, since the last fresh Diffie-Hellman secret.
    pub since_turn: u32,
}

impl Freshness {
    /// Puts the record together.
    #[must_use]
    pub const fn new(device: DeviceId, epoch: u64, since_epoch: u32, since_turn: u32) -> Self {
        Self { device, epoch, since_epoch, since_turn }
    }
}

/// What is known of another account.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Contact {
    /// Whose it is.
    pub account: AccountId,
    /// How far its identity can be trusted.
    pub trust: Trust,
    /// The hash of its pinned account key: 32 bytes; none while nothing is pinned.
    pub account_key_fingerprint: Option<[u8; 32]>,
    /// The number that both sides see alike if nobody is between them; none while nothing is pinned.
    pub number: Option<SafetyNumber>,
    /// The number with the identity that was offered in place of the pinned one, where the user is to decide about one.
    pub offered: Option<SafetyNumber>,
}

impl Contact {
    /// A contact of which nothing else is known; the other fields are set by name.
    #[must_use]
    pub const fn new(account: AccountId, trust: Trust) -> Self {
        Self { account, trust, account_key_fingerprint: None, number: None, offered: None }
    }
}
