//! Every number of this interface that has a name. None is ever reused.
//!
//! Each is a macro in the header, and for callers without a C compiler a name that `sprag_constant` knows.

use crate::border::{guard, sprag_bytes, sprag_status};

/// The number of this interface. It grows when records or functions are added; nothing is ever taken away.
pub const SPRAG_ABI_VERSION: u32 = 1;

/// The call did what it says.
pub const SPRAG_OK: i32 = 0;
/// The store's file cannot be read or written.
pub const SPRAG_STORE: i32 = 1;
/// Another process held the store for too long. Try again.
pub const SPRAG_BUSY: i32 = 2;
/// The store is closed for now: suspended, or locked by the platform.
pub const SPRAG_UNAVAILABLE: i32 = 3;
/// The key is not this store's.
pub const SPRAG_WRONG_KEY: i32 = 4;
/// The store belongs to another account.
pub const SPRAG_WRONG_ACCOUNT: i32 = 5;
/// There is a store already.
pub const SPRAG_EXISTS: i32 = 6;
/// There is no store.
pub const SPRAG_NO_STORE: i32 = 7;
/// A later version wrote the store.
pub const SPRAG_NEWER: i32 = 8;
/// No such contact, message or request.
pub const SPRAG_UNKNOWN: i32 = 9;
/// The conversation is plain.
pub const SPRAG_NOT_PROTECTED: i32 = 10;
/// Policy forbids it.
pub const SPRAG_NOT_ALLOWED: i32 = 11;
/// A mistake of the caller.
pub const SPRAG_MISUSE: i32 = 12;
/// A defect of Sprag that was caught and rolled back.
pub const SPRAG_INTERNAL: i32 = 13;
/// The store's disk is full (in place of `SPRAG_STORE`).
pub const SPRAG_STORE_FULL: i32 = 64;
/// The store is damaged (in place of `SPRAG_STORE`).
pub const SPRAG_STORE_CORRUPT: i32 = 65;
/// The caller's buffer is too small; the size needed was written, and nothing else happened.
pub const SPRAG_TOO_SMALL: i32 = 66;
/// A pointer that must not be NULL is.
pub const SPRAG_NULL: i32 = 67;
/// The `size` of a record is not that of any release.
pub const SPRAG_BAD_SIZE: i32 = 68;

/// Bytes of a store's key.
pub const SPRAG_KEY_LEN: u32 = 32;
/// The most bytes of an account, a message's id, an app's reference, the kind of an app's content.
pub const SPRAG_MAX_ID: u32 = 64;
/// The most bytes of a content.
pub const SPRAG_MAX_CONTENT: u32 = 262144;
/// Bytes of a hash, a commitment, a fingerprint.
pub const SPRAG_HASH_LEN: u32 = 32;
/// The most members of a room.
pub const SPRAG_MAX_MEMBERS: u32 = 100;

/// A new account: this is its first device.
pub const SPRAG_START_NEW_ACCOUNT: u32 = 1;
/// A device more of an account that exists: it shows a code, and another device admits it.
pub const SPRAG_START_LINK: u32 = 2;

/// The app itself.
pub const SPRAG_ROLE_APP: u32 = 1;
/// An extension beside it.
pub const SPRAG_ROLE_EXTENSION: u32 = 2;

/// The conversation with one other account.
pub const SPRAG_CONVERSATION_DIRECT: u32 = 1;
/// A conversation of several, whose members the app's server decides.
pub const SPRAG_CONVERSATION_ROOM: u32 = 2;

/// Text, as UTF-8.
pub const SPRAG_CONTENT_TEXT: u32 = 1;
/// Anything of the app's own.
pub const SPRAG_CONTENT_APP: u32 = 2;

/// A message that notifies.
pub const SPRAG_CLASS_MESSAGE: u32 = 1;
/// A silent one: receipts, edits, reactions.
pub const SPRAG_CLASS_QUIET: u32 = 2;

/// Put our public keys into the directory.
pub const SPRAG_REQUEST_PUBLISH_KEYS: u32 = 1;
/// Get others' public keys.
pub const SPRAG_REQUEST_FETCH_KEYS: u32 = 2;
/// Carry an encrypted message.
pub const SPRAG_REQUEST_SEND: u32 = 3;

/// FetchKeys: a message waits.
pub const SPRAG_WHY_SEND: u32 = 1;
/// FetchKeys: a known list is old.
pub const SPRAG_WHY_REFRESH: u32 = 2;
/// FetchKeys: to see that the directory shows our own keys as we published them.
pub const SPRAG_WHY_SELF_CHECK: u32 = 3;

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

/// Rejected: we may not.
pub const SPRAG_REJECTED_FORBIDDEN: u32 = 1;
/// Rejected: the account is not known there.
pub const SPRAG_REJECTED_NO_SUCH_ACCOUNT: u32 = 2;
/// Rejected: something else.
pub const SPRAG_REJECTED_OTHER: u32 = 3;

/// It opened; its events say what it was.
pub const SPRAG_VERDICT_OPENED: u32 = 1;
/// Its sender may not be pinned under the id that it claims.
pub const SPRAG_VERDICT_QUARANTINED: u32 = 2;
/// It was delivered before.
pub const SPRAG_VERDICT_DUPLICATE: u32 = 3;
/// One of our own that came back.
pub const SPRAG_VERDICT_OWN_ECHO: u32 = 4;
/// Nothing in it is for this device.
pub const SPRAG_VERDICT_NOT_ADDRESSED: u32 = 5;
/// Not an object of Sprag.
pub const SPRAG_VERDICT_FOREIGN: u32 = 6;
/// For us, and does not open.
pub const SPRAG_VERDICT_UNREADABLE: u32 = 7;

/// Unreadable: its sender is asked for it again. It may still come, in its place, or another event says that it stays so.
pub const SPRAG_HEALING_ASKED: u32 = 1;
/// Unreadable: it stays so.
pub const SPRAG_HEALING_FINAL: u32 = 2;

/// A message came.
pub const SPRAG_EVENT_MESSAGE: u32 = 1;
/// A message came that cannot be read.
pub const SPRAG_EVENT_UNREADABLE: u32 = 2;
/// A message of ours came further.
pub const SPRAG_EVENT_PROGRESS: u32 = 3;
/// Another identity appeared under a contact's name: it is pinned now, or, if the contact is `SPRAG_TRUST_CHANGED`, the user is
/// to decide. Of our own account: with `was_verified` another account key has followed ours; without, the directory shows
/// somebody else under our name.
pub const SPRAG_EVENT_IDENTITY_CHANGED: u32 = 4;
/// Devices came to an account or left it.
pub const SPRAG_EVENT_DEVICES_CHANGED: u32 = 5;
/// Two device lists where there can be one; a contact's that has expired and is followed by none (`theirs` is what the
/// directory shows, or number 0); or, once a day, our own without a device that was revoked, which the directory does not take.
pub const SPRAG_EVENT_LIST_CONFLICT: u32 = 6;
/// A message of a room was sent to others than those whom the app last named as its members.
pub const SPRAG_EVENT_AUDIENCE_DIFFERS: u32 = 7;
/// What came in a conversation that is encrypted was not. It is not to be shown as a message.
pub const SPRAG_EVENT_PLAINTEXT_IN_PROTECTED: u32 = 8;
/// A conversation is better protected than before.
pub const SPRAG_EVENT_PROTECTION: u32 = 9;
/// The session with a device was begun anew.
pub const SPRAG_EVENT_SESSION_RESTARTED: u32 = 10;
/// A device's state is in use twice, or it lies. Nothing is begun anew by itself.
pub const SPRAG_EVENT_CLONE_SUSPECTED: u32 = 11;
/// The post-quantum ratchet with a device makes no progress. Messages are still read.
pub const SPRAG_EVENT_BRAID_STALLED: u32 = 12;
/// How far the linking of a device has come.
pub const SPRAG_EVENT_LINK: u32 = 13;
/// This device was taken off its account's list: it sends nothing any more.
pub const SPRAG_EVENT_REMOVED: u32 = 14;
/// The clock jumped.
pub const SPRAG_EVENT_CLOCK_SUSPECT: u32 = 15;
/// Few one-time prekeys are left at the directory.
pub const SPRAG_EVENT_KEYS_LOW: u32 = 16;
/// Something is wrong with the store.
pub const SPRAG_EVENT_STORE_TROUBLE: u32 = 17;
/// A message of a kind that a later release knows.
pub const SPRAG_EVENT_UNSUPPORTED: u32 = 18;
/// The app named another sender (`peer`) than the session proves (`account`). The message is shown as what was proved.
pub const SPRAG_EVENT_SENDER_DIFFERS: u32 = 19;

/// An event that is a message, or about one.
pub const SPRAG_IMPORTANCE_CONTENT: u32 = 1;
/// An event that the user should know of.
pub const SPRAG_IMPORTANCE_SECURITY: u32 = 2;
/// An event for the app alone.
pub const SPRAG_IMPORTANCE_INFO: u32 = 3;

/// A message waits for the recipient's keys.
pub const SPRAG_STATE_WAITING_KEYS: u32 = 1;
/// It is held back until the app decides about the recipient, and calls `sprag_retry`.
pub const SPRAG_STATE_HELD: u32 = 2;
/// It is sealed and goes out with the requests.
pub const SPRAG_STATE_READY: u32 = 3;
/// The server has it.
pub const SPRAG_STATE_ACCEPTED: u32 = 4;
/// It will not go out; an event says why.
pub const SPRAG_STATE_FAILED: u32 = 5;
/// It was taken back.
pub const SPRAG_STATE_CANCELLED: u32 = 6;

/// An identity pinned when first seen, or after a change.
pub const SPRAG_TRUST_PINNED: u32 = 1;
/// The user compared the safety number.
pub const SPRAG_TRUST_VERIFIED: u32 = 2;
/// Sending is held until the user decides: another identity was offered, or somebody else may act as a verified contact.
pub const SPRAG_TRUST_CHANGED: u32 = 3;
/// Nothing is pinned: known by name alone.
pub const SPRAG_TRUST_UNSEEN: u32 = 4;

/// Another account key holds sending to verified contacts; with others it goes on with an event.
pub const SPRAG_ON_CHANGE_HOLD_VERIFIED: u32 = 1;
/// Another account key holds sending to anybody.
pub const SPRAG_ON_CHANGE_HOLD_ALL: u32 = 2;

/// The app's server offers nothing for finding keys: they travel in messages.
pub const SPRAG_DIRECTORY_IN_BAND: u32 = 1;
/// It offers one opaque value for each account.
pub const SPRAG_DIRECTORY_KEY_VALUE: u32 = 2;
/// It offers a key directory.
pub const SPRAG_DIRECTORY_FULL: u32 = 3;

/// The app's server carries bytes.
pub const SPRAG_ARMOR_BINARY: u32 = 1;
/// It carries text.
pub const SPRAG_ARMOR_TEXT: u32 = 2;

/// A probe came back as it went.
pub const SPRAG_PROBED_UNCHANGED: u32 = 1;
/// Its armor came back in another text: it is read all the same.
pub const SPRAG_PROBED_READABLE: u32 = 2;
/// It was changed or cut, or is no probe.
pub const SPRAG_PROBED_DAMAGED: u32 = 3;

/// The app reads what is encrypted, and begins nothing.
pub const SPRAG_ROLLOUT_READ: u32 = 1;
/// It says that it can read, and finds out who else can.
pub const SPRAG_ROLLOUT_OFFER: u32 = 2;
/// It encrypts wherever everybody can read it.
pub const SPRAG_ROLLOUT_ENCRYPT: u32 = 3;

/// Somebody in the conversation cannot read what is encrypted, or nobody was asked yet.
pub const SPRAG_PROTECTION_PLAIN: u32 = 1;
/// Everybody in it can read what is encrypted, and nobody has begun.
pub const SPRAG_PROTECTION_OFFERED: u32 = 2;
/// What is said is encrypted, for good.
pub const SPRAG_PROTECTION_ENCRYPTED: u32 = 3;
/// The same, and the user has compared the safety number of everybody in it.
pub const SPRAG_PROTECTION_VERIFIED: u32 = 4;

/// On the new device: an offer for its code has come, and is answered.
pub const SPRAG_LINK_OFFERED: u32 = 1;
/// On the new device: it is on its account's list.
pub const SPRAG_LINK_JOINED: u32 = 2;
/// On the device that admits it: the new device has answered.
pub const SPRAG_LINK_ANSWERED: u32 = 3;
/// On the device that admits it: the new device is on the list.
pub const SPRAG_LINK_ADMITTED: u32 = 4;

macro_rules! named {
    ($($name:ident,)*) => {
        /// Every constant by its name.
        const NAMED: &[(&str, i64)] = &[$((stringify!($name), $name as i64),)*];
    };
}

named! {
    SPRAG_ABI_VERSION,
    SPRAG_OK,
    SPRAG_STORE,
    SPRAG_BUSY,
    SPRAG_UNAVAILABLE,
    SPRAG_WRONG_KEY,
    SPRAG_WRONG_ACCOUNT,
    SPRAG_EXISTS,
    SPRAG_NO_STORE,
    SPRAG_NEWER,
    SPRAG_UNKNOWN,
    SPRAG_NOT_PROTECTED,
    SPRAG_NOT_ALLOWED,
    SPRAG_MISUSE,
    SPRAG_INTERNAL,
    SPRAG_STORE_FULL,
    SPRAG_STORE_CORRUPT,
    SPRAG_TOO_SMALL,
    SPRAG_NULL,
    SPRAG_BAD_SIZE,
    SPRAG_KEY_LEN,
    SPRAG_MAX_ID,
    SPRAG_MAX_CONTENT,
    SPRAG_HASH_LEN,
    SPRAG_MAX_MEMBERS,
    SPRAG_START_NEW_ACCOUNT,
    SPRAG_START_LINK,
    SPRAG_ROLE_APP,
    SPRAG_ROLE_EXTENSION,
    SPRAG_CONVERSATION_DIRECT,
    SPRAG_CONVERSATION_ROOM,
    SPRAG_CONTENT_TEXT,
    SPRAG_CONTENT_APP,
    SPRAG_CLASS_MESSAGE,
    SPRAG_CLASS_QUIET,
    SPRAG_REQUEST_PUBLISH_KEYS,
    SPRAG_REQUEST_FETCH_KEYS,
    SPRAG_REQUEST_SEND,
    SPRAG_WHY_SEND,
    SPRAG_WHY_REFRESH,
    SPRAG_WHY_SELF_CHECK,
    SPRAG_OUTCOME_PUBLISHED,
    SPRAG_OUTCOME_CONFLICT,
    SPRAG_OUTCOME_KEYS,
    SPRAG_OUTCOME_ACCEPTED,
    SPRAG_OUTCOME_STALE,
    SPRAG_OUTCOME_TOO_LARGE,
    SPRAG_OUTCOME_RETRY,
    SPRAG_OUTCOME_REJECTED,
    SPRAG_REJECTED_FORBIDDEN,
    SPRAG_REJECTED_NO_SUCH_ACCOUNT,
    SPRAG_REJECTED_OTHER,
    SPRAG_VERDICT_OPENED,
    SPRAG_VERDICT_QUARANTINED,
    SPRAG_VERDICT_DUPLICATE,
    SPRAG_VERDICT_OWN_ECHO,
    SPRAG_VERDICT_NOT_ADDRESSED,
    SPRAG_VERDICT_FOREIGN,
    SPRAG_VERDICT_UNREADABLE,
    SPRAG_HEALING_ASKED,
    SPRAG_HEALING_FINAL,
    SPRAG_EVENT_MESSAGE,
    SPRAG_EVENT_UNREADABLE,
    SPRAG_EVENT_PROGRESS,
    SPRAG_EVENT_IDENTITY_CHANGED,
    SPRAG_EVENT_DEVICES_CHANGED,
    SPRAG_EVENT_LIST_CONFLICT,
    SPRAG_EVENT_AUDIENCE_DIFFERS,
    SPRAG_EVENT_PLAINTEXT_IN_PROTECTED,
    SPRAG_EVENT_PROTECTION,
    SPRAG_EVENT_SESSION_RESTARTED,
    SPRAG_EVENT_CLONE_SUSPECTED,
    SPRAG_EVENT_BRAID_STALLED,
    SPRAG_EVENT_LINK,
    SPRAG_EVENT_REMOVED,
    SPRAG_EVENT_CLOCK_SUSPECT,
    SPRAG_EVENT_KEYS_LOW,
    SPRAG_EVENT_STORE_TROUBLE,
    SPRAG_EVENT_UNSUPPORTED,
    SPRAG_EVENT_SENDER_DIFFERS,
    SPRAG_IMPORTANCE_CONTENT,
    SPRAG_IMPORTANCE_SECURITY,
    SPRAG_IMPORTANCE_INFO,
    SPRAG_STATE_WAITING_KEYS,
    SPRAG_STATE_HELD,
    SPRAG_STATE_READY,
    SPRAG_STATE_ACCEPTED,
    SPRAG_STATE_FAILED,
    SPRAG_STATE_CANCELLED,
    SPRAG_TRUST_PINNED,
    SPRAG_TRUST_VERIFIED,
    SPRAG_TRUST_CHANGED,
    SPRAG_TRUST_UNSEEN,
    SPRAG_ON_CHANGE_HOLD_VERIFIED,
    SPRAG_ON_CHANGE_HOLD_ALL,
    SPRAG_LINK_OFFERED,
    SPRAG_LINK_JOINED,
    SPRAG_LINK_ANSWERED,
    SPRAG_LINK_ADMITTED,
    SPRAG_DIRECTORY_IN_BAND,
    SPRAG_DIRECTORY_KEY_VALUE,
    SPRAG_DIRECTORY_FULL,
    SPRAG_ARMOR_BINARY,
    SPRAG_ARMOR_TEXT,
    SPRAG_PROBED_UNCHANGED,
    SPRAG_PROBED_READABLE,
    SPRAG_PROBED_DAMAGED,
    SPRAG_ROLLOUT_READ,
    SPRAG_ROLLOUT_OFFER,
    SPRAG_ROLLOUT_ENCRYPT,
    SPRAG_PROTECTION_PLAIN,
    SPRAG_PROTECTION_OFFERED,
    SPRAG_PROTECTION_ENCRYPTED,
    SPRAG_PROTECTION_VERIFIED,
}

/// Writes the value of a constant of this header, by its name as bytes: "SPRAG_OK". `SPRAG_UNKNOWN` if there is none.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_constant(name: sprag_bytes, value: *mut i64) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise.
        let name = unsafe { name.need() }?;
        let (_, found) = NAMED.iter().find(|(known, _)| known.as_bytes() == name).ok_or(SPRAG_UNKNOWN)?;
        if value.is_null() {
            return Err(SPRAG_NULL);
        }
        // SAFETY: the caller's promise.
        unsafe { value.write(*found) };
        Ok(())
    })
}
