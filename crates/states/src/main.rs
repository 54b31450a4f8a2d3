//! Stored sessions that go from one processor to another: `sprag-states write FILE` stores both ends of conversations in every
//! state of the braid, `sprag-states read FILE` lets them talk on until fresh secrets have come, and prints a hash of what came of it.
//!
//! `cargo xtask test` builds this twice, with and without the vector instructions of the processor, lets either read what
//! the other wrote, and compares.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says no by panicking")]

#[path = "../../sprag-core/tests/pairs/mod.rs"]
mod pairs;

use std::collections::BTreeSet;
use std::path::Path;

use pairs::{BINDING, Counted, braid_state, pair};
use sprag_core::crypto::hash::sha256;
use sprag_core::ratchet::Session;
use sprag_core::secret::Secret;
use sprag_core::wire::{Reader, Writer};

/// The braid's states, but for the one in which it has ended.
const STATES: u8 = 11;

/// One message in turn, and whether it gets there.
fn pass(sides: &mut [Session; 2], from: usize, is_lost: bool, random: &mut Counted) {
    let slot = sides[from].seal(BINDING, &Secret::new([6; 32]), random).unwrap();
    if !is_lost {
        let (key, delta) = sides[1 - from].open(&slot, BINDING).unwrap();
        assert_eq!(key.expose_secret(), &[6; 32]);
        sides[1 - from].commit(delta, Some(1)).unwrap();
    }
}

fn epoch(sides: &[Session; 2]) -> u64 {
    sides[0].freshness().epoch.min(sides[1].freshness().epoch)
}

fn store(sides: &[Session; 2], file: &mut Writer) {
    for side in sides {
        let skipped = side.encode_skipped();
        file.array(2 + skipped.len());
        file.bytes(side.encode().expose_secret()).bytes(side.encode_cold().expose_secret());
        skipped.iter().for_each(|block| {
            file.bytes(block.expose_secret());
        });
    }
}

fn restore(file: &mut Reader<'_>) -> Session {
    let parts: Vec<&[u8]> = (0..file.array().unwrap()).map(|_| file.bytes().unwrap()).collect();
    Session::decode(parts[0], parts[1], parts[2..].iter().copied()).unwrap()
}

/// Stores a conversation of two epochs, in which each side takes each part: at every fifth message, and whenever either
/// side comes to another state. Of one side's messages every second is lost, if one is named: only then does the other
/// have the whole key before the first ciphertext has been acknowledged.
fn talk(loser: Option<usize>, seen: &mut [BTreeSet<u8>; 2], file: &mut Writer) {
    let mut random = Counted(loser.map_or(0, |side| 1_000_000 * (side as u64 + 1)));
    let mut sides = pair(&mut random);
    let (mut sent, mut last) = (0, [0; 2]);
    while epoch(&sides) < 2 {
        let states = [0, 1].map(|side: usize| braid_state(&sides[side]));
        if states != last || sent % 5 == 0 {
            store(&sides, file);
            last = states;
        }
        states.iter().zip(&mut *seen).for_each(|(state, seen)| {
            seen.insert(*state);
        });
        let from = sent % 2;
        pass(&mut sides, from, loser == Some(from) && sent % 4 > 1, &mut random);
        sent += 1;
    }
}

fn write(path: &Path) {
    let mut seen = [BTreeSet::new(), BTreeSet::new()];
    let mut file = Writer::new();
    [None, Some(0), Some(1)].into_iter().for_each(|loser| talk(loser, &mut seen, &mut file));
    assert!(seen.iter().all(|states| states.iter().copied().eq(1..=STATES)), "states that nobody was in: {seen:?}");
    std::fs::write(path, file.finish()).unwrap();
}

fn read(path: &Path) {
    let file = std::fs::read(path).unwrap();
    let mut reader = Reader::new(&file);
    let mut ends = Writer::new();
    let mut pairs = 0;
    while !reader.rest().is_empty() {
        let mut sides = [restore(&mut reader), restore(&mut reader)];
        pairs += 1;
        let mut random = Counted(10_000_000 * pairs);
        let goal = epoch(&sides) + 2;
        // An epoch takes 87 messages in turn.
        for sent in 0..200 {
            pass(&mut sides, sent % 2, false, &mut random);
        }
        assert!(epoch(&sides) >= goal && sides.iter().all(|side| !side.is_broken()), "pair {pairs} came to nothing");
        store(&sides, &mut ends);
    }
    let hash: String = sha256(&ends.finish()).iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{pairs} pairs of sessions talk on, and come to {hash}");
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", path] => write(Path::new(path)),
        ["read", path] => read(Path::new(path)),
        _ => panic!("sprag-states write FILE, or sprag-states read FILE"),
    }
}
