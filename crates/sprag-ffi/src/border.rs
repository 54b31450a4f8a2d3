//! How things cross the border: statuses, caught panics, checked pointers, views of bytes.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sprag::{Error, StoreFault};

/// What a call answers: `SPRAG_OK` or one of the other `SPRAG_` numbers below. Numbers are never reused.
#[allow(non_camel_case_types)]
pub type sprag_status = i32;

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

/// An answer inside this crate: a status other than `SPRAG_OK` is the error.
pub(crate) type Answer<T = ()> = Result<T, sprag_status>;

/// The status of an error of the engine.
pub(crate) fn status(error: Error) -> sprag_status {
    match error {
        Error::Store(StoreFault::Full) => SPRAG_STORE_FULL,
        Error::Store(StoreFault::Corrupt) => SPRAG_STORE_CORRUPT,
        other => i32::try_from(other.code()).unwrap_or(SPRAG_INTERNAL),
    }
}

/// Runs the body of an export: no panic crosses the border, it becomes `SPRAG_INTERNAL`.
pub(crate) fn guard(body: impl FnOnce() -> Answer) -> sprag_status {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => SPRAG_OK,
        Ok(Err(status)) => status,
        Err(_) => SPRAG_INTERNAL,
    }
}

/// Bytes that belong to somebody else. An absent value has `ptr` NULL; an empty one has not.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sprag_bytes {
    /// The first byte.
    pub ptr: *const u8,
    /// How many there are.
    pub len: usize,
}

impl sprag_bytes {
    pub(crate) const ABSENT: Self = Self { ptr: std::ptr::null(), len: 0 };

    pub(crate) const fn of(bytes: &[u8]) -> Self {
        Self { ptr: bytes.as_ptr(), len: bytes.len() }
    }

    pub(crate) fn maybe(bytes: Option<&[u8]>) -> Self {
        bytes.map_or(Self::ABSENT, Self::of)
    }

    /// The bytes, if there are any.
    ///
    /// # Safety
    /// `ptr` is NULL or points to `len` bytes that live and stay unchanged for `'a`.
    pub(crate) unsafe fn get<'a>(self) -> Answer<Option<&'a [u8]>> {
        if self.ptr.is_null() {
            return if self.len == 0 { Ok(None) } else { Err(SPRAG_NULL) };
        }
        if isize::try_from(self.len).is_err() {
            return Err(SPRAG_MISUSE);
        }
        // SAFETY: as above; the length was just checked.
        Ok(Some(unsafe { std::slice::from_raw_parts(self.ptr, self.len) }))
    }

    /// The bytes, of which there must be some (perhaps an empty value).
    ///
    /// # Safety
    /// As for [`sprag_bytes::get`].
    pub(crate) unsafe fn need<'a>(self) -> Answer<&'a [u8]> {
        // SAFETY: passed on.
        unsafe { self.get() }?.ok_or(SPRAG_NULL)
    }
}

/// A list of things that belong to the caller.
///
/// # Safety
/// `ptr` is NULL or points to `len` valid values that live and stay unchanged for `'a`.
pub(crate) unsafe fn slice<'a, T>(ptr: *const T, len: usize) -> Answer<&'a [T]> {
    if len == 0 {
        return Ok(&[]);
    }
    if ptr.is_null() {
        return Err(SPRAG_NULL);
    }
    if len.checked_mul(size_of::<T>()).and_then(|size| isize::try_from(size).ok()).is_none() {
        return Err(SPRAG_MISUSE);
    }
    // SAFETY: as above; the size was just checked.
    Ok(unsafe { std::slice::from_raw_parts(ptr, len) })
}

/// What belongs to a handle.
///
/// # Safety
/// `ptr` is NULL or valid for `'a`.
pub(crate) unsafe fn handle<'a, T>(ptr: *const T) -> Answer<&'a T> {
    // SAFETY: as above.
    unsafe { ptr.as_ref() }.ok_or(SPRAG_NULL)
}

/// A record that the caller fills and that begins with its `size`. All zeros is a valid value of each of them.
///
/// # Safety
/// Implemented only for `repr(C)` records of numbers, pointers and such records, whose first field is `size: u32`.
pub(crate) unsafe trait Sized32: Copy {
    /// The size of the record in the first release that had it.
    const LEAST: usize;
}

/// Reads a record of this or an older or newer release: what the caller's lacks is zero, what it has beyond ours is ignored.
///
/// # Safety
/// `ptr` is NULL or points to as many bytes as the `u32` at its beginning says.
pub(crate) unsafe fn sized<T: Sized32>(ptr: *const T) -> Answer<T> {
    if ptr.is_null() {
        return Err(SPRAG_NULL);
    }
    // SAFETY: every such record begins with its size.
    let size = unsafe { ptr.cast::<u32>().read_unaligned() } as usize;
    if size < T::LEAST || size > 64 * 1024 {
        return Err(SPRAG_BAD_SIZE);
    }
    let mut record = std::mem::MaybeUninit::<T>::zeroed();
    // SAFETY: at most as many bytes are copied as both sides have, and all zeros is a value of `T`.
    unsafe {
        ptr.cast::<u8>().copy_to_nonoverlapping(record.as_mut_ptr().cast(), size.min(size_of::<T>()));
        Ok(record.assume_init())
    }
}

/// Hands an object over to the caller.
///
/// # Safety
/// `out` is valid for writing; it was checked by [`clear`].
pub(crate) unsafe fn give<T>(out: *mut *mut T, value: T) {
    // SAFETY: as above.
    unsafe { out.write(Box::into_raw(Box::new(value))) }
}

/// Sets the place of a result to NULL before anything else happens.
///
/// # Safety
/// `out` is NULL or valid for writing.
pub(crate) unsafe fn clear<T>(out: *mut *mut T) -> Answer {
    if out.is_null() {
        return Err(SPRAG_NULL);
    }
    // SAFETY: as above.
    unsafe { out.write(std::ptr::null_mut()) };
    Ok(())
}

/// Takes an object back from the caller and drops it.
///
/// # Safety
/// `object` is NULL or was given by [`give`] and not taken back since.
pub(crate) unsafe fn free<T>(object: *mut T) {
    let _ = guard(|| {
        if !object.is_null() {
            // SAFETY: as above.
            drop(unsafe { Box::from_raw(object) });
        }
        Ok(())
    });
}
