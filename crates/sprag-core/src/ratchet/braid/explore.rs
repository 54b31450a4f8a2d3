//! Exhaustive exploration of the real states with a toy KEM whose objects are two chunks each: every order of sending,
//! delivering, repeating and losing within a window. A model of the states would be another program; this is the program.

extern crate std;

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec;
use alloc::vec::Vec;
use std::println;

use super::toy::{Constant, Toy, digest};
use super::{Braid, Message, Output};
use crate::random::Random;
use crate::secret::Secret;
use crate::wire::{Reader, Writer};

/// One side: its state in bytes, which is also what tells whether it was seen before, and how many keys came out.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Side {
    bytes: Vec<u8>,
    cold: Vec<u8>,
    outputs: u64,
}

impl Side {
    fn of(braid: &Braid<Toy>, outputs: u64) -> Self {
        let (mut hot, mut cold) = (Writer::new(), Writer::new());
        braid.write(&mut hot);
        braid.write_cold(&mut cold);
        Self { bytes: hot.finish(), cold: cold.finish(), outputs }
    }

    fn braid(&self) -> Braid<Toy> {
        Braid::read(&mut Reader::new(&self.bytes), &mut Reader::new(&self.cold)).unwrap()
    }
}

/// Both sides and what is on its way: to either of them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct World {
    sides: [Side; 2],
    to: [Vec<Message>; 2],
}

struct Explorer {
    /// Messages on their way to one side, at most.
    window: usize,
    /// Chunks of one object that are sent, at most.
    chunks: u8,
    /// Keys that come out, at most.
    epochs: u64,
    keys: BTreeMap<u64, [u8; 32]>,
    types: BTreeSet<u64>,
}

impl Explorer {
    /// Every epoch has one key, and each side has them in order.
    fn note(&mut self, side: &mut u64, output: Option<Output>) {
        let Some(Output { epoch, key }) = output else { return };
        assert_eq!(epoch, *side + 1, "an epoch was skipped or came twice");
        *side = epoch;
        let known = self.keys.entry(epoch).or_insert(*key.expose_secret());
        assert_eq!(known, key.expose_secret(), "the sides disagree on the key of epoch {epoch}");
    }

    fn send(&mut self, world: &World, from: usize) -> World {
        let (braid, message, output) = world.sides[from].braid().send(&mut Constant).unwrap();
        let mut outputs = world.sides[from].outputs;
        assert_eq!(message.epoch - 1, outputs - u64::from(is_ahead(&braid, outputs, &output)));
        self.note(&mut outputs, output);
        let mut after = world.clone();
        after.sides[from] = Side::of(&braid, outputs);
        after.to[1 - from].push(message);
        after.to[1 - from].sort_unstable();
        after
    }

    fn receive(&mut self, world: &World, to: usize, message: &Message) -> World {
        let received = world.sides[to].braid().receive(message);
        let (braid, output) = received.expect("what an honest peer sent is never evidence");
        assert!(!braid.is_broken());
        let mut outputs = world.sides[to].outputs;
        self.note(&mut outputs, output);
        let mut after = world.clone();
        after.sides[to] = Side::of(&braid, outputs);
        after
    }

    fn successors(&mut self, world: &World) -> Vec<World> {
        let mut all = Vec::new();
        for side in 0..2 {
            if world.to[1 - side].len() < self.window && self.is_within(&world.sides[side]) {
                all.push(self.send(world, side));
            }
            for at in 0..world.to[side].len() {
                let mut lost = world.clone();
                let message = lost.to[side].remove(at);
                all.push(self.receive(&lost, side, &message));
                all.push(self.receive(world, side, &message));
                all.push(lost);
            }
        }
        all
    }

    fn is_within(&self, side: &Side) -> bool {
        let mut reader = Reader::new(&side.bytes);
        reader.array_of(4).unwrap();
        let (_, _, next) = (reader.uint().unwrap(), reader.uint().unwrap(), reader.uint().unwrap());
        side.outputs <= self.epochs && next < self.chunks.into()
    }

    /// With what is on its way lost, and one message there and one back from now on, both sides come to the next key.
    fn no_dead_end(&mut self, world: &World) {
        let mut world = World { to: [Vec::new(), Vec::new()], ..world.clone() };
        let goal = world.sides[0].outputs.max(world.sides[1].outputs) + 1;
        for _ in 0..60 {
            for from in 0..2 {
                world = self.send(&world, from);
                let message = world.to[1 - from].remove(0);
                world = self.receive(&world, 1 - from, &message);
            }
            if world.sides.iter().all(|side| side.outputs >= goal) {
                return;
            }
        }
        panic!("a dead end");
    }

    fn run(&mut self) -> usize {
        let secret = Secret::new([3; 32]);
        let sides = [Side::of(&Braid::initiate(&secret), 0), Side::of(&Braid::respond(&secret), 0)];
        let first = World { sides, to: [Vec::new(), Vec::new()] };
        let mut seen = BTreeSet::from([fingerprint(&first)]);
        let mut waiting = VecDeque::from([first]);
        let mut endings = BTreeSet::new();
        while let Some(world) = waiting.pop_front() {
            for side in &world.sides {
                let number = Reader::new(&side.bytes[1..]).uint().unwrap();
                self.types.insert(number);
            }
            if endings.insert(digest(&world.sides.iter().map(|side| &side.bytes[..]).collect::<Vec<_>>())) {
                self.no_dead_end(&world);
            }
            for next in self.successors(&world) {
                if seen.insert(fingerprint(&next)) {
                    waiting.push_back(next);
                }
            }
        }
        seen.len()
    }
}

/// Whether this side has the key of the epoch that it works on.
fn is_ahead(braid: &Braid<Toy>, outputs: u64, output: &Option<Output>) -> bool {
    output.is_none() && braid.epoch() == outputs
}

fn fingerprint(world: &World) -> [u8; 16] {
    let mut parts: Vec<Vec<u8>> = Vec::new();
    for side in &world.sides {
        parts.extend([side.bytes.clone(), side.cold.clone()]);
    }
    for messages in &world.to {
        let bytes =
            messages.iter().flat_map(|m| [&m.epoch.to_be_bytes()[..], &[m.kind as u8, m.index], &m.chunk].concat());
        parts.push(bytes.collect());
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let digest = digest(&parts);
    core::array::from_fn(|at| digest[at])
}

fn explore(window: usize, chunks: u8, epochs: u64) -> usize {
    let mut explorer = Explorer { window, chunks, epochs, keys: BTreeMap::new(), types: BTreeSet::new() };
    let states = explorer.run();
    println!("window {window}, {chunks} chunks sent of an object, {epochs} epochs: {states} states, no disagreement");
    assert_eq!(explorer.types, (1..=11).collect(), "every state was visited");
    states
}

#[test]
fn every_order_of_a_small_window_agrees() {
    assert!(explore(1, 4, 2) > 1_000);
    assert!(explore(2, 3, 1) > 10_000);
}

/// `cargo test --release -p sprag-core explore -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes"]
fn every_order_of_a_larger_window_agrees() {
    assert!(explore(2, 4, 2) > 10_000);
    assert!(explore(3, 3, 1) > 10_000);
}

/// The real KEM in strict ping-pong, with losses and in bursts: figures, and keys that agree.
#[test]
fn messages_for_an_epoch() {
    struct Counter(u64);
    impl Random for Counter {
        fn fill(&mut self, out: &mut [u8]) {
            for part in out.chunks_mut(32) {
                self.0 += 1;
                let block = digest(&[&self.0.to_be_bytes()]);
                part.copy_from_slice(&block[..part.len()]);
            }
        }
    }
    let mut random = Counter(0);
    /// Who sends message n, and whether it is lost.
    type Schedule = fn(u64) -> (usize, bool);
    let schedules: [(&str, Schedule); 3] = [
        ("ping-pong", |n| (usize::from(n % 2 == 1), false)),
        ("30 % lost", |n| (usize::from(n % 2 == 1), digest(&[&n.to_be_bytes()])[0] < 77)),
        ("bursts of ten", |n| (usize::from(n / 10 % 2 == 1), false)),
    ];
    for (name, schedule) in schedules {
        let secret = Secret::new([3; 32]);
        let mut sides: [Option<Braid>; 2] = [Some(Braid::initiate(&secret)), Some(Braid::respond(&secret))];
        let mut outputs: [Vec<[u8; 32]>; 2] = [vec![], vec![]];
        let mut messages = 0;
        while outputs.iter().any(|outputs| outputs.len() < 20) {
            let (from, is_lost) = schedule(messages);
            messages += 1;
            let (braid, message, output) = sides[from].take().unwrap().send(&mut random).unwrap();
            sides[from] = Some(braid);
            outputs[from].extend(output.map(|output| *output.key.expose_secret()));
            if is_lost {
                continue;
            }
            let (braid, output) = sides[1 - from].take().unwrap().receive(&message).unwrap();
            sides[1 - from] = Some(braid);
            outputs[1 - from].extend(output.map(|output| *output.key.expose_secret()));
        }
        assert_eq!(outputs[0][..20], outputs[1][..20]);
        println!("{name}: {} messages an epoch", messages / 20);
        let most = if name == "ping-pong" { 90 } else { 200 };
        assert!(messages / 20 <= most, "{name}: {}", messages / 20);
    }
}
