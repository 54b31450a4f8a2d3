//! What a client is made, opened and woken with.

use sprag::{
    Armor, Config, Directory, Hint, Key, OnChange, Opening, Pending, Place, Policy, Role, Rollout, Shelf, Start,
};

use super::{account, filled, join};
use crate::border::{Answer, Sized32, sized, sprag_bytes, status};
use crate::constants::{SPRAG_MISUSE, SPRAG_ROLE_APP, SPRAG_ROLE_EXTENSION, SPRAG_START_LINK, SPRAG_START_NEW_ACCOUNT};

/// What `sprag_client_create` needs. Filled by the caller.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sprag_config {
    /// `sizeof(sprag_config)`.
    pub size: u32,
    /// What the account starts from: 0 or one of `SPRAG_START_…`.
    pub start: u32,
    /// The file, as UTF-8; absent for a store in memory.
    pub path: sprag_bytes,
    /// The key that is to unlock the store: 32 random bytes from the platform's keystore.
    pub key: sprag_bytes,
    /// The account: 1 to 64 bytes.
    pub account: sprag_bytes,
    /// What the app decides about its messages; NULL for the default.
    pub policy: *const sprag_policy,
}
filled!(sprag_config, policy: *const sprag_policy);

/// What the app decides about its messages. Filled by the caller: a field that is 0 is the default.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sprag_policy {
    /// `sizeof(sprag_policy)`.
    pub size: u32,
    /// The largest body that the app's server carries, in bytes: 1 MiB by default, at least 8 KiB.
    pub max_body: u32,
    /// Whom another account key holds back: one of `SPRAG_ON_CHANGE_…`; verified contacts by default.
    pub on_change: u32,
    /// How far the app has come in taking up encryption: one of `SPRAG_ROLLOUT_…`; to the end by default.
    pub rollout: u32,
    /// What the app's server offers for finding keys: one of `SPRAG_DIRECTORY_…`; a key directory by default.
    pub directory: u32,
    /// What the bodies are that the app's server carries: one of `SPRAG_ARMOR_…`; bytes by default.
    pub armor: u32,
    /// Not 0: the next two fields count; else 200 messages are kept for 7 days.
    pub has_shelf: u32,
    /// How many sent messages are kept for devices in which they do not open: at most 1,000.
    pub shelf_messages: u32,
    /// For how many days: at most 30.
    pub shelf_days: u32,
    /// Zero.
    pub reserved: u32,
    /// With `SPRAG_ARMOR_TEXT`, what stands in front for clients that show a body as it is: UTF-8, at most 256 bytes.
    pub fallback_text: sprag_bytes,
}
filled!(sprag_policy, fallback_text: sprag_bytes);

/// # Safety
/// The record's bytes are valid.
pub(crate) unsafe fn policy(from: &sprag_policy) -> Answer<Policy> {
    let mut policy = Policy::default();
    if from.max_body != 0 {
        policy.max_body = from.max_body;
    }
    if from.on_change != 0 {
        policy.on_change = OnChange::from_code(from.on_change).ok_or(SPRAG_MISUSE)?;
    }
    if from.rollout != 0 {
        policy.rollout = Rollout::from_code(from.rollout).ok_or(SPRAG_MISUSE)?;
    }
    if from.directory != 0 {
        policy.directory = Directory::from_code(from.directory).ok_or(SPRAG_MISUSE)?;
    }
    if from.armor != 0 {
        policy.armor = Armor::from_code(from.armor).ok_or(SPRAG_MISUSE)?;
    }
    if from.has_shelf != 0 {
        policy.shelf = Shelf { messages: from.shelf_messages, days: from.shelf_days };
    }
    // SAFETY: the caller's promise about its record.
    if let Some(text) = unsafe { from.fallback_text.get() }? {
        policy.fallback_text = std::str::from_utf8(text).map_err(|_| SPRAG_MISUSE)?.to_owned();
    }
    Ok(policy)
}

/// What `sprag_client_open` needs. Filled by the caller.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sprag_opening {
    /// `sizeof(sprag_opening)`.
    pub size: u32,
    /// What this process is to the app: 0 or one of `SPRAG_ROLE_…`.
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
    if !from.policy.is_null() {
        // SAFETY: as above.
        config.policy = unsafe { policy(&sized(from.policy)?)? };
    }
    config.start = match from.start {
        0 | SPRAG_START_NEW_ACCOUNT => Start::NewAccount,
        SPRAG_START_LINK => Start::Link,
        _ => return Err(SPRAG_MISUSE),
    };
    Ok(config)
}

/// # Safety
/// The record's bytes are valid.
pub(crate) unsafe fn opening(from: &sprag_opening) -> Answer<Opening> {
    // SAFETY: the caller's promise about its record.
    let (place, key, id) = unsafe { (place(from.path)?, from.key.need()?, from.account.need()?) };
    let mut opening = Opening::new(place, Key::from_slice(key).map_err(status)?, account(id)?);
    opening.role = match from.role {
        0 | SPRAG_ROLE_APP => Role::App,
        SPRAG_ROLE_EXTENSION => Role::Extension,
        _ => return Err(SPRAG_MISUSE),
    };
    Ok(opening)
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
