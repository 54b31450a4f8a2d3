//! Two sessions and a stream of what happens to them. A message is delivered exactly once, or refused with the state
//! unchanged.

use std::collections::BTreeMap;

use sprag_core::crypto::hash::sha256;
use sprag_core::ratchet::{Binding, MAX_CHAINS, MAX_SKIPPED, SKIPPED_LIFETIME, SLOT, Session};
use sprag_core::secret::{Secret, SecretBytes};
use sprag_core::{Error, Result};

use crate::Input;
use crate::people::{NOW, Seeded};
use crate::ratchet::{pair, reread};

/// The most messages of one run, so that it ends.
const MESSAGES: usize = 2_600;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Waiting,
    Opened,
}

/// A message on its way.
#[derive(Clone, Copy)]
struct Sent {
    commitment: [u8; 32],
    slot: [u8; SLOT],
    fate: Fate,
}

struct World {
    sessions: [Session; 2],
    /// What each side has sent.
    sent: [Vec<Sent>; 2],
    /// What a store has that only writes changed blocks, when it was last saved.
    rows: [BTreeMap<u32, Vec<u8>>; 2],
    /// Whether a bound may have made a side drop keys: then a message may be lost, and still never opens twice.
    dropped: [bool; 2],
    random: Seeded,
    now: u64,
    number: u64,
}

/// The stream: an operation in each byte, its lowest bit the side, and what it needs after it.
pub(crate) fn session(bytes: &[u8]) {
    let mut random = Seeded::new("session");
    let sessions = pair(&mut random);
    let (sent, rows) = (Default::default(), Default::default());
    let mut world = World { sessions, sent, rows, dropped: [false; 2], random, now: NOW, number: 0 };
    let mut input = Input::new(bytes);
    while !input.is_empty() {
        let operation = input.byte();
        world.step(usize::from(operation & 1), operation >> 1 & 7, &mut input);
    }
    world.finish();
}

impl World {
    fn step(&mut self, side: usize, operation: u8, input: &mut Input<'_>) {
        match operation {
            0 | 1 => self.send(side),
            // Many that are lost or late.
            2 => (0..input.byte()).for_each(|_| self.send(side)),
            // The latest, or any other: early, late or again.
            3 => self.deliver_back(side, 0),
            4 => {
                let back = input.number();
                self.deliver_back(side, back);
            }
            5 => {
                let (back, bit) = (usize::from(input.byte()), input.number());
                self.tamper(side, back, bit);
            }
            6 => self.save(side),
            _ => {
                self.now += SKIPPED_LIFETIME / 8 * u64::from(input.byte() & 15);
                self.dropped = [true; 2];
            }
        }
    }

    fn send(&mut self, side: usize) {
        if self.sent[0].len() + self.sent[1].len() >= MESSAGES {
            return;
        }
        self.number += 1;
        let commitment = sha256(&self.number.to_be_bytes());
        let binding = Binding { commitment: &commitment, payload_hash: &commitment, fields: None };
        match self.sessions[side].seal(binding, &Secret::new(commitment), &mut self.random) {
            Ok(slot) => self.sent[side].push(Sent { commitment, slot, fate: Fate::Waiting }),
            Err(error) => assert!(error == Error::KeyGone && side == 1 && !self.sessions[1].is_heard()),
        }
    }

    fn deliver_back(&mut self, to: usize, back: usize) {
        let count = self.sent[1 - to].len();
        if count > 0 {
            self.deliver(to, count - 1 - back % count);
        }
    }

    fn deliver(&mut self, to: usize, at: usize) {
        let Sent { commitment, slot, fate } = self.sent[1 - to][at];
        let result = self.open(to, &slot, &commitment, &commitment);
        match (fate, result) {
            (Fate::Waiting, Ok(key)) => assert_eq!(key, commitment, "another content key"),
            // What a responder hears first may skip no more than is kept.
            (Fate::Waiting, Err(Error::TooFar)) if !self.sessions[to].is_heard() => return,
            (Fate::Waiting, Err(error)) => {
                assert!(self.dropped[to] && matches!(error, Error::KeyGone | Error::TooFar | Error::Open), "{error}");
                return;
            }
            (Fate::Opened, Ok(_)) => panic!("a message was opened twice"),
            (Fate::Opened, Err(error)) => assert!(matches!(error, Error::KeyGone | Error::Open), "{error}"),
        }
        self.sent[1 - to][at].fate = Fate::Opened;
    }

    fn tamper(&mut self, to: usize, back: usize, bit: usize) {
        let count = self.sent[1 - to].len();
        if count == 0 {
            return;
        }
        let Sent { commitment, mut slot, .. } = self.sent[1 - to][count - 1 - back % count];
        let mut other = commitment;
        // The first 32 bits are the hint, which the ratchet does not read: there, the body is another.
        match bit % (SLOT * 8) {
            bit @ ..32 => other[bit] ^= 1,
            bit => slot[bit / 8] ^= 1 << (bit % 8),
        }
        assert_eq!(self.open(to, &slot, &commitment, &other), Err(Error::Open));
    }

    /// Opens and commits; a refusal leaves the state as it was.
    fn open(
        &mut self,
        to: usize,
        slot: &[u8; SLOT],
        commitment: &[u8; 32],
        payload_hash: &[u8; 32],
    ) -> Result<[u8; 32]> {
        let binding = Binding { commitment, payload_hash, fields: None };
        let session = &mut self.sessions[to];
        let before = (session.encode(), session.skipped(), session.turns());
        let skips = session.would_skip(slot, binding);
        let opened = session.open(slot, binding);
        assert!(session.encode().expose_secret() == before.0.expose_secret(), "opening changed the state");
        assert_eq!((session.skipped(), session.turns()), (before.1, before.2), "opening changed the state");
        let (key, delta) = opened?;
        let skips = usize::try_from(skips.unwrap()).unwrap();
        session.commit(delta, Some(self.now)).unwrap();
        // One that was kept is used; otherwise as many more are kept as were skipped, unless there is no room.
        let kept = session.skipped();
        let chains = kept + 2 >= MAX_CHAINS && session.turns() + 4 >= 2 * MAX_CHAINS as u64;
        let full = kept == MAX_SKIPPED || chains;
        self.dropped[to] |= full;
        assert!(self.dropped[to] || kept == before.1 + skips || (skips == 0 && kept + 1 == before.1));
        assert!(kept <= MAX_SKIPPED);
        Ok(*key.expose_secret())
    }

    /// Writes what changed, and goes on with what a store that is read again would yield.
    fn save(&mut self, side: usize) {
        for (id, block) in self.sessions[side].changed_skipped() {
            match block {
                Some(block) => self.rows[side].insert(id, block.expose_secret().to_vec()),
                None => self.rows[side].remove(&id),
            };
        }
        let blocks = self.sessions[side].encode_skipped();
        assert!(blocks.iter().map(SecretBytes::expose_secret).eq(self.rows[side].values()));
        self.sessions[side] = reread(&self.sessions[side]);
    }

    /// Whatever was not lost opens in the end, the latest first.
    fn finish(mut self) {
        for to in 0..2 {
            for at in (0..self.sent[1 - to].len()).rev().take(64) {
                self.deliver(to, at);
            }
            self.save(to);
        }
    }
}
