//! What the app is to show or to act on.

use crate::bytes::Bytes;
use crate::names::{Content, Conversation, LinkPhase, ListRef, MessageState, Protection, Trust, bytes};

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
        /// The hash of the bytes of one that did not open before, in whose place it came.
        recovers: Option<Bytes>,
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
        /// Whether its sender is asked for it again: it may still come in its place, or another event says that nothing will.
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
    /// Another identity appeared under a contact's name: it is pinned now, or, if the contact is `Changed`, the user is
    /// to decide. Of our own account: with `was_verified` another account key has followed ours; without, the directory shows
    /// somebody else under our name.
    IdentityChanged {
        /// Whose.
        account: Bytes,
        /// The safety number that was pinned.
        old_number: String,
        /// The other one.
        new_number: String,
        /// Whether the old one had been compared.
        was_verified: bool,
        /// The messages that are held.
        held: Vec<Bytes>,
    },
    /// Devices came to an account or left it, by a list that its account key has signed.
    DevicesChanged {
        /// Whose.
        account: Bytes,
        /// Those that are new.
        added: Vec<u32>,
        /// Those that are gone.
        removed: Vec<u32>,
        /// Whether it is our own account.
        own: bool,
    },
    /// A message of a room was sent to others than those whom the app last named as its members.
    AudienceDiffers {
        /// The room, with the members as we know them.
        conversation: Conversation,
        /// Who sent it.
        sender: Bytes,
        /// Which device of theirs.
        device: u32,
        /// Whom the sender wrote to beside those that we know of.
        added: Vec<Bytes>,
        /// Whom the sender did not write to.
        missing: Vec<Bytes>,
    },
    /// What came in a conversation that is encrypted was not. It is not to be shown as a message.
    PlaintextInProtected {
        /// Where the app filed it.
        conversation: Conversation,
        /// Whom the app named as its sender.
        sender: Option<Bytes>,
        /// The app's own name for it.
        app_ref: Option<Bytes>,
    },
    /// A conversation is better protected than before.
    Protection {
        /// Which.
        conversation: Conversation,
        /// How it was.
        before: Protection,
        /// How it is.
        now: Protection,
    },
    /// How far the linking of a device has come.
    Link {
        /// How far.
        phase: LinkPhase,
        /// Which device, where it is known.
        device: Option<u32>,
    },
    /// This device was taken off its account's list: it sends nothing any more.
    Removed,
    /// Two device lists where there can be one; a contact's that has expired and is followed by none (`theirs` is what the
    /// directory shows, or number 0); or, once a day, our own without a device that was revoked, which the directory does not take.
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
        /// Why: a stable number.
        reason: Option<u32>,
    },
    /// A device's state is in use twice, or it lies: a copied phone, or somebody with its keys. Nothing is begun anew by
    /// itself.
    CloneSuspected {
        /// Whose.
        account: Bytes,
        /// Which device.
        device: u32,
    },
    /// The post-quantum ratchet with a device makes no progress: the state of one side was put back. Messages are still
    /// read.
    BraidStalled {
        /// Whose.
        account: Bytes,
        /// Which device.
        device: u32,
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
        /// Which device of theirs.
        device: u32,
        /// The number of its kind.
        kind: u64,
    },
    /// The app named another sender than the session proves. The message is shown as what was proved.
    SenderDiffers {
        /// The app's own name for it.
        app_ref: Option<Bytes>,
        /// The hash of its bytes.
        blob_id: Bytes,
        /// Whom the app named.
        named: Bytes,
        /// Who it is from.
        proved: Bytes,
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
                recovers: message.recovers.as_ref().map(|blob| bytes(blob.0)),
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
            sprag::What::DevicesChanged { account, added, removed, own } => Self::DevicesChanged {
                account: bytes(account),
                added: added.iter().map(|device| device.0).collect(),
                removed: removed.iter().map(|device| device.0).collect(),
                own: *own,
            },
            sprag::What::AudienceDiffers { conversation, sender, added, missing } => Self::AudienceDiffers {
                conversation: conversation.into(),
                sender: bytes(&sender.account),
                device: sender.device.0,
                added: added.iter().map(bytes).collect(),
                missing: missing.iter().map(bytes).collect(),
            },
            sprag::What::PlaintextInProtected { conversation, from, app_ref } => Self::PlaintextInProtected {
                conversation: conversation.into(),
                sender: from.as_ref().map(bytes),
                app_ref: app_ref.as_ref().map(bytes),
            },
            sprag::What::Protection { conversation, from, to } => {
                Self::Protection { conversation: conversation.into(), before: (*from).into(), now: (*to).into() }
            }
            sprag::What::Link { phase, device } => {
                Self::Link { phase: (*phase).into(), device: device.map(|device| device.0) }
            }
            sprag::What::Removed => Self::Removed,
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
            sprag::What::SessionRestarted { account, device, resumed, reason } => Self::SessionRestarted {
                account: bytes(account),
                device: device.0,
                resumed: *resumed,
                reason: reason.map(sprag::Reason::code),
            },
            sprag::What::CloneSuspected { account, device } => {
                Self::CloneSuspected { account: bytes(account), device: device.0 }
            }
            sprag::What::BraidStalled { account, device } => {
                Self::BraidStalled { account: bytes(account), device: device.0 }
            }
            sprag::What::ClockSuspect { skew } => Self::ClockSuspect { skew: *skew },
            sprag::What::KeysLow { left } => Self::KeysLow { left: *left },
            sprag::What::StoreTrouble { code } => Self::StoreTrouble { code: *code },
            sprag::What::Unsupported { app_ref, blob_id, sender, kind } => Self::Unsupported {
                app_ref: app_ref.as_ref().map(bytes),
                blob_id: bytes(blob_id.0),
                sender: bytes(&sender.account),
                device: sender.device.0,
                kind: *kind,
            },
            sprag::What::SenderDiffers { app_ref, blob_id, named, proved } => Self::SenderDiffers {
                app_ref: app_ref.as_ref().map(bytes),
                blob_id: bytes(blob_id.0),
                named: bytes(named),
                proved: bytes(proved),
            },
            other => Self::Other { kind: other.code() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, Importance, What};
    use sprag::{AccountId, DeviceId};

    #[test]
    fn what_is_wrong_with_a_session_keeps_its_name() {
        let (account, device) = (AccountId::new("bob").unwrap(), DeviceId(7));
        let event = |what| Event::from(&sprag::Event::new(1, 2, what));
        let clone = event(sprag::What::CloneSuspected { account: account.clone(), device });
        assert_eq!(clone.importance, Importance::Security);
        assert!(matches!(&clone.what, What::CloneSuspected { account, device: 7 } if account.as_ref() == b"bob"));
        let stalled = event(sprag::What::BraidStalled { account, device });
        assert_eq!(stalled.importance, Importance::Info);
        assert!(matches!(&stalled.what, What::BraidStalled { account, device: 7 } if account.as_ref() == b"bob"));
    }
}
