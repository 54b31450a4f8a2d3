//! What the app's network is to do, and what became of it.

use sprag::{AccountId, Action, Found, MessageId, Outcome, Rejection, Request, StaleList};

use super::{Lists, account, filled, join, place};
use crate::border::{Answer, Sized32, slice, sprag_bytes};
use crate::constants::{
    SPRAG_MISUSE, SPRAG_OUTCOME_ACCEPTED, SPRAG_OUTCOME_CONFLICT, SPRAG_OUTCOME_KEYS, SPRAG_OUTCOME_PUBLISHED,
    SPRAG_OUTCOME_REJECTED, SPRAG_OUTCOME_RETRY, SPRAG_OUTCOME_STALE, SPRAG_OUTCOME_TOO_LARGE,
    SPRAG_REJECTED_FORBIDDEN, SPRAG_REJECTED_NO_SUCH_ACCOUNT, SPRAG_REJECTED_OTHER,
};

/// A request. Fields that its kind does not speak of are absent or zero.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sprag_request {
    /// One of `SPRAG_REQUEST_…`. Skip what you do not know.
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
    /// PublishKeys, with `SPRAG_DIRECTORY_KEY_VALUE`: the account's one value, to be put in the place of the one that is there.
    pub value: sprag_bytes,
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
    /// FetchKeys: one of `SPRAG_WHY_…`.
    pub why: u32,
    /// FetchKeys: not 0 if somebody waits.
    pub urgent: u32,
    /// Send: one of `SPRAG_CONVERSATION_…`.
    pub conversation: u32,
    /// Send: the other account of a direct conversation, or the room.
    pub peer: sprag_bytes,
    /// Send: the members of the room, ourselves included.
    pub members: *const sprag_bytes,
    /// How many.
    pub members_len: usize,
    /// Send: the encrypted bytes.
    pub blob: sprag_bytes,
    /// Send: their hash, 32 bytes.
    pub blob_id: sprag_bytes,
    /// Send: the message in it; absent if it is the engine's own upkeep.
    pub message: sprag_bytes,
    /// Send: the commitment that a server may stamp, 32 bytes.
    pub commitment: sprag_bytes,
    /// Send: one of `SPRAG_CLASS_…`.
    pub message_class: u32,
    /// Send: not 0 if the recipient should be woken.
    pub notify: u32,
    /// Send: when it need not arrive any more, Unix seconds; 0 for never.
    pub expires: u64,
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
        value: absent,
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
        members: std::ptr::null(),
        members_len: 0,
        blob: absent,
        blob_id: absent,
        message: absent,
        commitment: absent,
        message_class: 0,
        notify: 0,
        expires: 0,
    };
    let mut lists = Lists::default();
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
            to.value = sprag_bytes::maybe(publish.value.as_deref());
            (to.one_time, to.one_time_len) = lists.bytes(publish.one_time.iter().map(Vec::as_slice));
        }
        Action::FetchKeys(fetch) => {
            let accounts = fetch.accounts.iter().map(|wanted| wanted.account.as_bytes());
            (to.accounts, to.accounts_len) = lists.bytes(accounts);
            (to.known_sequences, _) = lists.numbers(fetch.accounts.iter().map(|wanted| wanted.known_sequence));
            to.want_one_time = u32::from(fetch.one_time);
            to.why = fetch.why.code();
            to.urgent = u32::from(fetch.urgent);
        }
        Action::Send(send) => {
            (to.accounts, to.accounts_len) = lists.bytes(send.to.iter().map(AccountId::as_bytes));
            to.conversation = send.conversation.code();
            (to.peer, to.members, to.members_len) = place(&send.conversation, &mut lists);
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
    (to, lists)
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
    /// PUBLISHED, RETRY: see `has_number`. TOO_LARGE: the limit in bytes. REJECTED: one of
    /// `SPRAG_REJECTED_…`.
    pub number: u32,
}
filled!(sprag_outcome, number: u32);

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
            SPRAG_REJECTED_FORBIDDEN => Rejection::Forbidden,
            SPRAG_REJECTED_NO_SUCH_ACCOUNT => Rejection::NoSuchAccount,
            SPRAG_REJECTED_OTHER => Rejection::Other,
            _ => return Err(SPRAG_MISUSE),
        }),
        _ => return Err(SPRAG_MISUSE),
    })
}
