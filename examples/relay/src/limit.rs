//! How many requests an account may make: a bucket of tokens each, that fills again with time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Buckets that are kept before the full ones, which say nothing, are thrown away.
const SWEEP_AT: usize = 10_000;

/// What an account may do.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests at once.
    pub burst: u32,
    /// Requests that are added every second.
    pub per_second: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { burst: 2_000, per_second: 200 }
    }
}

struct Bucket {
    tokens: f64,
    filled: Instant,
}

/// The buckets of all accounts.
pub struct Limiter {
    limits: Limits,
    buckets: Mutex<HashMap<String, Bucket>>,
}

impl Limiter {
    /// No account has made a request yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, buckets: Mutex::new(HashMap::new()) }
    }

    /// Takes a token, or says in how long there is one.
    ///
    /// # Errors
    /// How long to wait.
    pub fn take(&self, account: &str, now: Instant) -> Result<(), Duration> {
        let (burst, rate) = (f64::from(self.limits.burst), f64::from(self.limits.per_second.max(1)));
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let fill = |bucket: &Bucket| {
            (bucket.tokens + now.saturating_duration_since(bucket.filled).as_secs_f64() * rate).min(burst)
        };
        if buckets.len() >= SWEEP_AT {
            buckets.retain(|_, bucket| fill(bucket) < burst);
        }
        let bucket = buckets.entry(account.to_owned()).or_insert(Bucket { tokens: burst, filled: now });
        let tokens = fill(bucket);
        let left = tokens - 1.0;
        *bucket = Bucket { tokens: if left < 0.0 { tokens } else { left }, filled: now };
        if left < 0.0 { Err(Duration::from_secs_f64(-left / rate)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_says_how_long_to_wait_and_fills_again() {
        let limiter = Limiter::new(Limits { burst: 3, per_second: 2 });
        let begun = Instant::now();
        for _ in 0..3 {
            assert_eq!(limiter.take("a", begun), Ok(()));
        }
        assert_eq!(limiter.take("a", begun), Err(Duration::from_millis(500)));
        assert_eq!(limiter.take("b", begun), Ok(()), "each account has its own");
        assert_eq!(limiter.take("a", begun + Duration::from_millis(500)), Ok(()));
        assert!(limiter.take("a", begun + Duration::from_millis(500)).is_err());
        let much_later = begun + Duration::from_secs(3_600);
        for _ in 0..3 {
            assert_eq!(limiter.take("a", much_later), Ok(()));
        }
        assert!(limiter.take("a", much_later).is_err(), "it holds no more than the burst");
    }
}
