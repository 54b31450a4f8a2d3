//! What the app is to show or to act on.

use sprag::{AccountId, Event, MessageId, Preview, What};

use super::{Lists, content_kind, place};
use crate::border::sprag_bytes;
use crate::constants::{SPRAG_EVENT_MESSAGE, SPRAG_EVENT_UNREADABLE, SPRAG_IMPORTANCE_CONTENT};

/// Something for the app to show or to act on. Fields that its kind does not speak of are absent or zero.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sprag_event {
    /// One of `SPRAG_EVENT_…`. Skip what you do not know.
    pub kind: u32,
    /// One of `SPRAG_IMPORTANCE_…`.
    pub importance: u32,
    /// Names the event, for `sprag_done`.
    pub id: u64,
    /// When it happened, Unix seconds.
    pub at: u64,
    /// Message, unreadable, unsupported, plaintext in protected: the app's own name for it, if it gave one.
    pub app_ref: sprag_bytes,
    /// Message, unreadable, unsupported: the hash of its bytes, 32 bytes.
    pub blob_id: sprag_bytes,
    /// Message, progress: the message's id.
    pub message: sprag_bytes,
    /// Whose it is: the sender's account, the one that the server named, or the contact that it is about.
    pub account: sprag_bytes,
    /// Message, audience differs, session restarted, clone suspected, braid stalled, unsupported: the device. Link: which
    /// one, 0 where it is not known.
    pub device: u32,
    /// Message, audience differs, plaintext in protected, protection: one of `SPRAG_CONVERSATION_…`.
    pub conversation: u32,
    /// The same: the other account of a direct conversation, or the room. Sender differs: whom the app named.
    pub peer: sprag_bytes,
    /// The same: the members of the room, ourselves included, as far as we know them.
    pub members: *const sprag_bytes,
    /// How many.
    pub members_len: usize,
    /// Message: one of `SPRAG_CLASS_…`.
    pub message_class: u32,
    /// Message: one of `SPRAG_CONTENT_…`. Unsupported: the number of its kind, as far as 32 bits hold it.
    pub content: u32,
    /// Message: what the app's own content is.
    pub content_kind: sprag_bytes,
    /// Message: what it says.
    pub body: sprag_bytes,
    /// Message: when its sender says it was sent, Unix seconds.
    pub sent: u64,
    /// Message: one of `SPRAG_TRUST_…`.
    pub trust: u32,
    /// Message: the hash of the bytes of one that did not open before, in whose place it came, 32 bytes.
    pub recovers: sprag_bytes,
    /// Message: not 0 if it is the first from this account.
    pub first_contact: u32,
    /// Message: not 0 if we sent it, from another device.
    pub outgoing: u32,
    /// Unreadable, progress, session restarted: why, as `sprag_reason_str` says; 0 if there is nothing to say.
    pub reason: u32,
    /// Unreadable: one of `SPRAG_HEALING_…`.
    pub healing: u32,
    /// Progress: one of `SPRAG_STATE_…`. Protection: how it is, one of `SPRAG_PROTECTION_…`.
    pub state: u32,
    /// Identity changed: the safety number that was pinned, 60 digits.
    pub old_number: sprag_bytes,
    /// Identity changed: the one that was offered.
    pub new_number: sprag_bytes,
    /// Identity changed: the messages that are held.
    pub held: *const sprag_bytes,
    /// How many.
    pub held_len: usize,
    /// Identity changed: whether the old number had been compared. Session restarted: whether it was resumed. Devices
    /// changed: whether they are our own.
    pub flag: u32,
    /// Keys low: how many are left. Store trouble: its code. Link: one of `SPRAG_LINK_…`. Protection: how it was, one of
    /// `SPRAG_PROTECTION_…`.
    pub number: u32,
    /// Clock suspect: by how many seconds our clock is ahead.
    pub skew: i64,
    /// List conflict: the sequence of the list known here.
    pub my_sequence: u64,
    /// List conflict: the sequence of the other one.
    pub their_sequence: u64,
    /// List conflict: the hash of the list known here, 32 bytes.
    pub my_hash: sprag_bytes,
    /// List conflict: the hash of the other one.
    pub their_hash: sprag_bytes,
    /// Devices changed: those that are new.
    pub devices_added: *const u32,
    /// How many.
    pub devices_added_len: usize,
    /// Devices changed: those that are gone.
    pub devices_removed: *const u32,
    /// How many.
    pub devices_removed_len: usize,
    /// Audience differs: whom the sender wrote to beside those that we know of.
    pub added: *const sprag_bytes,
    /// How many.
    pub added_len: usize,
    /// Audience differs: whom the sender did not write to.
    pub missing: *const sprag_bytes,
    /// How many.
    pub missing_len: usize,
}

fn blank_event() -> sprag_event {
    let absent = sprag_bytes::ABSENT;
    sprag_event {
        kind: 0,
        importance: 0,
        id: 0,
        at: 0,
        app_ref: absent,
        blob_id: absent,
        message: absent,
        account: absent,
        device: 0,
        conversation: 0,
        peer: absent,
        members: std::ptr::null(),
        members_len: 0,
        message_class: 0,
        content: 0,
        content_kind: absent,
        body: absent,
        sent: 0,
        trust: 0,
        recovers: absent,
        first_contact: 0,
        outgoing: 0,
        reason: 0,
        healing: 0,
        state: 0,
        old_number: absent,
        new_number: absent,
        held: std::ptr::null(),
        held_len: 0,
        flag: 0,
        number: 0,
        skew: 0,
        my_sequence: 0,
        their_sequence: 0,
        my_hash: absent,
        their_hash: absent,
        devices_added: std::ptr::null(),
        devices_added_len: 0,
        devices_removed: std::ptr::null(),
        devices_removed_len: 0,
        added: std::ptr::null(),
        added_len: 0,
        missing: std::ptr::null(),
        missing_len: 0,
    }
}

pub(crate) fn event(from: &Event) -> (sprag_event, Lists) {
    let mut to = blank_event();
    let mut lists = Lists::default();
    to.kind = from.what.code();
    to.importance = from.importance().code();
    (to.id, to.at) = (from.id, from.at);
    match &from.what {
        What::Message(message) => {
            to.app_ref = sprag_bytes::maybe(message.app_ref.as_deref());
            to.blob_id = sprag_bytes::of(&message.blob_id.0);
            to.message = sprag_bytes::of(message.client_id.as_bytes());
            to.account = sprag_bytes::of(message.sender.account.as_bytes());
            to.device = message.sender.device.0;
            to.conversation = message.conversation.code();
            (to.peer, to.members, to.members_len) = place(&message.conversation, &mut lists);
            to.message_class = message.class.code();
            to.content = message.content.code();
            to.content_kind = content_kind(&message.content);
            to.body = sprag_bytes::of(message.content.as_bytes());
            to.sent = message.sent;
            to.trust = message.trust.code();
            to.recovers = sprag_bytes::maybe(message.recovers.as_ref().map(|blob| &blob.0[..]));
            to.first_contact = u32::from(message.first_contact);
            to.outgoing = u32::from(message.outgoing);
        }
        What::Unreadable { app_ref, blob_id, from, reason, healing } => {
            to.app_ref = sprag_bytes::maybe(app_ref.as_deref());
            to.blob_id = sprag_bytes::of(&blob_id.0);
            to.account = sprag_bytes::maybe(from.as_ref().map(AccountId::as_bytes));
            (to.reason, to.healing) = (reason.code(), healing.code());
        }
        What::Progress { message, account, state, reason } => {
            to.message = sprag_bytes::of(message.as_bytes());
            to.account = sprag_bytes::maybe(account.as_ref().map(AccountId::as_bytes));
            to.state = state.code();
            to.reason = reason.map_or(0, sprag::Reason::code);
        }
        What::IdentityChanged { account, old_number, new_number, was_verified, held } => {
            to.account = sprag_bytes::of(account.as_bytes());
            to.old_number = sprag_bytes::of(old_number.as_bytes());
            to.new_number = sprag_bytes::of(new_number.as_bytes());
            to.flag = u32::from(*was_verified);
            (to.held, to.held_len) = lists.bytes(held.iter().map(MessageId::as_bytes));
        }
        What::DevicesChanged { account, added, removed, own } => {
            to.account = sprag_bytes::of(account.as_bytes());
            (to.devices_added, to.devices_added_len) = lists.devices(added);
            (to.devices_removed, to.devices_removed_len) = lists.devices(removed);
            to.flag = u32::from(*own);
        }
        What::AudienceDiffers { conversation, sender, added, missing } => {
            to.conversation = conversation.code();
            (to.peer, to.members, to.members_len) = place(conversation, &mut lists);
            to.account = sprag_bytes::of(sender.account.as_bytes());
            to.device = sender.device.0;
            (to.added, to.added_len) = lists.bytes(added.iter().map(AccountId::as_bytes));
            (to.missing, to.missing_len) = lists.bytes(missing.iter().map(AccountId::as_bytes));
        }
        What::PlaintextInProtected { conversation, from, app_ref } => {
            to.conversation = conversation.code();
            (to.peer, to.members, to.members_len) = place(conversation, &mut lists);
            to.account = sprag_bytes::maybe(from.as_ref().map(AccountId::as_bytes));
            to.app_ref = sprag_bytes::maybe(app_ref.as_deref());
        }
        What::Protection { conversation, from, to: now } => {
            to.conversation = conversation.code();
            (to.peer, to.members, to.members_len) = place(conversation, &mut lists);
            (to.number, to.state) = (from.code(), now.code());
        }
        What::Link { phase, device } => {
            to.number = phase.code();
            to.device = device.map_or(0, |device| device.0);
        }
        What::ListConflict { account, mine, theirs } => {
            to.account = sprag_bytes::of(account.as_bytes());
            (to.my_sequence, to.their_sequence) = (mine.sequence, theirs.sequence);
            (to.my_hash, to.their_hash) = (sprag_bytes::of(&mine.hash), sprag_bytes::of(&theirs.hash));
        }
        What::SessionRestarted { account, device, resumed, reason } => {
            to.account = sprag_bytes::of(account.as_bytes());
            to.device = device.0;
            to.flag = u32::from(*resumed);
            to.reason = reason.map_or(0, sprag::Reason::code);
        }
        What::CloneSuspected { account, device } | What::BraidStalled { account, device } => {
            to.account = sprag_bytes::of(account.as_bytes());
            to.device = device.0;
        }
        What::SenderDiffers { app_ref, blob_id, named, proved } => {
            to.app_ref = sprag_bytes::maybe(app_ref.as_deref());
            to.blob_id = sprag_bytes::of(&blob_id.0);
            to.account = sprag_bytes::of(proved.as_bytes());
            to.peer = sprag_bytes::of(named.as_bytes());
        }
        What::ClockSuspect { skew } => to.skew = *skew,
        What::KeysLow { left: number } | What::StoreTrouble { code: number } => to.number = *number,
        What::Unsupported { app_ref, blob_id, sender, kind } => {
            to.app_ref = sprag_bytes::maybe(app_ref.as_deref());
            to.blob_id = sprag_bytes::of(&blob_id.0);
            to.account = sprag_bytes::of(sender.account.as_bytes());
            to.device = sender.device.0;
            to.content = u32::try_from(*kind).unwrap_or(u32::MAX);
        }
        _ => {}
    }
    (to, lists)
}

/// What a message says, found without changing anything: fills the fields of an event (kind 0 if it shows nothing).
pub(crate) fn preview(from: &Preview) -> (sprag_event, Lists) {
    let mut to = blank_event();
    let mut lists = Lists::default();
    match from {
        Preview::Message { sender, conversation, client_id, class, content } => {
            to.kind = SPRAG_EVENT_MESSAGE;
            to.importance = SPRAG_IMPORTANCE_CONTENT;
            to.message = sprag_bytes::of(client_id.as_bytes());
            to.account = sprag_bytes::of(sender.account.as_bytes());
            to.device = sender.device.0;
            to.conversation = conversation.code();
            (to.peer, to.members, to.members_len) = place(conversation, &mut lists);
            to.message_class = class.code();
            to.content = content.code();
            to.content_kind = content_kind(content);
            to.body = sprag_bytes::of(content.as_bytes());
        }
        Preview::Unreadable { reason } => {
            to.kind = SPRAG_EVENT_UNREADABLE;
            to.importance = SPRAG_IMPORTANCE_CONTENT;
            to.reason = reason.code();
        }
        _ => {}
    }
    (to, lists)
}
