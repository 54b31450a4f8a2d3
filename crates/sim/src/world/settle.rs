//! The end: the faults stop, and everything comes right within a few rounds.

use sprag::MessageState;

use super::ledger::Written;
use super::step::{Bad, Fate, Step};
use super::{Held, PEOPLE, World, wrong};
use crate::disk::Name;

/// Rounds within which everything must have come right.
const ROUNDS: usize = 6;

/// The most bytes of a store after all that can happen in one world.
const MOST: usize = 2_000_000;

impl World {
    /// Lets everything come right, and looks whether it did.
    ///
    /// # Errors
    /// What did not.
    pub fn settle(&mut self) -> Held<()> {
        self.trace.note("the faults stop".to_owned());
        self.server.repent();
        let now = self.people.iter().map(|person| person.phone.instruments.seconds()).max().unwrap_or(0);
        let latest = self.latest.max(now);
        for who in 0..PEOPLE.len() {
            let person = &mut self.people[who];
            if person.trouble.take().is_some() {
                person.phone.disk().relieve();
            }
            if person.phone.disk().is_off() {
                self.power(who, crate::disk::Loss::Nothing)?;
            }
            self.start_all(who)?;
            let person = &self.people[who];
            let bad = person.good.is_some() || person.dry;
            person.phone.instruments.set(latest + 3600);
            if bad {
                self.step(Step::Randomness { who, bad: Bad::Good })?;
            }
        }
        for who in 0..PEOPLE.len() {
            if self.people[who].phone.rekeys() {
                self.step(Step::Rekey { who })?;
            }
        }
        self.rounds()?;
        self.arrived()?;
        self.probe()?;
        Self::keys()?;
        self.secrets()
    }

    fn rounds(&mut self) -> Held<()> {
        for _ in 0..ROUNDS {
            for who in 0..PEOPLE.len() {
                self.people[who].phone.instruments.jump(1000);
                self.step(Step::Wake { who, handle: 0, hint: true })?;
                for at in 0..self.ledger.written.len() {
                    if self.ledger.written[at].from == who && !self.ledger.written[at].certain {
                        let line = self.send(0, at)?;
                        self.trace.note(line);
                    }
                }
                // Until nothing more is offered: what goes in order comes a few at a time.
                for _ in 0..200 {
                    self.step(Step::Lease { who, handle: 0, max: 100 })?;
                    if self.people[who].tasks.is_empty() {
                        break;
                    }
                    while !self.people[who].tasks.is_empty() {
                        self.step(Step::Carry { who, handle: 0, which: 0, fate: Fate::Well })?;
                    }
                }
            }
            for who in 0..PEOPLE.len() {
                self.step(Step::Deliver { who, handle: 0, max: 1000, acknowledge: true })?;
                self.step(Step::Take { who, handle: 0, max: 10_000, done: true })?;
            }
        }
        for (who, name) in PEOPLE.iter().enumerate() {
            let pending = self.people[who].phone.app(|client| client.done(&[]));
            match pending {
                Ok(pending) if pending.requests == 0 && pending.events == 0 => {}
                other => return wrong("outboxes get empty", format!("{name}: {other:?}")),
            }
        }
        Ok(())
    }

    /// Every message was shown once, or is reported.
    fn arrived(&self) -> Held<()> {
        for (at, written) in self.ledger.written.iter().enumerate() {
            let to = &self.people[written.to];
            let shown = to.app.shown.get(&at).map_or(0, std::collections::BTreeSet::len);
            if shown > 1 && !self.people[written.from].restored {
                return wrong("a message is shown once", format!("m{at}: {shown} times"));
            }
            let excused = written.excused.is_some() || self.reported(written);
            if shown == 0 && !excused && self.sound(written.from, written.to) {
                let detail =
                    format!("m{at} from {} to {}: {:?}", PEOPLE[written.from], PEOPLE[written.to], written.state);
                return wrong("every message is shown or reported", detail);
            }
        }
        Ok(())
    }

    /// Whether somebody was told that a message did not arrive.
    fn reported(&self, written: &Written) -> bool {
        let failed = [MessageState::Failed, MessageState::Cancelled, MessageState::Held];
        let unreadable = &self.people[written.to].app.unreadable;
        written.state.is_some_and(|state| failed.contains(&state))
            || written.blobs.iter().any(|blob| unreadable.contains_key(blob))
    }

    /// One more message between everybody: it arrives, and nothing is unreadable.
    fn probe(&mut self) -> Held<()> {
        let first = self.ledger.written.len();
        for who in 0..PEOPLE.len() {
            for to in 0..2 {
                self.step(Step::Send { who, handle: 0, to, size: 10, quiet: false })?;
            }
        }
        self.rounds()?;
        for at in first..self.ledger.written.len() {
            let written = &self.ledger.written[at];
            let shown = self.people[written.to].app.shown.contains_key(&at);
            // A session with a one-time prekey that was given away twice is unreadable until the other side writes: said,
            // and not healed yet.
            let spoilt = self.lied_about[written.to] && self.reported(written);
            if !shown && !spoilt && self.sound(written.from, written.to) {
                let detail =
                    format!("m{at} from {} to {}: {:?}", PEOPLE[written.from], PEOPLE[written.to], written.state);
                return wrong("afterwards every message arrives", detail);
            }
        }
        Ok(())
    }

    /// No key sealed two inputs. Only a build with the feature `sabotage` keeps a ledger of it.
    #[cfg(feature = "sabotage")]
    fn keys() -> Held<()> {
        if sprag_core::sabotage::reused() { wrong("no key seals two inputs", "of this world") } else { Ok(()) }
    }

    #[cfg(not(feature = "sabotage"))]
    #[expect(clippy::unnecessary_wraps, reason = "as with the feature")]
    const fn keys() -> Held<()> {
        Ok(())
    }

    /// Nothing that was written, and no key, lies in the clear on a disk or at the server.
    fn secrets(&self) -> Held<()> {
        let canary = self.canary.as_bytes();
        let keys: Vec<[u8; 32]> = (7..40).map(|byte| [byte; 32]).collect();
        let needles: Vec<&[u8]> = std::iter::once(canary).chain(keys.iter().map(<[u8; 32]>::as_slice)).collect();
        let clear = |bytes: &[u8]| needles.iter().any(|needle| contains(bytes, needle));
        for (who, person) in PEOPLE.iter().enumerate() {
            let contents = self.disk(who).contents();
            let size = contents.contents(Name::Main).map_or(0, <[u8]>::len);
            if size > MOST {
                return wrong("a store stays small", format!("{size} bytes of {person}"));
            }
            for name in [Name::Main, Name::Wal, Name::Journal] {
                if contents.contents(name).is_some_and(clear) {
                    return wrong("nothing lies in the clear", format!("{name:?} of {person}"));
                }
            }
        }
        if self.server.mail.archive().iter().any(|(_, _, blob)| clear(blob)) {
            return wrong("nothing lies in the clear", "at the server");
        }
        Ok(())
    }
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    let first = needle[0];
    bytes.iter().enumerate().any(|(at, byte)| *byte == first && bytes[at..].starts_with(needle))
}
