//! Our own devices: which there are, how one is linked, and how one is taken off.

use sprag::DeviceId;

use crate::border::{clear, give, guard, handle, sprag_bytes, sprag_status, status};
use crate::client::sprag_client;
use crate::constants::SPRAG_MISUSE;
use crate::objects::{sprag_device_list, sprag_link_code};
use crate::pipe::answer;
use crate::records::sprag_pending;

/// The devices of our account, as our list has them. `SPRAG_NOT_ALLOWED` on a device that is still to be linked.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_devices_get(
    client: *const sprag_client,
    out: *mut *mut sprag_device_list,
) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            clear(out)?;
            let devices = handle(client)?.0.devices().map_err(status)?;
            give(out, sprag_device_list::new(&devices));
        }
        Ok(())
    })
}

/// The code of a device that is to be linked (`SPRAG_START_LINK`), to be shown to the user: fresh with each call, good for a
/// minute and for one offer. `SPRAG_NOT_ALLOWED` on a device that has its account.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_link_code_get(
    client: *const sprag_client,
    out: *mut *mut sprag_link_code,
) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            clear(out)?;
            let code = handle(client)?.0.link_code().map_err(status)?;
            give(out, sprag_link_code(code));
        }
        Ok(())
    })
}

/// Admits the device whose code was scanned, as bytes or as its text. `digits` are what the user read from the new device's
/// screen and confirmed here; `SPRAG_NOT_ALLOWED` for others, or on a device that does not hold the account key. With
/// `holds_account_key` not 0 the new device may admit and revoke others. `SPRAG_MISUSE` for what is no code, or one for another
/// account, or if the account has 16 devices. `pending` may be NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_admit(
    client: *const sprag_client,
    code: sprag_bytes,
    digits: sprag_bytes,
    holds_account_key: u32,
    pending: *mut sprag_pending,
) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            let client = handle(client)?;
            let (code, digits) = (code.need()?, digits.need()?);
            let digits = std::str::from_utf8(digits).map_err(|_| SPRAG_MISUSE)?;
            answer(pending, client.0.admit(code, digits, holds_account_key != 0).map_err(status)?);
        }
        Ok(())
    })
}

/// Takes a device off our list: others write to it no more once they have the new list, and it writes to nobody.
/// If it held the account key, another key follows: contacts see another identity. `SPRAG_UNKNOWN` for a device that is not on
/// the list, `SPRAG_NOT_ALLOWED` on one that does not hold the account key, `SPRAG_MISUSE` for this device itself. `pending`
/// may be NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_revoke(
    client: *const sprag_client,
    device: u32,
    pending: *mut sprag_pending,
) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            answer(pending, handle(client)?.0.revoke(DeviceId(device)).map_err(status)?);
        }
        Ok(())
    })
}

/// Takes this device off its account's list: as when the user logs out. `SPRAG_NOT_ALLOWED` if it is not on it, or no other
/// device holds the account key. `pending` may be NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_retire(client: *const sprag_client, pending: *mut sprag_pending) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            answer(pending, handle(client)?.0.retire().map_err(status)?);
        }
        Ok(())
    })
}

/// Says whether every client of this account can read what is encrypted, old ones included: not 0 if so. `SPRAG_NOT_ALLOWED` on
/// a device that does not hold the account key. `pending` may be NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_set_ready(
    client: *const sprag_client,
    ready: u32,
    pending: *mut sprag_pending,
) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            answer(pending, handle(client)?.0.set_ready(ready != 0).map_err(status)?);
        }
        Ok(())
    })
}

/// Every object may be used from any thread.
const _: fn() = {
    const fn shared<T: Send + Sync>() {}
    shared::<(sprag_device_list, sprag_link_code)>
};
