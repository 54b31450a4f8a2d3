//! The Swift, Kotlin and Python face of Sprag: one [`Client`] object and plain records.
//!
//! It converts and forwards, and decides nothing. Every call is synchronous, coarse, and answers with records; nothing calls
//! back. What each record means is said at its namesake in the crate `sprag`; times are Unix seconds.

#![allow(unsafe_code, reason = "the generated border")]

mod bytes;
mod wipe;

use std::sync::{Arc, PoisonError, RwLock};

pub use bytes::Bytes;
use sprag::{AccountId, MessageId};

uniffi::setup_scaffolding!("sprag");

/// Why a call changed nothing. The message begins with the stable number of the error.
#[derive(Debug, uniffi::Error)]
#[uniffi(flat_error)]
pub enum SpragError {
    /// The store's file cannot be read or written.
    Store(sprag::Error),
    /// Another process held the store for too long. Try again.
    Busy(sprag::Error),
    /// The store is closed for now.
    Unavailable(sprag::Error),
    /// The key is not this store's.
    WrongKey(sprag::Error),
    /// The store belongs to another account.
    WrongAccount(sprag::Error),
    /// There is a store already.
    Exists(sprag::Error),
    /// There is no store.
    NoStore(sprag::Error),
    /// A later version wrote the store.
    Newer(sprag::Error),
    /// No such contact, message or request.
    Unknown(sprag::Error),
    /// The conversation is plain.
    NotProtected(sprag::Error),
    /// Policy forbids it.
    NotAllowed(sprag::Error),
    /// A mistake of the caller.
    Misuse(sprag::Error),
    /// A defect of Sprag that was caught and rolled back.
    Internal(sprag::Error),
}

impl SpragError {
    const fn inner(&self) -> sprag::Error {
        match self {
            Self::Store(error)
            | Self::Busy(error)
            | Self::Unavailable(error)
            | Self::WrongKey(error)
            | Self::WrongAccount(error)
            | Self::Exists(error)
            | Self::NoStore(error)
            | Self::Newer(error)
            | Self::Unknown(error)
            | Self::NotProtected(error)
            | Self::NotAllowed(error)
            | Self::Misuse(error)
            | Self::Internal(error) => *error,
        }
    }
}

impl std::fmt::Display for SpragError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let error = self.inner();
        write!(f, "{}: {error}", error.code())
    }
}

impl std::error::Error for SpragError {}

impl From<sprag::Error> for SpragError {
    fn from(error: sprag::Error) -> Self {
        match error {
            sprag::Error::Store(_) => Self::Store(error),
            sprag::Error::Busy => Self::Busy(error),
            sprag::Error::Unavailable => Self::Unavailable(error),
            sprag::Error::WrongKey => Self::WrongKey(error),
            sprag::Error::WrongAccount => Self::WrongAccount(error),
            sprag::Error::Exists => Self::Exists(error),
            sprag::Error::NoStore => Self::NoStore(error),
            sprag::Error::Newer => Self::Newer(error),
            sprag::Error::Unknown => Self::Unknown(error),
            sprag::Error::NotProtected => Self::NotProtected(error),
            sprag::Error::NotAllowed => Self::NotAllowed(error),
            sprag::Error::Misuse(_) => Self::Misuse(error),
            _ => Self::Internal(error),
        }
    }
}

type Result<T> = std::result::Result<T, SpragError>;

fn account(bytes: &Bytes) -> Result<AccountId> {
    Ok(AccountId::new(bytes)?)
}

fn bytes(value: impl AsRef<[u8]>) -> Bytes {
    Bytes::from(value.as_ref())
}

/// What to look at next.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Pending {
    /// How many events wait to be done.
    pub events: u64,
    /// How many requests can be handed out now.
    pub requests: u64,
    /// In how many milliseconds `wake` has something to do.
    pub next_wake_ms: Option<u64>,
}

impl From<sprag::Pending> for Pending {
    fn from(from: sprag::Pending) -> Self {
        Self { events: from.events, requests: from.requests, next_wake_ms: from.next_wake_ms }
    }
}

/// Where a message belongs.
#[derive(Clone, Debug, uniffi::Enum)]
pub enum Conversation {
    /// Ours with this other account.
    Direct {
        /// The other account's id: 1 to 64 bytes.
        account: Bytes,
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
            other => Self::Other { kind: other.code() },
        }
    }
}

impl Conversation {
    fn engine(&self) -> Result<sprag::Conversation> {
        match self {
            Self::Direct { account: id } => Ok(sprag::Conversation::Direct(account(id)?)),
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
    fn engine(self) -> Result<sprag::Content> {
        match self {
            Self::Text { text } => Ok(sprag::Content::Text(text)),
            Self::App { kind, bytes } => Ok(sprag::Content::App { kind, bytes: bytes.to_vec() }),
            Self::Other { .. } => Err(sprag::Error::Misuse("a kind of content that cannot be sent").into()),
        }
    }
}

/// How a message is to be sent.
#[derive(Clone, Debug, uniffi::Record)]
pub struct SendOptions {
    /// The message's id, 1 to 64 bytes; made up if absent.
    #[uniffi(default = None)]
    pub client_id: Option<Bytes>,
    /// Whether it is silent: receipts, edits, reactions.
    #[uniffi(default = false)]
    pub quiet: bool,
    /// When it need not arrive any more.
    #[uniffi(default = None)]
    pub expires: Option<u64>,
}

/// A message as the app's server handed it over.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Incoming {
    /// The encrypted bytes, unchanged.
    pub bytes: Bytes,
    /// Whom the server names as its sender.
    #[uniffi(default = None)]
    pub sender: Option<Bytes>,
    /// Where the app files it.
    #[uniffi(default = None)]
    pub conversation: Option<Conversation>,
    /// The app's own name for it, at most 64 bytes.
    #[uniffi(default = None)]
    pub app_ref: Option<Bytes>,
    /// The server's time for it.
    #[uniffi(default = None)]
    pub server_time: Option<u64>,
    /// The server's stamp over its commitment.
    #[uniffi(default = None)]
    pub stamp: Option<Bytes>,
    /// Whether it is old mail fetched again.
    #[uniffi(default = false)]
    pub history: bool,
}

impl Incoming {
    fn engine(&self) -> Result<sprag::Incoming> {
        let mut to = sprag::Incoming::new(self.bytes.to_vec());
        to.from = self.sender.as_ref().map(account).transpose()?;
        to.conversation = self.conversation.as_ref().map(Conversation::engine).transpose()?;
        to.app_ref = self.app_ref.as_ref().map(Bytes::to_vec);
        to.server_time = self.server_time;
        to.stamp = self.stamp.as_ref().map(Bytes::to_vec);
        to.history = self.history;
        Ok(to)
    }
}

/// What was found in a delivered message.
#[derive(Clone, Debug, uniffi::Enum)]
pub enum Finding {
    /// It opened.
    Opened {
        /// The events that came of it.
        events: Vec<u64>,
    },
    /// Its sender may not be pinned under the id that it claims.
    Quarantined {
        /// The hash of its account key.
        fingerprint: Bytes,
    },
    /// It was delivered before.
    Duplicate {
        /// The message in it, where known.
        message: Option<Bytes>,
    },
    /// One of our own that came back.
    OwnEcho {
        /// The message in it, where there is one.
        message: Option<Bytes>,
    },
    /// Nothing in it is for this device.
    NotAddressed,
    /// Not an object of Sprag.
    Foreign,
    /// For us, and does not open.
    Unreadable {
        /// Why: a stable number.
        reason: u32,
        /// Whether the sender is asked to begin anew.
        asked: bool,
    },
    /// A finding that this release of the face does not know.
    Other {
        /// Its number.
        kind: u32,
    },
}

/// A finding and the hash of the message that it is about.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Verdict {
    /// The hash of the delivered bytes.
    pub blob_id: Bytes,
    /// What was found.
    pub finding: Finding,
}

impl From<&sprag::Verdict> for Verdict {
    fn from(from: &sprag::Verdict) -> Self {
        let finding = match &from.finding {
            sprag::Finding::Opened { events } => Finding::Opened { events: events.clone() },
            sprag::Finding::Quarantined { fingerprint } => Finding::Quarantined { fingerprint: bytes(fingerprint) },
            sprag::Finding::Duplicate { message } => Finding::Duplicate { message: message.as_ref().map(bytes) },
            sprag::Finding::OwnEcho { message } => Finding::OwnEcho { message: message.as_ref().map(bytes) },
            sprag::Finding::NotAddressed => Finding::NotAddressed,
            sprag::Finding::Foreign => Finding::Foreign,
            sprag::Finding::Unreadable { reason, healing } => {
                Finding::Unreadable { reason: reason.code(), asked: *healing == sprag::Healing::Asked }
            }
            other => Finding::Other { kind: other.code() },
        };
        Self { blob_id: bytes(from.blob_id.0), finding }
    }
}

/// What `deliver` answers.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Delivered {
    /// One verdict for each message, in order.
    pub verdicts: Vec<Verdict>,
    /// What to look at next.
    pub pending: Pending,
}

/// An account whose keys are needed.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Wanted {
    /// The account.
    pub account: Bytes,
    /// The sequence known of its list; 0 if none.
    pub known_sequence: u64,
}

/// A device list to be stored only if the one before it is the expected one.
#[derive(Clone, Debug, uniffi::Record)]
pub struct ListWrite {
    /// The signed list.
    pub object: Bytes,
    /// Its sequence.
    pub sequence: u64,
    /// The sequence that the directory must hold now; 0 if none.
    pub expected: u64,
}

/// What to do on the network.
#[derive(Clone, Debug, uniffi::Enum)]
pub enum Action {
    /// Put our public keys into the directory.
    PublishKeys {
        /// Our account.
        account: Bytes,
        /// Our device.
        device: u32,
        /// The device list, if it is to be replaced.
        list: Option<ListWrite>,
        /// The signed prekey, if it is to be replaced.
        signed_prekey: Option<Bytes>,
        /// One-time prekeys to add.
        one_time: Vec<Bytes>,
        /// Whether the queue is to be emptied first.
        reset_one_time: bool,
    },
    /// Get others' public keys.
    FetchKeys {
        /// Whose.
        accounts: Vec<Wanted>,
        /// Whether a one-time prekey of each device is wanted.
        one_time: bool,
        /// Whether somebody waits for it.
        urgent: bool,
    },
    /// Carry an encrypted message.
    Send {
        /// Where the app files it.
        conversation: Conversation,
        /// The accounts that are to have it.
        to: Vec<Bytes>,
        /// The encrypted bytes.
        blob: Bytes,
        /// Their hash.
        blob_id: Bytes,
        /// The message in it; absent if it is the engine's own upkeep.
        message: Option<Bytes>,
        /// Whether it is silent.
        quiet: bool,
        /// Whether the recipient should be woken.
        notify: bool,
        /// The commitment that a server may stamp.
        commitment: Bytes,
        /// When it need not arrive any more.
        expires: Option<u64>,
    },
    /// A request that this release of the face does not know: skip it.
    Other {
        /// Its number.
        kind: u32,
    },
}

/// One thing to do on the network.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Request {
    /// Names it until it is answered; the idempotency key towards the server.
    pub id: u64,
    /// How often it was handed out.
    pub attempt: u32,
    /// When it was made.
    pub created: u64,
    /// Until when it is the caller's alone.
    pub lease_until: u64,
    /// What to do.
    pub action: Action,
}

impl From<&sprag::Request> for Request {
    fn from(from: &sprag::Request) -> Self {
        let action = match &from.action {
            sprag::Action::PublishKeys(publish) => Action::PublishKeys {
                account: bytes(&publish.account),
                device: publish.device.0,
                list: publish.list.as_ref().map(|list| ListWrite {
                    object: bytes(&list.object),
                    sequence: list.sequence,
                    expected: list.expected,
                }),
                signed_prekey: publish.signed_prekey.as_ref().map(bytes),
                one_time: publish.one_time.iter().map(bytes).collect(),
                reset_one_time: publish.reset_one_time,
            },
            sprag::Action::FetchKeys(fetch) => Action::FetchKeys {
                accounts: fetch
                    .accounts
                    .iter()
                    .map(|wanted| Wanted { account: bytes(&wanted.account), known_sequence: wanted.known_sequence })
                    .collect(),
                one_time: fetch.one_time,
                urgent: fetch.urgent,
            },
            sprag::Action::Send(send) => Action::Send {
                conversation: (&send.conversation).into(),
                to: send.to.iter().map(bytes).collect(),
                blob: bytes(&send.blob),
                blob_id: bytes(send.blob_id.0),
                message: send.message.as_ref().map(bytes),
                quiet: send.class == sprag::Class::Quiet,
                notify: send.notify,
                commitment: bytes(send.commitment),
                expires: send.expires,
            },
            other => Action::Other { kind: other.code() },
        };
        Self { id: from.id.0, attempt: from.attempt, created: from.created, lease_until: from.lease_until, action }
    }
}

/// What a directory holds for an account.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Found {
    /// The account.
    pub account: Bytes,
    /// Its signed objects, in any order.
    pub parts: Vec<Bytes>,
}

/// An account whose list changed.
#[derive(Clone, Debug, uniffi::Record)]
pub struct StaleList {
    /// The account.
    pub account: Bytes,
    /// Its list, if the server sent it.
    #[uniffi(default = None)]
    pub list: Option<Bytes>,
}

/// Why a server refuses for good.
#[derive(Clone, Copy, Debug, uniffi::Enum)]
pub enum Rejection {
    /// We may not.
    Forbidden,
    /// The account is not known there.
    NoSuchAccount,
    /// Something else.
    Other,
}

/// What became of a request.
#[derive(Clone, Debug, uniffi::Enum)]
pub enum Outcome {
    /// To PublishKeys: stored.
    Published {
        /// How many one-time prekeys of this device the directory holds now.
        one_time_left: Option<u32>,
    },
    /// To PublishKeys: the directory holds another list than the expected one.
    Conflict {
        /// That list.
        list: Bytes,
    },
    /// To FetchKeys: what the directory holds.
    Keys {
        /// The accounts that it knows.
        found: Vec<Found>,
        /// Those that it does not.
        absent: Vec<Bytes>,
    },
    /// To Send: the server has it.
    Accepted {
        /// The server's time.
        server_time: Option<u64>,
        /// The server's stamp.
        stamp: Option<Bytes>,
    },
    /// To Send (409): newer lists.
    Stale {
        /// Whose.
        accounts: Vec<StaleList>,
    },
    /// To Send (413): the server carries less.
    TooLarge {
        /// How much, in bytes.
        limit: u32,
    },
    /// To any: later (offline, 401, 429, 5xx).
    Retry {
        /// After how many seconds.
        after: Option<u32>,
    },
    /// To any: refused for good.
    Rejected {
        /// Why.
        why: Rejection,
    },
}

impl Outcome {
    fn engine(self) -> Result<sprag::Outcome> {
        let all = |parts: &[Bytes]| parts.iter().map(Bytes::to_vec).collect::<Vec<_>>();
        Ok(match self {
            Self::Published { one_time_left } => sprag::Outcome::Published { one_time_left },
            Self::Conflict { list } => sprag::Outcome::Conflict { list: list.to_vec() },
            Self::Keys { found, absent } => sprag::Outcome::Keys {
                found: found
                    .iter()
                    .map(|found| Ok(sprag::Found { account: account(&found.account)?, parts: all(&found.parts) }))
                    .collect::<Result<_>>()?,
                absent: absent.iter().map(account).collect::<Result<_>>()?,
            },
            Self::Accepted { server_time, stamp } => {
                sprag::Outcome::Accepted { server_time, stamp: stamp.map(|stamp| stamp.to_vec()) }
            }
            Self::Stale { accounts } => sprag::Outcome::Stale {
                accounts: accounts
                    .iter()
                    .map(|stale| {
                        let list = stale.list.as_ref().map(Bytes::to_vec);
                        Ok(sprag::StaleList { account: account(&stale.account)?, list })
                    })
                    .collect::<Result<_>>()?,
            },
            Self::TooLarge { limit } => sprag::Outcome::TooLarge { limit },
            Self::Retry { after } => sprag::Outcome::Retry { after },
            Self::Rejected { why } => sprag::Outcome::Rejected(match why {
                Rejection::Forbidden => sprag::Rejection::Forbidden,
                Rejection::NoSuchAccount => sprag::Rejection::NoSuchAccount,
                Rejection::Other => sprag::Rejection::Other,
            }),
        })
    }
}

/// How far a message that we send has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum MessageState {
    /// It waits for the recipient's keys.
    WaitingKeys,
    /// It is held back because the recipient's identity changed.
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

/// What `send` answers.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Sent {
    /// The message's id.
    pub message: Bytes,
    /// How far it has come.
    pub state: MessageState,
    /// What can go out at once, leased to the caller.
    pub requests: Vec<Request>,
    /// What to look at next.
    pub pending: Pending,
}

/// How far an identity can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Trust {
    /// Pinned when first seen.
    Pinned,
    /// Another identity was offered and refused.
    Changed,
    /// A state that this release of the face does not know.
    Other,
}

impl From<sprag::Trust> for Trust {
    fn from(from: sprag::Trust) -> Self {
        match from {
            sprag::Trust::Pinned => Self::Pinned,
            sprag::Trust::Changed => Self::Changed,
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

/// What happened.
#[derive(Clone, Debug, uniffi::Enum)]
pub enum What {
    /// A message came.
    Message {
        /// The app's own name for it.
        app_ref: Option<Bytes>,
        /// The hash of its bytes.
        blob_id: Bytes,
        /// Its id, unique among those of its sender.
        client_id: Bytes,
        /// Whom it is from, as the session proved it.
        sender: Bytes,
        /// Which device of theirs.
        device: u32,
        /// Whether we sent it, from another device.
        outgoing: bool,
        /// Where it belongs.
        conversation: Conversation,
        /// Whether it is silent.
        quiet: bool,
        /// What it says.
        content: Content,
        /// When its sender says it was sent.
        sent: u64,
        /// How far its sender's identity can be trusted.
        trust: Trust,
        /// Whether it is the first from this account.
        first_contact: bool,
    },
    /// A message came that cannot be read.
    Unreadable {
        /// The app's own name for it.
        app_ref: Option<Bytes>,
        /// The hash of its bytes.
        blob_id: Bytes,
        /// Whom it is from.
        sender: Option<Bytes>,
        /// Why: a stable number.
        reason: u32,
        /// Whether the sender is asked to begin anew.
        asked: bool,
    },
    /// A message of ours came further.
    Progress {
        /// Which.
        message: Bytes,
        /// To whom, where it is about one account.
        account: Option<Bytes>,
        /// How far.
        state: MessageState,
        /// Why no further: a stable number.
        reason: Option<u32>,
    },
    /// Another identity was offered for a contact; refused, and sending is held.
    IdentityChanged {
        /// Whose.
        account: Bytes,
        /// The pinned safety number.
        old_number: String,
        /// The offered one.
        new_number: String,
        /// Whether the old one had been compared.
        was_verified: bool,
        /// The messages that are held.
        held: Vec<Bytes>,
    },
    /// Two device lists where there can be one.
    ListConflict {
        /// Whose.
        account: Bytes,
        /// The list known here.
        mine: ListRef,
        /// The other one.
        theirs: ListRef,
    },
    /// The session with a device was begun anew.
    SessionRestarted {
        /// Whose.
        account: Bytes,
        /// Which device.
        device: u32,
        /// Whether the new session proved knowledge of the old.
        resumed: bool,
    },
    /// The clock jumped.
    ClockSuspect {
        /// By how many seconds ours is ahead.
        skew: i64,
    },
    /// Few one-time prekeys are left at the directory.
    KeysLow {
        /// How many.
        left: u32,
    },
    /// Something is wrong with the store.
    StoreTrouble {
        /// What: a stable number.
        code: u32,
    },
    /// A message of a kind that a later release knows.
    Unsupported {
        /// The app's own name for it.
        app_ref: Option<Bytes>,
        /// The hash of its bytes.
        blob_id: Bytes,
        /// Whom it is from.
        sender: Bytes,
        /// The number of its kind.
        kind: u64,
    },
    /// An event that this release of the face does not know: skip it.
    Other {
        /// Its number.
        kind: u32,
    },
}

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Importance {
    /// A message, or about one.
    Content,
    /// The user should know.
    Security,
    /// For the app alone.
    Info,
}

/// Something for the app to show or to act on.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Event {
    /// Names it, for `done`.
    pub id: u64,
    /// When it happened.
    pub at: u64,
    /// How much it matters.
    pub importance: Importance,
    /// What happened.
    pub what: What,
}

impl From<&sprag::Event> for Event {
    fn from(from: &sprag::Event) -> Self {
        let importance = match from.importance() {
            sprag::Importance::Content => Importance::Content,
            sprag::Importance::Security => Importance::Security,
            _ => Importance::Info,
        };
        Self { id: from.id, at: from.at, importance, what: (&from.what).into() }
    }
}

impl From<&sprag::What> for What {
    fn from(from: &sprag::What) -> Self {
        match from {
            sprag::What::Message(message) => Self::Message {
                app_ref: message.app_ref.as_ref().map(bytes),
                blob_id: bytes(message.blob_id.0),
                client_id: bytes(&message.client_id),
                sender: bytes(&message.sender.account),
                device: message.sender.device.0,
                outgoing: message.outgoing,
                conversation: (&message.conversation).into(),
                quiet: message.class == sprag::Class::Quiet,
                content: (&message.content).into(),
                sent: message.sent,
                trust: message.trust.into(),
                first_contact: message.first_contact,
            },
            sprag::What::Unreadable { app_ref, blob_id, from, reason, healing } => Self::Unreadable {
                app_ref: app_ref.as_ref().map(bytes),
                blob_id: bytes(blob_id.0),
                sender: from.as_ref().map(bytes),
                reason: reason.code(),
                asked: *healing == sprag::Healing::Asked,
            },
            sprag::What::Progress { message, account, state, reason } => Self::Progress {
                message: bytes(message),
                account: account.as_ref().map(bytes),
                state: (*state).into(),
                reason: reason.map(sprag::Reason::code),
            },
            sprag::What::IdentityChanged { account, old_number, new_number, was_verified, held } => {
                Self::IdentityChanged {
                    account: bytes(account),
                    old_number: old_number.clone(),
                    new_number: new_number.clone(),
                    was_verified: *was_verified,
                    held: held.iter().map(bytes).collect(),
                }
            }
            sprag::What::ListConflict { account, mine, theirs } => {
                Self::ListConflict { account: bytes(account), mine: mine.into(), theirs: theirs.into() }
            }
            sprag::What::SessionRestarted { account, device, resumed, .. } => {
                Self::SessionRestarted { account: bytes(account), device: device.0, resumed: *resumed }
            }
            sprag::What::ClockSuspect { skew } => Self::ClockSuspect { skew: *skew },
            sprag::What::KeysLow { left } => Self::KeysLow { left: *left },
            sprag::What::StoreTrouble { code } => Self::StoreTrouble { code: *code },
            sprag::What::Unsupported { app_ref, blob_id, sender, kind } => Self::Unsupported {
                app_ref: app_ref.as_ref().map(bytes),
                blob_id: bytes(blob_id.0),
                sender: bytes(&sender.account),
                kind: *kind,
            },
            other => Self::Other { kind: other.code() },
        }
    }
}

/// What a message says, found without changing anything.
#[derive(Clone, Debug, uniffi::Enum)]
pub enum Preview {
    /// It opens.
    Message {
        /// Whom it is from.
        sender: Bytes,
        /// Where it belongs.
        conversation: Conversation,
        /// Its id.
        client_id: Bytes,
        /// Whether it is silent.
        quiet: bool,
        /// What it says.
        content: Content,
    },
    /// It shows nothing: known, or upkeep.
    Known,
    /// It does not open.
    Unreadable {
        /// Why: a stable number.
        reason: u32,
    },
}

/// What is known of another account.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Contact {
    /// Whose it is.
    pub account: Bytes,
    /// How far its identity can be trusted.
    pub trust: Trust,
    /// The hash of its account key.
    pub fingerprint: Bytes,
    /// The safety number: 60 digits.
    pub digits: String,
    /// Its form for a QR code.
    pub scannable: String,
}

/// Whether bytes look like an object of Sprag.
#[uniffi::export]
pub fn recognise(bytes: Bytes) -> bool {
    sprag::recognise(bytes.as_ref())
}

/// A few words about a reason's number, for a log.
#[uniffi::export]
pub fn reason_text(reason: u32) -> String {
    sprag::Reason::from_code(reason).map_or_else(|| "unknown reason".to_owned(), |reason| reason.text().to_owned())
}

/// The library's version.
#[uniffi::export]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// One account's device on one store. It holds keys: close it when done (`close()` in Kotlin, `shut()` everywhere).
#[derive(uniffi::Object)]
pub struct Client {
    inner: RwLock<Option<Arc<sprag::Client>>>,
}

impl Client {
    fn holding(client: sprag::Client) -> Arc<Self> {
        Arc::new(Self { inner: RwLock::new(Some(Arc::new(client))) })
    }

    fn get(&self) -> Result<Arc<sprag::Client>> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.clone().ok_or_else(|| sprag::Error::Misuse("the client was shut").into())
    }

    fn take(&self) -> Option<Arc<sprag::Client>> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner).take()
    }
}

fn place(path: Option<String>) -> sprag::Place {
    path.map_or(sprag::Place::Memory, |path| sprag::Place::File(path.into()))
}

#[uniffi::export]
impl Client {
    /// Makes a new account on a new store; without a path, in memory. The key is 32 random bytes.
    #[uniffi::constructor(default(max_body = None))]
    pub fn create(path: Option<String>, key: Bytes, account: Bytes, max_body: Option<u32>) -> Result<Arc<Self>> {
        let key = sprag::Key::from_slice(key.as_ref())?;
        let mut config = sprag::Config::new(place(path), key, AccountId::new(&account)?);
        if let Some(max_body) = max_body {
            config.policy.max_body = max_body;
        }
        Ok(Self::holding(sprag::Client::create(config, sprag::context::Environment::platform())?))
    }

    /// Opens the store of an account.
    #[uniffi::constructor(default(extension = false))]
    pub fn open(path: String, key: Bytes, account: Bytes, extension: bool) -> Result<Arc<Self>> {
        let key = sprag::Key::from_slice(key.as_ref())?;
        let mut opening = sprag::Opening::new(place(Some(path)), key, AccountId::new(&account)?);
        if extension {
            opening.role = sprag::Role::Extension;
        }
        Ok(Self::holding(sprag::Client::open(opening, sprag::context::Environment::platform())?))
    }

    /// Closes the store and wipes its keys from memory; later calls are misuse. Running calls end first.
    pub fn shut(&self) {
        drop(self.take());
    }

    /// Removes the store with everything in it. There is no way back. `Busy` if another call is running.
    pub fn erase(&self) -> Result<()> {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let client = inner.take().ok_or(sprag::Error::Misuse("the client was shut"))?;
        match Arc::try_unwrap(client) {
            Ok(client) => Ok(client.erase()?),
            Err(client) => {
                *inner = Some(client);
                Err(sprag::Error::Busy.into())
            }
        }
    }

    /// The account that this is a device of.
    pub fn account(&self) -> Result<Bytes> {
        Ok(bytes(self.get()?.account()))
    }

    /// The device of that account that this store is: what tells it from the others at the app's server.
    pub fn device(&self) -> Result<u32> {
        Ok(self.get()?.device().0)
    }

    /// Takes messages and judges each. Durable on return: the app may acknowledge them to its server.
    pub fn deliver(&self, messages: Vec<Incoming>) -> Result<Delivered> {
        let batch = messages.iter().map(Incoming::engine).collect::<Result<Vec<_>>>()?;
        let delivered = self.get()?.deliver(&batch)?;
        let verdicts = delivered.verdicts.iter().map(Into::into).collect();
        Ok(Delivered { verdicts, pending: delivered.pending.into() })
    }

    /// Hands out at most `max` requests, the caller's alone for the time of the lease.
    #[uniffi::method(default(max = 64, lease_seconds = 60))]
    pub fn requests(&self, max: u32, lease_seconds: u32) -> Result<Vec<Request>> {
        let requests = self.get()?.requests(max as usize, lease_seconds)?;
        Ok(requests.iter().map(Into::into).collect())
    }

    /// Says what became of a request.
    pub fn respond(&self, request: u64, outcome: Outcome) -> Result<Pending> {
        Ok(self.get()?.respond(sprag::RequestId(request), outcome.engine()?)?.into())
    }

    /// Lets the engine do what is due.
    #[uniffi::method(default(server_time = None, one_time_left = None))]
    pub fn wake(&self, server_time: Option<u64>, one_time_left: Option<u32>) -> Result<Pending> {
        let mut hint = sprag::Hint::default();
        hint.server_time = server_time;
        hint.one_time_left = one_time_left;
        Ok(self.get()?.wake(hint)?.into())
    }

    /// Sends a message. What can go out at once is in the answer.
    pub fn send(&self, conversation: Conversation, content: Content, options: SendOptions) -> Result<Sent> {
        let mut to = sprag::SendOptions::default();
        to.client_id = options.client_id.as_ref().map(MessageId::new).transpose()?;
        if options.quiet {
            to.class = sprag::Class::Quiet;
        }
        to.expires = options.expires;
        let sent = self.get()?.send(&conversation.engine()?, &content.engine()?, &to)?;
        Ok(Sent {
            message: bytes(&sent.message),
            state: sent.state.into(),
            requests: sent.requests.iter().map(Into::into).collect(),
            pending: sent.pending.into(),
        })
    }

    /// At most `max` events that follow `after` (0 for the oldest). They stay until they are done.
    #[uniffi::method(default(after = 0, max = 64))]
    pub fn events(&self, after: u64, max: u32) -> Result<Vec<Event>> {
        Ok(self.get()?.events(after, max as usize)?.iter().map(Into::into).collect())
    }

    /// Says that events were shown or acted on.
    pub fn done(&self, events: Vec<u64>) -> Result<Pending> {
        Ok(self.get()?.done(&events)?.into())
    }

    /// Looks into a message and changes nothing, for a notification.
    pub fn peek(&self, message: Incoming) -> Result<Preview> {
        Ok(match self.get()?.peek(&message.engine()?)? {
            sprag::Preview::Message { sender, conversation, client_id, class, content } => Preview::Message {
                sender: bytes(&sender.account),
                conversation: (&conversation).into(),
                client_id: bytes(&client_id),
                quiet: class == sprag::Class::Quiet,
                content: (&content).into(),
            },
            sprag::Preview::Unreadable { reason } => Preview::Unreadable { reason: reason.code() },
            _ => Preview::Known,
        })
    }

    /// Takes a message of ours back, if it has not gone out.
    pub fn cancel(&self, message: Bytes) -> Result<Pending> {
        Ok(self.get()?.cancel(message.as_ref())?.into())
    }

    /// Tries a failed or held message of ours again.
    pub fn retry(&self, message: Bytes) -> Result<Pending> {
        Ok(self.get()?.retry(message.as_ref())?.into())
    }

    /// How far a message of ours has come.
    pub fn state(&self, message: Bytes) -> Result<MessageState> {
        Ok(self.get()?.state(message.as_ref())?.into())
    }

    /// Changes the stored policy.
    pub fn configure(&self, max_body: u32) -> Result<()> {
        let mut policy = sprag::Policy::default();
        policy.max_body = max_body;
        Ok(self.get()?.configure(policy)?)
    }

    /// Closes the store until `resume`.
    pub fn suspend(&self) -> Result<()> {
        Ok(self.get()?.suspend()?)
    }

    /// Opens the store again.
    pub fn resume(&self) -> Result<()> {
        Ok(self.get()?.resume()?)
    }

    /// Puts the store under a new key of 32 bytes.
    pub fn rekey(&self, key: Bytes) -> Result<()> {
        Ok(self.get()?.rekey(&sprag::Key::from_slice(key.as_ref())?)?)
    }

    /// What is known of another account, the safety number included.
    pub fn contact(&self, account: Bytes) -> Result<Contact> {
        let contact = self.get()?.contact(account.as_ref())?;
        Ok(Contact {
            account: bytes(&contact.account),
            trust: contact.trust.into(),
            fingerprint: bytes(contact.account_key_fingerprint),
            digits: contact.number.digits(),
            scannable: contact.number.scannable(),
        })
    }
}
