//! The end: the faults stop, and everything comes right within a few rounds.

use sprag::MessageState;

use super::step::{Bad, Fate, Step};
use super::{Held, World, wrong};
use crate::disk::Name;

/// Rounds within which everything must have come right.
const ROUNDS: usize = 10;

/// Days within which what was asked for has come, or never will: one more than it is waited for.
const DAYS: usize = 10;

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
        let now = self.units.iter().map(|unit| unit.phone.instruments.seconds()).max().unwrap_or(0);
        let latest = self.latest.max(now);
        for who in self.living() {
            let unit = &mut self.units[who];
            if unit.trouble.take().is_some() {
                unit.phone.disk().relieve();
            }
            if unit.phone.disk().is_off() {
                self.power(who, crate::disk::Loss::Nothing)?;
            }
            self.start_all(who)?;
            let unit = &self.units[who];
            let bad = unit.good.is_some() || unit.dry;
            unit.phone.instruments.set(latest + 3600);
            if bad {
                self.step(Step::Randomness { who, bad: Bad::Good })?;
            }
        }
        for who in self.living() {
            if self.units[who].phone.rekeys() {
                self.step(Step::Rekey { who })?;
            }
        }
        self.rounds(ROUNDS)?;
        self.is_still()?;
        self.arrived()?;
        self.link_all()?;
        self.probe()?;
        self.noticed()?;
        self.answered()?;
        Self::keys()?;
        self.secrets()
    }

    pub(super) fn rounds(&mut self, count: usize) -> Held<()> {
        self.rounds_of(count, 1000)
    }

    /// Rounds of so many seconds for each phone.
    pub(super) fn rounds_of(&mut self, count: usize, seconds: i64) -> Held<()> {
        for _ in 0..count {
            for who in self.living() {
                self.units[who].phone.instruments.jump(seconds);
                self.step(Step::Wake { who, handle: 0, hint: true })?;
                for at in 0..self.ledger.written.len() {
                    if self.ledger.written[at].on == who && !self.ledger.written[at].certain {
                        let line = self.send(who, 0, at)?;
                        self.trace.note(line);
                    }
                }
                // Until nothing more is offered: what goes in order comes a few at a time.
                for _ in 0..200 {
                    self.step(Step::Lease { who, handle: 0, max: 100 })?;
                    if self.units[who].tasks.is_empty() {
                        break;
                    }
                    while !self.units[who].tasks.is_empty() {
                        self.step(Step::Carry { who, handle: 0, which: 0, fate: Fate::Well })?;
                    }
                }
            }
            for who in self.living() {
                self.step(Step::Deliver { who, handle: 0, max: 1000, acknowledge: true })?;
                self.step(Step::Take { who, handle: 0, max: 10_000, done: true })?;
            }
        }
        Ok(())
    }

    fn is_still(&self) -> Held<()> {
        let twin = |one: usize| {
            let is_twin = |other: &usize| {
                let (one_unit, other_unit) = (&self.units[one], &self.units[*other]);
                *other != one && (one_unit.account, one_unit.device) == (other_unit.account, other_unit.device)
            };
            self.living().iter().any(is_twin)
        };
        // What the one of two copies cannot read it asks for again and again, and so it goes on for as long as there are two.
        if self.living().into_iter().any(twin) {
            return Ok(());
        }
        for who in self.living() {
            let pending = self.units[who].phone.app(|client| client.done(&[]));
            match pending {
                Ok(pending) if pending.requests == 0 && pending.events == 0 => {}
                other => return wrong("outboxes get empty", format!("{}: {other:?}", self.label(who))),
            }
        }
        Ok(())
    }

    /// The phones that are to show a message: of those whom it is for, and the writer's own others.
    fn readers(&self, at: usize) -> impl Iterator<Item = usize> {
        self.living().into_iter().filter(move |who| self.demands(at, *who))
    }

    /// Every message was shown once, or is reported.
    fn arrived(&self) -> Held<()> {
        for (at, written) in self.ledger.written.iter().enumerate() {
            for who in self.readers(at) {
                let shown = self.units[who].app.shown.get(&at).map_or(0, std::collections::BTreeSet::len);
                if shown > 1 {
                    return wrong("a message is shown once", format!("m{at}: {shown} times"));
                }
                let excused = written.excused.is_some() || self.reported(at, who);
                if shown == 0 && !excused && self.sound(written.on, who) {
                    return wrong("every message is shown or reported", self.course_of(at, who));
                }
            }
        }
        Ok(())
    }

    fn course_of(&self, at: usize, who: usize) -> String {
        let on = self.ledger.written[at].on;
        let state = self.units[on].app.states.get(&at);
        format!("m{at} from {} to {}: {state:?}", self.label(on), self.label(who))
    }

    /// Whether somebody was told that a message did not arrive on a phone.
    fn reported(&self, at: usize, who: usize) -> bool {
        let failed = [MessageState::Failed, MessageState::Cancelled, MessageState::Held];
        let written = &self.ledger.written[at];
        let unreadable = &self.units[who].app.unreadable;
        self.units[written.on].app.states.get(&at).is_some_and(|state| failed.contains(state))
            || written.blobs.iter().any(|blob| unreadable.contains_key(blob))
    }

    /// Everybody writes to everybody else.
    pub(super) fn say_something(&mut self) -> Held<()> {
        for who in self.living() {
            for to in 0..self.people - 1 {
                self.step(Step::Send { who, handle: 0, to, size: 10, quiet: false })?;
            }
            self.step(Step::SendToRoom { who, handle: 0, size: 10, quiet: false })?;
        }
        Ok(())
    }

    /// One more message between everybody: it arrives, and nothing is unreadable.
    fn probe(&mut self) -> Held<()> {
        let first = self.ledger.written.len();
        self.say_something()?;
        self.rounds(ROUNDS)?;
        self.is_still()?;
        self.strangers(first)?;
        for at in first..self.ledger.written.len() {
            for who in self.readers(at) {
                let shown = self.units[who].app.shown.contains_key(&at);
                // A session with a one-time prekey that was given away twice is unreadable until the other side writes:
                // said, and not healed yet.
                let spoilt = self.lied_about[self.units[who].account] && self.reported(at, who);
                if !shown && !spoilt && self.sound(self.ledger.written[at].on, who) {
                    return wrong("afterwards every message arrives", self.course_of(at, who));
                }
            }
        }
        Ok(())
    }

    /// What a phone has asked for came in the end, or it was told that nothing will: in eight days at most. Where there are two
    /// copies of a phone more is lost meanwhile, and asked for.
    fn answered(&mut self) -> Held<()> {
        let mut open = Vec::new();
        for who in self.living().into_iter().filter(|who| self.units[*who].is_sound()) {
            let app = &self.units[who].app;
            open.extend(app.asked.difference(&app.ended).map(|blob| (who, *blob)));
        }
        if open.is_empty() {
            return Ok(());
        }
        self.saw("asked: waited for the end");
        self.rounds_of(DAYS, 86_400)?;
        match open.iter().find(|(who, blob)| !self.units[*who].app.ended.contains(blob)) {
            Some((who, blob)) => wrong("what is asked for has an end", format!("{}: {blob:?}", self.label(*who))),
            None => Ok(()),
        }
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
        for who in self.living() {
            let person = self.label(who);
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
