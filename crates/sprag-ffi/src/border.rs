//! How things cross the border: statuses, caught panics, checked pointers, views of bytes.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sprag::{Error, StoreFault};

use crate::constants::{
    SPRAG_BAD_SIZE, SPRAG_INTERNAL, SPRAG_MISUSE, SPRAG_NULL, SPRAG_OK, SPRAG_STORE_CORRUPT, SPRAG_STORE_FULL,
};

/// What a call answers: `SPRAG_OK` or one of the `SPRAG_` numbers that follow it. Numbers are never reused.
#[allow(non_camel_case_types)]
pub type sprag_status = i32;

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
