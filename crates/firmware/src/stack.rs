//! How much stack a call takes: what lies below is painted first, and looked at afterwards.

use core::ptr::{addr_of, read_volatile, write_volatile};

const PAINT: u32 = 0x5ac3_96e1;

/// The most that is painted.
const WORDS: usize = 256 << 10;

/// What a call answers, and the bytes of stack that it took.
#[inline(never)]
pub fn used_by<T>(call: fn() -> T) -> (T, usize) {
    let here = 0u32;
    // Below this frame, with room for what paints.
    let top = (addr_of!(here) as usize - 256) as *mut u32;
    for word in 1..WORDS {
        // SAFETY: the stack is all memory above the statics, some two megabytes, and nothing below this frame is in use.
        unsafe { write_volatile(top.sub(word), PAINT) };
    }
    let value = call();
    // SAFETY: as above.
    let is_painted = |word: &usize| unsafe { read_volatile(top.sub(*word)) == PAINT };
    let clean = (1..WORDS).rev().take_while(is_painted).count();
    (value, (WORDS - clean) * 4)
}
