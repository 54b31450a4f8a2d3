//! Attack 22: a copy of a whole phone lives on beside it, and its peer notices. The number is that of docs/evidence.md.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use sprag::{Incoming, Role, What};
use sprag_sim::disk::Disk;
use sprag_sim::environment::{Instruments, Source};
use sprag_sim::phone::Phone;
use sprag_sim::random::Dice;
use sprag_sim::talk::Talk;

/// Messages from each within which Bob is told.
const FEW: usize = 4;

/// Who of Alice and the copy of her phone is given what is sent to her.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reads {
    Both,
    Alice,
    Copy,
    /// Whoever asks first, by turns.
    ByTurns,
}

/// Alice and Bob, who have talked for so many rounds, and a copy of Alice's phone; its random bytes are hers if they are alike.
fn cloned(rounds: usize, alike: bool) -> Talk {
    let mut talk = Talk::of(&["alice", "bob"]).unwrap();
    for _ in 0..rounds {
        for (from, to) in [("alice", "bob"), ("bob", "alice")] {
            talk.send(from, to, "hello").unwrap();
            talk.deliver(to).unwrap();
        }
    }
    let alice = talk.phone("alice");
    let source = if alike { alice.instruments.source() } else { Source::Seeded(Dice::new(77)) };
    let instruments = Instruments::new(source);
    instruments.set(alice.instruments.seconds());
    let mut copy = Phone::off("alice", Disk::mount(alice.disk().contents()), instruments);
    copy.start(Role::App).unwrap();
    talk.join("copy", copy);
    for name in ["alice", "bob", "copy"] {
        talk.take(name).unwrap();
    }
    talk
}

/// What Bob saw: whether he was told, and in the last round, whose messages he could read.
fn course(talk: &mut Talk, reads: Reads) -> (bool, BTreeSet<&'static str>) {
    let (mut is_told, mut read) = (false, BTreeSet::new());
    for round in 0..FEW {
        talk.send("bob", "alice", "to whoever is alice").unwrap();
        let batch: Vec<Incoming> = talk.collect("alice");
        let is_turn = |of: usize| reads == Reads::ByTurns && round % 2 == of;
        if matches!(reads, Reads::Both | Reads::Alice) || is_turn(0) {
            talk.give("alice", &batch).unwrap();
        }
        if matches!(reads, Reads::Both | Reads::Copy) || is_turn(1) {
            talk.give("copy", &batch).unwrap();
        }
        read.clear();
        for name in ["alice", "copy"] {
            // To the server both are Alice.
            talk.send(name, "bob", name).unwrap();
            talk.deliver("bob").unwrap();
            for event in talk.take("bob").unwrap() {
                match event.what {
                    What::CloneSuspected { .. } | What::BraidStalled { .. } => is_told = true,
                    What::Message(message) => {
                        assert_eq!(message.content.as_bytes(), name.as_bytes(), "never another text than was written");
                        assert!(read.insert(name), "each is shown once");
                    }
                    _ => {}
                }
            }
        }
    }
    (is_told, read)
}

/// With their own randomness, whoever of them reads what Bob answers: he is told within a few messages.
#[test]
fn a22_a_copied_phone_that_sends_is_noticed_within_a_few_messages() {
    for reads in [Reads::Both, Reads::Alice, Reads::Copy, Reads::ByTurns] {
        for rounds in [1, 2, 7] {
            let (is_told, read) = course(&mut cloned(rounds, false), reads);
            // One that hears nothing stays behind, and cannot be read; then nothing of it reaches Bob.
            assert!(is_told || read.len() < 2, "{reads:?} after {rounds} rounds: {read:?}");
            assert!(is_told || reads != Reads::Both && reads != Reads::ByTurns, "{reads:?} after {rounds} rounds");
        }
    }
}

/// A copy that even draws the same random bytes is told from the original, or is read no more.
#[test]
fn a22_of_two_that_draw_the_same_randomness_one_is_read() {
    for reads in [Reads::Both, Reads::Alice, Reads::Copy, Reads::ByTurns] {
        let (is_told, read) = course(&mut cloned(2, true), reads);
        assert!(is_told || read.len() < 2, "{reads:?}: {read:?}");
    }
}

/// The copy is thrown away before it sends anything: nobody is suspected, and nothing is lost.
#[test]
fn a22_a_copy_that_only_listened_leaves_no_trace() {
    let mut talk = cloned(2, false);
    talk.send("bob", "alice", "overheard").unwrap();
    let batch = talk.collect("alice");
    talk.give("copy", &batch).unwrap();
    talk.give("alice", &batch).unwrap();
    for _ in 0..FEW {
        talk.send("alice", "bob", "as ever").unwrap();
        talk.deliver("bob").unwrap();
        talk.send("bob", "alice", "as ever").unwrap();
        talk.deliver("alice").unwrap();
    }
    let events = talk.take("bob").unwrap();
    assert!(events.iter().all(|event| !matches!(event.what, What::CloneSuspected { .. } | What::BraidStalled { .. })));
    assert_eq!(events.iter().filter(|event| matches!(event.what, What::Message(_))).count(), FEW);
}
