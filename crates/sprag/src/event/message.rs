//! Messages: one that came, one that is sent and how far it is, one that is looked at without a change.

use super::{Pending, Reason};
use crate::id::{BlobId, Class, Content, Conversation, MessageId, Sender, Trust};
use crate::request::Request;

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

numbered! {
    /// How far a message that we send has come.
    pub enum MessageState: "state" {
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
