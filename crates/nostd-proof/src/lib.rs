//! Proves that `sprag-core` is `no_std`: a static library with its own panic handler and allocator.
//!
//! The archive holds every public function of the core: the generic ones because [`generic`] names them, the others because
//! the core is built here without optimisation, which leaves no function to its callers. `cargo xtask check` builds it, and
//! fails if one of them is not there or if any symbol is left undefined but the memory functions that every target has.
#![no_std]

mod generic;

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicUsize, Ordering};

const ARENA: usize = 1 << 20;

#[repr(align(16))]
struct Arena(core::cell::UnsafeCell<[u8; ARENA]>);

// SAFETY: the bytes are only handed out, each range once, by `Bump::alloc`.
unsafe impl Sync for Arena {}

static MEMORY: Arena = Arena(core::cell::UnsafeCell::new([0; ARENA]));

/// Hands out the arena from front to back and takes nothing back: enough to link and run, not to live on.
struct Bump(AtomicUsize);

// SAFETY: each range lies inside the arena, is aligned as asked (up to the arena's own 16 bytes) and is given out once.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() > 16 {
            return null_mut();
        }
        let place = |used: usize| {
            let start = used.checked_next_multiple_of(layout.align())?;
            let end = start.checked_add(layout.size())?;
            (end <= ARENA).then_some((start, end))
        };
        let step = |used| place(used).map(|(_, end)| end);
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step) {
            Ok(used) => match place(used) {
                // SAFETY: `place` keeps the range inside the arena.
                Some((start, _)) => unsafe { MEMORY.0.get().cast::<u8>().add(start) },
                None => null_mut(),
            },
            Err(_) => null_mut(),
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Bump = Bump(AtomicUsize::new(0));

#[panic_handler]
fn stop(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

// The ready-made `core` and `alloc` were compiled to unwind, and so name the next two. Nothing calls them: this library
// is built with `panic = "abort"`, and the handler above never returns.

/// Named by unwind tables.
#[unsafe(no_mangle)]
pub extern "C" fn rust_eh_personality() {}

/// Named by landing pads.
#[unsafe(no_mangle)]
pub extern "C" fn _Unwind_Resume() -> ! {
    loop {
        core::hint::spin_loop();
    }
}
