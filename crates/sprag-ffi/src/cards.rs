//! Contact cards, and probes of what the app's server does to bodies.

use sprag::Probed;

use crate::border::{clear, free, give, guard, handle, sprag_bytes, sprag_status, status};
use crate::client::{copy_out, sprag_client};
use crate::constants::{SPRAG_NULL, SPRAG_PROBED_DAMAGED, SPRAG_PROBED_READABLE, SPRAG_PROBED_UNCHANGED};

/// Our own card, to be freed with `sprag_card_free`.
#[allow(non_camel_case_types)]
pub struct sprag_card(sprag::OwnCard);

/// A body that shows what the app's server does to bodies, to be freed with `sprag_probe_free`.
#[allow(non_camel_case_types)]
pub struct sprag_probe(Vec<u8>);

/// Our own card: a code and a link to show or to send to somebody by any way, and the whole card in parts. `SPRAG_NOT_ALLOWED` on
/// a device that is not on its account's list.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_card_get(client: *const sprag_client, out: *mut *mut sprag_card) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            clear(out)?;
            let card = handle(client)?.0.card().map_err(status)?;
            give(out, sprag_card(card));
        }
        Ok(())
    })
}

/// What is shown as a QR code, until the card is freed: the account's id and the fingerprint of its key. Absent for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_card_code(card: *const sprag_card) -> sprag_bytes {
    // SAFETY: the caller's promise.
    unsafe { card.as_ref() }.map_or(sprag_bytes::ABSENT, |card| sprag_bytes::of(&card.0.code))
}

/// The same as a link, until the card is freed. Absent for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_card_link(card: *const sprag_card) -> sprag_bytes {
    // SAFETY: the caller's promise.
    unsafe { card.as_ref() }.map_or(sprag_bytes::ABSENT, |card| sprag_bytes::of(card.0.link.as_bytes()))
}

/// How many bodies the whole card is; none where there is a directory, and 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_card_parts_len(card: *const sprag_card) -> usize {
    // SAFETY: the caller's promise.
    unsafe { card.as_ref() }.map_or(0, |card| card.0.parts.len())
}

/// One of them, until the card is freed; absent beyond the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_card_parts_at(card: *const sprag_card, index: usize) -> sprag_bytes {
    // SAFETY: the caller's promise.
    let part = unsafe { card.as_ref() }.and_then(|card| card.0.parts.get(index));
    part.map_or(sprag_bytes::ABSENT, |part| sprag_bytes::of(part))
}

/// Frees a card. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_card_free(card: *mut sprag_card) {
    // SAFETY: the caller's promise.
    unsafe { free(card) }
}

/// Takes over somebody's code, as bytes, or their link, as its text, and writes whose it is: at most 64 bytes. From now on no
/// other key is pinned under that id. `SPRAG_NOT_ALLOWED` if another one is. `SPRAG_TOO_SMALL` says how many bytes are needed;
/// the card is taken over all the same.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_import(
    client: *const sprag_client,
    card: sprag_bytes,
    out: *mut u8,
    capacity: usize,
    length: *mut usize,
) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            if length.is_null() {
                return Err(SPRAG_NULL);
            }
            let account = handle(client)?.0.import(card.need()?).map_err(status)?;
            copy_out(account.as_bytes(), out, capacity, length)
        }
    })
}

/// A body of about `length` bytes, and never more, in the armor of the policy: to be sent through the app's server to oneself.
/// `SPRAG_MISUSE` for less than 1 KiB or more than 4 MiB.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_probe_get(
    client: *const sprag_client,
    length: u32,
    out: *mut *mut sprag_probe,
) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            clear(out)?;
            let body = handle(client)?.0.probe(length).map_err(status)?;
            give(out, sprag_probe(body));
        }
        Ok(())
    })
}

/// The body, until the probe is freed. Absent for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_probe_body(probe: *const sprag_probe) -> sprag_bytes {
    // SAFETY: the caller's promise.
    unsafe { probe.as_ref() }.map_or(sprag_bytes::ABSENT, |probe| sprag_bytes::of(&probe.0))
}

/// Frees a probe. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_probe_free(probe: *mut sprag_probe) {
    // SAFETY: the caller's promise.
    unsafe { free(probe) }
}

/// What became of a probe on its way: writes one of `SPRAG_PROBED_…`. Needs no client.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_probed(body: sprag_bytes, found: *mut u32) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            if found.is_null() {
                return Err(SPRAG_NULL);
            }
            found.write(match sprag::probed(body.need()?) {
                Probed::Unchanged { .. } => SPRAG_PROBED_UNCHANGED,
                Probed::Readable { .. } => SPRAG_PROBED_READABLE,
                _ => SPRAG_PROBED_DAMAGED,
            });
        }
        Ok(())
    })
}

/// Every object may be used from any thread.
const _: fn() = {
    const fn shared<T: Send + Sync>() {}
    shared::<(sprag_card, sprag_probe)>
};
