//! What surrounds the engine and is injected: the clock, randomness and waiting.
//!
//! The engine reads no clock, draws no random byte and puts no thread to sleep but through this, so that a test or a
//! simulator can decide all three.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sprag_core::crypto::hash;
use sprag_core::label;
use sprag_core::random::Random;
use sprag_core::secret::Secret;

/// The wall clock. It may be wrong and may jump: the engine never deletes because of one reading.
pub trait Clock: Send + Sync {
    /// Milliseconds since the Unix epoch, UTC.
    fn now_ms(&self) -> u64;
}

/// The platform's random generator had nothing to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRandomness;

impl fmt::Display for NoRandomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no randomness available")
    }
}

impl std::error::Error for NoRandomness {}

/// A cryptographically secure source of random bytes.
pub trait Randomness: Send + Sync {
    /// Fills all of `out`.
    ///
    /// # Errors
    /// [`NoRandomness`] if it cannot; what is in `out` is not used then. It must never hand out predictable bytes
    /// instead.
    fn fill(&self, out: &mut [u8]) -> Result<(), NoRandomness>;
}

/// Waiting for another process to let go of the store.
pub trait Wait: Send + Sync {
    /// Lets at least about `micros` microseconds pass. The engine asks for at most a few thousand at a time.
    fn wait(&self, micros: u32);
}

/// The three together. Cheap to clone.
#[derive(Clone)]
pub struct Environment {
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub randomness: Arc<dyn Randomness>,
    /// Waiting.
    pub wait: Arc<dyn Wait>,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self::platform()
    }
}

impl Environment {
    /// The platform's own clock, random generator and sleep.
    #[must_use]
    pub fn platform() -> Self {
        let platform = Arc::new(Platform);
        Self { clock: platform.clone(), randomness: platform.clone(), wait: platform }
    }

    /// A generator for one call, seeded with 32 fresh random bytes.
    ///
    /// The core takes its randomness from something that cannot fail. Failing happens here instead, once and before
    /// anything was done.
    ///
    /// # Errors
    /// [`NoRandomness`] if the seed cannot be had.
    pub fn generator(&self) -> Result<Generator, NoRandomness> {
        let mut result = Ok(());
        let key = Secret::fill_with(|seed| result = self.randomness.fill(seed));
        result.map(|()| Generator { key })
    }
}

/// The platform: system time, the operating system's random generator, and a thread that sleeps.
struct Platform;

impl Clock for Platform {
    fn now_ms(&self) -> u64 {
        // A clock before 1970 is a clock that was never set: zero, which every check of plausibility catches.
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

impl Randomness for Platform {
    fn fill(&self, out: &mut [u8]) -> Result<(), NoRandomness> {
        getrandom::fill(out).map_err(|_| NoRandomness)
    }
}

impl Wait for Platform {
    fn wait(&self, micros: u32) {
        std::thread::sleep(Duration::from_micros(u64::from(micros)));
    }
}

/// Random bytes for one call, stretched from a seed of 32: HMAC-SHA-256 in counter mode, and the key is replaced after
/// every fill, so that what was drawn cannot be drawn again from what is left in memory.
pub struct Generator {
    key: Secret<32>,
}

impl Random for Generator {
    fn fill(&mut self, out: &mut [u8]) {
        let label = label::GENERATOR.as_bytes();
        for (counter, block) in (1u64..).zip(out.chunks_mut(32)) {
            let bytes = Secret::new(hash::hmac(self.key.expose_secret(), &[&counter.to_be_bytes(), label]));
            block.iter_mut().zip(bytes.expose_secret()).for_each(|(out, byte)| *out = *byte);
        }
        self.key = Secret::new(hash::hmac(self.key.expose_secret(), &[&0u64.to_be_bytes(), label]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generator_does_not_repeat_itself() {
        let mut generator = Environment::platform().generator().unwrap();
        let mut drawn: Vec<[u8; 32]> = Vec::new();
        for _ in 0..8 {
            let mut out = [0; 80];
            generator.fill(&mut out);
            drawn.extend(out.chunks_exact(32).map(|block| <[u8; 32]>::try_from(block).unwrap()));
        }
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn.len(), 16);
    }

    #[test]
    fn a_failing_source_is_noticed() {
        struct Dry;
        impl Randomness for Dry {
            fn fill(&self, _: &mut [u8]) -> Result<(), NoRandomness> {
                Err(NoRandomness)
            }
        }
        let environment = Environment { randomness: Arc::new(Dry), ..Environment::platform() };
        assert!(environment.generator().is_err());
    }
}
