//! The C face of Sprag: the verbs of [`sprag::Client`] under the C calling convention, described in `include/sprag.h`.
//!
//! It converts and forwards, and decides nothing. With the UniFFI face it is the only place with `unsafe`: what a C caller
//! promises (pointers valid or NULL, lengths true) is written on the first page of the header, and everything that can
//! be checked is.

// Every export asks the same of its caller, said once on the header's first page.
#![allow(clippy::missing_safety_doc)]

mod border;
mod records;
mod wipe;

use std::ffi::c_char;

pub use border::*;
pub use records::*;

use border::{clear, free, give, guard, handle, sized, slice, status};
use sprag::context::Environment;
use sprag::{Client, MessageId, RequestId};

/// The number of this interface. It grows when records or functions are added; nothing is ever taken away.
pub const SPRAG_ABI_VERSION: u32 = 1;

/// The number of the interface that the library has, to be compared with `SPRAG_ABI_VERSION`.
#[unsafe(no_mangle)]
pub extern "C" fn sprag_abi_version() -> u32 {
    SPRAG_ABI_VERSION
}

/// The library's version, as static text.
#[unsafe(no_mangle)]
pub extern "C" fn sprag_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// What a status means, as static text for a log. Never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn sprag_status_str(status: sprag_status) -> *const c_char {
    let text = match status {
        SPRAG_OK => c"ok",
        SPRAG_STORE => c"the store cannot be read or written",
        SPRAG_BUSY => c"another process holds the store; try again",
        SPRAG_UNAVAILABLE => c"the store is closed for now",
        SPRAG_WRONG_KEY => c"wrong key for this store",
        SPRAG_WRONG_ACCOUNT => c"the store belongs to another account",
        SPRAG_EXISTS => c"a store exists already",
        SPRAG_NO_STORE => c"there is no store",
        SPRAG_NEWER => c"a later version wrote this store",
        SPRAG_UNKNOWN => c"no such contact, message or request",
        SPRAG_NOT_PROTECTED => c"the conversation is not protected",
        SPRAG_NOT_ALLOWED => c"not allowed",
        SPRAG_MISUSE => c"misuse",
        SPRAG_INTERNAL => c"internal error",
        SPRAG_STORE_FULL => c"the store's disk is full",
        SPRAG_STORE_CORRUPT => c"the store is damaged",
        SPRAG_TOO_SMALL => c"the buffer is too small",
        SPRAG_NULL => c"a pointer is NULL",
        SPRAG_BAD_SIZE => c"a record has a wrong size",
        _ => c"unknown status",
    };
    text.as_ptr()
}

/// What a reason means, as bytes of static text for a log (not ended by NUL); absent if the number is unknown.
#[unsafe(no_mangle)]
pub extern "C" fn sprag_reason_str(reason: u32) -> sprag_bytes {
    sprag::Reason::from_code(reason).map_or(sprag_bytes::ABSENT, |reason| sprag_bytes::of(reason.text().as_bytes()))
}

/// Whether bytes look like an object of Sprag: 1 or 0. Needs no client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_recognise(bytes: sprag_bytes) -> i32 {
    let mut found = 0;
    guard(|| {
        // SAFETY: the caller's promise.
        found = i32::from(sprag::recognise(unsafe { bytes.need() }?));
        Ok(())
    });
    found
}

/// A client: one account's device on one store. May be used from any thread and from several at once.
#[allow(non_camel_case_types)]
pub struct sprag_client(Client);

/// Requests, to be freed with `sprag_requests_free`.
#[allow(non_camel_case_types)]
pub struct sprag_request_list {
    views: Vec<(sprag_request, Lists)>,
    // What the views borrow; never touched again.
    _owned: Vec<sprag::Request>,
}

impl sprag_request_list {
    fn new(owned: Vec<sprag::Request>) -> Self {
        Self { views: owned.iter().map(records::request).collect(), _owned: owned }
    }
}

// SAFETY: the views point into what is owned beside them, which nobody changes any more.
unsafe impl Send for sprag_request_list {}
// SAFETY: as above; all access is reading.
unsafe impl Sync for sprag_request_list {}

/// Verdicts, in the order of the messages, to be freed with `sprag_verdicts_free`.
#[allow(non_camel_case_types)]
pub struct sprag_verdict_list {
    views: Vec<(sprag_verdict, Lists)>,
    // What the views borrow; never touched again.
    _owned: Vec<sprag::Verdict>,
}

impl sprag_verdict_list {
    fn new(owned: Vec<sprag::Verdict>) -> Self {
        Self { views: owned.iter().map(records::verdict).collect(), _owned: owned }
    }
}

// SAFETY: the views point into what is owned beside them, which nobody changes any more.
unsafe impl Send for sprag_verdict_list {}
// SAFETY: as above; all access is reading.
unsafe impl Sync for sprag_verdict_list {}

/// Events, oldest first, to be freed with `sprag_events_free`.
#[allow(non_camel_case_types)]
pub struct sprag_event_list {
    views: Vec<(sprag_event, Lists)>,
    // What the views borrow; never touched again.
    _owned: Vec<sprag::Event>,
}

impl sprag_event_list {
    fn new(owned: Vec<sprag::Event>) -> Self {
        Self { views: owned.iter().map(records::event).collect(), _owned: owned }
    }
}

// SAFETY: the views point into what is owned beside them, which nobody changes any more.
unsafe impl Send for sprag_event_list {}
// SAFETY: as above; all access is reading.
unsafe impl Sync for sprag_event_list {}

/// How many requests there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_requests_len(list: *const sprag_request_list) -> usize {
    // SAFETY: the caller's promise.
    unsafe { list.as_ref() }.map_or(0, |list| list.views.len())
}

/// The request at `index`, until the list is freed; NULL beyond the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_requests_at(list: *const sprag_request_list, index: usize) -> *const sprag_request {
    // SAFETY: the caller's promise.
    unsafe { list.as_ref() }.and_then(|list| list.views.get(index)).map_or(std::ptr::null(), |view| &raw const view.0)
}

/// Frees requests, and wipes them. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_requests_free(list: *mut sprag_request_list) {
    // SAFETY: the caller's promise.
    unsafe { free(list) }
}

/// How many verdicts there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_verdicts_len(list: *const sprag_verdict_list) -> usize {
    // SAFETY: the caller's promise.
    unsafe { list.as_ref() }.map_or(0, |list| list.views.len())
}

/// The verdict at `index`, until the list is freed; NULL beyond the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_verdicts_at(list: *const sprag_verdict_list, index: usize) -> *const sprag_verdict {
    // SAFETY: the caller's promise.
    unsafe { list.as_ref() }.and_then(|list| list.views.get(index)).map_or(std::ptr::null(), |view| &raw const view.0)
}

/// Frees verdicts. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_verdicts_free(list: *mut sprag_verdict_list) {
    // SAFETY: the caller's promise.
    unsafe { free(list) }
}

/// How many events there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_events_len(list: *const sprag_event_list) -> usize {
    // SAFETY: the caller's promise.
    unsafe { list.as_ref() }.map_or(0, |list| list.views.len())
}

/// The event at `index`, until the list is freed; NULL beyond the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_events_at(list: *const sprag_event_list, index: usize) -> *const sprag_event {
    // SAFETY: the caller's promise.
    unsafe { list.as_ref() }.and_then(|list| list.views.get(index)).map_or(std::ptr::null(), |view| &raw const view.0)
}

/// Frees events, and wipes what they say. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_events_free(list: *mut sprag_event_list) {
    // SAFETY: the caller's promise.
    unsafe { free(list) }
}

/// Makes a new account on a new store. `SPRAG_EXISTS` if there is one.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_client_create(config: *const sprag_config, out: *mut *mut sprag_client) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            clear(out)?;
            let config = records::config(&sized(config)?)?;
            let client = Client::create(config, Environment::platform()).map_err(status)?;
            give(out, sprag_client(client));
        }
        Ok(())
    })
}

/// Opens the store of an account. `SPRAG_NO_STORE` if there is none.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_client_open(opening: *const sprag_opening, out: *mut *mut sprag_client) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            clear(out)?;
            let opening = records::opening(&sized(opening)?)?;
            let client = Client::open(opening, Environment::platform()).map_err(status)?;
            give(out, sprag_client(client));
        }
        Ok(())
    })
}

/// Closes a client and frees it. Everything is on disk already. No other call may be running on it. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_client_free(client: *mut sprag_client) {
    // SAFETY: the caller's promise.
    unsafe { free(client) }
}

/// Removes the store with everything in it, and frees the client, also on failure. There is no way back.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_client_erase(client: *mut sprag_client) -> sprag_status {
    guard(|| {
        if client.is_null() {
            return Err(SPRAG_NULL);
        }
        // SAFETY: the caller's promise: it was given by us and is given back.
        let client = unsafe { Box::from_raw(client) };
        client.0.erase().map_err(status)
    })
}

/// Writes what to look at next, if the caller wants to know.
unsafe fn answer(out: *mut sprag_pending, pending: sprag::Pending) {
    if !out.is_null() {
        // SAFETY: the caller's promise.
        unsafe { out.write(records::pending(pending)) }
    }
}

/// Takes `count` messages, each `incoming->size` bytes after the one before, and judges each. What came of it is on disk
/// on return: the app may acknowledge them to its server. `pending` may be NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_deliver(
    client: *const sprag_client,
    messages: *const sprag_incoming,
    count: usize,
    out: *mut *mut sprag_verdict_list,
    pending: *mut sprag_pending,
) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            clear(out)?;
            let client = handle(client)?;
            let mut batch = Vec::new();
            if count > 0 {
                // The caller's records are as far apart as the caller's header says they are long.
                let stride = sized(messages)?.size;
                for index in 0..count {
                    let offset = index.checked_mul(stride as usize).ok_or(SPRAG_MISUSE)?;
                    let record = sized(messages.cast::<u8>().wrapping_add(offset).cast::<sprag_incoming>())?;
                    if record.size != stride {
                        return Err(SPRAG_BAD_SIZE);
                    }
                    batch.push(records::incoming(&record)?);
                }
            }
            let delivered = client.0.deliver(&batch).map_err(status)?;
            answer(pending, delivered.pending);
            give(out, sprag_verdict_list::new(delivered.verdicts));
        }
        Ok(())
    })
}

/// Hands out at most `max` requests, the caller's alone for `lease_seconds` (0 for 60).
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_requests(
    client: *const sprag_client,
    max: usize,
    lease_seconds: u32,
    out: *mut *mut sprag_request_list,
) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            clear(out)?;
            let lease = if lease_seconds == 0 { 60 } else { lease_seconds };
            let requests = handle(client)?.0.requests(max, lease).map_err(status)?;
            give(out, sprag_request_list::new(requests));
        }
        Ok(())
    })
}

/// Says what became of a request. `pending` may be NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_respond(
    client: *const sprag_client,
    request: u64,
    outcome: *const sprag_outcome,
    pending: *mut sprag_pending,
) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            let outcome = records::outcome(&sized(outcome)?)?;
            let next = handle(client)?.0.respond(RequestId(request), outcome).map_err(status)?;
            answer(pending, next);
        }
        Ok(())
    })
}

/// Lets the engine do what is due. `hint` and `pending` may be NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_wake(
    client: *const sprag_client,
    hint: *const sprag_hint,
    pending: *mut sprag_pending,
) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            let hint = if hint.is_null() { sprag::Hint::default() } else { records::hint(&sized(hint)?) };
            let next = handle(client)?.0.wake(hint).map_err(status)?;
            answer(pending, next);
        }
        Ok(())
    })
}

/// What `sprag_send` did.
#[allow(non_camel_case_types)]
pub struct sprag_sent {
    message: MessageId,
    state: u32,
    requests: sprag_request_list,
}

/// Sends a message. What can go out at once is in the answer, leased to the caller; `pending` may be NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_send(
    client: *const sprag_client,
    message: *const sprag_outgoing,
    out: *mut *mut sprag_sent,
    pending: *mut sprag_pending,
) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            clear(out)?;
            let (conversation, content, options) = records::outgoing(&sized(message)?)?;
            let sent = handle(client)?.0.send(&conversation, &content, &options).map_err(status)?;
            answer(pending, sent.pending);
            let requests = sprag_request_list::new(sent.requests);
            give(out, sprag_sent { message: sent.message, state: sent.state.code(), requests });
        }
        Ok(())
    })
}

/// The message's id, until the answer is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_sent_message(sent: *const sprag_sent) -> sprag_bytes {
    // SAFETY: the caller's promise.
    unsafe { sent.as_ref() }.map_or(sprag_bytes::ABSENT, |sent| sprag_bytes::of(sent.message.as_bytes()))
}

/// How far it has come: 1 waiting for keys, 2 held, 3 ready, 4 accepted, 5 failed, 6 cancelled; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_sent_state(sent: *const sprag_sent) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { sent.as_ref() }.map_or(0, |sent| sent.state)
}

/// What can go out at once, until the answer is freed. Not to be freed by itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_sent_requests(sent: *const sprag_sent) -> *const sprag_request_list {
    // SAFETY: the caller's promise.
    unsafe { sent.as_ref() }.map_or(std::ptr::null(), |sent| &raw const sent.requests)
}

/// Frees the answer, its requests included. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_sent_free(sent: *mut sprag_sent) {
    // SAFETY: the caller's promise.
    unsafe { free(sent) }
}

/// At most `max` events that follow the event `after` (0 for the oldest). They stay until they are done.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_events(
    client: *const sprag_client,
    after: u64,
    max: usize,
    out: *mut *mut sprag_event_list,
) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            clear(out)?;
            let events = handle(client)?.0.events(after, max).map_err(status)?;
            give(out, sprag_event_list::new(events));
        }
        Ok(())
    })
}

/// Says that these events were shown or acted on; they are deleted. Unknown ids are ignored. `pending` may be NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_done(
    client: *const sprag_client,
    events: *const u64,
    count: usize,
    pending: *mut sprag_pending,
) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            let next = handle(client)?.0.done(slice(events, count)?).map_err(status)?;
            answer(pending, next);
        }
        Ok(())
    })
}

/// What a message says, found without changing anything.
#[allow(non_camel_case_types)]
pub struct sprag_preview {
    view: sprag_event,
    _owned: Box<sprag::Preview>,
}

/// Looks into a message and changes nothing, for a notification: deliver it later all the same.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_peek(
    client: *const sprag_client,
    message: *const sprag_incoming,
    out: *mut *mut sprag_preview,
) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            clear(out)?;
            let incoming = records::incoming(&sized(message)?)?;
            let preview = Box::new(handle(client)?.0.peek(&incoming).map_err(status)?);
            give(out, sprag_preview { view: records::preview(&preview), _owned: preview });
        }
        Ok(())
    })
}

/// What was found, until the preview is freed: the fields of an event, `kind` 1 a message, 2 unreadable, 0 nothing to show.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_preview_get(preview: *const sprag_preview) -> *const sprag_event {
    // SAFETY: the caller's promise.
    unsafe { preview.as_ref() }.map_or(std::ptr::null(), |preview| &raw const preview.view)
}

/// Frees a preview, and wipes what it says. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_preview_free(preview: *mut sprag_preview) {
    // SAFETY: the caller's promise.
    unsafe { free(preview) }
}

/// Takes a message of ours back, if it has not gone out. `pending` may be NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_cancel(
    client: *const sprag_client,
    message: sprag_bytes,
    pending: *mut sprag_pending,
) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            let next = handle(client)?.0.cancel(message.need()?).map_err(status)?;
            answer(pending, next);
        }
        Ok(())
    })
}

/// Tries a failed or held message of ours again. `pending` may be NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_retry(
    client: *const sprag_client,
    message: sprag_bytes,
    pending: *mut sprag_pending,
) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            let next = handle(client)?.0.retry(message.need()?).map_err(status)?;
            answer(pending, next);
        }
        Ok(())
    })
}

/// How far a message of ours has come: see `sprag_sent_state`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_state(
    client: *const sprag_client,
    message: sprag_bytes,
    state: *mut u32,
) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            if state.is_null() {
                return Err(SPRAG_NULL);
            }
            state.write(handle(client)?.0.state(message.need()?).map_err(status)?.code());
        }
        Ok(())
    })
}

/// Changes the stored policy: the largest body that the app's server carries, in bytes.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_configure(client: *const sprag_client, max_body: u32) -> sprag_status {
    guard(|| {
        let mut policy = sprag::Policy::default();
        policy.max_body = max_body;
        // SAFETY: the caller's promise.
        unsafe { handle(client) }?.0.configure(policy).map_err(status)
    })
}

/// Closes the store until `sprag_resume`: before the platform suspends the process. May be called from another thread while a
/// call is running.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_suspend(client: *const sprag_client) -> sprag_status {
    // SAFETY: the caller's promise.
    guard(|| unsafe { handle(client) }?.0.suspend().map_err(status))
}

/// Opens the store again after `sprag_suspend`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_resume(client: *const sprag_client) -> sprag_status {
    // SAFETY: the caller's promise.
    guard(|| unsafe { handle(client) }?.0.resume().map_err(status))
}

/// Puts the store under a new key of 32 bytes. The app deletes the old one afterwards.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_rekey(client: *const sprag_client, key: sprag_bytes) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            let key = sprag::Key::from_slice(key.need()?).map_err(status)?;
            handle(client)?.0.rekey(&key).map_err(status)
        }
    })
}

/// Writes the client's account id: at most 64 bytes. `SPRAG_TOO_SMALL` says how many are needed.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_account(
    client: *const sprag_client,
    out: *mut u8,
    capacity: usize,
    length: *mut usize,
) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            let account = handle(client)?.0.account();
            let bytes = account.as_bytes();
            if length.is_null() {
                return Err(SPRAG_NULL);
            }
            length.write(bytes.len());
            if bytes.len() > capacity {
                return Err(SPRAG_TOO_SMALL);
            }
            if out.is_null() {
                return Err(SPRAG_NULL);
            }
            out.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
        Ok(())
    })
}

/// Writes the client's device: what tells it from the account's others at the app's server.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_device(client: *const sprag_client, device: *mut u32) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            if device.is_null() {
                return Err(SPRAG_NULL);
            }
            device.write(handle(client)?.0.device().0);
        }
        Ok(())
    })
}

/// What is known of another account, the safety number included. `SPRAG_UNKNOWN` if it was never seen.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_contact_get(
    client: *const sprag_client,
    account: sprag_bytes,
    out: *mut sprag_contact,
) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            if out.is_null() {
                return Err(SPRAG_NULL);
            }
            let contact = handle(client)?.0.contact(account.need()?).map_err(status)?;
            out.write(records::contact(&contact)?);
        }
        Ok(())
    })
}

/// Every handle may be used from any thread.
const _: fn() = {
    const fn shared<T: Send + Sync>() {}
    shared::<sprag_client>
};
