//! What goes in and what comes of it: messages to be delivered, verdicts on them, events for the app's screen, and the small
//! answers of the door.
//!
//! It decides nothing. Kinds are open: an app skips what it does not know.

mod message;
mod reason;
mod row;
mod verdict;
mod what;

use sprag_core::secret::SecretBytes;

use crate::codec;
use crate::error::Result;

pub use message::{Message, MessageState, Preview, SendOptions, Sent};
pub use reason::{Healing, Reason};
pub use verdict::{Delivered, Finding, Incoming, Verdict};
pub use what::{LinkPhase, ListRef, What};

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

numbered! {
    /// What an event is about.
    pub enum Importance: "importance" {
        /// A message, or something about one.
        Content = 1,
        /// The user should know about it.
        Security = 2,
        /// For the app alone.
        Info = 3,
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

/// What the app knows when it wakes the engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Hint {
    /// The server's time, Unix seconds.
    pub server_time: Option<u64>,
    /// How many one-time prekeys of this device the directory holds.
    pub one_time_left: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::CORRUPT;
    use crate::id::{
        AccountId, BlobId, Class, Content, Conversation, DeviceId, MessageId, Protection, RoomId, Sender, Trust,
    };

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
