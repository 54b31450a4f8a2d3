//! What the app's network is to do, and what became of it.

use crate::bytes::Bytes;
use crate::error::Result;
use crate::names::{Conversation, account, bytes};

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

/// What keys are fetched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Why {
    /// A message waits for them.
    Send,
    /// A known list is old.
    Refresh,
    /// To see that the directory shows our own keys as we published them.
    SelfCheck,
    /// A purpose that this release of the face does not know.
    Other,
}

impl From<sprag::Why> for Why {
    fn from(from: sprag::Why) -> Self {
        match from {
            sprag::Why::Send => Self::Send,
            sprag::Why::Refresh => Self::Refresh,
            sprag::Why::SelfCheck => Self::SelfCheck,
            _ => Self::Other,
        }
    }
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
        /// The account's one value, with a directory of one value for each.
        value: Option<Bytes>,
    },
    /// Get others' public keys.
    FetchKeys {
        /// Whose.
        accounts: Vec<Wanted>,
        /// Whether a one-time prekey of each device is wanted.
        one_time: bool,
        /// What they are needed for.
        why: Why,
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
                value: publish.value.as_ref().map(bytes),
            },
            sprag::Action::FetchKeys(fetch) => Action::FetchKeys {
                accounts: fetch
                    .accounts
                    .iter()
                    .map(|wanted| Wanted { account: bytes(&wanted.account), known_sequence: wanted.known_sequence })
                    .collect(),
                one_time: fetch.one_time,
                why: fetch.why.into(),
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
    pub(crate) fn engine(self) -> Result<sprag::Outcome> {
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
