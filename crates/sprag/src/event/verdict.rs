//! What is handed to `deliver`, and what it answers.

use super::{Healing, Pending, Reason};
use crate::id::{AccountId, BlobId, Conversation, MessageId};

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

/// What `deliver` answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// One verdict for each message, in order.
    pub verdicts: Vec<Verdict>,
    /// What to look at next.
    pub pending: Pending,
}
