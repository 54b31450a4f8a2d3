//! Messages on their way in and out, and what was found in them.

use sprag::{Content, Conversation, Finding, Incoming, MessageId, SendOptions, Verdict};

use super::{Lists, account, conversation, filled};
use crate::border::{Answer, Sized32, slice, sprag_bytes, status};
use crate::constants::{
    SPRAG_CLASS_MESSAGE, SPRAG_CLASS_QUIET, SPRAG_CONTENT_APP, SPRAG_CONTENT_TEXT, SPRAG_CONVERSATION_DIRECT,
    SPRAG_CONVERSATION_ROOM, SPRAG_MISUSE,
};

/// A message as the app's server handed it over. Filled by the caller.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sprag_incoming {
    /// `sizeof(sprag_incoming)`.
    pub size: u32,
    /// Not 0: old mail fetched again.
    pub history: u32,
    /// The encrypted bytes.
    pub bytes: sprag_bytes,
    /// Whom the server names as its sender; may be absent.
    pub from: sprag_bytes,
    /// The other account of the direct conversation in which the app files it; absent if it files it in a room, or nowhere.
    pub direct: sprag_bytes,
    /// The room in which the app files it; absent if it files it elsewhere, or nowhere.
    pub room: sprag_bytes,
    /// The members of that room, as the app's server names them; none if it does not say.
    pub members: *const sprag_bytes,
    /// How many.
    pub members_len: usize,
    /// The app's own name for it, at most 64 bytes, handed back in the event; may be absent.
    pub app_ref: sprag_bytes,
    /// The server's stamp; may be absent.
    pub stamp: sprag_bytes,
    /// The server's time for it, Unix seconds; 0 if unknown.
    pub server_time: u64,
}
filled!(sprag_incoming, server_time: u64);

/// # Safety
/// The record's bytes are valid.
pub(crate) unsafe fn incoming(from: &sprag_incoming) -> Answer<Incoming> {
    // SAFETY: the caller's promise about its record, for all of these.
    let (bytes, sender, direct, app_ref, stamp) =
        unsafe { (from.bytes.need()?, from.from.get()?, from.direct.get()?, from.app_ref.get()?, from.stamp.get()?) };
    // SAFETY: as above.
    let (room, members) = unsafe { (from.room.get()?, slice(from.members, from.members_len)?) };
    let mut incoming = Incoming::new(bytes.to_vec());
    incoming.from = sender.map(account).transpose()?;
    // SAFETY: as above.
    incoming.conversation = unsafe {
        match (direct, room) {
            (None, None) => None,
            (Some(direct), None) => Some(conversation(SPRAG_CONVERSATION_DIRECT, direct, members)?),
            (None, Some(room)) => Some(conversation(SPRAG_CONVERSATION_ROOM, room, members)?),
            (Some(_), Some(_)) => return Err(SPRAG_MISUSE),
        }
    };
    incoming.app_ref = app_ref.map(<[u8]>::to_vec);
    incoming.stamp = stamp.map(<[u8]>::to_vec);
    incoming.server_time = (from.server_time != 0).then_some(from.server_time);
    incoming.history = from.history != 0;
    Ok(incoming)
}

/// A message to send. Filled by the caller.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sprag_outgoing {
    /// `sizeof(sprag_outgoing)`.
    pub size: u32,
    /// Where it goes: one of `SPRAG_CONVERSATION_…`.
    pub conversation: u32,
    /// The other account of a direct conversation, or the room: 1 to `SPRAG_MAX_ID` bytes.
    pub peer: sprag_bytes,
    /// The members of the room, ourselves included or not, in any order; none for a direct conversation.
    pub members: *const sprag_bytes,
    /// How many: at most `SPRAG_MAX_MEMBERS`.
    pub members_len: usize,
    /// What it says: `SPRAG_CONTENT_TEXT` (UTF-8) or `SPRAG_CONTENT_APP`.
    pub content: u32,
    /// How it is to be treated: 0 or one of `SPRAG_CLASS_…`.
    pub message_class: u32,
    /// Of the app's own content: what it is, 1 to `SPRAG_MAX_ID` bytes of UTF-8. Absent for text.
    pub content_kind: sprag_bytes,
    /// The content's bytes, at most `SPRAG_MAX_CONTENT`.
    pub body: sprag_bytes,
    /// The message's id, 1 to `SPRAG_MAX_ID` bytes; made up if absent. The same id with the same content is sent once.
    pub client_id: sprag_bytes,
    /// When it need not arrive any more, Unix seconds; 0 for never.
    pub expires: u64,
}
filled!(sprag_outgoing, expires: u64);

/// # Safety
/// The record's bytes are valid.
pub(crate) unsafe fn outgoing(from: &sprag_outgoing) -> Answer<(Conversation, Content, SendOptions)> {
    // SAFETY: the caller's promise about its record, for all of these.
    let (peer, kind, body, id) =
        unsafe { (from.peer.need()?, from.content_kind.get()?, from.body.need()?, from.client_id.get()?) };
    // SAFETY: as above.
    let members = unsafe { slice(from.members, from.members_len)? };
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| SPRAG_MISUSE);
    let content = match (from.content, kind) {
        (SPRAG_CONTENT_TEXT, None) => Content::Text(text(body)?),
        (SPRAG_CONTENT_APP, Some(kind)) => Content::App { kind: text(kind)?, bytes: body.to_vec() },
        _ => return Err(SPRAG_MISUSE),
    };
    let mut options = SendOptions::default();
    options.client_id = id.map(MessageId::new).transpose().map_err(status)?;
    options.class = match from.message_class {
        0 | SPRAG_CLASS_MESSAGE => sprag::Class::Message,
        SPRAG_CLASS_QUIET => sprag::Class::Quiet,
        _ => return Err(SPRAG_MISUSE),
    };
    options.expires = (from.expires != 0).then_some(from.expires);
    // SAFETY: as above.
    let conversation = unsafe { conversation(from.conversation, peer, members)? };
    Ok((conversation, content, options))
}

/// What was found in one delivered message.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sprag_verdict {
    /// One of `SPRAG_VERDICT_…`.
    pub kind: u32,
    /// Unreadable: why; a number that `sprag_reason_str` puts in words.
    pub reason: u32,
    /// Unreadable: one of `SPRAG_HEALING_…`.
    pub healing: u32,
    /// Zero.
    pub reserved: u32,
    /// The hash of the delivered bytes, 32 bytes.
    pub blob_id: sprag_bytes,
    /// Opened: the events that came of it.
    pub events: *const u64,
    /// How many.
    pub events_len: usize,
    /// Duplicate, own echo: the message in it, where it is known.
    pub message: sprag_bytes,
    /// Quarantined: the hash of the account key, 32 bytes.
    pub fingerprint: sprag_bytes,
}

pub(crate) fn verdict(from: &Verdict) -> (sprag_verdict, Lists) {
    let mut to = sprag_verdict {
        kind: from.finding.code(),
        reason: 0,
        healing: 0,
        reserved: 0,
        blob_id: sprag_bytes::of(&from.blob_id.0),
        events: std::ptr::null(),
        events_len: 0,
        message: sprag_bytes::ABSENT,
        fingerprint: sprag_bytes::ABSENT,
    };
    match &from.finding {
        Finding::Opened { events } => (to.events, to.events_len) = (events.as_ptr(), events.len()),
        Finding::Quarantined { fingerprint } => to.fingerprint = sprag_bytes::of(fingerprint),
        Finding::Duplicate { message } | Finding::OwnEcho { message } => {
            to.message = sprag_bytes::maybe(message.as_ref().map(MessageId::as_bytes));
        }
        Finding::Unreadable { reason, healing } => (to.reason, to.healing) = (reason.code(), healing.code()),
        _ => {}
    }
    (to, Lists::default())
}
