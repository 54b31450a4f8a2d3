//! What a lying peer can do to the braid: in every state, every message, honest or not.

use alloc::vec::Vec;

use super::message::Type;
use super::toy::{Constant, Toy};
use super::{Braid, Message};
use crate::error::Error;
use crate::secret::Secret;
use crate::wire::{Reader, Writer};

const TYPES: [Type; 6] = [Type::None, Type::Hdr, Type::Ek, Type::EkCt1Ack, Type::Ct1, Type::Ct2];

fn bytes(braid: &Braid<Toy>) -> Vec<u8> {
    let mut writer = Writer::new();
    braid.write(&mut writer);
    braid.write_cold(&mut writer);
    writer.finish()
}

fn number(braid: &Braid<Toy>) -> u64 {
    let bytes = bytes(braid);
    let mut reader = Reader::new(&bytes);
    reader.array_of(4).unwrap();
    reader.uint().unwrap()
}

/// What an honest peer can send, by the number of the state: the table of the protocol page, in its own words.
fn possible(state: u64) -> &'static [Type] {
    match state {
        1 => &[Type::None],
        2 | 3 => &[Type::None, Type::Ct1],
        4 | 5 => &[Type::None, Type::Ct1, Type::Ct2],
        6 | 7 => &[Type::Hdr],
        8..=10 => &[Type::Hdr, Type::Ek, Type::EkCt1Ack],
        11 => &[Type::None, Type::Hdr, Type::Ek, Type::EkCt1Ack],
        _ => &TYPES,
    }
}

fn pair() -> [Braid<Toy>; 2] {
    let secret = Secret::new([3; 32]);
    [Braid::initiate(&secret), Braid::respond(&secret)]
}

/// A conversation of which one side says more than the other and some of it is lost; both sides are shown to `try_lies`
/// after each message.
fn talk(turns: [usize; 2], lost: usize, mut try_lies: impl FnMut(&Braid<Toy>)) -> u64 {
    let mut sides = pair().map(Some);
    let mut outputs = 0;
    for turn in 0..240 {
        let from = usize::from(turn % (turns[0] + turns[1]) >= turns[0]);
        let (sender, message, output) = sides[from].take().unwrap().send(&mut Constant).unwrap();
        outputs += u64::from(output.is_some());
        sides[from] = Some(sender);
        if turn % lost != lost - 1 {
            let (receiver, output) = sides[1 - from].take().unwrap().receive(&message).unwrap();
            outputs += u64::from(output.is_some());
            sides[1 - from] = Some(receiver);
        }
        sides.iter().flatten().for_each(&mut try_lies);
    }
    outputs
}

#[test]
fn every_type_in_every_state_is_possible_or_evidence_and_honest_traffic_goes_on() {
    let mut seen = alloc::collections::BTreeSet::new();
    let mut try_lies = |braid: &Braid<Toy>| {
        let state = number(braid);
        seen.insert(state);
        let before = bytes(braid);
        let tried = |epoch: u64, kind: Type| {
            let filled = kind != Type::None;
            let message = Message { epoch, kind, index: u8::from(filled) * 200, chunk: [u8::from(filled); 32] };
            let outcome = braid.duplicate().receive(&message).map(|(after, _)| bytes(&after));
            assert_eq!(bytes(braid), before, "the copy was changed, not the state");
            outcome
        };
        for kind in TYPES {
            let now = tried(braid.epoch(), kind);
            assert_eq!(now.is_ok(), possible(state).contains(&kind), "state {state}, {kind:?}");
            let ahead = tried(braid.epoch() + 1, kind);
            let finishes = state == 11 && kind == Type::None;
            assert_eq!(ahead.is_ok(), finishes, "state {state}, {kind:?} of the next epoch");
            for far in [braid.epoch() + 2, u64::MAX] {
                assert_eq!(tried(far, kind), Err(Error::Evidence));
            }
            if braid.epoch() > 1 {
                assert_eq!(tried(braid.epoch() - 1, kind).as_ref(), Ok(&before), "a late message changes nothing");
            }
        }
    };
    for (turns, lost) in [([1, 1], 1_000), ([1, 1], 3), ([3, 1], 5), ([1, 3], 7), ([4, 5], 4), ([1, 4], 1_000)] {
        let outputs = talk(turns, lost, &mut try_lies);
        assert!(outputs >= 6, "the lies did no harm: {outputs}");
    }
    assert_eq!(seen, (1..=11).collect());
}

#[test]
fn two_chunks_under_one_index_are_evidence() {
    let mut met = 0;
    let mut last: Option<Message> = None;
    let mut sides = pair().map(Some);
    for turn in 0..60 {
        let (from, to) = (turn % 2, 1 - turn % 2);
        let (sender, message, _) = sides[from].take().unwrap().send(&mut Constant).unwrap();
        let receiver = sides[to].take().unwrap();
        let (receiver, _) = receiver.receive(&message).unwrap();
        if message.kind != Type::None {
            let other = Message { chunk: [0xee; 32], ..message };
            let before = bytes(&receiver);
            match receiver.duplicate().receive(&other) {
                Err(error) => {
                    assert_eq!(error, Error::Evidence);
                    met += 1;
                }
                // The object is whole, or the state is another: the chunk is not looked at any more.
                Ok((after, _)) => assert_eq!(bytes(&after), before),
            }
            // The same chunk again is nothing new.
            let (again, output) = receiver.duplicate().receive(&message).unwrap();
            assert!(output.is_none() && bytes(&again) == before);
        }
        last = Some(message);
        (sides[from], sides[to]) = (Some(sender), Some(receiver));
    }
    assert!(met >= 8 && last.is_some(), "{met}");
}

/// One wrong chunk of each object: the message it came with is read, no key comes out, and none ever will.
#[test]
fn a_wrong_object_breaks_the_braid_and_nothing_else() {
    for lie in [Type::Hdr, Type::Ek, Type::Ct1, Type::Ct2] {
        let mut sides = pair().map(Some);
        let mut lied = 0;
        let mut broken = [false; 2];
        let mut keys = [0; 2];
        for turn in 0..60 {
            let (from, to) = (turn % 2, 1 - turn % 2);
            let (sender, mut message, output) = sides[from].take().unwrap().send(&mut Constant).unwrap();
            keys[from] += usize::from(output.is_some());
            let is_object = message.kind == lie || (lie == Type::Ek && message.kind == Type::EkCt1Ack);
            if is_object && message.index == 1 && lied == 0 {
                message.chunk[7] ^= 1;
                lied += 1;
            }
            // The same chunk is asked for once: a second, honest one would be a contradiction.
            let (receiver, output) = match sides[to].take().unwrap().receive(&message) {
                Ok(after) => after,
                Err(error) => panic!("{lie:?}: {error:?}"),
            };
            keys[to] += usize::from(output.is_some());
            broken[to] |= receiver.is_broken();
            let epoch = receiver.epoch();
            if receiver.is_broken() {
                let (after, message, output) = receiver.duplicate().send(&mut Constant).unwrap();
                assert_eq!(message, Message::nothing(epoch));
                assert!(output.is_none() && after.is_broken());
            }
            (sides[from], sides[to]) = (Some(sender), Some(receiver));
            if broken.contains(&true) {
                break;
            }
        }
        assert_eq!(lied, 1, "{lie:?}");
        assert_eq!(broken.iter().filter(|broken| **broken).count(), 1, "{lie:?}");
        // Side B may have had its key before it saw the lie; nobody has one that the other has not.
        assert!(keys.iter().sum::<usize>() <= 1, "{lie:?}: {keys:?}");
    }
}
