//! Turns: threads of one process write in the order in which they came. A mutex alone may let one thread take it again
//! and again while another waits.

use std::sync::{Condvar, Mutex, PoisonError};

/// Hands out numbers and serves them in order.
#[derive(Default)]
pub(super) struct Turns {
    state: Mutex<State>,
    served: Condvar,
}

#[derive(Default)]
struct State {
    next: u64,
    serving: u64,
}

/// A turn. It ends when dropped.
pub(super) struct Turn<'a>(&'a Turns);

impl Turns {
    /// Waits for everybody who came before.
    pub(super) fn take(&self) -> Turn<'_> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let number = state.next;
        state.next += 1;
        while state.serving != number {
            state = self.served.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Turn(self)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).serving += 1;
        self.0.served.notify_all();
    }
}
