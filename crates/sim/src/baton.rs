//! Two calls at once, in an order that is decided: one thread runs at a time, and hands over at points that are named.
//!
//! What a call has done is seen by others only when it lets go of a lock: handing over at locks shows all that there is
//! to be seen.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::hook::{self, Point};

/// When the two hand over, by the number of locks that they have asked for or let go of. A call that waits for the other
/// one hands over as well, and so does one that ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The first call hands over at its point of this number.
    pub first: u64,
    /// The second one hands back at its point of this number, if it comes so far.
    pub second: Option<u64>,
}

#[derive(Debug, Default)]
struct State {
    holder: usize,
    ended: [bool; 2],
    points: [u64; 2],
}

#[derive(Debug)]
struct Baton {
    plan: Plan,
    state: Mutex<State>,
    turned: Condvar,
}

impl Baton {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is one's turn.
    fn wait(&self, who: usize, mut state: MutexGuard<'_, State>) {
        while state.holder != who {
            state = self.turned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn reach(&self, who: usize, point: Point) {
        let mut state = self.lock();
        let hands_over = match point {
            Point::Wait => true,
            Point::Lock => {
                state.points[who] += 1;
                let at = if who == 0 { Some(self.plan.first) } else { self.plan.second };
                at == Some(state.points[who])
            }
            Point::Read | Point::Write => false,
        };
        if hands_over && !state.ended[1 - who] {
            state.holder = 1 - who;
            self.turned.notify_all();
            self.wait(who, state);
        }
    }

    fn run<T>(self: &Arc<Self>, who: usize, call: impl FnOnce() -> T) -> T {
        /// Hands over at the end, even if the call panics.
        struct End<'a>(&'a Baton, usize);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                let mut state = self.0.lock();
                state.ended[self.1] = true;
                state.holder = 1 - self.1;
                self.0.turned.notify_all();
            }
        }
        self.wait(who, self.lock());
        let _end = End(self, who);
        let baton = self.clone();
        hook::with(move |point| baton.reach(who, point), call)
    }
}

/// Runs two calls by a plan. Yields what they answered, and how many points each came by.
///
/// # Panics
/// If one of them does.
pub fn interleave<A: Send, B: Send>(
    plan: Plan,
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B, [u64; 2]) {
    let baton = Arc::new(Baton { plan, state: Mutex::new(State::default()), turned: Condvar::new() });
    let (a, b) = std::thread::scope(|scope| {
        let other = scope.spawn(|| baton.run(1, second));
        let a = baton.run(0, first);
        match other.join() {
            Ok(b) => (a, b),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    let points = baton.lock().points;
    (a, b, points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_hand_over_where_they_are_told_to() {
        let order = |plan| {
            let seen = Mutex::new(String::new());
            let say = |letter: char| {
                hook::reach(Point::Lock);
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
            };
            let (_, _, points) = interleave(
                plan,
                || {
                    say('a');
                    say('b');
                    say('c');
                },
                || {
                    say('x');
                    say('y');
                },
            );
            assert_eq!(points, [3, 2]);
            seen.into_inner().unwrap_or_else(PoisonError::into_inner)
        };
        assert_eq!(order(Plan { first: 0, second: None }), "abcxy");
        assert_eq!(order(Plan { first: 1, second: None }), "xyabc");
        assert_eq!(order(Plan { first: 3, second: None }), "abxyc");
        assert_eq!(order(Plan { first: 2, second: Some(2) }), "axbcy");
    }
}
