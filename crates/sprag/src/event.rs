//! What goes in and what comes of it: messages to be delivered, verdicts on them, events for the app's screen, and the small
//! answers of the door.
//!
//! It decides nothing. Kinds are open: an app skips what it does not know.

use sprag_core::secret::SecretBytes;
use sprag_core::wire::{Reader, Writer};

use crate::codec::{self, CORRUPT, Row, ok, read_list, write_list};
use crate::error::Result;
use crate::id::{AccountId, BlobId, Class, Content, Conversation, DeviceId, MessageId, Protection, Sender, Trust};
use crate::request::Request;

/// A message as the app's server handed it over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Incoming {
    /// Whom the server names as its sender. It helps to find the keys; whom it is from is what the session proves.
    pub from: Option<AccountId>,
    /// Where the app files it. A message that belongs elsewhere is `Unreadable(Misfiled)`.
    pub conversation: Option<Conversation>,
    /// The encrypted bytes, unchanged.
    pub bytes: Vec<u8>,
    /// The app's own name for it, at most 64 bytes, handed back in the event.
    pub app_ref: Option<Vec<u8>>,
    /// The server's time for it, Unix seconds.
    pub server_time: Option<u64>,
    /// The server's stamp over its commitment.
    pub stamp: Option<Vec<u8>>,
    /// Whether it is old mail fetched again: nothing is asked to be sent anew for it.
    pub history: bool,
}

impl Incoming {
    /// A message of which nothing else is known.
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self { from: None, conversation: None, bytes, app_ref: None, server_time: None, stamp: None, history: false }
    }

    /// A message that the server says this account sent.
    #[must_use]
    pub fn from(account: AccountId, bytes: Vec<u8>) -> Self {
        let mut incoming = Self::new(bytes);
        incoming.from = Some(account);
        incoming
    }
}

/// What `deliver` found in one message. Final when `deliver` returns: the app may acknowledge it to its server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// The hash of the delivered object, without its armor.
    pub blob_id: BlobId,
    /// What was found.
    pub finding: Finding,
}

impl Verdict {
    /// Puts the record together.
    #[must_use]
    pub const fn new(blob_id: BlobId, finding: Finding) -> Self {
        Self { blob_id, finding }
    }
}

/// What was found in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// It opened.
    Opened {
        /// The events that came of it; none if it was upkeep.
        events: Vec<u64>,
    },
    /// Its sender may not be pinned under the id that it claims; it is kept apart under the hash of its account key.
    Quarantined {
        /// The hash of the account key: 32 bytes.
        fingerprint: [u8; 32],
    },
    /// It was delivered before: the same bytes, or the same message sealed anew. Nothing is shown.
    Duplicate {
        /// The message in it, if it was sealed anew.
        message: Option<MessageId>,
    },
    /// It is one of our own that came back.
    OwnEcho {
        /// The message in it; absent for upkeep.
        message: Option<MessageId>,
    },
    /// Nothing in it is for this device. No event, no damage.
    NotAddressed,
    /// Not an object of Sprag.
    Foreign,
    /// It is not to be read. There is an event too, unless too many wait for the app already.
    Unreadable {
        /// Why.
        reason: Reason,
        /// What is done about it.
        healing: Healing,
    },
}

impl Finding {
    /// The stable number of this finding.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::Opened { .. } => 1,
            Self::Quarantined { .. } => 2,
            Self::Duplicate { .. } => 3,
            Self::OwnEcho { .. } => 4,
            Self::NotAddressed => 5,
            Self::Foreign => 6,
            Self::Unreadable { .. } => 7,
        }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// Why a message cannot be read, or was not delivered. Numbers below 100 are the core's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(u32)]
        pub enum Reason {
            $($(#[$doc])* $name = $code,)*
        }

        impl Reason {
            /// The reason with this number.
            #[must_use]
            pub const fn from_code(code: u32) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// The stable number of this reason, the same in every release and language.
            #[must_use]
            pub const fn code(self) -> u32 {
                self as u32
            }

            /// A few words for a log; apps show words of their own.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

reasons! {
    /// Not the one encoding of such an object.
    Malformed = 1, "malformed";
    /// A version or extension of a later release.
    Unsupported = 2, "unsupported version or extension";
    /// A public key that is none.
    BadKey = 3, "bad public key";
    /// A signature that does not verify.
    BadSignature = 4, "bad signature";
    /// Past its time.
    Expired = 5, "expired";
    /// Parts that do not belong together.
    Mismatch = 6, "parts do not belong together";
    /// Decryption failed. Nothing more is said.
    Open = 7, "does not open";
    /// A position too far ahead.
    TooFar = 8, "too far ahead";
    /// The key for it was used or deleted. Also said of a slot that was meant for us by its hint and that no key opens: once
    /// the key is gone, it cannot be told from a forgery.
    KeyGone = 9, "the key is gone";
    /// Larger than allowed.
    TooLarge = 10, "too large";
    /// An older device list than the known one.
    Rollback = 11, "older device list";
    /// Another device list under a known number.
    Fork = 12, "forked device list";
    /// The commitment does not open.
    Commitment = 13, "commitment does not open";
    /// Wrong padding.
    Padding = 14, "wrong padding";
    /// It belongs to another conversation than the one it came in.
    Misfiled = 15, "filed under another conversation";
    /// A counter at its end.
    Exhausted = 16, "counter exhausted";
    /// Two copies of the sender's state are in use.
    Evidence = 17, "evidence of a copied state";
    /// Nothing in it is for this device.
    NotAddressed = 18, "not addressed to this device";
    /// The sending device is not on its account's list.
    NotListed = 101, "the device is not on its account's list";
    // 102 was never given.
    /// The contact's identity is not the pinned one.
    IdentityChanged = 103, "the identity changed";
    /// The directory knows no keys of the recipient.
    NoKeys = 104, "no keys of the recipient";
    /// The server forbids it.
    Forbidden = 105, "forbidden by the server";
    /// The server does not know the account.
    NoSuchAccount = 106, "no such account";
    /// The server refused for another reason.
    Refused = 107, "refused by the server";
    /// What is needed to read it is damaged in the store.
    Damaged = 108, "the store is damaged";
    /// The session with a contact whose number the user had compared was begun anew by somebody who did not know the old one.
    Restarted = 109, "the session was begun anew";
    /// The conversation is plain, and not everybody in it can read what is encrypted yet: the app uses the path it had before.
    NotReady = 112, "not everybody can read it yet";
}

impl From<sprag_core::Error> for Reason {
    fn from(error: sprag_core::Error) -> Self {
        Self::from_code(u32::from(error.code())).unwrap_or(Self::Open)
    }
}

impl core::fmt::Display for Reason {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.text())
    }
}

/// What is done about a message that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum Healing {
    /// Its sender is asked for it again: it may still come, in its place, or another event says that nothing will.
    Asked = 1,
    /// Nothing more will come of it.
    Final = 2,
}

impl Healing {
    /// The stable number of this answer.
    #[must_use]
    pub const fn code(self) -> u32 {
        self as u32
    }
}

/// How far a message that we send has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum MessageState {
    /// It waits for the recipient's keys.
    WaitingKeys = 1,
    /// It is held back until the app decides about the recipient, whose identity changed or who may be in other hands, and
    /// calls `retry`.
    Held = 2,
    /// It is sealed and goes out with the requests.
    Ready = 3,
    /// The server has it.
    Accepted = 4,
    /// It will not go out; an event says why.
    Failed = 5,
    /// It was taken back.
    Cancelled = 6,
}

impl MessageState {
    /// The stable number of this state.
    #[must_use]
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// The state with this number.
    #[must_use]
    pub const fn from_code(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::WaitingKeys),
            2 => Some(Self::Held),
            3 => Some(Self::Ready),
            4 => Some(Self::Accepted),
            5 => Some(Self::Failed),
            6 => Some(Self::Cancelled),
            _ => None,
        }
    }
}

/// Something for the app to show or to act on; kept until it is `done`. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// Names the event.
    pub id: u64,
    /// When it happened.
    pub at: u64,
    /// What happened.
    pub what: What,
}

/// How far the linking of a device has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum LinkPhase {
    /// On the new device: an offer for the code that it showed has come, and is answered.
    Offered = 1,
    /// On the new device: it is on its account's list.
    Joined = 2,
    /// On the device that admits it: the new device has answered, and its list is offered to the directory.
    Answered = 3,
    /// On the device that admits it: the new device is on the list.
    Admitted = 4,
}

impl LinkPhase {
    /// The stable number of this phase.
    #[must_use]
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// The phase with this number.
    #[must_use]
    pub const fn from_code(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::Offered),
            2 => Some(Self::Joined),
            3 => Some(Self::Answered),
            4 => Some(Self::Admitted),
            _ => None,
        }
    }
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum Importance {
    /// A message, or something about one.
    Content = 1,
    /// The user should know about it.
    Security = 2,
    /// For the app alone.
    Info = 3,
}

impl Importance {
    /// The stable number of this importance.
    #[must_use]
    pub const fn code(self) -> u32 {
        self as u32
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// A message came.
    Message(Message),
    /// A message came that cannot be read.
    Unreadable {
        /// The app's own name for it.
        app_ref: Option<Vec<u8>>,
        /// The hash of its bytes.
        blob_id: BlobId,
        /// Whom it is from, if that was proved; else whom the app named.
        from: Option<AccountId>,
        /// Why.
        reason: Reason,
        /// What is done about it.
        healing: Healing,
    },
    /// A message of ours came further.
    Progress {
        /// Which message.
        message: MessageId,
        /// To whom, where it is about one account.
        account: Option<AccountId>,
        /// How far it has come.
        state: MessageState,
        /// Why it did not come further.
        reason: Option<Reason>,
    },
    /// Another identity than the pinned one appeared under a contact's name: whoever has that name began anew, or it is
    /// somebody else. If the contact is now [`Trust::Changed`], the old identity stays pinned and sending is held until
    /// `Client::accept_change`; else the new one is pinned, and what was still to be sealed waits for `Client::retry`.
    IdentityChanged {
        /// Whose.
        account: AccountId,
        /// The safety number with the identity that was pinned: 60 digits.
        old_number: String,
        /// The safety number with the other one: 60 digits.
        new_number: String,
        /// Whether the user had compared the old number.
        was_verified: bool,
        /// The messages that are held from now on.
        held: Vec<MessageId>,
    },
    /// Devices came to an account or left it, by a list that its account key has signed. Raised before the first message
    /// to a new device is encrypted.
    DevicesChanged {
        /// Whose devices.
        account: AccountId,
        /// Those that are new.
        added: Vec<DeviceId>,
        /// Those that are gone.
        removed: Vec<DeviceId>,
        /// Whether it is our own account.
        own: bool,
    },
    /// Two different device lists of one account were seen where there can be one: somebody shows different people different
    /// lists.
    ListConflict {
        /// Whose.
        account: AccountId,
        /// The list that is known here.
        mine: ListRef,
        /// The list that a message or the directory spoke of.
        theirs: ListRef,
    },
    /// A message of a room was sent to others than those whom the app last named as its members: the server told different
    /// people different things, or a change is on its way.
    AudienceDiffers {
        /// The room, with the members as we know them.
        conversation: Conversation,
        /// Who sent it.
        sender: Sender,
        /// Whom the sender wrote to beside those that we know of.
        added: Vec<AccountId>,
        /// Whom the sender did not write to.
        missing: Vec<AccountId>,
    },
    /// What came in a conversation that is encrypted was not: somebody's old client, or the server. It is not to be shown as a
    /// message.
    PlaintextInProtected {
        /// Where the app filed it.
        conversation: Conversation,
        /// Whom the app named as its sender.
        from: Option<AccountId>,
        /// The app's own name for it.
        app_ref: Option<Vec<u8>>,
    },
    /// A conversation is better protected than before.
    Protection {
        /// Which.
        conversation: Conversation,
        /// How it was.
        from: Protection,
        /// How it is.
        to: Protection,
    },
    /// The session with a device was begun anew.
    SessionRestarted {
        /// Whose.
        account: AccountId,
        /// Which device.
        device: DeviceId,
        /// Whether the new session proved knowledge of the old one.
        resumed: bool,
        /// Why, where it is known.
        reason: Option<Reason>,
    },
    /// What came from a device fits only if its state is in use twice, or it lies: a copied phone, or somebody with its keys.
    /// What still fits is read on; of two copies one may not be. Nothing but new device keys mends it, so that nothing is
    /// begun anew by itself.
    CloneSuspected {
        /// Whose.
        account: AccountId,
        /// Which device.
        device: DeviceId,
    },
    /// The post-quantum ratchet with a device makes no progress, though messages go both ways: the state of one side was
    /// put back. Messages are still read.
    BraidStalled {
        /// Whose.
        account: AccountId,
        /// Which device.
        device: DeviceId,
    },
    /// The app named another sender than the session proves. The message is shown as what was proved.
    SenderDiffers {
        /// The app's own name for it.
        app_ref: Option<Vec<u8>>,
        /// The hash of its bytes.
        blob_id: BlobId,
        /// Whom the app named.
        named: AccountId,
        /// Who it is from.
        proved: AccountId,
    },
    /// How far the linking of a device has come.
    Link {
        /// How far.
        phase: LinkPhase,
        /// Which device, where it is known.
        device: Option<DeviceId>,
    },
    /// This device was taken off its account's list: it sends nothing any more.
    Removed,
    /// The clock jumped; nothing is deleted by age until it is plausible again.
    ClockSuspect {
        /// By how many seconds our clock is ahead.
        skew: i64,
    },
    /// Few one-time prekeys are left at the directory.
    KeysLow {
        /// How many.
        left: u32,
    },
    /// `wake` came across something wrong with the store, as [`StoreFault::code`](crate::StoreFault::code) says. A call
    /// that needs what is damaged fails with that fault; others go on.
    StoreTrouble {
        /// What.
        code: u32,
    },
    /// A message of a kind that a later release knows.
    Unsupported {
        /// The app's own name for it.
        app_ref: Option<Vec<u8>>,
        /// The hash of its bytes.
        blob_id: BlobId,
        /// Whom it is from, as the session proved it.
        sender: Sender,
        /// The number of its kind.
        kind: u64,
    },
}

/// A message that came.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The app's own name for it.
    pub app_ref: Option<Vec<u8>>,
    /// The hash of its bytes.
    pub blob_id: BlobId,
    /// The message's id, unique among those of its sender.
    pub client_id: MessageId,
    /// Whom it is from, as the session proved it.
    pub sender: Sender,
    /// Whether we sent it, from another device.
    pub outgoing: bool,
    /// Where it belongs, as its sender sealed it.
    pub conversation: Conversation,
    /// How it is to be treated.
    pub class: Class,
    /// What it says.
    pub content: Content,
    /// When its sender says it was sent.
    pub sent: u64,
    /// How far its sender's identity can be trusted.
    pub trust: Trust,
    /// Whether it is the first from this account.
    pub first_contact: bool,
    /// The [`BlobId`] of a message that did not open before, in whose place this one came.
    pub recovers: Option<BlobId>,
}

impl Message {
    /// A message that just came from this sender; the other fields are set by name.
    #[must_use]
    pub const fn new(
        blob_id: BlobId,
        client_id: MessageId,
        sender: Sender,
        conversation: Conversation,
        content: Content,
        sent: u64,
    ) -> Self {
        Self {
            app_ref: None,
            blob_id,
            client_id,
            sender,
            outgoing: false,
            conversation,
            class: Class::Message,
            content,
            sent,
            trust: Trust::Pinned,
            first_contact: false,
            recovers: None,
        }
    }
}

/// One device list, named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListRef {
    /// Its sequence.
    pub sequence: u64,
    /// Its hash, or as many bytes of it as are known with zeros after them.
    pub hash: [u8; 32],
}

impl ListRef {
    /// Puts the record together.
    #[must_use]
    pub const fn new(sequence: u64, hash: [u8; 32]) -> Self {
        Self { sequence, hash }
    }
}

impl What {
    /// The stable number of this kind of event.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::Message(_) => 1,
            Self::Unreadable { .. } => 2,
            Self::Progress { .. } => 3,
            Self::IdentityChanged { .. } => 4,
            Self::DevicesChanged { .. } => 5,
            Self::ListConflict { .. } => 6,
            Self::AudienceDiffers { .. } => 7,
            Self::PlaintextInProtected { .. } => 8,
            Self::Protection { .. } => 9,
            Self::SessionRestarted { .. } => 10,
            Self::CloneSuspected { .. } => 11,
            Self::BraidStalled { .. } => 12,
            Self::Link { .. } => 13,
            Self::Removed => 14,
            Self::ClockSuspect { .. } => 15,
            Self::KeysLow { .. } => 16,
            Self::StoreTrouble { .. } => 17,
            Self::Unsupported { .. } => 18,
            Self::SenderDiffers { .. } => 19,
        }
    }
}

impl Event {
    /// Puts an event together.
    #[must_use]
    pub const fn new(id: u64, at: u64, what: What) -> Self {
        Self { id, at, what }
    }

    /// What the event is about.
    #[must_use]
    pub const fn importance(&self) -> Importance {
        match &self.what {
            What::Message(_) | What::Unreadable { .. } | What::Progress { .. } | What::Unsupported { .. } => {
                Importance::Content
            }
            What::IdentityChanged { .. }
            | What::DevicesChanged { .. }
            | What::ListConflict { .. }
            | What::AudienceDiffers { .. }
            | What::PlaintextInProtected { .. }
            | What::Protection { .. }
            | What::Link { .. }
            | What::Removed
            | What::CloneSuspected { .. }
            | What::SenderDiffers { .. } => Importance::Security,
            What::SessionRestarted { resumed, .. } if !*resumed => Importance::Security,
            What::SessionRestarted { .. }
            | What::BraidStalled { .. }
            | What::ClockSuspect { .. }
            | What::KeysLow { .. }
            | What::StoreTrouble { .. } => Importance::Info,
        }
    }

    /// The contents of its row.
    pub(crate) fn encode(&self) -> SecretBytes {
        codec::encode(self)
    }

    /// An event from the contents of its row.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        codec::decode(bytes)
    }
}

impl Row for Event {
    fn write(&self, writer: &mut Writer) {
        writer.array(3).uint(self.id).uint(self.at);
        self.what.write(writer);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(3))?;
        Ok(Self { id: Row::read(reader)?, at: Row::read(reader)?, what: Row::read(reader)? })
    }
}

impl Row for What {
    fn write(&self, writer: &mut Writer) {
        let fields = match self {
            Self::Message(_) => 12,
            Self::Unreadable { .. } | Self::IdentityChanged { .. } => 5,
            Self::Progress { .. }
            | Self::DevicesChanged { .. }
            | Self::AudienceDiffers { .. }
            | Self::SessionRestarted { .. }
            | Self::Unsupported { .. }
            | Self::SenderDiffers { .. } => 4,
            Self::ListConflict { .. } | Self::PlaintextInProtected { .. } | Self::Protection { .. } => 3,
            Self::CloneSuspected { .. } | Self::BraidStalled { .. } | Self::Link { .. } => 2,
            Self::ClockSuspect { .. } | Self::KeysLow { .. } | Self::StoreTrouble { .. } => 1,
            Self::Removed => 0,
        };
        writer.array(fields + 1).uint(u64::from(self.code()));
        match self {
            Self::Message(message) => {
                message.app_ref.write(writer);
                message.blob_id.write(writer);
                message.client_id.write(writer);
                message.sender.write(writer);
                message.outgoing.write(writer);
                message.conversation.write(writer);
                message.class.write(writer);
                message.content.write(writer);
                message.sent.write(writer);
                message.trust.write(writer);
                message.first_contact.write(writer);
                message.recovers.write(writer);
            }
            Self::Unreadable { app_ref, blob_id, from, reason, healing } => {
                app_ref.write(writer);
                blob_id.write(writer);
                from.write(writer);
                reason.write(writer);
                healing.write(writer);
            }
            Self::Progress { message, account, state, reason } => {
                message.write(writer);
                account.write(writer);
                state.write(writer);
                reason.write(writer);
            }
            Self::IdentityChanged { account, old_number, new_number, was_verified, held } => {
                account.write(writer);
                old_number.write(writer);
                new_number.write(writer);
                was_verified.write(writer);
                write_list(writer, held);
            }
            Self::DevicesChanged { account, added, removed, own } => {
                account.write(writer);
                write_list(writer, added);
                write_list(writer, removed);
                own.write(writer);
            }
            Self::AudienceDiffers { conversation, sender, added, missing } => {
                conversation.write(writer);
                sender.write(writer);
                write_list(writer, added);
                write_list(writer, missing);
            }
            Self::PlaintextInProtected { conversation, from, app_ref } => {
                conversation.write(writer);
                from.write(writer);
                app_ref.write(writer);
            }
            Self::Protection { conversation, from, to } => {
                conversation.write(writer);
                from.write(writer);
                to.write(writer);
            }
            Self::Link { phase, device } => {
                phase.code().write(writer);
                device.write(writer);
            }
            Self::Removed => {}
            Self::ListConflict { account, mine, theirs } => {
                account.write(writer);
                mine.write(writer);
                theirs.write(writer);
            }
            Self::SessionRestarted { account, device, resumed, reason } => {
                account.write(writer);
                device.0.write(writer);
                resumed.write(writer);
                reason.write(writer);
            }
            Self::CloneSuspected { account, device } | Self::BraidStalled { account, device } => {
                account.write(writer);
                device.0.write(writer);
            }
            Self::ClockSuspect { skew } => skew.write(writer),
            Self::KeysLow { left: number } | Self::StoreTrouble { code: number } => number.write(writer),
            Self::SenderDiffers { app_ref, blob_id, named, proved } => {
                app_ref.write(writer);
                blob_id.write(writer);
                named.write(writer);
                proved.write(writer);
            }
            Self::Unsupported { app_ref, blob_id, sender, kind } => {
                app_ref.write(writer);
                blob_id.write(writer);
                sender.write(writer);
                kind.write(writer);
            }
        }
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        match (ok(reader.array())?, ok(reader.uint())?) {
            (13, 1) => Ok(Self::Message(Message {
                app_ref: Row::read(reader)?,
                blob_id: Row::read(reader)?,
                client_id: Row::read(reader)?,
                sender: Row::read(reader)?,
                outgoing: Row::read(reader)?,
                conversation: Row::read(reader)?,
                class: Row::read(reader)?,
                content: Row::read(reader)?,
                sent: Row::read(reader)?,
                trust: Row::read(reader)?,
                first_contact: Row::read(reader)?,
                recovers: Row::read(reader)?,
            })),
            (6, 2) => Ok(Self::Unreadable {
                app_ref: Row::read(reader)?,
                blob_id: Row::read(reader)?,
                from: Row::read(reader)?,
                reason: Row::read(reader)?,
                healing: Row::read(reader)?,
            }),
            (5, 3) => Ok(Self::Progress {
                message: Row::read(reader)?,
                account: Row::read(reader)?,
                state: Row::read(reader)?,
                reason: Row::read(reader)?,
            }),
            (6, 4) => Ok(Self::IdentityChanged {
                account: Row::read(reader)?,
                old_number: Row::read(reader)?,
                new_number: Row::read(reader)?,
                was_verified: Row::read(reader)?,
                held: read_list(reader)?,
            }),
            (5, 5) => Ok(Self::DevicesChanged {
                account: Row::read(reader)?,
                added: read_list(reader)?,
                removed: read_list(reader)?,
                own: Row::read(reader)?,
            }),
            (5, 7) => Ok(Self::AudienceDiffers {
                conversation: Row::read(reader)?,
                sender: Row::read(reader)?,
                added: read_list(reader)?,
                missing: read_list(reader)?,
            }),
            (4, 8) => Ok(Self::PlaintextInProtected {
                conversation: Row::read(reader)?,
                from: Row::read(reader)?,
                app_ref: Row::read(reader)?,
            }),
            (4, 9) => Ok(Self::Protection {
                conversation: Row::read(reader)?,
                from: Row::read(reader)?,
                to: Row::read(reader)?,
            }),
            (3, 13) => Ok(Self::Link {
                phase: LinkPhase::from_code(Row::read(reader)?).ok_or(CORRUPT)?,
                device: Row::read(reader)?,
            }),
            (1, 14) => Ok(Self::Removed),
            (4, 6) => Ok(Self::ListConflict {
                account: Row::read(reader)?,
                mine: Row::read(reader)?,
                theirs: Row::read(reader)?,
            }),
            (5, 10) => Ok(Self::SessionRestarted {
                account: Row::read(reader)?,
                device: DeviceId(Row::read(reader)?),
                resumed: Row::read(reader)?,
                reason: Row::read(reader)?,
            }),
            (3, 11) => Ok(Self::CloneSuspected { account: Row::read(reader)?, device: DeviceId(Row::read(reader)?) }),
            (3, 12) => Ok(Self::BraidStalled { account: Row::read(reader)?, device: DeviceId(Row::read(reader)?) }),
            (2, 15) => Ok(Self::ClockSuspect { skew: Row::read(reader)? }),
            (2, 16) => Ok(Self::KeysLow { left: Row::read(reader)? }),
            (2, 17) => Ok(Self::StoreTrouble { code: Row::read(reader)? }),
            (5, 19) => Ok(Self::SenderDiffers {
                app_ref: Row::read(reader)?,
                blob_id: Row::read(reader)?,
                named: Row::read(reader)?,
                proved: Row::read(reader)?,
            }),
            (5, 18) => Ok(Self::Unsupported {
                app_ref: Row::read(reader)?,
                blob_id: Row::read(reader)?,
                sender: Row::read(reader)?,
                kind: Row::read(reader)?,
            }),
            _ => Err(CORRUPT),
        }
    }
}

impl Row for Sender {
    fn write(&self, writer: &mut Writer) {
        self.account.write(writer.array(2));
        self.device.0.write(writer);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(2))?;
        Ok(Self { account: Row::read(reader)?, device: DeviceId(Row::read(reader)?) })
    }
}

impl Row for ListRef {
    fn write(&self, writer: &mut Writer) {
        writer.array(2).uint(self.sequence).bytes(&self.hash);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(2))?;
        Ok(Self { sequence: Row::read(reader)?, hash: Row::read(reader)? })
    }
}

impl Row for Reason {
    fn write(&self, writer: &mut Writer) {
        self.code().write(writer);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Self::from_code(Row::read(reader)?).ok_or(CORRUPT)
    }
}

impl Row for MessageState {
    fn write(&self, writer: &mut Writer) {
        self.code().write(writer);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Self::from_code(Row::read(reader)?).ok_or(CORRUPT)
    }
}

impl Row for Healing {
    fn write(&self, writer: &mut Writer) {
        self.code().write(writer);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        match u32::read(reader)? {
            1 => Ok(Self::Asked),
            2 => Ok(Self::Final),
            _ => Err(CORRUPT),
        }
    }
}

impl Row for Trust {
    fn write(&self, writer: &mut Writer) {
        self.code().write(writer);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        match u32::read(reader)? {
            1 => Ok(Self::Pinned),
            2 => Ok(Self::Verified),
            3 => Ok(Self::Changed),
            4 => Ok(Self::Unseen),
            _ => Err(CORRUPT),
        }
    }
}

/// What the app should look at next, answered by every call that may change it: nobody polls, nobody is called back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pending {
    /// How many events wait to be `done`.
    pub events: u64,
    /// How many requests can be handed out now; with more than 256 in the outbox, how many there are.
    pub requests: u64,
    /// In how many milliseconds from now `wake` has something to do.
    pub next_wake_ms: Option<u64>,
}

/// What `deliver` answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// One verdict for each message, in order.
    pub verdicts: Vec<Verdict>,
    /// What to look at next.
    pub pending: Pending,
}

/// What the app knows when it wakes the engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Hint {
    /// The server's time, Unix seconds.
    pub server_time: Option<u64>,
    /// How many one-time prekeys of this device the directory holds.
    pub one_time_left: Option<u32>,
}

/// How a message is to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SendOptions {
    /// The message's id; made up if absent. The same id with the same content is the same message, sent once.
    pub client_id: Option<MessageId>,
    /// How it is to be treated.
    pub class: Class,
    /// When it need not arrive any more, Unix seconds.
    pub expires: Option<u64>,
}

/// What `send` answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The message's id.
    pub message: MessageId,
    /// How far it has come.
    pub state: MessageState,
    /// What can go out at once, leased to the caller.
    pub requests: Vec<Request>,
    /// What to look at next.
    pub pending: Pending,
}

/// What a message says, found without changing anything.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Preview {
    /// It opens.
    Message {
        /// Whom it is from, as the session proves it.
        sender: Sender,
        /// Where it belongs.
        conversation: Conversation,
        /// The message's id.
        client_id: MessageId,
        /// How it is to be treated.
        class: Class,
        /// What it says.
        content: Content,
    },
    /// It was delivered already, is our own, or shows nothing.
    Known,
    /// It does not open.
    Unreadable {
        /// Why.
        reason: Reason,
    },
}

impl Preview {
    /// The stable number of this kind of preview.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::Message { .. } => 1,
            Self::Known => 2,
            Self::Unreadable { .. } => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RoomId;

    fn round_trip(what: What) {
        let event = Event::new(u64::MAX - 1, 1_700_000_000, what);
        let bytes = event.encode();
        assert_eq!(Event::decode(bytes.expose_secret()), Ok(event));
        (0..bytes.expose_secret().len()).for_each(|cut| {
            assert_eq!(Event::decode(&bytes.expose_secret()[..cut]), Err(CORRUPT));
        });
    }

    #[test]
    fn rows_of_events_come_back_as_they_were() {
        let alice = AccountId::new(b"alice").unwrap();
        let id = MessageId::new(b"12345678").unwrap();
        let sender = Sender { account: alice.clone(), device: DeviceId(9) };
        let blob_id = BlobId([4; 32]);
        let conversation = Conversation::Direct(alice.clone());
        let text = Content::Text("schöne Grüße 👋".into());
        let mut message = Message::new(blob_id, id.clone(), sender.clone(), conversation, text, 12);
        round_trip(What::Message(message.clone()));
        message.app_ref = Some(vec![1; 64]);
        message.outgoing = true;
        message.class = Class::Quiet;
        message.trust = Trust::Changed;
        message.first_contact = true;
        message.recovers = Some(BlobId([5; 32]));
        message.content = Content::App { kind: "receipt".into(), bytes: vec![0, 255] };
        round_trip(What::Message(message));

        for healing in [Healing::Asked, Healing::Final] {
            for reason in (0..=200).filter_map(Reason::from_code) {
                let from = Some(alice.clone());
                round_trip(What::Unreadable { app_ref: None, blob_id, from, reason, healing });
            }
        }
        for state in (0..10).filter_map(MessageState::from_code) {
            let reason = Some(Reason::NoKeys);
            round_trip(What::Progress { message: id.clone(), account: None, state, reason });
        }
        round_trip(What::IdentityChanged {
            account: alice.clone(),
            old_number: "1".repeat(60),
            new_number: "2".repeat(60),
            was_verified: true,
            held: vec![id.clone(), id],
        });
        let mine = ListRef { sequence: 1, hash: [1; 32] };
        let theirs = ListRef { sequence: 1, hash: [2; 32] };
        round_trip(What::ListConflict { account: alice.clone(), mine, theirs });
        round_trip(What::CloneSuspected { account: alice.clone(), device: DeviceId(7) });
        round_trip(What::BraidStalled { account: alice.clone(), device: DeviceId(7) });
        let (added, removed) = (vec![DeviceId(1), DeviceId(u32::MAX)], vec![DeviceId(0)]);
        round_trip(What::DevicesChanged { account: alice.clone(), added, removed, own: true });
        round_trip(What::Removed);
        round_trip(What::Link { phase: LinkPhase::Joined, device: None });
        round_trip(What::Link { phase: LinkPhase::Answered, device: Some(DeviceId(3)) });
        let other = Sender { account: alice.clone(), device: DeviceId(7) };
        let conversation = Conversation::Room { id: RoomId::new("room").unwrap(), members: vec![alice.clone()] };
        let (added, missing) = (vec![alice.clone()], Vec::new());
        round_trip(What::AudienceDiffers { conversation: conversation.clone(), sender: other, added, missing });
        let (from, app_ref) = (Some(alice.clone()), Some(vec![7; 64]));
        round_trip(What::PlaintextInProtected { conversation: conversation.clone(), from, app_ref });
        for to in [Protection::Offered, Protection::Encrypted, Protection::Verified] {
            round_trip(What::Protection { conversation: conversation.clone(), from: Protection::Plain, to });
        }
        let (named, proved) = (AccountId::new(b"bob").unwrap(), alice.clone());
        round_trip(What::SenderDiffers { app_ref: None, blob_id: BlobId([4; 32]), named, proved });
        round_trip(What::SessionRestarted { account: alice, device: DeviceId(0), resumed: false, reason: None });
        for skew in [0, 1, -1, i64::MAX, i64::MIN] {
            round_trip(What::ClockSuspect { skew });
        }
        round_trip(What::KeysLow { left: 29 });
        round_trip(What::StoreTrouble { code: 2 });
        round_trip(What::Unsupported { app_ref: None, blob_id, sender, kind: 77 });
    }

    #[test]
    fn every_reason_of_the_core_has_the_same_number_here() {
        for (core, reason) in [
            (sprag_core::Error::Malformed, Reason::Malformed),
            (sprag_core::Error::KeyGone, Reason::KeyGone),
            (sprag_core::Error::NotAddressed, Reason::NotAddressed),
        ] {
            assert_eq!(Reason::from(core), reason);
            assert_eq!(u32::from(core.code()), reason.code());
        }
    }

    #[test]
    fn contents_do_not_end_in_logs() {
        assert_eq!(format!("{:?}", Content::Text("secret".into())), "Text(6 bytes)");
    }
}
