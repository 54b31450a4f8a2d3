//! What a copy of one side's whole state opens later, with the other ratchet's secrets given to whoever holds it for free.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod pairs;

use sprag_core::ratchet::{SLOT, Session};
use sprag_core::secret::Secret;

use pairs::{BINDING, BRAID, Counted, items, pair};

/// A session as it is stored, all blocks of skipped keys left out.
#[derive(Clone)]
struct Copy {
    hot: Vec<u8>,
    cold: Vec<u8>,
}

/// Where the chains of the epochs and the braid's second part stand among what is stored.
const EPOCHS: usize = 11;
/// The resumption secrets, the ids of those that are gone, and the braid: all count epochs.
const EPOCHS_COLD: core::ops::Range<usize> = 2..5;

impl Copy {
    fn of(session: &Session) -> Self {
        let hot = session.encode().expose_secret().to_vec();
        Self { hot, cold: session.encode_cold().expose_secret().to_vec() }
    }

    fn session(&self) -> Session {
        Session::decode(&self.hot, &self.cold, []).unwrap()
    }

    /// This one, with the post-quantum ratchet of another.
    fn with_post_quantum(&self, other: &Self) -> Self {
        let (mut hot, theirs) = (items(&self.hot), items(&other.hot));
        let (mut cold, theirs_cold) = (items(&self.cold), items(&other.cold));
        assert_eq!((hot.len(), cold.len()), (19, 5));
        hot[EPOCHS] = theirs[EPOCHS];
        hot[BRAID] = theirs[BRAID];
        cold[EPOCHS_COLD].copy_from_slice(&theirs_cold[EPOCHS_COLD]);
        Self { hot: [&self.hot[..1], &hot.concat()].concat(), cold: [&self.cold[..1], &cold.concat()].concat() }
    }
}

/// What the thief is given for free at every message.
#[derive(Clone, Copy, PartialEq)]
enum Free {
    Nothing,
    Classical,
    PostQuantum,
}

/// Copies side `whose` of a running conversation; both talk on in strict turns; the thief reads along as that side for as
/// long as it can. Yields after how many messages to that side the last one opened, of `rounds`.
fn read_along(whose: usize, free: Free, start: usize, rounds: usize) -> usize {
    let mut random = Counted(whose as u64 * 1_000_000);
    let mut sides = pair(&mut random);
    let mut thief: Option<Copy> = None;
    let mut opened = 0;
    for round in 0..start + rounds {
        if round == start {
            thief = Some(Copy::of(&sides[whose]));
        }
        for from in 0..2 {
            if let (true, Free::Classical, Some(copy)) = (from == whose, free, thief.as_mut()) {
                // It also does what the side that it was copied from does, with another generator.
                let mut session = Copy::of(&sides[from]).with_post_quantum(copy).session();
                if session.seal(BINDING, &Secret::new([1; 32]), &mut Counted(u64::MAX / 2)).is_ok() {
                    *copy = Copy::of(&session);
                }
            }
            let slot: [u8; SLOT] = sides[from].seal(BINDING, &Secret::new([1; 32]), &mut random).unwrap();
            let to = 1 - from;
            if let Some(copy) = thief.as_mut().filter(|_| to == whose) {
                let live = Copy::of(&sides[to]);
                let known = match free {
                    Free::Nothing => copy.clone(),
                    Free::Classical => live.with_post_quantum(copy),
                    Free::PostQuantum => copy.with_post_quantum(&live),
                };
                let mut session = known.session();
                if let Ok((_, delta)) = session.open(&slot, BINDING) {
                    session.commit(delta, Some(1_000)).unwrap();
                    *copy = Copy::of(&session);
                    opened = round + 1 - start;
                }
            }
            let (_, delta) = sides[to].open(&slot, BINDING).unwrap();
            sides[to].commit(delta, Some(1_000)).unwrap();
        }
    }
    opened
}

#[test]
fn a_copy_opens_nothing_once_both_ratchets_have_turned() {
    for whose in 0..2 {
        for start in [3, 20, 50, 70, 90] {
            // One turn of the Diffie-Hellman ratchet of the copied side, and it is over.
            assert!(read_along(whose, Free::Nothing, start, 150) <= 2);
            assert!(read_along(whose, Free::PostQuantum, start, 150) <= 2);
            // The braid takes up to two epochs.
            let messages = read_along(whose, Free::Classical, start, 250);
            assert!(messages > 2, "the post-quantum ratchet alone holds for a while: {messages}");
            assert!(messages <= 100, "and then it has healed too: {messages}");
        }
    }
}
