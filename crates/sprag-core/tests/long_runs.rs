//! Long conversations of many sorts: what is delivered opens, nobody is accused, and fresh secrets keep coming.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod pairs;

use std::collections::VecDeque;

use sprag_core::ratchet::SLOT;
use sprag_core::secret::Secret;

use pairs::{BINDING, Counted, pair};

/// One sort of conversation.
struct Sort {
    name: &'static str,
    /// Of a hundred messages, how many are the initiator's; and how many come in one go.
    initiators: u64,
    burst: u64,
    /// Of a hundred, how many are lost, and how many come after up to fifty later ones.
    lost: u64,
    late: u64,
    /// The other side hears and says nothing for so many messages, in the middle.
    away: usize,
}

const SORTS: [Sort; 6] = [
    Sort { name: "balanced", initiators: 50, burst: 1, lost: 0, late: 0, away: 0 },
    Sort { name: "in bursts", initiators: 50, burst: 12, lost: 0, late: 10, away: 0 },
    Sort { name: "one-sided", initiators: 95, burst: 5, lost: 2, late: 5, away: 0 },
    Sort { name: "away for a week", initiators: 50, burst: 3, lost: 2, late: 0, away: 400 },
    Sort { name: "30 % lost", initiators: 50, burst: 2, lost: 30, late: 0, away: 0 },
    Sort { name: "late and lost", initiators: 40, burst: 4, lost: 20, late: 30, away: 0 },
];

#[test]
fn what_is_delivered_opens_and_fresh_secrets_keep_coming() {
    const MESSAGES: usize = 3_000;
    for (number, sort) in SORTS.iter().enumerate() {
        let mut random = Counted(number as u64 * 10_000_000);
        let mut sides = pair(&mut random);
        // On its way to each side: the slot, what it says, and after how many more messages it comes.
        let mut waiting: [VecDeque<([u8; SLOT], u8, u64)>; 2] = Default::default();
        let (mut sent, mut opened, mut largest) = (0, 0, (0, 0));
        let mut from = 0;
        while sent < MESSAGES {
            let is_away = (MESSAGES / 2..MESSAGES / 2 + sort.away).contains(&sent);
            from = if is_away || sent == 0 {
                0
            } else if sent % usize::try_from(sort.burst).unwrap() == 0 {
                usize::from(random.below(100) >= sort.initiators)
            } else {
                from
            };
            // A responder that has heard nothing cannot say anything.
            from = if sides[from].is_heard() || from == 0 { from } else { 0 };
            let says = u8::try_from(sent % 251).unwrap();
            let slot = sides[from].seal(BINDING, &Secret::new([says; 32]), &mut random).unwrap();
            sent += 1;
            if random.below(100) >= sort.lost {
                let later = if random.below(100) < sort.late { random.below(50) } else { 0 };
                waiting[1 - from].push_back((slot, says, later));
            }
            for to in 0..2 {
                if is_away && to == 1 {
                    continue;
                }
                for _ in 0..waiting[to].len() {
                    let Some((slot, says, later)) = waiting[to].pop_front() else { break };
                    if later > 0 {
                        waiting[to].push_back((slot, says, later - 1));
                        continue;
                    }
                    let (key, delta) = sides[to].open(&slot, BINDING).unwrap_or_else(|error| {
                        panic!("{}: message {sent}: {error:?}", sort.name);
                    });
                    assert_eq!(key.expose_secret(), &[says; 32]);
                    sides[to].commit(delta, Some(1_000)).unwrap();
                    opened += 1;
                }
                let side = &sides[to];
                assert!(!side.is_broken() && !side.is_stalled(), "{}", sort.name);
                let sizes = (side.encode().expose_secret().len(), side.encode_cold().expose_secret().len());
                largest = (sizes.0.max(largest.0), sizes.1.max(largest.1));
            }
        }
        let epochs = sides[0].freshness().epoch.min(sides[1].freshness().epoch);
        println!(
            "{}: {opened} of {sent} opened, {} messages an epoch, at most {} and {} bytes stored",
            sort.name,
            sent as u64 / epochs.max(1),
            largest.0,
            largest.1,
        );
        // An epoch needs some forty messages of either side: 95 of 5 are soon there, the other five are not.
        assert!(epochs >= if sort.initiators > 90 { 1 } else { 6 }, "{}: {epochs} epochs", sort.name);
        assert!(largest.0 <= 1_900 && largest.1 <= 2_700, "{}: {largest:?}", sort.name);
    }
}
