//! Lies of a peer that keeps keys of positions that it passed over, and what a session makes of them: nothing that it could
//! not read again. And what only somebody with a part of the keys can send, and a braid that stands still.

use alloc::vec::Vec;

use super::Session;
use super::braid::Message;
use super::header::Header;
use super::message::{Binding, MessageKey, SLOT};
use crate::crypto::dh::DhSecret;
use crate::crypto::hash::sha256;
use crate::error::{Error, Result};
use crate::handshake::Established;
use crate::random::Random;
use crate::secret::Secret;

struct Counting(u64);

impl Random for Counting {
    fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            self.0 += 1;
            let hash = sha256(&self.0.to_be_bytes());
            chunk.copy_from_slice(&hash[..chunk.len()]);
        }
    }
}

const TRANSCRIPT: [u8; 32] = [9; 32];
const BINDING: Binding<'static> = Binding { commitment: &[7; 32], payload_hash: &[8; 32], fields: None };

fn pair(random: &mut Counting) -> (Session, Session) {
    let established = || Established {
        transcript: TRANSCRIPT,
        root_key: Secret::new([1; 32]),
        header_key: Secret::new([2; 32]),
        next_header_key: Secret::new([3; 32]),
        braid_authenticator: Secret::new([4; 32]),
        braid_chains: Secret::new([5; 32]),
    };
    let prekey = DhSecret::random(random);
    let alice = Session::initiate(established(), prekey.public(), random).unwrap();
    (alice, Session::respond(established(), &prekey))
}

fn stored(session: &Session) -> Vec<Vec<u8>> {
    let mut all =
        alloc::vec![session.encode().expose_secret().to_vec(), session.encode_cold().expose_secret().to_vec()];
    all.extend(session.encode_skipped().iter().map(|block| block.expose_secret().to_vec()));
    all
}

/// Opens and commits, and reads what is then stored.
fn receive(session: &mut Session, slot: &[u8; SLOT]) -> Result<()> {
    let (_, delta) = session.open(slot, BINDING)?;
    session.commit(delta, Some(1_000))?;
    let all = stored(session);
    *session = Session::decode(&all[0], &all[1], all[2..].iter().map(Vec::as_slice)).unwrap();
    Ok(())
}

fn seal(session: &mut Session, random: &mut Counting) -> [u8; SLOT] {
    session.seal(BINDING, &Secret::new([1; 32]), random).unwrap()
}

/// A position that is passed over: all that a message there needs.
struct Kept {
    key: MessageKey,
    header_key: Secret<32>,
    header: Header,
}

impl Kept {
    /// Passes over the next position of a side.
    fn pass(session: &mut Session, random: &mut Counting) -> Self {
        let mut chain = session.sending.as_ref().unwrap().duplicate();
        let (pq_n, pq) = session.epochs.duplicate().send(session.braid.epoch() - 1).unwrap();
        let (_, braid, _) = session.braid.duplicate().send(&mut Counting(1)).unwrap();
        let header = Header { dh: session.ours.public(), pn: session.previous, n: chain.next, pq_n, braid };
        let header_key = chain.header_key.duplicate();
        let key = MessageKey::join(&pq, &chain.step().unwrap());
        seal(session, random);
        Self { key, header_key, header }
    }

    fn slot(&self, header: Header, random: &mut Counting) -> [u8; SLOT] {
        let key = MessageKey(self.key.0.duplicate());
        key.seal(&TRANSCRIPT, &self.header_key, &header, BINDING, &Secret::new([1; 32]), random).unwrap()
    }
}

#[test]
fn chunks_of_a_later_epoch_do_not_come_in_under_kept_keys_of_an_old_one() {
    let mut random = Counting(0);
    let (mut alice, mut bob) = pair(&mut random);
    receive(&mut bob, &seal(&mut alice, &mut random)).unwrap();
    receive(&mut alice, &seal(&mut bob, &mut random)).unwrap();
    let kept: Vec<Kept> = (0..3).map(|_| Kept::pass(&mut bob, &mut random)).collect();
    for _ in 0..100 {
        receive(&mut alice, &seal(&mut bob, &mut random)).unwrap();
        receive(&mut bob, &seal(&mut alice, &mut random)).unwrap();
        if alice.braid.epoch() > 1 {
            break;
        }
    }
    assert_eq!(alice.braid.epoch(), 2);
    // The header of the second epoch in three chunks, each under a key of the first.
    let mut braid = bob.braid.duplicate();
    for kept in &kept {
        let (after, message, _) = braid.send(&mut random).unwrap();
        braid = after;
        assert_eq!(message.epoch, 2);
        let before = stored(&alice);
        let slot = kept.slot(Header { braid: message, ..kept.header }, &mut random);
        assert_eq!(receive(&mut alice, &slot), Err(Error::Evidence));
        // Nor is another number in the right epoch what was passed over.
        let other = kept.slot(Header { pq_n: kept.header.pq_n + 1, ..kept.header }, &mut random);
        assert_eq!(receive(&mut alice, &other), Err(Error::Evidence));
        assert_eq!(stored(&alice), before);
    }
    // Honest ones are only late.
    for kept in &kept {
        assert_eq!(receive(&mut alice, &kept.slot(kept.header, &mut random)), Ok(()));
    }
    receive(&mut bob, &seal(&mut alice, &mut random)).unwrap();
}

/// Whoever has a header key alone can write any header, but no body with it: it is no evidence against the peer.
#[test]
fn what_no_body_proves_is_no_evidence() {
    let mut random = Counting(0);
    let (mut alice, mut bob) = pair(&mut random);
    receive(&mut bob, &seal(&mut alice, &mut random)).unwrap();
    receive(&mut alice, &seal(&mut bob, &mut random)).unwrap();
    let kept = Kept::pass(&mut bob, &mut random);
    // Of the second ciphertext, which Bob cannot have yet.
    let header = Header { braid: Message::new(1, 5, 0, [1; 32]).unwrap(), ..kept.header };
    let thief = Kept { key: MessageKey(Secret::new([0; 32])), header_key: kept.header_key.duplicate(), header };
    let before = stored(&alice);
    assert_eq!(receive(&mut alice, &thief.slot(header, &mut random)), Err(Error::Open));
    assert_eq!(receive(&mut alice, &kept.slot(header, &mut random)), Err(Error::Evidence));
    assert_eq!(stored(&alice), before);
    receive(&mut alice, &kept.slot(kept.header, &mut random)).unwrap();
}

/// A side that is put back after every message answers and answers, and the braid comes no further.
#[test]
fn a_braid_that_stands_still_is_told() {
    let mut random = Counting(0);
    let (mut alice, mut bob) = pair(&mut random);
    let mut put_back = None;
    for round in 0..200 {
        receive(&mut bob, &seal(&mut alice, &mut random)).unwrap();
        receive(&mut alice, &seal(&mut bob, &mut random)).unwrap();
        // In strict alternation an honest braid has brought two keys by now.
        assert!(round > 100 || !alice.is_stalled() && !bob.is_stalled(), "{round}");
        let braid = put_back.get_or_insert_with(|| alice.braid.duplicate());
        alice.braid = braid.duplicate();
    }
    assert_eq!((alice.freshness.epoch, bob.is_broken()), (0, false));
    assert!(alice.is_stalled() && bob.is_stalled());
}
