//! The ratchet against a naive model, under loss, reorder, duplication, tampering, changes of direction and reloads;
//! and against senders whose state and generator were rolled back.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test says no by panicking")]

mod people;

use std::collections::{BTreeMap, BTreeSet};

use people::{Constant, NOW, Seeded};
use proptest::prelude::*;
use sprag_core::crypto::dh::DhSecret;
use sprag_core::crypto::hash::sha256;
use sprag_core::handshake::Established;
use sprag_core::random::Random;
use sprag_core::ratchet::{BLOCK, BLOCK_IDS, Binding, MAX_CHAINS, MAX_SKIPPED, SKIPPED_LIFETIME, SLOT, Session};
use sprag_core::secret::{Secret, SecretBytes};
use sprag_core::{Error, Result};

fn established() -> Established {
    Established {
        transcript: [9; 32],
        root_key: Secret::new([1; 32]),
        header_key: Secret::new([2; 32]),
        next_header_key: Secret::new([3; 32]),
        braid_authenticator: Secret::new([4; 32]),
        braid_chains: Secret::new([5; 32]),
    }
}

fn pair(random: &mut dyn Random) -> [Session; 2] {
    let prekey = DhSecret::random(random);
    let initiator = Session::initiate(established(), prekey.public(), random).unwrap();
    [initiator, Session::respond(established(), &prekey)]
}

fn stored(session: &Session) -> Vec<Vec<u8>> {
    let mut all = vec![session.encode().expose_secret().to_vec(), session.encode_cold().expose_secret().to_vec()];
    all.extend(session.encode_skipped().iter().map(|block| block.expose_secret().to_vec()));
    all
}

fn restore(stored: &[Vec<u8>]) -> Session {
    Session::decode(&stored[0], &stored[1], stored[2..].iter().map(Vec::as_slice)).unwrap()
}

/// A message of the model: its place, and what the ratchet made of it.
struct Sent {
    chain: usize,
    n: usize,
    commitment: [u8; 32],
    slot: [u8; SLOT],
    opened: bool,
}

/// One side of the model: what it sent, and how far it has heard the other.
#[derive(Default)]
struct Side {
    sent: Vec<Sent>,
    /// Own sending chains so far, and whether the next message begins another.
    chains: usize,
    turn_next: bool,
    /// The chains of the peer that it has heard, and in each the numbers that it knows to exist.
    heard: BTreeMap<usize, usize>,
    turns: u64,
}

struct Model {
    sessions: [Session; 2],
    sides: [Side; 2],
    next: u64,
    now: u64,
    /// What a store that only writes changed blocks has.
    rows: [BTreeMap<u32, Vec<u8>>; 2],
}

impl Model {
    fn new(random: &mut dyn Random) -> Self {
        let mut sides = [Side::default(), Side::default()];
        (sides[0].chains, sides[0].turns) = (1, 1);
        Self { sessions: pair(random), sides, next: 0, now: NOW, rows: Default::default() }
    }

    fn send(&mut self, from: usize, random: &mut dyn Random) {
        let commitment = sha256(&self.next.to_be_bytes());
        self.next += 1;
        let binding = Binding { commitment: &commitment, payload_hash: &commitment, fields: None };
        let before = stored(&self.sessions[from]);
        let slot = self.sessions[from].seal(binding, &Secret::new(commitment), random);
        let side = &mut self.sides[from];
        if side.chains == 0 && !side.turn_next {
            assert!(matches!(slot, Err(Error::KeyGone)));
            assert_eq!(stored(&self.sessions[from]), before);
            return;
        }
        if std::mem::take(&mut side.turn_next) {
            side.chains += 1;
            side.turns += 1;
        }
        let n = side.sent.iter().filter(|sent| sent.chain == side.chains).count();
        side.sent.push(Sent { chain: side.chains, n, commitment, slot: slot.unwrap(), opened: false });
    }

    fn open(&mut self, to: usize, slot: &[u8; SLOT], binding: Binding<'_>) -> Result<[u8; 32]> {
        let before = stored(&self.sessions[to]);
        let opened = self.sessions[to].open(slot, binding);
        assert_eq!(stored(&self.sessions[to]), before, "opening changed the state");
        let (key, delta) = opened?;
        self.sessions[to].commit(delta, Some(self.now))?;
        for (id, block) in self.sessions[to].changed_skipped() {
            assert!(id < BLOCK_IDS);
            match block {
                Some(block) => self.rows[to].insert(id, block.expose_secret().to_vec()),
                None => self.rows[to].remove(&id),
            };
        }
        Ok(*key.expose_secret())
    }

    /// Delivers one message of the peer, chosen among all that it ever sent: late, early or again.
    fn deliver(&mut self, to: usize, pick: usize) {
        let from = 1 - to;
        if self.sides[from].sent.is_empty() {
            return;
        }
        let at = pick % self.sides[from].sent.len();
        let sent = &self.sides[from].sent[at];
        let (slot, commitment, opened, chain, n) = (sent.slot, sent.commitment, sent.opened, sent.chain, sent.n);
        let binding = Binding { commitment: &commitment, payload_hash: &commitment, fields: None };
        let result = self.open(to, &slot, binding);
        if opened {
            assert!(matches!(result, Err(Error::KeyGone | Error::Open)), "a repeat opened");
            return;
        }
        assert_eq!(result, Ok(commitment));
        self.sides[from].sent[at].opened = true;
        let closed = self.sides[from].sent.iter().filter(|sent| sent.chain + 1 == chain).count();
        let side = &mut self.sides[to];
        if !side.heard.contains_key(&chain) {
            side.turns += 1;
            side.turn_next = true;
            if let Some(known) = side.heard.get_mut(&(chain.wrapping_sub(1))) {
                *known = closed;
            }
        }
        let known = side.heard.entry(chain).or_default();
        *known = (*known).max(n + 1);
    }

    /// Delivers a message with one bit flipped, or on another body.
    fn tamper(&mut self, to: usize, pick: usize, bit: usize) {
        let from = 1 - to;
        if self.sides[from].sent.is_empty() {
            return;
        }
        let sent = &self.sides[from].sent[pick % self.sides[from].sent.len()];
        let (mut slot, commitment) = (sent.slot, sent.commitment);
        let mut other = commitment;
        // The first 32 bits are the hint, which the ratchet does not read: there, the body is another.
        match bit % (SLOT * 8) {
            bit @ ..32 => other[bit % 32] ^= 1,
            bit => slot[bit / 8] ^= 1 << (bit % 8),
        }
        let binding = Binding { commitment: &commitment, payload_hash: &other, fields: None };
        assert_eq!(self.open(to, &slot, binding), Err(Error::Open));
    }

    fn check(&self) {
        for (to, session) in self.sessions.iter().enumerate() {
            let side = &self.sides[to];
            let missing =
                |sent: &&Sent| !sent.opened && side.heard.get(&sent.chain).is_some_and(|known| sent.n < *known);
            assert_eq!(session.skipped(), self.sides[1 - to].sent.iter().filter(missing).count());
            assert_eq!(session.turns(), side.turns);
            assert_eq!(session.is_heard(), !side.heard.is_empty());
            assert!(session.encode().expose_secret().len() <= 1_900);
            assert!(session.encode_cold().expose_secret().len() <= 2_700);
            let blocks = session.encode_skipped();
            assert!(blocks.iter().map(SecretBytes::expose_secret).eq(self.rows[to].values()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_naive_model_says_happens(
        steps in prop::collection::vec((0..2_usize, 0..10_u8, any::<u16>(), any::<u16>()), 1..160),
        constant in any::<bool>(),
    ) {
        let mut good = Seeded::new("model");
        let random: &mut dyn Random = if constant { &mut Constant } else { &mut good };
        let mut model = Model::new(random);
        for (side, step, pick, bit) in steps {
            match step {
                0..4 => model.send(side, random),
                4..8 => model.deliver(side, pick.into()),
                8 => model.tamper(side, pick.into(), bit.into()),
                _ => {
                    let stored = stored(&model.sessions[side]);
                    model.sessions[side] = restore(&stored);
                    assert_eq!(self::stored(&model.sessions[side]), stored);
                }
            }
            model.check();
        }
        // Whatever was not lost opens in the end, in any order.
        for side in 0..2 {
            for pick in (0..model.sides[1 - side].sent.len()).rev() {
                model.deliver(side, pick);
            }
        }
        model.check();
        let all = model.sides.iter().flat_map(|side| &side.sent);
        let nonces: BTreeSet<_> = all.clone().map(|sent| &sent.slot[4..16]).collect();
        prop_assert_eq!(nonces.len(), all.count());
    }

    #[test]
    fn whatever_chains_miss_what_is_stored_is_read_again(
        full in 60..=MAX_CHAINS,
        rounds in prop::collection::vec((any::<bool>(), any::<bool>(), any::<bool>()), 1..12),
    ) {
        let mut random = Seeded::new("gaps");
        let [mut alice, mut bob] = pair(&mut random);
        let binding = Binding { commitment: &[0; 32], payload_hash: &[0; 32], fields: None };
        let mut seal = |session: &mut Session| session.seal(binding, &Secret::new([0; 32]), &mut random).unwrap();
        let mut rows = BTreeMap::new();
        let mut accept = |session: &mut Session, slot: &[u8; SLOT], is_stored: bool| {
            let (_, delta) = session.open(slot, binding).unwrap();
            session.commit(delta, Some(NOW)).unwrap();
            if !is_stored {
                return;
            }
            for (id, block) in session.changed_skipped() {
                assert!(id < BLOCK_IDS);
                match block {
                    Some(block) => rows.insert(id, block.expose_secret().to_vec()),
                    None => rows.remove(&id),
                };
            }
            let (hot, cold) = (session.encode(), session.encode_cold());
            assert_eq!(session.encode_skipped().len(), rows.len());
            let blocks = rows.values().map(Vec::as_slice);
            *session = Session::decode(hot.expose_secret(), cold.expose_secret(), blocks).unwrap();
            assert!(session.skipped() <= MAX_SKIPPED && rows.len() <= 2 * MAX_CHAINS);
        };
        let heads = core::iter::repeat_n((true, false, true), full);
        for (head, tail, is_answered) in heads.chain(rounds) {
            if head {
                seal(&mut alice);
            }
            accept(&mut bob, &seal(&mut alice), true);
            if tail {
                seal(&mut alice);
            }
            if is_answered {
                accept(&mut alice, &seal(&mut bob), false);
            }
        }
        accept(&mut alice, &seal(&mut bob), false);
        accept(&mut bob, &seal(&mut alice), true);
    }

    #[test]
    fn damaged_states_are_read_or_refused_and_never_panic(cut in any::<u16>(), bit in any::<u16>()) {
        let mut random = Seeded::new("damage");
        let mut model = Model::new(&mut random);
        (0..40).for_each(|_| model.send(0, &mut random));
        model.deliver(1, 39);
        let whole = stored(&model.sessions[1]);
        let read = |parts: &[Vec<u8>]| {
            Session::decode(&parts[0], &parts[1], parts[2..].iter().map(Vec::as_slice)).map(|_| ())
        };
        for (number, part) in whole.iter().enumerate() {
            let mut damaged = whole.clone();
            let at = usize::from(bit) % (part.len() * 8);
            damaged[number][at / 8] ^= 1 << (at % 8);
            let _ = read(&damaged);
            damaged[number] = part[..usize::from(cut) % part.len()].to_vec();
            prop_assert!(read(&damaged).is_err());
        }
    }
}

/// Where a sender may be when its state is copied.
fn points() -> Vec<(&'static str, Session)> {
    let mut random = Seeded::new("points");
    let [first, _] = pair(&mut random);
    let mut points = vec![("the first message", first)];
    let mut model = Model::new(&mut random);
    model.send(0, &mut random);
    points.push(("inside a chain", restore(&stored(&model.sessions[0]))));
    model.deliver(1, 0);
    points.push(("before the responder's turn", restore(&stored(&model.sessions[1]))));
    model.send(1, &mut random);
    model.deliver(0, 0);
    points.push(("before the initiator's turn", restore(&stored(&model.sessions[0]))));
    points
}

#[test]
fn a_rolled_back_sender_reuses_no_key_whatever_its_generator_does() {
    // The content key is always the same here: two equal sealed bodies would be two uses of one body key, two equal
    // nonces two uses of one header key.
    let content_key = || Secret::new([0; 32]);
    let (zero, one) = ([0; 32], [1; 32]);
    let bindings = [
        Binding { commitment: &zero, payload_hash: &zero, fields: None },
        Binding { commitment: &one, payload_hash: &zero, fields: None },
        Binding { commitment: &zero, payload_hash: &one, fields: None },
        Binding { commitment: &zero, payload_hash: &zero, fields: Some(&zero) },
        Binding { commitment: &zero, payload_hash: &zero, fields: Some(&one) },
    ];
    for (point, session) in points() {
        let snapshot = stored(&session);
        let generators: [fn() -> Box<dyn Random>; 2] =
            [|| Box::new(Seeded::new("restored with the state")), || Box::new(Constant)];
        for generator in generators {
            let mut nonces = BTreeSet::new();
            let mut bodies = BTreeSet::new();
            for binding in bindings {
                let mut restored = restore(&snapshot);
                let mut random = generator();
                for _ in 0..3 {
                    let slot = restored.seal(binding, &content_key(), random.as_mut()).unwrap();
                    assert!(nonces.insert(slot[4..16].to_vec()), "a nonce twice: {point}");
                    assert!(bodies.insert(slot[110..142].to_vec()), "a body key twice: {point}");
                }
            }
        }
        // With a good generator even the same input does not repeat a key.
        let mut random = Seeded::new("good");
        let mut seal = || restore(&snapshot).seal(bindings[0], &content_key(), &mut random).unwrap();
        let (a, b) = (seal(), seal());
        assert_ne!(a[4..16], b[4..16], "{point}");
        assert_ne!(a[110..142], b[110..142], "{point}");
    }
}

#[test]
fn two_slots_share_nothing_that_shows() {
    let mut random = Seeded::new("unlinkable");
    let mut model = Model::new(&mut random);
    (0..8).for_each(|_| model.send(0, &mut random));
    let slots: Vec<_> = model.sides[0].sent.iter().map(|sent| sent.slot).collect();
    // Runs of four bytes at the same place in two slots: none, though the headers agree in all but one byte.
    for (i, a) in slots.iter().enumerate() {
        for b in &slots[i + 1..] {
            assert!(!a[4..].windows(4).zip(b[4..].windows(4)).any(|(a, b)| a == b));
        }
    }
}

#[test]
fn skipped_keys_are_bounded_in_number_and_in_age_the_oldest_out_first() {
    let mut random = Seeded::new("bounds");
    let mut model = Model::new(&mut random);
    (0..=MAX_SKIPPED).for_each(|_| model.send(0, &mut random));
    model.deliver(1, MAX_SKIPPED);
    assert_eq!(model.sessions[1].skipped(), MAX_SKIPPED);
    model.send(0, &mut random);
    model.send(0, &mut random);
    model.now += SKIPPED_LIFETIME - 1;
    model.deliver(1, MAX_SKIPPED + 2);
    // One more than there may be: the oldest is gone, the one after it is not.
    assert_eq!(model.sessions[1].skipped(), MAX_SKIPPED);
    let sent: Vec<_> = model.sides[0].sent[..3].iter().map(|sent| (sent.slot, sent.commitment)).collect();
    let binding = |at: usize| Binding { commitment: &sent[at].1, payload_hash: &sent[at].1, fields: None };
    assert_eq!(model.open(1, &sent[0].0, binding(0)), Err(Error::KeyGone));
    assert_eq!(model.open(1, &sent[1].0, binding(1)), Ok(sent[1].1));
    // A second later the rest of the first two thousand are thirty days old; the newer one stays.
    model.now += 1;
    assert_eq!(model.open(1, &sent[2].0, binding(2)), Ok(sent[2].1));
    assert_eq!(model.sessions[1].skipped(), 1);
    assert!(model.sessions[1].encode_skipped().iter().all(|block| block.expose_secret().len() < 1_955));
    let late = &model.sides[0].sent[MAX_SKIPPED + 1];
    let (slot, commitment) = (late.slot, late.commitment);
    let binding = Binding { commitment: &commitment, payload_hash: &commitment, fields: None };
    assert_eq!(model.open(1, &slot, binding), Ok(commitment));
    assert_eq!(model.sessions[1].skipped(), 0);
}

/// A receiver that misses three of four messages, at a time that its clock may know.
fn missing(now: Option<u64>) -> (Session, Vec<[u8; SLOT]>) {
    let mut random = Seeded::new("missing");
    let [mut alice, mut bob] = pair(&mut random);
    let slots: Vec<_> = (0..4).map(|_| alice.seal(NOTHING, &Secret::new([0; 32]), &mut random).unwrap()).collect();
    let (_, delta) = bob.open(&slots[3], NOTHING).unwrap();
    bob.commit(delta, now).unwrap();
    (restore(&stored(&bob)), slots)
}

const NOTHING: Binding<'static> = Binding { commitment: &[0; 32], payload_hash: &[0; 32], fields: None };

#[test]
fn keys_grow_too_old_without_a_message_and_a_delta_of_before_is_stale() {
    let (mut bob, slots) = missing(Some(NOW));
    assert!(!bob.expire(NOW + SKIPPED_LIFETIME - 1));
    assert!(bob.changed_skipped().is_empty());
    let (_, delta) = bob.open(&slots[1], NOTHING).unwrap();
    assert!(bob.expire(NOW + SKIPPED_LIFETIME));
    assert_eq!(bob.skipped(), 0);
    assert!(matches!(bob.changed_skipped().as_slice(), [(0, None)]));
    assert_eq!(bob.commit(delta, Some(NOW)), Err(Error::Mismatch));
    assert!(bob.open(&slots[1], NOTHING).is_err());
    assert_eq!(stored(&restore(&stored(&bob))), stored(&bob));
}

#[test]
fn a_clock_that_is_not_to_be_relied_on_costs_no_key() {
    // Nothing is dropped for its age by a message that has no time.
    let (mut bob, slots) = missing(Some(NOW));
    let (_, delta) = bob.open(&slots[0], NOTHING).unwrap();
    bob.commit(delta, None).unwrap();
    assert_eq!(bob.skipped(), 2);
    // Keys of no time, and keys of the future, are of the time that the clock then says, wherever it has been before.
    for skipped in [None, Some(NOW * 2), Some(u64::MAX)] {
        let (mut bob, slots) = missing(skipped);
        assert!(bob.expire(NOW));
        assert_eq!(bob.changed_skipped().len(), 1);
        bob = restore(&stored(&bob));
        assert!(!bob.expire(NOW + SKIPPED_LIFETIME - 1));
        assert!(bob.open(&slots[2], NOTHING).is_ok());
        assert!(bob.expire(NOW + SKIPPED_LIFETIME));
        assert_eq!(bob.skipped(), 0);
    }
    // A clock that is a little behind has nothing written again.
    let (mut bob, _) = missing(Some(NOW + 86_400));
    assert!(!bob.expire(NOW));
    assert!(bob.changed_skipped().is_empty());
}

#[test]
fn a_key_that_comes_or_goes_changes_the_block_that_it_is_in() {
    let mut random = Seeded::new("blocks");
    let mut model = Model::new(&mut random);
    (0..=MAX_SKIPPED).for_each(|_| model.send(0, &mut random));
    model.deliver(1, MAX_SKIPPED);
    assert_eq!(model.rows[1].len(), MAX_SKIPPED.div_ceil(BLOCK));
    let changes = |model: &mut Model, pick: usize| {
        model.sessions[1] = restore(&stored(&model.sessions[1]));
        assert!(model.sessions[1].changed_skipped().is_empty());
        let before = model.rows[1].clone();
        model.deliver(1, pick);
        let after = &model.rows[1];
        let mut ids: Vec<u32> = before.keys().chain(after.keys()).copied().collect();
        ids.dedup();
        let ids: BTreeSet<u32> = ids.into_iter().filter(|id| before.get(id) != after.get(id)).collect();
        let said: BTreeSet<u32> = model.sessions[1].changed_skipped().into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, said, "what is said to have changed is what has");
        ids
    };
    // One key of two thousand: the first, the last, one in the middle.
    for pick in [0, MAX_SKIPPED - 1, 1_000] {
        assert_eq!(changes(&mut model, pick), BTreeSet::from([u32::try_from(pick / BLOCK).unwrap()]));
    }
    // Three more are missed: there is room for them, and the block that the last ones are in takes them.
    (0..4).for_each(|_| model.send(0, &mut random));
    assert_eq!(changes(&mut model, MAX_SKIPPED + 4), BTreeSet::from([62]));
    // Two more, and none has room: the oldest two, one of them alone in its block by then, make it.
    (0..3).for_each(|_| model.send(0, &mut random));
    assert_eq!(changes(&mut model, MAX_SKIPPED + 7), BTreeSet::from([0, 62]));
    // The thirty-two of one block, until it is gone.
    for pick in 32..64 {
        assert_eq!(changes(&mut model, pick), BTreeSet::from([1]));
    }
    assert!(!model.rows[1].contains_key(&1));
}

#[test]
fn chains_come_and_go_and_their_blocks_keep_their_ids() {
    let mut random = Seeded::new("chains");
    let mut model = Model::new(&mut random);
    // More chains with a missing message each than are kept.
    for _ in 0..MAX_CHAINS + 6 {
        model.send(0, &mut random);
        model.send(0, &mut random);
        let last = model.sides[0].sent.len() - 1;
        model.deliver(1, last);
        model.send(1, &mut random);
        let last = model.sides[1].sent.len() - 1;
        model.deliver(0, last);
        model.sessions[1] = restore(&stored(&model.sessions[1]));
    }
    assert_eq!(model.sessions[1].skipped(), MAX_CHAINS);
    assert_eq!(model.rows[1].len(), MAX_CHAINS);
    // In whatever order a store hands the blocks out, it is the same state: the oldest chain still goes first.
    let mut shuffled = stored(&model.sessions[1]);
    shuffled[2..].reverse();
    let again = restore(&shuffled);
    assert_eq!(stored(&again), stored(&model.sessions[1]));
    model.sessions[1] = again;
    // The messages missed last are opened, the first six are gone.
    for chain in 0..MAX_CHAINS + 6 {
        let sent = &model.sides[0].sent[chain * 2];
        let (slot, commitment) = (sent.slot, sent.commitment);
        let binding = Binding { commitment: &commitment, payload_hash: &commitment, fields: None };
        assert_eq!(model.open(1, &slot, binding).is_ok(), chain >= 6, "{chain}");
    }
    assert!(model.rows[1].is_empty());
}

#[test]
fn what_only_two_copies_of_one_state_can_send_is_evidence_and_changes_nothing() {
    let mut random = Seeded::new("copies");
    let binding = Binding { commitment: &[0; 32], payload_hash: &[0; 32], fields: None };
    let mut seal = |session: &mut Session| session.seal(binding, &Secret::new([0; 32]), &mut random).unwrap();
    let accept = |session: &mut Session, slot: &[u8; SLOT]| {
        let (_, delta) = session.open(slot, binding).unwrap();
        session.commit(delta, Some(NOW)).unwrap();
    };
    let evidence = |session: &Session, slot: &[u8; SLOT]| {
        let before = stored(session);
        assert_eq!(session.open(slot, binding).err(), Some(Error::Evidence));
        assert_eq!(stored(session), before);
    };
    let [mut alice, mut bob] = pair(&mut Seeded::new("copied"));
    let lost = seal(&mut alice);
    let mut copy = restore(&stored(&alice));
    let second = seal(&mut alice);
    accept(&mut bob, &second);
    let reply = seal(&mut bob);
    let mut unturned = restore(&stored(&copy));
    accept(&mut alice, &reply);
    accept(&mut unturned, &reply);
    // A copy that turns from an older position: its previous chain is shorter than what was accepted of it.
    evidence(&bob, &seal(&mut unturned));
    // Two copies that turn from one position: two ratchet keys under one header key.
    let mut twin = restore(&stored(&alice));
    accept(&mut bob, &seal(&mut alice));
    evidence(&bob, &seal(&mut twin));
    // A copy that has not heard of the turn: a number beyond the end of a closed chain.
    seal(&mut copy);
    evidence(&bob, &seal(&mut copy));
    accept(&mut bob, &lost);
    assert_eq!(bob.skipped(), 0);
}
