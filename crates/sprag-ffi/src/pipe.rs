//! The pipe: messages in and out, requests and their outcomes, events.

use sprag::RequestId;

use crate::border::{clear, give, guard, handle, sized, slice, sprag_bytes, sprag_status, status};
use crate::client::sprag_client;
use crate::constants::{SPRAG_BAD_SIZE, SPRAG_MISUSE, SPRAG_NULL};
use crate::objects::{sprag_event_list, sprag_preview, sprag_request_list, sprag_sent, sprag_verdict_list};
use crate::records::{self, sprag_hint, sprag_incoming, sprag_outcome, sprag_outgoing, sprag_pending};

/// Writes what to look at next, if the caller wants to know.
pub(crate) unsafe fn answer(out: *mut sprag_pending, pending: sprag::Pending) {
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

/// Offers a message of ours again at once that was put off, or sends one on its way that was held. `SPRAG_UNKNOWN` for none of
/// ours; `SPRAG_NOT_ALLOWED` for one that has left or has failed, and while a contact whom it is for is `SPRAG_TRUST_CHANGED`.
/// `pending` may be NULL.
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

/// How far a conversation is protected: writes one of `SPRAG_PROTECTION_…`. Nothing changes, and nobody is asked. The
/// conversation is named as in `sprag_outgoing`: by its kind, the other account or the room, and the room's members.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_protection(
    client: *const sprag_client,
    conversation: u32,
    peer: sprag_bytes,
    members: *const sprag_bytes,
    members_len: usize,
    protection: *mut u32,
) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            if protection.is_null() {
                return Err(SPRAG_NULL);
            }
            let client = handle(client)?;
            let conversation = records::conversation(conversation, peer.need()?, slice(members, members_len)?)?;
            let found = client.0.protections(&[conversation]).map_err(status)?;
            protection.write(found.first().map_or(0, |protection| protection.code()));
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
