//! Numbers from a seed, for decisions of a test and for clients that are to do the same each time. Nothing that comes from
//! here is secret.

use std::sync::{Mutex, PoisonError};

use sprag::context::{NoRandomness, Randomness};

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The same seed gives the same numbers.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 if that is 0.
    pub const fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.next() % end as u64) as usize }
    }

    /// True once in `times`.
    pub const fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// Fills bytes.
    pub fn fill(&mut self, out: &mut [u8]) {
        for block in out.chunks_mut(8) {
            block.copy_from_slice(&self.next().to_le_bytes()[..block.len()]);
        }
    }
}

/// Random bytes from a seed, for a client: each byte once, and the same again with the same seed.
#[derive(Debug)]
pub struct SeededRandomness(Mutex<Dice>);

impl SeededRandomness {
    /// The same seed gives the same bytes.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(Mutex::new(Dice::new(seed)))
    }
}

impl Randomness for SeededRandomness {
    fn fill(&self, out: &mut [u8]) -> Result<(), NoRandomness> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill(out);
        Ok(())
    }
}
