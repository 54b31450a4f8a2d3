//! A client's life: made, opened, configured, suspended, freed; and what is known about it and its contacts.

use sprag::Client;
use sprag::context::Environment;

use crate::border::{Answer, clear, free, give, guard, handle, sized, sprag_bytes, sprag_status, status};
use crate::constants::{SPRAG_MISUSE, SPRAG_NULL, SPRAG_TOO_SMALL};
use crate::objects::sprag_freshness_list;
use crate::pipe::answer;
use crate::records::{self, sprag_config, sprag_contact, sprag_opening, sprag_pending, sprag_policy};

/// A client: one account's device on one store. May be used from any thread and from several at once.
#[allow(non_camel_case_types)]
pub struct sprag_client(pub(crate) Client);

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

/// Replaces the stored policy.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_configure(client: *const sprag_client, policy: *const sprag_policy) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            let client = handle(client)?;
            client.0.configure(records::policy(&sized(policy)?)?).map_err(status)
        }
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
        unsafe { copy_out(handle(client)?.0.account().as_bytes(), out, capacity, length) }
    })
}

/// Writes bytes where the caller has room for `capacity`, and how many they are.
///
/// # Safety
/// The caller's promise about its pointers.
pub(crate) unsafe fn copy_out(bytes: &[u8], out: *mut u8, capacity: usize, length: *mut usize) -> Answer {
    // SAFETY: the caller's promise, for all of these.
    unsafe {
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

/// What is known of another account, the safety number included. `SPRAG_UNKNOWN` if it was never spoken of.
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

/// The user compared the safety number with the contact: `number` is the one that they saw, 60 digits with any white space.
/// `SPRAG_NOT_ALLOWED` if it is not the number of the pinned identity, or the contact is `SPRAG_TRUST_CHANGED`. `pending` may
/// be NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_confirm(
    client: *const sprag_client,
    account: sprag_bytes,
    number: sprag_bytes,
    pending: *mut sprag_pending,
) -> sprag_status {
    // SAFETY: the caller's promise, for all of these.
    guard(|| unsafe { decide(client, account, number, pending, Client::confirm) })
}

/// The user goes on with the identity that has the number that they saw: the offered one, or the pinned one all the same. Held
/// messages wait for `sprag_retry`. `SPRAG_NOT_ALLOWED` if the number is neither's. `pending` may be NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_accept_change(
    client: *const sprag_client,
    account: sprag_bytes,
    number: sprag_bytes,
    pending: *mut sprag_pending,
) -> sprag_status {
    // SAFETY: the caller's promise, for all of these.
    guard(|| unsafe { decide(client, account, number, pending, Client::accept_change) })
}

/// Forgets a contact: what is pinned, whether it was confirmed, and all sessions; messages that wait are taken back.
/// `SPRAG_NOT_ALLOWED` if the number is not that of the pinned identity. `pending` may be NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_forget(
    client: *const sprag_client,
    account: sprag_bytes,
    number: sprag_bytes,
    pending: *mut sprag_pending,
) -> sprag_status {
    // SAFETY: the caller's promise, for all of these.
    guard(|| unsafe { decide(client, account, number, pending, Client::forget) })
}

/// A decision about a contact, by the number that the user saw.
unsafe fn decide(
    client: *const sprag_client,
    account: sprag_bytes,
    number: sprag_bytes,
    pending: *mut sprag_pending,
    decision: fn(&Client, &[u8], &str) -> sprag::Result<sprag::Pending>,
) -> Answer {
    // SAFETY: the caller's promise, for all of these.
    unsafe {
        let client = handle(client)?;
        let (account, number) = (account.need()?, number.need()?);
        let number = std::str::from_utf8(number).map_err(|_| SPRAG_MISUSE)?;
        answer(pending, decision(&client.0, account, number).map_err(status)?);
    }
    Ok(())
}

/// How fresh the secrets are that messages to a contact are sealed with: a record for each of its devices that there is a
/// session with. `SPRAG_UNKNOWN` if the contact was never seen.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_freshness_get(
    client: *const sprag_client,
    account: sprag_bytes,
    out: *mut *mut sprag_freshness_list,
) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            clear(out)?;
            let fresh = handle(client)?.0.freshness(account.need()?).map_err(status)?;
            give(out, sprag_freshness_list::new(&fresh));
        }
        Ok(())
    })
}

/// Every handle may be used from any thread.
const _: fn() = {
    const fn shared<T: Send + Sync>() {}
    shared::<(sprag_client, sprag_freshness_list)>
};
