//! When the engine is to be woken, and how long there is nothing to do.

use std::time::{Duration, Instant};

use sprag::Pending;

use crate::driver::PAUSE;

/// How often the stock of one-time prekeys is looked at, and the engine woken at least.
const STOCK: Duration = Duration::from_secs(3_600);

/// The plan.
pub(crate) struct Upkeep {
    wake: Instant,
    earliest: Instant,
    stock: Instant,
    waiting: bool,
}

impl Upkeep {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self { wake: now, earliest: now, stock: now, waiting: false }
    }

    pub(crate) fn is_due(&self) -> bool {
        Instant::now() >= self.wake
    }

    pub(crate) fn wants_stock(&self) -> bool {
        Instant::now() >= self.stock
    }

    /// Takes over what waking led to: the next one is a pause away at least.
    pub(crate) fn woken(&mut self, pending: &Pending, stock_known: bool) {
        let now = Instant::now();
        self.earliest = now + PAUSE;
        self.wake = now + STOCK;
        if stock_known {
            self.stock = now + STOCK;
        }
        self.note(pending);
    }

    /// Takes over what the engine said last.
    pub(crate) fn note(&mut self, pending: &Pending) {
        self.waiting = pending.requests > 0;
        if let Some(ms) = pending.next_wake_ms {
            // What is planned already is not put off by what happens meanwhile.
            let next = Instant::now() + Duration::from_millis(ms).min(STOCK);
            self.wake = self.wake.min(next.max(self.earliest));
        }
    }

    pub(crate) fn rest(&self) -> Duration {
        let rest = self.wake.saturating_duration_since(Instant::now());
        if self.waiting { rest.min(PAUSE) } else { rest }
    }
}

#[cfg(test)]
mod tests {
    use super::{STOCK, Upkeep};
    use sprag::{AccountId, Client, Config, Hint, Key, Place, context::Environment};

    #[test]
    fn what_happens_meanwhile_puts_no_waking_off() {
        let config = Config::new(Place::Memory, Key::new([1; 32]), AccountId::new("a").unwrap());
        let client = Client::create(config, Environment::platform()).unwrap();
        let pending = client.wake(Hint::default()).unwrap();
        let mut upkeep = Upkeep::new();
        assert!(upkeep.is_due() && upkeep.wants_stock());
        upkeep.woken(&pending, true);
        assert!(!upkeep.is_due() && !upkeep.wants_stock() && upkeep.rest() < STOCK);
        let planned = upkeep.wake;
        upkeep.note(&pending);
        assert_eq!(upkeep.wake, planned);
    }
}
