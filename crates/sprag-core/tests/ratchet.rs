//! A session of two sides that talk, lose, reorder and repeat.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod people;
mod tree;

use people::bad_dh_keys;
use sprag_core::Error;
use sprag_core::crypto::aead;
use sprag_core::crypto::dh::DhSecret;
use sprag_core::handshake::Established;
use sprag_core::random::Random;
use sprag_core::ratchet::{Binding, COUNTER_MAX, MAX_SKIPPED, MAX_STEPS_PER_DAY, SLOT, Session};
use sprag_core::secret::Secret;

struct Counting(u64);

impl Random for Counting {
    fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            self.0 += 1;
            let hash = sprag_core::crypto::hash::sha256(&self.0.to_be_bytes());
            chunk.copy_from_slice(&hash[..chunk.len()]);
        }
    }
}

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

fn pair(random: &mut Counting) -> (Session, Session) {
    let prekey = DhSecret::random(random);
    let alice = Session::initiate(established(), prekey.public(), random).unwrap();
    (alice, Session::respond(established(), &prekey))
}

const BINDING: Binding<'static> = Binding { commitment: &[7; 32], payload_hash: &[8; 32], fields: None };

fn stored(session: &Session) -> Vec<Vec<u8>> {
    let mut all = vec![session.encode().expose_secret().to_vec(), session.encode_cold().expose_secret().to_vec()];
    all.extend(session.encode_skipped().iter().map(|block| block.expose_secret().to_vec()));
    all
}

fn reload(session: &Session) -> Session {
    let all = stored(session);
    Session::decode(&all[0], &all[1], all[2..].iter().map(Vec::as_slice)).unwrap()
}

fn receive(session: &mut Session, slot: &[u8; SLOT]) -> Result<[u8; 32], Error> {
    let before = stored(session);
    match session.open(slot, BINDING) {
        Ok((key, delta)) => {
            assert_eq!(stored(session), before);
            session.commit(delta, Some(1_000)).unwrap();
            *session = reload(session);
            Ok(*key.expose_secret())
        }
        Err(error) => {
            assert_eq!(stored(session), before);
            Err(error)
        }
    }
}

#[test]
fn both_sides_talk_and_the_state_stays_small() {
    let mut random = Counting(0);
    let (mut alice, mut bob) = pair(&mut random);
    let (mut largest, mut turns) = ((0, 0), 0);
    for round in (0..=255_u8).cycle().take(400) {
        let slot = alice.seal(BINDING, &Secret::new([round; 32]), &mut random).unwrap();
        assert_eq!(receive(&mut bob, &slot), Ok([round; 32]));
        assert_eq!(receive(&mut bob, &slot), Err(Error::KeyGone));
        let slot = bob.seal(BINDING, &Secret::new([round ^ 0xff; 32]), &mut random).unwrap();
        assert_eq!(receive(&mut alice, &slot), Ok([round ^ 0xff; 32]));
        for session in [&alice, &bob] {
            let (hot, cold) = (session.encode().expose_secret().len(), session.encode_cold().expose_secret().len());
            largest = (hot.max(largest.0), cold.max(largest.1));
            turns = turns.max(session.freshness().turns_in_epoch);
            assert!(!session.is_stalled());
        }
    }
    assert_eq!(alice.turns(), bob.turns());
    assert_eq!(turns, 83);
    // Side B has the key of the tenth epoch already, but seals nothing under it.
    assert_eq!((alice.freshness().epoch, bob.freshness().epoch), (9, 9));
    println!("largest: {} bytes that every message writes, {} that few do", largest.0, largest.1);
    assert!(largest.0 <= 1_900 && largest.1 <= 2_700, "{largest:?}");
    assert!(alice.resumption().unwrap().secret().ct_eq(bob.resumption().unwrap().secret()));
}

#[test]
fn late_messages_open_across_turns_and_only_once() {
    let mut random = Counting(0);
    let (mut alice, mut bob) = pair(&mut random);
    let mut late = Vec::new();
    for round in 0..10_u8 {
        let mut slots: Vec<_> =
            (0..5_u8).map(|i| alice.seal(BINDING, &Secret::new([round * 5 + i; 32]), &mut random).unwrap()).collect();
        let last = slots.pop().unwrap();
        assert_eq!(receive(&mut bob, &last), Ok([round * 5 + 4; 32]));
        late.extend(slots.into_iter().zip((0..4).map(|i| round * 5 + i)));
        let slot = bob.seal(BINDING, &Secret::new([0; 32]), &mut random).unwrap();
        receive(&mut alice, &slot).unwrap();
    }
    assert_eq!(bob.skipped(), 40);
    for (slot, value) in late.iter().rev() {
        assert_eq!(receive(&mut bob, slot), Ok([*value; 32]));
    }
    assert_eq!(bob.skipped(), 0);
    // A chain that misses nothing more is forgotten with its header key: what comes again opens under no key at all.
    assert!(late.iter().all(|(slot, _)| receive(&mut bob, slot).is_err()));
}

#[test]
fn every_flipped_bit_and_every_other_binding_is_refused_and_changes_nothing() {
    let mut random = Counting(0);
    let (mut alice, mut bob) = pair(&mut random);
    let slot = alice.seal(BINDING, &Secret::new([1; 32]), &mut random).unwrap();
    // The hint is not the ratchet's: it is bound by nothing, and only finds a slot.
    for bit in 32..SLOT * 8 {
        let mut flipped = slot;
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(receive(&mut bob, &flipped), Err(Error::Open));
    }
    for binding in [
        Binding { commitment: &[6; 32], ..BINDING },
        Binding { payload_hash: &[6; 32], ..BINDING },
        Binding { fields: Some(&[6; 32]), ..BINDING },
    ] {
        assert!(matches!(bob.open(&slot, binding), Err(Error::Open)));
    }
    assert_eq!(receive(&mut bob, &slot), Ok([1; 32]));
}

#[test]
fn a_restored_state_never_uses_a_key_for_two_inputs() {
    let mut random = Counting(0);
    let (mut alice, mut bob) = pair(&mut random);
    let slot = alice.seal(BINDING, &Secret::new([1; 32]), &mut random).unwrap();
    receive(&mut bob, &slot).unwrap();
    let mut restored = reload(&alice);
    let other = Binding { commitment: &[6; 32], ..BINDING };
    // Even with a generator that repeats itself, another input has another nonce and another body.
    let one = alice.seal(BINDING, &Secret::new([2; 32]), &mut Counting(7)).unwrap();
    let two = restored.seal(other, &Secret::new([2; 32]), &mut Counting(7)).unwrap();
    assert_ne!(one[4..16], two[4..16]);
    assert_ne!(one[110..], two[110..]);
}

#[test]
fn a_jump_is_bounded_and_a_stale_delta_is_refused() {
    let mut random = Counting(0);
    let (mut alice, mut bob) = pair(&mut random);
    let first = alice.seal(BINDING, &Secret::new([1; 32]), &mut random).unwrap();
    for _ in 0..1_999 {
        alice.seal(BINDING, &Secret::new([1; 32]), &mut random).unwrap();
    }
    let far = alice.seal(BINDING, &Secret::new([1; 32]), &mut random).unwrap();
    let too_far = alice.seal(BINDING, &Secret::new([1; 32]), &mut random).unwrap();
    // The first message of a stranger may skip no more than is kept.
    assert_eq!(receive(&mut reload(&bob), &too_far), Err(Error::TooFar));
    assert_eq!(receive(&mut reload(&bob), &far), Ok([1; 32]));
    let (_, stale) = bob.open(&first, BINDING).unwrap();
    assert_eq!(receive(&mut bob, &far), Ok([1; 32]));
    assert_eq!(bob.skipped(), MAX_SKIPPED);
    for _ in 0..500 {
        alice.seal(BINDING, &Secret::new([1; 32]), &mut random).unwrap();
    }
    let slot = alice.seal(BINDING, &Secret::new([2; 32]), &mut random).unwrap();
    assert_eq!(receive(&mut bob, &slot), Ok([2; 32]));
    assert_eq!(bob.skipped(), MAX_SKIPPED);
    assert_eq!(receive(&mut bob, &first), Err(Error::KeyGone));
    let before = stored(&bob);
    assert_eq!(bob.commit(stale, Some(1_000)), Err(Error::Mismatch));
    assert_eq!(stored(&bob), before);
    for _ in 0..25_001 {
        alice.seal(BINDING, &Secret::new([1; 32]), &mut random).unwrap();
    }
    let slot = alice.seal(BINDING, &Secret::new([3; 32]), &mut random).unwrap();
    assert_eq!(receive(&mut bob, &slot), Err(Error::TooFar));
}

#[test]
fn what_a_message_would_skip_is_known_before_any_step() {
    let mut random = Counting(0);
    let (mut alice, mut bob) = pair(&mut random);
    let mut seal = |session: &mut Session| session.seal(BINDING, &Secret::new([1; 32]), &mut random).unwrap();
    let slots: Vec<_> = (0..10).map(|_| seal(&mut alice)).collect();
    let would = |session: &Session, slot: &[u8; SLOT]| session.would_skip(slot, BINDING);
    // The first message seen of a chain, then one further on in it, then one whose key is kept.
    assert_eq!(would(&bob, &slots[2]), Ok(2));
    receive(&mut bob, &slots[2]).unwrap();
    assert_eq!(would(&bob, &slots[7]), Ok(4));
    assert_eq!(would(&bob, &slots[1]), Ok(0));
    assert_eq!(would(&bob, &slots[2]), Err(Error::KeyGone));
    receive(&mut alice, &seal(&mut bob)).unwrap();
    let turned: Vec<_> = (0..4).map(|_| seal(&mut alice)).collect();
    // Seven that are missing of the chain before, and three of the new one.
    assert_eq!(would(&bob, &turned[3]), Ok(7 + 3));
    assert_eq!(would(&alice, &turned[3]), Err(Error::Open));
    let kept = bob.skipped();
    receive(&mut bob, &turned[3]).unwrap();
    assert_eq!(bob.skipped(), kept + 10);
}

#[test]
fn what_is_located_is_opened_in_the_state_that_it_was_located_in() {
    let mut random = Counting(0);
    let (mut alice, mut bob) = pair(&mut random);
    let mut seal = |session: &mut Session| session.seal(BINDING, &Secret::new([1; 32]), &mut random).unwrap();
    let slots: Vec<_> = (0..3).map(|_| seal(&mut alice)).collect();
    let located = bob.locate(&slots[2], BINDING).unwrap();
    assert_eq!((located.skips(), located.agrees()), (2, false));
    let (key, delta) = bob.open_located(located, Some(1_000)).unwrap();
    assert!(key.ct_eq(&Secret::new([1; 32])));
    let stale = bob.locate(&slots[0], BINDING).unwrap();
    bob.commit(delta, Some(1_000)).unwrap();
    assert_eq!(bob.open_located(stale, Some(1_000)).err(), Some(Error::Mismatch));
    assert_eq!(alice.locate(&slots[0], BINDING).err(), Some(Error::Open));
    // Over a whole epoch each, the sides agree on a key as often as one is told.
    let mut told = 0;
    while bob.freshness().epoch < 2 {
        for (from, to) in [(0, 1), (1, 0)] {
            let [one, other] = [&mut alice, &mut bob];
            let (sender, receiver) = if (from, to) == (0, 1) { (one, other) } else { (other, one) };
            let slot = seal(sender);
            told += u32::from(receiver.locate(&slot, BINDING).unwrap().agrees());
            receive(receiver, &slot).unwrap();
        }
    }
    assert_eq!(told, 4, "side B completes a ciphertext and side A opens it, in two epochs");
}

#[test]
fn a_peer_who_jumps_again_and_again_is_held_to_so_many_steps_a_day() {
    const DAY: u64 = 86_400;
    let mut random = Counting(0);
    let (mut alice, mut bob) = pair(&mut random);
    let mut seal = |session: &mut Session| session.seal(BINDING, &Secret::new([1; 32]), &mut random).unwrap();
    let open = |bob: &Session, slot: &[u8; SLOT], now: Option<u64>| {
        bob.open_located(bob.locate(slot, BINDING).unwrap(), now).map(|(_, delta)| delta)
    };
    receive(&mut bob, &seal(&mut alice)).unwrap();
    let now = 100 * DAY;
    // What one message skips is counted.
    seal(&mut alice);
    let slot = seal(&mut alice);
    let delta = open(&bob, &slot, Some(now)).unwrap();
    bob.commit(delta, Some(now)).unwrap();
    let bytes = |session: &Session| session.encode().expose_secret().to_vec();
    assert_eq!(bytes(&bob), bytes(&tree::changed(&bob, &[(tree::STEPS[0], 100), (tree::STEPS[1], 1)])));
    bob = tree::changed(&bob, &[(tree::STEPS[1], MAX_STEPS_PER_DAY.into())]);
    let late = seal(&mut alice);
    let slot = seal(&mut alice);
    // One more is one too many: today, at its end, and without a clock; not tomorrow, nor once the clock is put back.
    for when in [Some(now), Some(now + DAY - 1), None] {
        assert_eq!(open(&bob, &slot, when).err(), Some(Error::TooFar));
    }
    for when in [now + DAY, now - 1] {
        assert!(open(&bob, &slot, Some(when)).is_ok());
    }
    // What skips nothing opens whenever it comes.
    let delta = open(&bob, &late, Some(now)).unwrap();
    bob.commit(delta, Some(now)).unwrap();
    let delta = open(&bob, &slot, Some(now)).unwrap();
    bob.commit(delta, Some(now)).unwrap();
}

#[test]
fn what_remains_is_what_the_shortest_counter_has_left() {
    let mut random = Counting(0);
    let (mut alice, _) = pair(&mut random);
    let mut seal = |session: &mut Session| session.seal(BINDING, &Secret::new([1; 32]), &mut random);
    seal(&mut alice).unwrap();
    // The number in the epoch is at its end before that in the chain.
    let mut late = tree::changed(&alice, &[(tree::SENDING_EPOCH[1], u64::from(COUNTER_MAX) - 3)]);
    assert_eq!(late.remaining(), 2);
    assert!(seal(&mut late).is_ok() && seal(&mut late).is_ok());
    assert_eq!((late.remaining(), seal(&mut late).err()), (0, Some(Error::Exhausted)));
    // And the epochs.
    for left in [5, 1, 0] {
        let epoch = u64::from(COUNTER_MAX) - left;
        let before = [tree::NEWEST, tree::SENDING_EPOCH[0], tree::RECEIVING_EPOCH].map(|path| (path, epoch - 1));
        let mut late = tree::changed(&alice, &[before.as_slice(), &[(tree::BRAID_EPOCH, epoch)]].concat());
        assert_eq!(u64::from(late.remaining()), left);
        assert_eq!(seal(&mut late).err(), if left == 0 { Some(Error::Exhausted) } else { None });
    }
}

#[test]
fn a_change_is_for_the_session_that_opened_the_message() {
    let mut random = Counting(0);
    let (mut alice, mut bob) = pair(&mut random);
    let prekey = DhSecret::random(&mut random);
    let mut other = Session::respond(Established { transcript: [8; 32], ..established() }, &prekey);
    let slot = alice.seal(BINDING, &Secret::new([1; 32]), &mut random).unwrap();
    let (_, delta) = bob.open(&slot, BINDING).unwrap();
    // Both have seen as many changes: none.
    let before = stored(&other);
    assert_eq!(other.commit(delta, Some(1_000)), Err(Error::Mismatch));
    assert_eq!(stored(&other), before);
    assert_eq!(receive(&mut bob, &slot), Ok([1; 32]));
}

/// The session with its sending and receiving chains, if it has them, moved on to number `next`.
fn moved(session: &Session, next: u32) -> Session {
    tree::changed(session, &[(tree::SENDING, next.into()), (tree::RECEIVING, next.into())])
}

/// A slot of the first chain with other bytes in its header, from `at` on, sealed anew by somebody who has the header key.
fn altered(slot: &[u8; SLOT], at: usize, bytes: &[u8]) -> [u8; SLOT] {
    let key = established().header_key;
    let nonce: [u8; aead::NONCE] = slot[4..16].try_into().unwrap();
    let ad: [&[u8]; 4] = [&[1, 1], BINDING.commitment, BINDING.payload_hash, &slot[110..]];
    let mut header = aead::open(&key, &nonce, &ad, &slot[16..110]).unwrap().expose_secret().to_vec();
    header[at..at + bytes.len()].copy_from_slice(bytes);
    let sealed = aead::seal(&key, &nonce, &ad, &header).unwrap();
    [&slot[..16], &sealed, &slot[110..]].concat().try_into().unwrap()
}

#[test]
fn bad_ratchet_keys_are_refused_and_change_nothing() {
    let mut random = Counting(0);
    let (mut alice, mut bob) = pair(&mut random);
    let slots: Vec<_> = (0..3_u8).map(|i| alice.seal(BINDING, &Secret::new([i; 32]), &mut random).unwrap()).collect();
    // Where the key would turn the root, in a chain that is known, and of a message whose key is kept.
    for (slot, value) in [(&slots[1], 1), (&slots[2], 2), (&slots[0], 0)] {
        for bad in bad_dh_keys() {
            assert_eq!(receive(&mut bob, &altered(slot, 0, &bad)), Err(Error::BadKey), "{bad:02x?}");
            assert_eq!(bob.would_skip(&altered(slot, 0, &bad), BINDING), Err(Error::BadKey));
        }
        assert_eq!(receive(&mut bob, slot), Ok([value; 32]));
    }
}

#[test]
fn a_chain_ends_before_its_counter_does_and_an_answer_begins_another() {
    let mut random = Counting(0);
    let (mut alice, mut bob) = pair(&mut random);
    let mut seal = |session: &mut Session| session.seal(BINDING, &Secret::new([1; 32]), &mut random);
    receive(&mut bob, &seal(&mut alice).unwrap()).unwrap();
    // The number in the epoch counts from one, that in the chain from zero.
    assert_eq!(alice.remaining(), COUNTER_MAX - 2);
    let (mut alice, mut bob) = (moved(&alice, COUNTER_MAX - 2), moved(&bob, COUNTER_MAX - 2));
    assert_eq!(alice.remaining(), 2);
    let late = seal(&mut alice).unwrap();
    let last = seal(&mut alice).unwrap();
    // Refused, clearly, as often as it is tried; and nothing changes.
    assert_eq!(alice.remaining(), 0);
    let before = stored(&alice);
    for _ in 0..2 {
        assert_eq!(seal(&mut alice).err().map(Error::code), Some(16));
        assert_eq!(stored(&alice), before);
    }
    assert_eq!(receive(&mut bob, &last), Ok([1; 32]));
    assert_eq!(receive(&mut bob, &last), Err(Error::KeyGone));
    assert_eq!(receive(&mut bob, &altered(&late, 35, &COUNTER_MAX.to_be_bytes()[1..])), Err(Error::Malformed));
    receive(&mut alice, &seal(&mut bob).unwrap()).unwrap();
    assert_eq!(alice.remaining(), COUNTER_MAX - 4);
    // The new chain says that the one before was as long as a chain can be.
    assert_eq!(receive(&mut bob, &seal(&mut alice).unwrap()), Ok([1; 32]));
    assert_eq!(receive(&mut bob, &late), Ok([1; 32]));
    assert_eq!(bob.skipped(), 0);
}
