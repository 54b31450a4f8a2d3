//! Randomness as a parameter. The core has no generator of its own.

/// A cryptographically secure source of random bytes, handed in by the caller.
///
/// A generator that repeats itself must not break confidentiality: whatever the core derives is hedged with secrets
/// and with what is sent.
pub trait Random {
    /// Fills `out` with fresh random bytes.
    fn fill(&mut self, out: &mut [u8]);
}
