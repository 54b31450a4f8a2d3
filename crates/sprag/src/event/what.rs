//! What can happen, for the app to show or to act on.

use super::{Healing, Message, MessageState, Reason};
use crate::id::{AccountId, BlobId, Conversation, DeviceId, MessageId, Protection, Sender};

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
    /// somebody else. If the contact is now [`Trust::Changed`](crate::Trust::Changed), the old identity stays pinned and
    /// sending is held until `Client::accept_change`; else the new one is pinned, and what was still to be sealed waits for
    /// `Client::retry`. Of our own account: with `was_verified`, another account key has followed ours by our own devices' word, and
    /// every contact's number is another one; without, the directory shows somebody else under our name, and nothing changes.
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
    /// lists. Also told if a contact's list has expired and the directory shows no newer one: `theirs` is then what it shows,
    /// or of number 0; and each day on which the directory has not taken our list without a device that was revoked: `mine`
    /// is the one that it does not take, `theirs` the one that stands.
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

numbered! {
    /// How far the linking of a device has come.
    pub enum LinkPhase: "phase" {
        /// On the new device: an offer for the code that it showed has come, and is answered.
        Offered = 1,
        /// On the new device: it is on its account's list.
        Joined = 2,
        /// On the device that admits it: the new device has answered, and its list is offered to the directory.
        Answered = 3,
        /// On the device that admits it: the new device is on the list.
        Admitted = 4,
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
