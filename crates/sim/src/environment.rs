//! What surrounds a phone: a clock that goes where it is told, randomness from a seed or worse, and waiting that costs
//! no time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sprag::context::{Clock, Environment, NoRandomness, Randomness, Wait};

use crate::hook::{Point, reach};
use crate::random::Dice;

/// When every world begins, in milliseconds since the Unix epoch.
pub const START: u64 = 1_700_000_000_000;

/// Where a phone's random bytes come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// From a seed, each byte once.
    Seeded(Dice),
    /// The same byte, always.
    Constant(u8),
    /// None to be had.
    Dry,
}

/// The instruments of one phone.
#[derive(Debug)]
pub struct Instruments {
    now: AtomicU64,
    waited: AtomicU64,
    source: Mutex<Source>,
}

impl Instruments {
    /// New ones, at [`START`].
    #[must_use]
    pub fn new(source: Source) -> Arc<Self> {
        Arc::new(Self { now: AtomicU64::new(START), waited: AtomicU64::new(0), source: Mutex::new(source) })
    }

    /// What the engine is given.
    #[must_use]
    pub fn environment(self: &Arc<Self>) -> Environment {
        Environment { clock: self.clone(), randomness: self.clone(), wait: self.clone() }
    }

    /// Unix seconds.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        self.now.load(Ordering::SeqCst) / 1000
    }

    /// Moves the clock, back as well.
    pub fn jump(&self, seconds: i64) {
        let moved = self.now.load(Ordering::SeqCst).saturating_add_signed(seconds.saturating_mul(1000));
        self.now.store(moved, Ordering::SeqCst);
    }

    /// Sets the clock, in Unix seconds.
    pub fn set(&self, seconds: u64) {
        self.now.store(seconds * 1000, Ordering::SeqCst);
    }

    /// How many microseconds the engine has waited for locks.
    #[must_use]
    pub fn waited(&self) -> u64 {
        self.waited.load(Ordering::SeqCst)
    }

    /// From here on random bytes come from there. Yields where they came from.
    pub fn draw_from(&self, source: Source) -> Source {
        std::mem::replace(&mut *self.source.lock().unwrap_or_else(PoisonError::into_inner), source)
    }

    /// Where random bytes come from, as it stands: to go back to later.
    #[must_use]
    pub fn source(&self) -> Source {
        self.source.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Clock for Instruments {
    fn now_ms(&self) -> u64 {
        self.now.load(Ordering::SeqCst)
    }
}

impl Randomness for Instruments {
    fn fill(&self, out: &mut [u8]) -> Result<(), NoRandomness> {
        match &mut *self.source.lock().unwrap_or_else(PoisonError::into_inner) {
            Source::Seeded(dice) => dice.fill(out),
            Source::Constant(byte) => out.fill(*byte),
            Source::Dry => return Err(NoRandomness),
        }
        Ok(())
    }
}

impl Wait for Instruments {
    fn wait(&self, micros: u32) {
        self.waited.fetch_add(micros.into(), Ordering::SeqCst);
        reach(Point::Wait);
    }
}
