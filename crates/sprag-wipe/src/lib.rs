//! An allocator that wipes what is freed, for the libraries that an app links.
//!
//! Keys and plaintext pass through buffers of every kind on their way over the border; whoever reads the memory of the
//! process later must not find them in freed blocks. The Rust crates leave the choice of an allocator to their user.

use std::alloc::{GlobalAlloc, Layout, System};

use zeroize::Zeroize;

/// The system's allocator, which gives no block back before it is overwritten.
#[derive(Clone, Copy, Debug)]
pub struct Wiping;

// SAFETY: every call is the system allocator's own; before a block is given back, its bytes, which are still ours, are
// overwritten. `realloc` is the trait's own, which allocates, copies and deallocates through here: nothing moves unwiped.
unsafe impl GlobalAlloc for Wiping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is `layout.size()` bytes long and the caller gives it up; a byte of any value is valid as
        // `MaybeUninit`, so that what was never written is not read.
        unsafe {
            std::slice::from_raw_parts_mut(block.cast::<std::mem::MaybeUninit<u8>>(), layout.size()).zeroize();
            System.dealloc(block, layout);
        }
    }
}
