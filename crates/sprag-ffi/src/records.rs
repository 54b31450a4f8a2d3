//! The records that cross the border, and how they come from and become the engine's.

use sprag::{
    AccountId, Action, Config, Content, Conversation, Event, Finding, Found, Hint, Incoming, Key, MessageId, Opening,
    Outcome, Pending, Place, Preview, Rejection, Request, Role, SendOptions, StaleList, Verdict, What,
};

use crate::border::{Answer, SPRAG_MISUSE, Sized32, slice, sprag_bytes, status};

fn account(bytes: &[u8]) -> Answer<AccountId> {
    AccountId::new(bytes).map_err(status)
}

const CONVERSATION_DIRECT: u32 = 1;

/// A conversation: kind 1 is that with the one account named.
fn conversation(kind: u32, peer: &[u8]) -> Answer<Conversation> {
    match kind {
        CONVERSATION_DIRECT => account(peer).map(Conversation::Direct),
        _ => Err(SPRAG_MISUSE),
    }
}

fn peer(conversation: &Conversation) -> sprag_bytes {
    match conversation {
        Conversation::Direct(account) => sprag_bytes::of(account.as_bytes()),
        _ => sprag_bytes::ABSENT,
    }
}

/// The kind of the app's own content; empty for text.
fn content_kind(content: &Content) -> sprag_bytes {
    match content {
        Content::App { kind, .. } => sprag_bytes::of(kind.as_bytes()),
        _ => sprag_bytes::ABSENT,
    }
}

fn join<T>(has: u32, value: T) -> Option<T> {
    (has != 0).then_some(value)
}

macro_rules! filled {
    ($name:ident, $last:ident: $type:ty) => {
        // SAFETY: `repr(C)`, numbers, pointers and `sprag_bytes` alone, `size` first; all zeros is a value.
        unsafe impl Sized32 for $name {
            const LEAST: usize = std::mem::offset_of!($name, $last) + size_of::<$type>();
        }
    };
}

/// What `sprag_client_create` needs. Filled by the caller.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sprag_config {
    /// `sizeof(sprag_config)`.
    pub size: u32,
    /// The largest body that the app's server carries, in bytes; 0 for 1 MiB.
    pub max_body: u32,
    /// The file, as UTF-8; absent for a store in memory.
    pub path: sprag_bytes,
    /// The key that is to unlock the store: 32 random bytes from the platform's keystore.
    pub key: sprag_bytes,
    /// The account: 1 to 64 bytes.
    pub account: sprag_bytes,
}
filled!(sprag_config, account: sprag_bytes);

/// What `sprag_client_open` needs. Filled by the caller.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sprag_opening {
    /// `sizeof(sprag_opening)`.
    pub size: u32,
    /// What this process is to the app: 0 or 1 the app, 2 an extension.
    pub role: u32,
    /// The file, as UTF-8.
    pub path: sprag_bytes,
    /// The key that unlocks the store: 32 bytes.
    pub key: sprag_bytes,
    /// The account that is expected in it.
    pub account: sprag_bytes,
}
filled!(sprag_opening, account: sprag_bytes);

unsafe fn place(path: sprag_bytes) -> Answer<Place> {
    // SAFETY: the caller's promise about its record.
    match unsafe { path.get() }? {
        None => Ok(Place::Memory),
        Some(path) => std::str::from_utf8(path).map(|path| Place::File(path.into())).map_err(|_| SPRAG_MISUSE),
    }
}

/// # Safety
/// The record's bytes are valid.
pub(crate) unsafe fn config(from: &sprag_config) -> Answer<Config> {
    // SAFETY: the caller's promise about its record.
    let (place, key, id) = unsafe { (place(from.path)?, from.key.need()?, from.account.need()?) };
    let mut config = Config::new(place, Key::from_slice(key).map_err(status)?, account(id)?);
    if from.max_body != 0 {
        config.policy.max_body = from.max_body;
    }
    Ok(config)
}

/// # Safety
/// The record's bytes are valid.
pub(crate) unsafe fn opening(from: &sprag_opening) -> Answer<Opening> {
    // SAFETY: the caller's promise about its record.
    let (place, key, id) = unsafe { (place(from.path)?, from.key.need()?, from.account.need()?) };
    let mut opening = Opening::new(place, Key::from_slice(key).map_err(status)?, account(id)?);
    opening.role = match from.role {
        0 | 1 => Role::App,
        2 => Role::Extension,
        _ => return Err(SPRAG_MISUSE),
    };
    Ok(opening)
}

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
    /// The other account of the direct conversation in which the app files it; may be absent.
    pub direct: sprag_bytes,
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
    let mut incoming = Incoming::new(bytes.to_vec());
    incoming.from = sender.map(account).transpose()?;
    incoming.conversation = direct.map(account).transpose()?.map(Conversation::Direct);
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
    /// Where it goes: 1 for the direct conversation with `peer`.
    pub conversation: u32,
    /// The other account.
    pub peer: sprag_bytes,
    /// What it says: 1 text (UTF-8), 2 the app's own.
    pub content: u32,
    /// How it is to be treated: 0 or 1 a message that notifies, 2 quiet.
    pub message_class: u32,
    /// Of the app's own content: what it is, 1 to 64 bytes of UTF-8. Absent for text.
    pub content_kind: sprag_bytes,
    /// The content's bytes, at most 262144.
    pub body: sprag_bytes,
    /// The message's id, 1 to 64 bytes; made up if absent. The same id with the same content is sent once.
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
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| SPRAG_MISUSE);
    let content = match (from.content, kind) {
        (1, None) => Content::Text(text(body)?),
        (2, Some(kind)) => Content::App { kind: text(kind)?, bytes: body.to_vec() },
        _ => return Err(SPRAG_MISUSE),
    };
    let mut options = SendOptions::default();
    options.client_id = id.map(MessageId::new).transpose().map_err(status)?;
    options.class = match from.message_class {
        0 | 1 => sprag::Class::Message,
        2 => sprag::Class::Quiet,
        _ => return Err(SPRAG_MISUSE),
    };
    options.expires = (from.expires != 0).then_some(from.expires);
    Ok((conversation(from.conversation, peer)?, content, options))
}

/// An account and what goes with it: in answers about keys, one signed object of its; in answers about stale lists, its
/// list. Filled by the caller.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sprag_part {
    /// The account.
    pub account: sprag_bytes,
    /// The object; absent if there is none.
    pub object: sprag_bytes,
}

/// What became of a request. Filled by the caller: `kind` and the fields that it speaks of, everything else zero.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sprag_outcome {
    /// `sizeof(sprag_outcome)`.
    pub size: u32,
    /// One of `SPRAG_OUTCOME_…`.
    pub kind: u32,
    /// KEYS: one entry for each object found, those of one account next to each other. STALE: one for each account, with
    /// its list where the server sent it.
    pub parts: *const sprag_part,
    /// How many.
    pub parts_len: usize,
    /// KEYS: the accounts that the directory does not know.
    pub absent: *const sprag_bytes,
    /// How many.
    pub absent_len: usize,
    /// CONFLICT: the list that the directory holds. ACCEPTED: the server's stamp, if any.
    pub bytes: sprag_bytes,
    /// ACCEPTED: the server's time, Unix seconds; 0 if unknown.
    pub server_time: u64,
    /// PUBLISHED: whether `number` tells the one-time prekeys left. RETRY: whether it tells the seconds to wait.
    pub has_number: u32,
    /// PUBLISHED, RETRY: see `has_number`. TOO_LARGE: the limit in bytes. REJECTED: 1 forbidden, 2 no such account, 3
    /// other.
    pub number: u32,
}
filled!(sprag_outcome, number: u32);

/// PublishKeys: the directory stored them.
pub const SPRAG_OUTCOME_PUBLISHED: u32 = 1;
/// PublishKeys: the directory holds another list than the expected one.
pub const SPRAG_OUTCOME_CONFLICT: u32 = 2;
/// FetchKeys: what the directory holds.
pub const SPRAG_OUTCOME_KEYS: u32 = 3;
/// Send: the server has it.
pub const SPRAG_OUTCOME_ACCEPTED: u32 = 4;
/// Send: some accounts have newer lists (HTTP 409).
pub const SPRAG_OUTCOME_STALE: u32 = 5;
/// Send: the server carries less (HTTP 413).
pub const SPRAG_OUTCOME_TOO_LARGE: u32 = 6;
/// Any: offline, or come back later (401, 429, 5xx).
pub const SPRAG_OUTCOME_RETRY: u32 = 7;
/// Any: refused for good.
pub const SPRAG_OUTCOME_REJECTED: u32 = 8;

/// # Safety
/// The record's lists and bytes are valid.
pub(crate) unsafe fn outcome(from: &sprag_outcome) -> Answer<Outcome> {
    // SAFETY: the caller's promise about its record.
    let (parts, bytes) = unsafe { (slice(from.parts, from.parts_len)?, from.bytes.get()?) };
    Ok(match from.kind {
        SPRAG_OUTCOME_PUBLISHED => Outcome::Published { one_time_left: join(from.has_number, from.number) },
        SPRAG_OUTCOME_CONFLICT => Outcome::Conflict { list: bytes.ok_or(SPRAG_MISUSE)?.to_vec() },
        SPRAG_OUTCOME_KEYS => {
            let mut found: Vec<Found> = Vec::new();
            for part in parts {
                // SAFETY: as above.
                let (id, object) = unsafe { (account(part.account.need()?)?, part.object.need()?.to_vec()) };
                match found.iter_mut().find(|found| found.account == id) {
                    Some(found) => found.parts.push(object),
                    None => found.push(Found { account: id, parts: vec![object] }),
                }
            }
            // SAFETY: as above.
            let absent = unsafe { slice(from.absent, from.absent_len)? };
            let absent = absent.iter().map(|id| {
                // SAFETY: as above.
                account(unsafe { id.need() }?)
            });
            Outcome::Keys { found, absent: absent.collect::<Answer<_>>()? }
        }
        SPRAG_OUTCOME_ACCEPTED => Outcome::Accepted {
            server_time: (from.server_time != 0).then_some(from.server_time),
            stamp: bytes.map(<[u8]>::to_vec),
        },
        SPRAG_OUTCOME_STALE => {
            let accounts = parts.iter().map(|part| {
                // SAFETY: as above.
                let (id, list) = unsafe { (part.account.need()?, part.object.get()?) };
                Ok(StaleList { account: account(id)?, list: list.map(<[u8]>::to_vec) })
            });
            Outcome::Stale { accounts: accounts.collect::<Answer<_>>()? }
        }
        SPRAG_OUTCOME_TOO_LARGE => Outcome::TooLarge { limit: from.number },
        SPRAG_OUTCOME_RETRY => Outcome::Retry { after: join(from.has_number, from.number) },
        SPRAG_OUTCOME_REJECTED => Outcome::Rejected(match from.number {
            1 => Rejection::Forbidden,
            2 => Rejection::NoSuchAccount,
            3 => Rejection::Other,
            _ => return Err(SPRAG_MISUSE),
        }),
        _ => return Err(SPRAG_MISUSE),
    })
}

/// What the app knows when it wakes the engine. Filled by the caller.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sprag_hint {
    /// `sizeof(sprag_hint)`.
    pub size: u32,
    /// Not 0 if `one_time_left` says something.
    pub has_one_time_left: u32,
    /// How many one-time prekeys of this device the directory holds.
    pub one_time_left: u32,
    /// Zero.
    pub reserved: u32,
    /// The server's time, Unix seconds; 0 if unknown.
    pub server_time: u64,
}
filled!(sprag_hint, server_time: u64);

pub(crate) fn hint(from: &sprag_hint) -> Hint {
    let mut hint = Hint::default();
    hint.server_time = (from.server_time != 0).then_some(from.server_time);
    hint.one_time_left = join(from.has_one_time_left, from.one_time_left);
    hint
}

/// What to look at next.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sprag_pending {
    /// How many events wait to be done.
    pub events: u64,
    /// How many requests can be handed out now.
    pub requests: u64,
    /// In how many milliseconds `sprag_wake` has something to do; `UINT64_MAX` if there is nothing to wait for.
    pub next_wake_ms: u64,
}

pub(crate) fn pending(from: Pending) -> sprag_pending {
    sprag_pending { events: from.events, requests: from.requests, next_wake_ms: from.next_wake_ms.unwrap_or(u64::MAX) }
}

/// A request. Fields that its kind does not speak of are absent or zero.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sprag_request {
    /// 1 PublishKeys, 2 FetchKeys, 3 Send. Skip what you do not know.
    pub kind: u32,
    /// How often it was handed out.
    pub attempt: u32,
    /// Its name until it is answered; the idempotency key towards the server.
    pub id: u64,
    /// When it was made, Unix seconds.
    pub created: u64,
    /// Until when it is the caller's alone, Unix seconds.
    pub lease_until: u64,
    /// PublishKeys: our account.
    pub account: sprag_bytes,
    /// PublishKeys: our device.
    pub device: u32,
    /// PublishKeys: not 0 if the queue of one-time prekeys is to be emptied first.
    pub reset_one_time: u32,
    /// PublishKeys: the device list, if it is to be replaced.
    pub list: sprag_bytes,
    /// PublishKeys: its sequence.
    pub list_sequence: u64,
    /// PublishKeys: the sequence that the directory must hold before it; 0 for none.
    pub list_expected: u64,
    /// PublishKeys: the signed prekey, if it is to be replaced.
    pub signed_prekey: sprag_bytes,
    /// PublishKeys: one-time prekeys to add.
    pub one_time: *const sprag_bytes,
    /// How many.
    pub one_time_len: usize,
    /// FetchKeys: whose keys. Send: who is to have the blob.
    pub accounts: *const sprag_bytes,
    /// FetchKeys: the sequence known of each account's list; 0 for none. NULL for other kinds.
    pub known_sequences: *const u64,
    /// How many accounts.
    pub accounts_len: usize,
    /// FetchKeys: not 0 if a one-time prekey of each device is wanted.
    pub want_one_time: u32,
    /// FetchKeys: 1 a message waits, 2 refresh, 3 a look at oneself.
    pub why: u32,
    /// FetchKeys: not 0 if somebody waits.
    pub urgent: u32,
    /// Send: the kind of conversation, 1 direct.
    pub conversation: u32,
    /// Send: the other account of a direct conversation.
    pub peer: sprag_bytes,
    /// Send: the encrypted bytes.
    pub blob: sprag_bytes,
    /// Send: their hash, 32 bytes.
    pub blob_id: sprag_bytes,
    /// Send: the message in it; absent if it is the engine's own upkeep.
    pub message: sprag_bytes,
    /// Send: the commitment that a server may stamp, 32 bytes.
    pub commitment: sprag_bytes,
    /// Send: 1 message, 2 quiet.
    pub message_class: u32,
    /// Send: not 0 if the recipient should be woken.
    pub notify: u32,
    /// Send: when it need not arrive any more, Unix seconds; 0 for never.
    pub expires: u64,
}

/// What the lists inside one request borrow.
#[derive(Default)]
pub(crate) struct Lists {
    _bytes: Vec<sprag_bytes>,
    _numbers: Vec<u64>,
}

pub(crate) fn request(from: &Request) -> (sprag_request, Lists) {
    let absent = sprag_bytes::ABSENT;
    let mut to = sprag_request {
        kind: from.action.code(),
        attempt: from.attempt,
        id: from.id.0,
        created: from.created,
        lease_until: from.lease_until,
        account: absent,
        device: 0,
        reset_one_time: 0,
        list: absent,
        list_sequence: 0,
        list_expected: 0,
        signed_prekey: absent,
        one_time: std::ptr::null(),
        one_time_len: 0,
        accounts: std::ptr::null(),
        known_sequences: std::ptr::null(),
        accounts_len: 0,
        want_one_time: 0,
        why: 0,
        urgent: 0,
        conversation: 0,
        peer: absent,
        blob: absent,
        blob_id: absent,
        message: absent,
        commitment: absent,
        message_class: 0,
        notify: 0,
        expires: 0,
    };
    let (mut bytes, mut numbers) = (Vec::new(), Vec::new());
    match &from.action {
        Action::PublishKeys(publish) => {
            to.account = sprag_bytes::of(publish.account.as_bytes());
            to.device = publish.device.0;
            to.reset_one_time = u32::from(publish.reset_one_time);
            if let Some(list) = &publish.list {
                to.list = sprag_bytes::of(&list.object);
                (to.list_sequence, to.list_expected) = (list.sequence, list.expected);
            }
            to.signed_prekey = sprag_bytes::maybe(publish.signed_prekey.as_deref());
            bytes = publish.one_time.iter().map(|key| sprag_bytes::of(key)).collect();
            (to.one_time, to.one_time_len) = (bytes.as_ptr(), bytes.len());
        }
        Action::FetchKeys(fetch) => {
            bytes = fetch.accounts.iter().map(|wanted| sprag_bytes::of(wanted.account.as_bytes())).collect();
            numbers = fetch.accounts.iter().map(|wanted| wanted.known_sequence).collect();
            (to.accounts, to.accounts_len) = (bytes.as_ptr(), bytes.len());
            to.known_sequences = numbers.as_ptr();
            to.want_one_time = u32::from(fetch.one_time);
            to.why = fetch.why.code();
            to.urgent = u32::from(fetch.urgent);
        }
        Action::Send(send) => {
            bytes = send.to.iter().map(|account| sprag_bytes::of(account.as_bytes())).collect();
            (to.accounts, to.accounts_len) = (bytes.as_ptr(), bytes.len());
            to.conversation = send.conversation.code();
            to.peer = peer(&send.conversation);
            to.blob = sprag_bytes::of(&send.blob);
            to.blob_id = sprag_bytes::of(&send.blob_id.0);
            to.message = sprag_bytes::maybe(send.message.as_ref().map(MessageId::as_bytes));
            to.commitment = sprag_bytes::of(&send.commitment);
            to.message_class = send.class.code();
            to.notify = u32::from(send.notify);
            to.expires = send.expires.unwrap_or(0);
        }
        _ => {}
    }
    // The lists' own blocks do not move with the vectors that hold them.
    (to, Lists { _bytes: bytes, _numbers: numbers })
}

/// What was found in one delivered message.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sprag_verdict {
    /// 1 opened, 2 quarantined, 3 duplicate, 4 own echo, 5 not addressed, 6 foreign, 7 unreadable.
    pub kind: u32,
    /// Unreadable: why; a number that `sprag_reason_str` puts in words.
    pub reason: u32,
    /// Unreadable: 1 the sender is asked to begin anew, 2 final.
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

/// Something for the app to show or to act on. Fields that its kind does not speak of are absent or zero.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sprag_event {
    /// 1 message, 2 unreadable, 3 progress, 4 identity changed, 6 list conflict, 10 session restarted, 15 clock
    /// suspect, 16 keys low, 17 store trouble, 18 unsupported. Skip what you do not know.
    pub kind: u32,
    /// 1 content, 2 security, 3 info.
    pub importance: u32,
    /// Names the event, for `sprag_done`.
    pub id: u64,
    /// When it happened, Unix seconds.
    pub at: u64,
    /// Message, unreadable, unsupported: the app's own name for it, if it gave one.
    pub app_ref: sprag_bytes,
    /// Message, unreadable, unsupported: the hash of its bytes, 32 bytes.
    pub blob_id: sprag_bytes,
    /// Message, progress: the message's id.
    pub message: sprag_bytes,
    /// Whose it is: the sender's account, the one that the server named, or the contact that it is about.
    pub account: sprag_bytes,
    /// Message, session restarted, unsupported: the device.
    pub device: u32,
    /// Message: the kind of conversation, 1 direct.
    pub conversation: u32,
    /// Message: the other account of a direct conversation.
    pub peer: sprag_bytes,
    /// Message: 1 message, 2 quiet.
    pub message_class: u32,
    /// Message: 1 text, 2 the app's own. Unsupported: the number of its kind, as far as 32 bits hold it.
    pub content: u32,
    /// Message: what the app's own content is.
    pub content_kind: sprag_bytes,
    /// Message: what it says.
    pub body: sprag_bytes,
    /// Message: when its sender says it was sent, Unix seconds.
    pub sent: u64,
    /// Message: 1 pinned, 3 changed.
    pub trust: u32,
    /// Message: not 0 if it is the first from this account.
    pub first_contact: u32,
    /// Message: not 0 if we sent it, from another device.
    pub outgoing: u32,
    /// Unreadable, progress, session restarted: why, as `sprag_reason_str` says; 0 if there is nothing to say.
    pub reason: u32,
    /// Unreadable: 1 asked, 2 final.
    pub healing: u32,
    /// Progress: 1 waiting for keys, 2 held, 3 ready, 4 accepted, 5 failed, 6 cancelled.
    pub state: u32,
    /// Identity changed: the safety number that was pinned, 60 digits.
    pub old_number: sprag_bytes,
    /// Identity changed: the one that was offered.
    pub new_number: sprag_bytes,
    /// Identity changed: the messages that are held.
    pub held: *const sprag_bytes,
    /// How many.
    pub held_len: usize,
    /// Identity changed: whether the old number had been compared. Session restarted: whether it was resumed.
    pub flag: u32,
    /// Keys low: how many are left. Store trouble: its code.
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
        message_class: 0,
        content: 0,
        content_kind: absent,
        body: absent,
        sent: 0,
        trust: 0,
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
            to.peer = peer(&message.conversation);
            to.message_class = message.class.code();
            to.content = message.content.code();
            to.content_kind = content_kind(&message.content);
            to.body = sprag_bytes::of(message.content.as_bytes());
            to.sent = message.sent;
            to.trust = message.trust.code();
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
            lists._bytes = held.iter().map(|message| sprag_bytes::of(message.as_bytes())).collect();
            (to.held, to.held_len) = (lists._bytes.as_ptr(), lists._bytes.len());
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

/// What a message says, found without changing anything: fills the fields of an event (kind 1 message, 2 unreadable, or
/// 0 if it shows nothing).
pub(crate) fn preview(from: &Preview) -> sprag_event {
    let mut to = blank_event();
    match from {
        Preview::Message { sender, conversation, client_id, class, content } => {
            to.kind = 1;
            to.importance = 1;
            to.message = sprag_bytes::of(client_id.as_bytes());
            to.account = sprag_bytes::of(sender.account.as_bytes());
            to.device = sender.device.0;
            to.conversation = conversation.code();
            to.peer = peer(conversation);
            to.message_class = class.code();
            to.content = content.code();
            to.content_kind = content_kind(content);
            to.body = sprag_bytes::of(content.as_bytes());
        }
        Preview::Unreadable { reason } => {
            to.kind = 2;
            to.importance = 1;
            to.reason = reason.code();
        }
        _ => {}
    }
    to
}

/// What is known of another account.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sprag_contact {
    /// 1 pinned, 3 changed.
    pub trust: u32,
    /// Zero.
    pub reserved: u32,
    /// The hash of its account key.
    pub fingerprint: [u8; 32],
    /// The safety number: 60 digits and a NUL.
    pub digits: [u8; 61],
    /// Its scannable form: text with a NUL after it.
    pub scannable: [u8; 139],
}

pub(crate) fn contact(from: &sprag::Contact) -> Answer<sprag_contact> {
    let mut to = sprag_contact {
        trust: from.trust.code(),
        reserved: 0,
        fingerprint: from.account_key_fingerprint,
        digits: [0; 61],
        scannable: [0; 139],
    };
    copy_text(&mut to.digits, &from.number.digits())?;
    copy_text(&mut to.scannable, &from.number.scannable())?;
    Ok(to)
}

fn copy_text(to: &mut [u8], text: &str) -> Answer {
    let room = to.len().saturating_sub(1);
    let place = to.get_mut(..text.len()).filter(|place| place.len() <= room).ok_or(crate::border::SPRAG_INTERNAL)?;
    place.copy_from_slice(text.as_bytes());
    Ok(())
}
