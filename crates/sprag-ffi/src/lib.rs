//! The C face of Sprag: the verbs of [`sprag::Client`] under the C calling convention, described in `include/sprag.h`.
//!
//! It converts and forwards, and decides nothing. With the UniFFI face it is the only place with `unsafe`: what a C caller
//! promises (pointers valid or NULL, lengths true) is written on the first page of the header, and everything that can
//! be checked is.

// Every export asks the same of its caller, said once on the header's first page.
#![allow(clippy::missing_safety_doc)]

// The header has its functions in this order, by noun; blank lines keep it.
mod border;

mod client;

mod pipe;

mod objects;

mod devices;

mod cards;

mod diagnose;

mod constants;

mod records;

use std::ffi::c_char;

pub use border::*;
pub use cards::*;
pub use client::*;
pub use constants::*;
pub use devices::*;
pub use diagnose::*;
pub use objects::*;
pub use pipe::*;
pub use records::*;

#[global_allocator]
static ALLOCATOR: sprag_wipe::Wiping = sprag_wipe::Wiping;

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
    border::guard(|| {
        // SAFETY: the caller's promise.
        found = i32::from(sprag::recognise(unsafe { bytes.need() }?));
        Ok(())
    });
    found
}
