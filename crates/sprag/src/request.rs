//! What the app's network does for the engine: requests go out, outcomes come back.
//!
//! It moves no bytes itself. Requests are leased: until the lease runs out, no other process is offered the same one;
//! afterwards it is offered again under the same id.

use sprag_core::wire::{Reader, Writer};

use crate::codec::{CORRUPT, Row, ok, read_list, write_list};
use crate::error::Result;
use crate::id::{AccountId, BlobId, Class, Conversation, DeviceId, MessageId, RequestId};

/// One thing to do on the network, durable before it is handed out. All times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// Names the request until it is answered; also the idempotency key towards the server.
    pub id: RequestId,
    /// How often it was handed out, this time included.
    pub attempt: u32,
    /// When it was made.
    pub created: u64,
    /// Until when it is the caller's alone.
    pub lease_until: u64,
    /// What to do.
    pub action: Action,
}

/// What to do. An app skips a kind that it does not know; it will be offered again after its lease.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Put our public keys into the directory.
    PublishKeys(PublishKeys),
    /// Get others' public keys from the directory.
    FetchKeys(FetchKeys),
    /// Carry an encrypted message.
    Send(Send),
}

/// Our public keys for the directory. Answered by `Published`, `Conflict`, `TooLarge`, `Retry` or `Rejected`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublishKeys {
    /// Whose keys: our own account.
    pub account: AccountId,
    /// Which device's prekeys.
    pub device: DeviceId,
    /// The device list, if it is to be replaced.
    pub list: Option<ListWrite>,
    /// The signed prekey, if it is to be replaced: one signed object.
    pub signed_prekey: Option<Vec<u8>>,
    /// One-time prekeys to add to the queue: one signed object each.
    pub one_time: Vec<Vec<u8>>,
    /// Whether the queue is to be emptied before these are added.
    pub reset_one_time: bool,
    /// With [`Directory::KeyValue`](crate::Directory::KeyValue), the account's one value, to be put in the place of the one
    /// that is there. All else here is in it.
    pub value: Option<Vec<u8>>,
}

impl PublishKeys {
    /// Nothing to publish yet, for this device.
    #[must_use]
    pub const fn new(account: AccountId, device: DeviceId) -> Self {
        Self {
            account,
            device,
            list: None,
            signed_prekey: None,
            one_time: Vec::new(),
            reset_one_time: false,
            value: None,
        }
    }
}

/// A device list to be stored only if the one before it is the expected one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListWrite {
    /// The signed list.
    pub object: Vec<u8>,
    /// Its sequence, which the directory keeps in clear.
    pub sequence: u64,
    /// The sequence that the directory must hold now; 0 if none. If it holds another: `Conflict` with that list.
    pub expected: u64,
}

/// Keys that are needed. Answered by `Keys`, `Retry` or `Rejected`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FetchKeys {
    /// Whose keys.
    pub accounts: Vec<Wanted>,
    /// Whether a one-time prekey of each device is wanted: the directory hands each out once.
    pub one_time: bool,
    /// What they are needed for.
    pub why: Why,
    /// Whether somebody waits for it.
    pub urgent: bool,
}

impl FetchKeys {
    /// Asks for the keys of these accounts.
    #[must_use]
    pub const fn new(accounts: Vec<Wanted>, one_time: bool, why: Why, urgent: bool) -> Self {
        Self { accounts, one_time, why, urgent }
    }
}

/// An account whose keys are needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The account.
    pub account: AccountId,
    /// The sequence of the list that is known already; 0 if none.
    pub known_sequence: u64,
}

numbered! {
    /// What keys are fetched for.
    pub enum Why: "reason" {
        /// A message waits for them.
        Send = 1,
        /// A known list is old.
        Refresh = 2,
        /// To see that the directory shows our own keys as we published them.
        SelfCheck = 3,
    }
}

/// An encrypted message to carry. Answered by `Accepted`, `Stale`, `TooLarge`, `Retry` or `Rejected`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Send {
    /// Where the app files it.
    pub conversation: Conversation,
    /// The accounts that are to have it: always the same bytes for all of them.
    pub to: Vec<AccountId>,
    /// The body: the encrypted bytes, or with [`Armor::Text`](crate::Armor::Text) the text that they are in.
    pub blob: Vec<u8>,
    /// The hash of the encrypted bytes.
    pub blob_id: BlobId,
    /// The message in it; absent if it is upkeep of the engine's own, which is never a bubble.
    pub message: Option<MessageId>,
    /// How it is to be treated.
    pub class: Class,
    /// Whether the recipient should be woken for it.
    pub notify: bool,
    /// The commitment by which a server can stamp it without reading it.
    pub commitment: [u8; 32],
    /// When it need not arrive any more.
    pub expires: Option<u64>,
}

impl Send {
    /// Puts the record together; the blob's id is computed.
    #[must_use]
    pub fn new(conversation: Conversation, to: Vec<AccountId>, blob: Vec<u8>, commitment: [u8; 32]) -> Self {
        let blob_id = BlobId::of(&blob);
        Self {
            conversation,
            to,
            blob,
            blob_id,
            message: None,
            class: Class::Message,
            notify: false,
            commitment,
            expires: None,
        }
    }
}

impl Action {
    /// The stable number of this kind of request.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::PublishKeys(_) => 1,
            Self::FetchKeys(_) => 2,
            Self::Send(_) => 3,
        }
    }
}

impl Request {
    /// Puts a request together.
    #[must_use]
    pub const fn new(id: RequestId, attempt: u32, created: u64, lease_until: u64, action: Action) -> Self {
        Self { id, attempt, created, lease_until, action }
    }

    /// The contents of its row.
    #[cfg(test)]
    pub(crate) fn encode(&self) -> sprag_core::secret::SecretBytes {
        crate::codec::encode(self)
    }

    /// A request from the contents of its row.
    #[cfg(test)]
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        crate::codec::decode(bytes)
    }
}

impl Row for Request {
    fn write(&self, writer: &mut Writer) {
        writer.array(5).uint(self.id.0).uint(u64::from(self.attempt)).uint(self.created).uint(self.lease_until);
        self.action.write(writer);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(5))?;
        Ok(Self {
            id: RequestId(Row::read(reader)?),
            attempt: Row::read(reader)?,
            created: Row::read(reader)?,
            lease_until: Row::read(reader)?,
            action: Row::read(reader)?,
        })
    }
}

impl Row for Action {
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::PublishKeys(publish) => {
                writer.array(8).uint(1);
                publish.account.write(writer);
                publish.device.0.write(writer);
                publish.list.write(writer);
                publish.signed_prekey.write(writer);
                write_list(writer, &publish.one_time);
                publish.reset_one_time.write(writer);
                publish.value.write(writer);
            }
            Self::FetchKeys(fetch) => {
                writer.array(5).uint(2);
                write_list(writer, &fetch.accounts);
                fetch.one_time.write(writer);
                fetch.why.code().write(writer);
                fetch.urgent.write(writer);
            }
            Self::Send(send) => {
                writer.array(10).uint(3);
                send.conversation.write(writer);
                write_list(writer, &send.to);
                send.blob.write(writer);
                send.blob_id.write(writer);
                send.message.write(writer);
                send.class.write(writer);
                send.notify.write(writer);
                send.commitment.write(writer);
                send.expires.write(writer);
            }
        }
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        match (ok(reader.array())?, ok(reader.uint())?) {
            (8, 1) => Ok(Self::PublishKeys(PublishKeys {
                account: Row::read(reader)?,
                device: DeviceId(Row::read(reader)?),
                list: Row::read(reader)?,
                signed_prekey: Row::read(reader)?,
                one_time: read_list(reader)?,
                reset_one_time: Row::read(reader)?,
                value: Row::read(reader)?,
            })),
            (5, 2) => Ok(Self::FetchKeys(FetchKeys {
                accounts: read_list(reader)?,
                one_time: Row::read(reader)?,
                why: Why::from_code(Row::read(reader)?).ok_or(CORRUPT)?,
                urgent: Row::read(reader)?,
            })),
            (10, 3) => Ok(Self::Send(Send {
                conversation: Row::read(reader)?,
                to: read_list(reader)?,
                blob: Row::read(reader)?,
                blob_id: Row::read(reader)?,
                message: Row::read(reader)?,
                class: Row::read(reader)?,
                notify: Row::read(reader)?,
                commitment: Row::read(reader)?,
                expires: Row::read(reader)?,
            })),
            _ => Err(CORRUPT),
        }
    }
}

impl Row for ListWrite {
    fn write(&self, writer: &mut Writer) {
        writer.array(3).bytes(&self.object).uint(self.sequence).uint(self.expected);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(3))?;
        Ok(Self { object: Row::read(reader)?, sequence: Row::read(reader)?, expected: Row::read(reader)? })
    }
}

impl Row for Wanted {
    fn write(&self, writer: &mut Writer) {
        self.account.write(writer.array(2));
        self.known_sequence.write(writer);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(2))?;
        Ok(Self { account: Row::read(reader)?, known_sequence: Row::read(reader)? })
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// To `PublishKeys`: the directory stored them.
    Published {
        /// How many one-time prekeys of this device it holds now, if it says.
        one_time_left: Option<u32>,
    },
    /// To `PublishKeys`: the directory holds another list than the expected one, and nothing was stored.
    Conflict {
        /// The list that it holds.
        list: Vec<u8>,
    },
    /// To `FetchKeys`: what the directory holds. Every account that was asked for is in one of the two.
    Keys {
        /// The accounts that it knows.
        found: Vec<Found>,
        /// The accounts that it does not know.
        absent: Vec<AccountId>,
    },
    /// To `Send`: the server has it.
    Accepted {
        /// The server's time for it, Unix seconds.
        server_time: Option<u64>,
        /// The server's stamp over the commitment.
        stamp: Option<Vec<u8>>,
    },
    /// To `Send` (like HTTP 409): these accounts have newer device lists than the message was sealed for.
    Stale {
        /// Which, with their lists where the server says.
        accounts: Vec<StaleList>,
    },
    /// To `Send` (like HTTP 413): the server carries less.
    TooLarge {
        /// How much it carries, in bytes.
        limit: u32,
    },
    /// To any: offline, or the server asks to come back (401, 429, 5xx). The back-off is kept in the store.
    Retry {
        /// After how many seconds, if the server said.
        after: Option<u32>,
    },
    /// To any: the server refuses for good.
    Rejected(Rejection),
}

impl Outcome {
    /// The stable number of this kind of outcome.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::Published { .. } => 1,
            Self::Conflict { .. } => 2,
            Self::Keys { .. } => 3,
            Self::Accepted { .. } => 4,
            Self::Stale { .. } => 5,
            Self::TooLarge { .. } => 6,
            Self::Retry { .. } => 7,
            Self::Rejected(_) => 8,
        }
    }
}

/// What the directory holds for an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The account.
    pub account: AccountId,
    /// Its device list, signed prekeys and one-time prekeys: one signed object each, in any order. Or its one value.
    pub parts: Vec<Vec<u8>>,
}

/// An account whose list changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaleList {
    /// The account.
    pub account: AccountId,
    /// Its list, if the server sent it along.
    pub list: Option<Vec<u8>>,
}

numbered! {
    /// Why a server refuses for good.
    pub enum Rejection: "reason" {
        /// We may not.
        Forbidden = 1,
        /// The account is not known there.
        NoSuchAccount = 2,
        /// Something else.
        Other = 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(action: Action) {
        let request = Request::new(RequestId(u64::MAX), 3, 1_700_000_000, 1_700_000_060, action);
        let bytes = request.encode();
        assert_eq!(Request::decode(bytes.expose_secret()), Ok(request));
        (0..bytes.expose_secret().len()).for_each(|cut| {
            assert_eq!(Request::decode(&bytes.expose_secret()[..cut]), Err(CORRUPT));
        });
    }

    #[test]
    fn rows_of_requests_come_back_as_they_were() {
        let alice = AccountId::new(b"alice").unwrap();
        let mut publish = PublishKeys::new(alice.clone(), DeviceId(u32::MAX));
        round_trip(Action::PublishKeys(publish.clone()));
        publish.list = Some(ListWrite { object: vec![1, 2], sequence: 8, expected: 7 });
        publish.signed_prekey = Some(vec![0; 300]);
        publish.one_time = vec![vec![], vec![9; 20]];
        publish.reset_one_time = true;
        publish.value = Some(vec![3; 5_000]);
        round_trip(Action::PublishKeys(publish));

        let wanted = Wanted { account: alice.clone(), known_sequence: 3 };
        for why in [Why::Send, Why::Refresh, Why::SelfCheck] {
            round_trip(Action::FetchKeys(FetchKeys::new(vec![wanted.clone(), wanted.clone()], true, why, false)));
        }

        let mut send = Send::new(Conversation::Direct(alice.clone()), vec![alice], vec![7; 70_000], [5; 32]);
        round_trip(Action::Send(send.clone()));
        send.message = Some(MessageId::new([0_u8; 64]).unwrap());
        send.class = Class::Quiet;
        send.notify = true;
        send.expires = Some(u64::MAX);
        round_trip(Action::Send(send));
    }

    #[test]
    fn a_row_with_more_or_something_else_is_damage() {
        assert_eq!(Request::decode(&[0x80]), Err(CORRUPT));
        let alice = AccountId::new(b"alice").unwrap();
        let action = Action::PublishKeys(PublishKeys::new(alice, DeviceId(1)));
        let mut bytes = Request::new(RequestId(1), 1, 2, 3, action).encode().expose_secret().to_vec();
        bytes.push(0);
        assert_eq!(Request::decode(&bytes), Err(CORRUPT));
    }
}
