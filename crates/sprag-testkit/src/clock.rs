//! A clock that stands until it is turned.

use std::sync::atomic::{AtomicU64, Ordering};

use sprag::context::Clock;

/// When a clock begins, in Unix seconds: 15 January 2027.
const START: u64 = 1_800_000_000;

/// A clock that stands until it is turned. It may be turned back as well, as clocks of phones are.
#[derive(Debug)]
pub struct ManualClock(AtomicU64);

impl Default for ManualClock {
    fn default() -> Self {
        Self(AtomicU64::new(START * 1_000))
    }
}

impl ManualClock {
    /// Unix seconds.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        self.0.load(Ordering::SeqCst) / 1_000
    }

    /// So many seconds pass.
    pub fn pass(&self, seconds: u64) {
        self.set(self.seconds().saturating_add(seconds));
    }

    /// Sets the clock, in Unix seconds.
    pub fn set(&self, seconds: u64) {
        self.0.store(seconds.saturating_mul(1_000), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}
