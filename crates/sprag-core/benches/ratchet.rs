//! What a message costs in the core, in CPU time of this thread: `cargo bench -p sprag-core`.
//!
//! With the braid and, in the same run, without it. Figures of one run are to be compared with each other, not with those
//! of another machine or hour. There is no threshold.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, reason = "a benchmark fails by panicking")]

extern crate alloc;

mod classical;
mod clock;
#[allow(dead_code, unused_imports, reason = "measured in part")]
#[path = "../src/ratchet/braid/code.rs"]
mod code;
#[path = "../tests/pairs/mod.rs"]
mod pairs;

use std::hint::black_box;
use std::time::Duration;

use classical::Classical;
use clock::cpu;
use pairs::{BINDING, pair};
use sprag_core::crypto::dh::DhSecret;
use sprag_core::crypto::hash::{hkdf, sha256};
use sprag_core::crypto::split_kem;
use sprag_core::label;
use sprag_core::random::Random;
use sprag_core::ratchet::{SLOT, Session};
use sprag_core::secret::Secret;

/// A generator that costs next to nothing.
struct Counting(u64);

impl Random for Counting {
    fn fill(&mut self, out: &mut [u8]) {
        self.0 += 1;
        out.fill(0);
        out[..8].copy_from_slice(&self.0.to_be_bytes());
    }
}

/// Microseconds that a call takes: the best of nine runs, each long enough for a coarse clock.
fn each(mut call: impl FnMut()) -> f64 {
    const LONG: Duration = Duration::from_millis(60);
    let mut count = 16_u32;
    let mut run = |count: u32| {
        let before = cpu();
        (0..count).for_each(|_| call());
        cpu() - before
    };
    while run(count) < LONG {
        count *= 2;
    }
    let runs = (0..9).map(|_| run(count).as_secs_f64() * 1e6 / f64::from(count));
    runs.fold(f64::INFINITY, f64::min)
}

fn hide<T>(value: T) {
    black_box(value);
}

fn take(session: &mut Session, slot: &[u8; SLOT]) {
    let (_, delta) = session.open(slot, BINDING).unwrap();
    session.commit(delta, Some(1)).unwrap();
}

/// One message from one side to the other.
fn pass(sessions: &mut [Session; 2], from: usize, random: &mut Counting) {
    let slot = sessions[from].seal(BINDING, &Secret::new([6; 32]), random).unwrap();
    take(&mut sessions[1 - from], &slot);
}

fn primitives() {
    let mut random = Counting(1 << 40);
    let (ours, theirs) = (DhSecret::random(&mut random), DhSecret::random(&mut random).public());
    let agreement = each(|| {
        black_box(black_box(&ours).agree(&theirs).unwrap());
    });
    println!("{agreement:8.2} µs  one X25519 agreement");
    let chain = [7; 32];
    let step = each(|| {
        let info: [&[u8]; 2] = [label::EPOCH_STEP.as_bytes(), &[0, 0, 0, 1]];
        black_box::<Secret<64>>(hkdf(&[0; 32], &[black_box(&chain)], &info));
    });
    println!("{step:8.2} µs  a step of an epoch's chain, of which a message takes two");
    let (seed, m) = (Secret::new([7; 64]), Secret::new([9; 32]));
    let (header, vector) = split_kem::public(&seed);
    let (first, _) = split_kem::encapsulate(&header, &m).unwrap();
    let second = split_kem::complete(&header, &m, &vector).unwrap();
    let kem = [
        ("key", each(|| hide(split_kem::public(black_box(&seed))))),
        ("first ciphertext", each(|| hide(split_kem::encapsulate(black_box(&header), &m)))),
        ("second", each(|| hide(split_kem::complete(black_box(&header), &m, &vector)))),
        ("decapsulation", each(|| hide(split_kem::decapsulate(black_box(&seed), &first, &second)))),
    ];
    kem.iter().for_each(|(what, cost)| println!("{cost:8.2} µs  ML-KEM-768 in halves, {what}: once in an epoch"));
}

fn erasure_code() {
    for chunks in [3, 5, 30, 36] {
        let object: Vec<u8> =
            (0..chunks * code::CHUNK).flat_map(|at| sha256(&at.to_be_bytes())[..1].to_vec()).collect();
        let mut index = 0;
        let parity = each(|| {
            index = if index == 250 { 40 } else { index.max(40) + 1 };
            black_box(code::chunk(black_box(&object), index));
        });
        let mut decoder = code::Decoder::default();
        (100..100 + chunks as u8).for_each(|index| {
            decoder.take(index, code::chunk(&object, index));
        });
        let decode = each(|| {
            black_box(black_box(&decoder).object(object.len()).unwrap());
        });
        println!("{parity:8.2} µs  a parity chunk of {chunks}; {decode:.2} µs to decode all of it from parity alone");
    }
}

/// Nothing but messages of the first side, from `messages` of strict ping-pong on: the braid stands still in one state.
fn one_way(messages: usize, random: &mut Counting) -> f64 {
    let mut sessions = pair(random);
    (0..messages).for_each(|at| pass(&mut sessions, at % 2, random));
    // The first chunks that repeat an object are cheap; an encoder that goes on is past them.
    (0..60).for_each(|_| pass(&mut sessions, 0, random));
    each(|| pass(&mut sessions, 0, random))
}

fn messages() {
    let mut random = Counting(0);
    let random = &mut random;
    let mut plain = Classical::pair(random);
    let content_key = Secret::new([6; 32]);
    let mut without = |from: usize, random: &mut Counting| {
        let slot = plain[from].seal(BINDING, &content_key, random);
        black_box(plain[1 - from].open(&slot, BINDING));
    };
    (0..2).for_each(|from| without(from, random));
    let classical = each(|| without(0, random));
    println!("{classical:8.2} µs  one-way, seal, open and commit, without the braid");
    // Side A: its header in parity chunks of 3, its vector in those of 36, nothing. Then as side B: nothing, a first
    // ciphertext in chunks of 30.
    let points = [(2, "header"), (8, "vector"), (80, "waiting"), (88, "header awaited"), (95, "first ciphertext")];
    for (messages, what) in points {
        let cost = one_way(messages, random);
        println!("{cost:8.2} µs  one-way with it, {what:16}  {:+.2} µs", cost - classical);
    }
    let mut from = 0;
    let classical = each(|| {
        without(from, random);
        from = 1 - from;
    });
    let mut sessions = pair(random);
    let mut from = 0;
    let braided = each(|| {
        pass(&mut sessions, from, random);
        from = 1 - from;
    });
    let epochs = sessions[0].freshness().epoch;
    println!("{classical:8.2} µs  ping-pong, one message, without the braid");
    println!("{braided:8.2} µs  ping-pong, one message, with it  {:+.2} µs, of {epochs} epochs", braided - classical);
}

fn main() {
    primitives();
    erasure_code();
    messages();
}
