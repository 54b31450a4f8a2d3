//! Who and what is spoken of: conversations, contents, states, contacts.

use sprag::AccountId;

use crate::bytes::Bytes;
use crate::error::Result;

pub(crate) fn account(bytes: &Bytes) -> Result<AccountId> {
    Ok(AccountId::new(bytes)?)
}

pub(crate) fn bytes(value: impl AsRef<[u8]>) -> Bytes {
    Bytes::from(value.as_ref())
}

/// Where a message belongs.
#[derive(Clone, Debug, uniffi::Enum)]
pub enum Conversation {
    /// Ours with this other account.
    Direct {
        /// The other account's id: 1 to 64 bytes.
        account: Bytes,
    },
    /// A conversation of several, whose members the app's server decides.
    Room {
        /// Which room: 1 to 64 bytes.
        id: Bytes,
        /// The members, ourselves included or not, in any order: at most 100.
        members: Vec<Bytes>,
    },
    /// Of a kind that this release of the face does not know.
    Other {
        /// Its number.
        kind: u32,
    },
}

impl From<&sprag::Conversation> for Conversation {
    fn from(from: &sprag::Conversation) -> Self {
        match from {
            sprag::Conversation::Direct(account) => Self::Direct { account: bytes(account) },
            sprag::Conversation::Room { id, members } => {
                Self::Room { id: bytes(id), members: members.iter().map(bytes).collect() }
            }
            other => Self::Other { kind: other.code() },
        }
    }
}

impl Conversation {
    pub(crate) fn engine(&self) -> Result<sprag::Conversation> {
        match self {
            Self::Direct { account: id } => Ok(sprag::Conversation::Direct(account(id)?)),
            Self::Room { id, members } => Ok(sprag::Conversation::Room {
                id: sprag::RoomId::new(id)?,
                members: members.iter().map(account).collect::<Result<_>>()?,
            }),
            Self::Other { .. } => Err(sprag::Error::Misuse("a kind of conversation that cannot be sent to").into()),
        }
    }
}

/// What a message says, at most 256 KiB.
#[derive(Clone, Debug, uniffi::Enum)]
pub enum Content {
    /// Text.
    Text {
        /// As it was typed.
        text: String,
    },
    /// Anything of the app's own.
    App {
        /// What it is: 1 to 64 bytes.
        kind: String,
        /// The thing itself.
        bytes: Bytes,
    },
    /// Of a kind that this release of the face does not know.
    Other {
        /// Its number.
        kind: u32,
    },
}

impl From<&sprag::Content> for Content {
    fn from(from: &sprag::Content) -> Self {
        match from {
            sprag::Content::Text(text) => Self::Text { text: text.clone() },
            sprag::Content::App { kind, bytes: body } => Self::App { kind: kind.clone(), bytes: bytes(body) },
            other => Self::Other { kind: other.code() },
        }
    }
}

impl Content {
    pub(crate) fn engine(self) -> Result<sprag::Content> {
        match self {
            Self::Text { text } => Ok(sprag::Content::Text(text)),
            Self::App { kind, bytes } => Ok(sprag::Content::App { kind, bytes: bytes.to_vec() }),
            Self::Other { .. } => Err(sprag::Error::Misuse("a kind of content that cannot be sent").into()),
        }
    }
}

/// How far a message that we send has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum MessageState {
    /// It waits for the recipient's keys.
    WaitingKeys,
    /// It is held back until the app decides about the recipient, and calls `retry`.
    Held,
    /// It is sealed and goes out with the requests.
    Ready,
    /// The server has it.
    Accepted,
    /// It will not go out.
    Failed,
    /// It was taken back.
    Cancelled,
    /// A state that this release of the face does not know.
    Other,
}

impl From<sprag::MessageState> for MessageState {
    fn from(from: sprag::MessageState) -> Self {
        match from {
            sprag::MessageState::WaitingKeys => Self::WaitingKeys,
            sprag::MessageState::Held => Self::Held,
            sprag::MessageState::Ready => Self::Ready,
            sprag::MessageState::Accepted => Self::Accepted,
            sprag::MessageState::Failed => Self::Failed,
            sprag::MessageState::Cancelled => Self::Cancelled,
            _ => Self::Other,
        }
    }
}

/// How far an identity can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Trust {
    /// Pinned when first seen, or after a change.
    Pinned,
    /// The user compared the safety number.
    Verified,
    /// Sending is held until the user decides: another identity was offered, or somebody else may act as a verified contact.
    Changed,
    /// Nothing is pinned: known by name alone.
    Unseen,
    /// A state that this release of the face does not know.
    Other,
}

impl From<sprag::Trust> for Trust {
    fn from(from: sprag::Trust) -> Self {
        match from {
            sprag::Trust::Pinned => Self::Pinned,
            sprag::Trust::Verified => Self::Verified,
            sprag::Trust::Changed => Self::Changed,
            sprag::Trust::Unseen => Self::Unseen,
            _ => Self::Other,
        }
    }
}

/// What becomes of a contact under whose name another account key appears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum OnChange {
    /// Sending to a verified contact is held until the user accepts; with others it goes on with an event.
    HoldVerified,
    /// Sending is held for everybody.
    HoldAll,
}

impl From<OnChange> for sprag::OnChange {
    fn from(from: OnChange) -> Self {
        match from {
            OnChange::HoldVerified => Self::HoldVerified,
            OnChange::HoldAll => Self::HoldAll,
        }
    }
}

/// How far the app has come in taking up encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Rollout {
    /// It reads, and begins nothing.
    Read,
    /// It says that it can read, and finds out who else can.
    Offer,
    /// It encrypts wherever everybody can read it.
    Encrypt,
}

impl From<Rollout> for sprag::Rollout {
    fn from(from: Rollout) -> Self {
        match from {
            Rollout::Read => Self::Read,
            Rollout::Offer => Self::Offer,
            Rollout::Encrypt => Self::Encrypt,
        }
    }
}

/// What the app's server offers for finding keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Directory {
    /// Nothing: keys travel in messages.
    InBand,
    /// One opaque value for each account.
    KeyValue,
    /// A key directory.
    Full,
}

impl From<Directory> for sprag::Directory {
    fn from(from: Directory) -> Self {
        match from {
            Directory::InBand => Self::InBand,
            Directory::KeyValue => Self::KeyValue,
            Directory::Full => Self::Full,
        }
    }
}

/// What the bodies are that the app's server carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Armor {
    /// Bytes.
    Binary,
    /// Text.
    Text,
}

impl From<Armor> for sprag::Armor {
    fn from(from: Armor) -> Self {
        match from {
            Armor::Binary => Self::Binary,
            Armor::Text => Self::Text,
        }
    }
}

/// Our own card, for others to import.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Card {
    /// What is shown as a QR code: the account's id and the fingerprint of its key.
    pub code: Bytes,
    /// The same as a link.
    pub link: String,
    /// The whole card, as bodies that the app's server carries; none where there is a directory.
    pub parts: Vec<Bytes>,
}

impl From<sprag::OwnCard> for Card {
    fn from(from: sprag::OwnCard) -> Self {
        Self { code: bytes(from.code), link: from.link, parts: from.parts.iter().map(bytes).collect() }
    }
}

/// What became of a probe on its way through the app's server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Probed {
    /// It came back as it went.
    Unchanged,
    /// Its armor came back in another text: it is read all the same.
    Readable,
    /// It was changed or cut, or is no probe.
    Damaged,
}

/// What became of a body from `probe`. Needs no client.
#[uniffi::export]
pub fn probed(body: Bytes) -> Probed {
    match sprag::probed(body.as_ref()) {
        sprag::Probed::Unchanged { .. } => Probed::Unchanged,
        sprag::Probed::Readable { .. } => Probed::Readable,
        _ => Probed::Damaged,
    }
}

/// What the app decides about its messages. `default_policy` has the values that it does not care about.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Policy {
    /// The largest body that the app's server carries, in bytes: at least 8 KiB.
    pub max_body: u32,
    /// What becomes of a contact under whose name another account key appears.
    pub on_change: OnChange,
    /// How far the app has come in taking up encryption.
    pub rollout: Rollout,
    /// What the app's server offers for finding keys.
    pub directory: Directory,
    /// What the bodies are that the app's server carries.
    pub armor: Armor,
    /// With text, what stands in front for clients that show a body as it is: at most 256 bytes.
    pub fallback_text: String,
    /// How many sent messages are kept for devices in which they do not open: at most 1,000.
    pub shelf_messages: u32,
    /// For how many days: at most 30.
    pub shelf_days: u32,
}

/// The policy of an app that decides nothing: bodies of 1 MiB, sending held for verified contacts who change, encryption
/// wherever everybody can read it.
#[uniffi::export]
pub fn default_policy() -> Policy {
    let sprag::Policy { max_body, shelf, .. } = sprag::Policy::default();
    Policy {
        max_body,
        shelf_messages: shelf.messages,
        shelf_days: shelf.days,
        on_change: OnChange::HoldVerified,
        rollout: Rollout::Encrypt,
        directory: Directory::Full,
        armor: Armor::Binary,
        fallback_text: String::new(),
    }
}

impl From<Policy> for sprag::Policy {
    fn from(from: Policy) -> Self {
        let mut to = Self::default();
        to.max_body = from.max_body;
        to.on_change = from.on_change.into();
        to.rollout = from.rollout.into();
        to.directory = from.directory.into();
        to.armor = from.armor.into();
        to.fallback_text = from.fallback_text;
        to.shelf = sprag::Shelf { messages: from.shelf_messages, days: from.shelf_days };
        to
    }
}

/// How far a conversation is protected. It only rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Protection {
    /// Somebody in it cannot read what is encrypted, or nobody was asked yet: the app uses the path it had before.
    Plain,
    /// Everybody in it can read what is encrypted, and nobody has begun.
    Offered,
    /// What is said is encrypted, for good.
    Encrypted,
    /// The same, and the user has compared the safety number of everybody in it.
    Verified,
    /// A state that this release of the face does not know.
    Other,
}

impl From<sprag::Protection> for Protection {
    fn from(from: sprag::Protection) -> Self {
        match from {
            sprag::Protection::Plain => Self::Plain,
            sprag::Protection::Offered => Self::Offered,
            sprag::Protection::Encrypted => Self::Encrypted,
            sprag::Protection::Verified => Self::Verified,
            _ => Self::Other,
        }
    }
}

/// One device list, named.
#[derive(Clone, Debug, uniffi::Record)]
pub struct ListRef {
    /// Its sequence.
    pub sequence: u64,
    /// Its hash.
    pub hash: Bytes,
}

impl From<&sprag::ListRef> for ListRef {
    fn from(from: &sprag::ListRef) -> Self {
        Self { sequence: from.sequence, hash: bytes(from.hash) }
    }
}

/// What is known of another account.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Contact {
    /// Whose it is.
    pub account: Bytes,
    /// How far its identity can be trusted.
    pub trust: Trust,
    /// The hash of its account key; none while nothing is pinned.
    pub fingerprint: Option<Bytes>,
    /// The safety number, 60 digits; none while nothing is pinned.
    pub digits: Option<String>,
    /// Its form for a QR code.
    pub scannable: Option<String>,
    /// The number with the identity that the user is to decide about, where one was offered.
    pub offered_digits: Option<String>,
    /// Its form for a QR code.
    pub offered_scannable: Option<String>,
}

/// How long ago the session with a device got fresh secrets. Somebody who copied a phone is shut out when both sides have
/// brought one since.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Freshness {
    /// Which device of the contact.
    pub device: u32,
    /// Fresh post-quantum secrets so far.
    pub epoch: u64,
    /// Messages, either way, since the last fresh post-quantum secret.
    pub since_epoch: u32,
    /// Messages, either way, since the last fresh Diffie-Hellman secret.
    pub since_turn: u32,
}

impl From<&sprag::Freshness> for Freshness {
    fn from(from: &sprag::Freshness) -> Self {
        Self { device: from.device.0, epoch: from.epoch, since_epoch: from.since_epoch, since_turn: from.since_turn }
    }
}

/// One of our own devices, as our list has it.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Device {
    /// Which.
    pub id: u32,
    /// Whether it is the one that is asked.
    pub is_this: bool,
    /// Whether it may admit and revoke others.
    pub holds_account_key: bool,
}

impl From<&sprag::Device> for Device {
    fn from(from: &sprag::Device) -> Self {
        Self { id: from.id.0, is_this: from.is_this, holds_account_key: from.holds_account_key }
    }
}

/// The code of a device that is to be linked: a secret for its minute. Show it to nobody but the user, and keep it nowhere.
#[derive(uniffi::Record)]
#[uniffi::export(Display)]
pub struct LinkCode {
    /// What is shown as a QR code: at most 256 bytes.
    pub bytes: Bytes,
    /// The same as text, to be typed or pasted.
    pub text: String,
    /// The six digits that the user types on the other device: consent, not security.
    pub digits: String,
    /// When it is worth nothing any more, Unix seconds by this device's clock: a minute after it was made.
    pub expires: u64,
}

/// What may be printed: when it is worth nothing any more, and nothing else. One in a log would outlive its minute.
impl std::fmt::Display for LinkCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LinkCode(expires: {})", self.expires)
    }
}

impl From<&sprag::LinkCode> for LinkCode {
    fn from(from: &sprag::LinkCode) -> Self {
        Self {
            bytes: bytes(from.expose_bytes()),
            text: from.expose_text().to_owned(),
            digits: from.digits().to_owned(),
            expires: from.expires(),
        }
    }
}

/// How far the linking of a device has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum LinkPhase {
    /// On the new device: an offer for its code has come, and is answered.
    Offered,
    /// On the new device: it is on its account's list.
    Joined,
    /// On the device that admits it: the new device has answered.
    Answered,
    /// On the device that admits it: the new device is on the list.
    Admitted,
    /// A phase that this release of the face does not know.
    Other,
}

impl From<sprag::LinkPhase> for LinkPhase {
    fn from(from: sprag::LinkPhase) -> Self {
        match from {
            sprag::LinkPhase::Offered => Self::Offered,
            sprag::LinkPhase::Joined => Self::Joined,
            sprag::LinkPhase::Answered => Self::Answered,
            sprag::LinkPhase::Admitted => Self::Admitted,
            _ => Self::Other,
        }
    }
}
