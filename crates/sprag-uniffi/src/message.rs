//! Messages: how they are sent and handed over, and what was found in them.

use crate::bytes::Bytes;
use crate::error::Result;
use crate::names::{Content, Conversation, MessageState, account, bytes};
use crate::request::Request;

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
    pub(crate) fn engine(&self) -> Result<sprag::Incoming> {
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
        /// Whether its sender is asked for it again.
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
