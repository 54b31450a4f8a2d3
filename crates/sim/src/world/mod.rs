//! A world: some people with a phone or more each, and now and then a copy of one; a server that lies, and one seed.
//!
//! A step changes the world through what an app can do, and what a network, a disk and a server can do to it. After each
//! the oracles look; when all steps are done, the faults stop, and everything must come right.

mod act;
mod copies;
mod course;
mod devices;
mod fleet;
mod judge;
mod ledger;
mod network;
mod rows;
mod run;
mod settle;
mod show;
mod step;
mod together;
mod trace;
mod trouble;
mod unit;

use std::collections::BTreeMap;

use sprag::{AccountId, Error};
use sprag_malice::Server;

pub use self::course::draw;
pub use self::fleet::PEOPLE;
pub use self::run::{Failure, Report, run, shrink, tell};
pub use self::step::{Bad, Fate, Step, Verb};
pub use self::trace::Trace;

use self::fleet::Fleet;
use self::ledger::Ledger;
use self::unit::{Standing, Unit};
use crate::disk::Loss;
use crate::environment::START;
use crate::random::Dice;

/// By how many seconds a clock may be off: from the one end to the other, skipped keys and prekeys outlive it.
const OFF: std::ops::RangeInclusive<i64> = -5 * 86_400..=20 * 86_400;

/// Processes of a phone: the app, and a helper beside it.
const HANDLES: usize = 2;

/// What an oracle found wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Which promise is broken.
    pub promise: &'static str,
    /// What was seen.
    pub detail: String,
}

type Held<T> = Result<T, Wrong>;

fn wrong<T>(promise: &'static str, detail: impl Into<String>) -> Held<T> {
    Err(Wrong { promise, detail: detail.into() })
}

/// The world.
pub struct World {
    people: usize,
    units: Vec<Unit>,
    server: Server,
    ledger: Ledger,
    /// Whoever the server lied about, by place: their keys may have been used up.
    lied_about: Vec<bool>,
    seed: u64,
    canary: String,
    /// The latest that a clock ever said: when the faults stop, it is later everywhere.
    latest: u64,
    trace: Trace,
    faults: BTreeMap<&'static str, u64>,
    seen: BTreeMap<String, u64>,
}

impl World {
    /// A new world.
    ///
    /// # Panics
    /// If the phones of the fleet do not start.
    #[must_use]
    pub fn new(seed: u64, keep: bool) -> Self {
        let fleet = Fleet::get(seed);
        let mut server = fleet.server.clone();
        let mut units: Vec<Unit> = Vec::new();
        for (account, device, phone) in fleet.phones(seed) {
            server.mail.acknowledge(PEOPLE[account].as_bytes(), device, 0);
            let mut unit = Unit::new(account, device, phone);
            let before = units.iter().filter(|other| other.account == account).count();
            unit.holds_account_key = before == 0;
            if before > 0 {
                unit.label = format!("{}/{}", PEOPLE[account], before + 1);
            }
            units.push(unit);
        }
        #[cfg(feature = "sabotage")]
        let _ = sprag_core::sabotage::reused();
        let mut canary = [0; 8];
        Dice::new(seed ^ 0x5eed).fill(&mut canary);
        Self {
            people: fleet.people(),
            units,
            server,
            ledger: Ledger::default(),
            lied_about: vec![false; fleet.people()],
            seed,
            canary: canary.iter().map(|byte| format!("{byte:02x}")).collect(),
            latest: START / 1000,
            trace: Trace::new(keep),
            faults: BTreeMap::new(),
            seen: BTreeMap::new(),
        }
    }

    /// What happened.
    #[must_use]
    pub const fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Faults that happened, by kind.
    #[must_use]
    pub const fn faults(&self) -> &BTreeMap<&'static str, u64> {
        &self.faults
    }

    /// What was seen of messages, by kind.
    #[must_use]
    pub const fn seen(&self) -> &BTreeMap<String, u64> {
        &self.seen
    }

    fn saw(&mut self, what: &str) {
        match self.seen.get_mut(what) {
            Some(count) => *count += 1,
            None => {
                self.seen.insert(what.to_owned(), 1);
            }
        }
    }

    /// How many messages were written.
    #[must_use]
    pub const fn messages(&self) -> usize {
        self.ledger.written.len()
    }

    fn account_of(account: &AccountId) -> Option<usize> {
        PEOPLE.iter().position(|name| name.as_bytes() == account.as_bytes())
    }

    /// Somebody else than the owner of a phone, as one of the others.
    fn other(&self, who: usize, to: usize) -> usize {
        (self.units[who].account + 1 + to % (self.people - 1)) % self.people
    }

    /// What a phone is called in the story.
    fn label(&self, who: usize) -> &str {
        &self.units[who].label
    }

    /// How many devices somebody has.
    fn devices(&self, account: usize) -> usize {
        let of = self.units.iter().filter(|unit| unit.account == account && unit.copied.is_none());
        of.count()
    }

    /// Phones that are in use.
    fn living(&self) -> Vec<usize> {
        (0..self.units.len()).filter(|who| !self.units[*who].gone).collect()
    }

    /// Whether neither of two phones was ever put back or copied: between them everything must come right.
    fn sound(&self, one: usize, other: usize) -> bool {
        self.units[one].is_sound() && self.units[other].is_sound()
    }

    /// A call was refused: only if something was wrong with its phone. If the power went, it comes back.
    fn refused(&mut self, who: usize, error: Error) -> Held<String> {
        let unit = &mut self.units[who];
        let cause = match (unit.trouble, error) {
            (Some((trouble, loss)), Error::Store(_) | Error::Unavailable | Error::Busy) => {
                unit.trouble = None;
                unit.phone.disk().relieve();
                if unit.phone.disk().is_off() {
                    self.power(who, loss)?;
                }
                format!("{trouble:?}")
            }
            (_, Error::NotAllowed) if !matches!(unit.standing, Standing::Listed { .. }) => "not listed".to_owned(),
            (_, Error::Unavailable) if unit.dry => "no randomness".to_owned(),
            _ => return wrong("a call fails only for a cause", format!("{}: {error:?}", self.label(who))),
        };
        Ok(format!("refused ({cause}): {error:?}"))
    }

    /// The power of a phone goes and comes back.
    fn power(&mut self, who: usize, loss: Loss) -> Held<()> {
        let unit = &mut self.units[who];
        unit.trouble = None;
        unit.lost_power = true;
        unit.tasks.clear();
        unit.phone.cut(loss);
        self.start_all(who)
    }

    /// Starts what does not run. Trouble with the disk may come in the midst of it; it is over after that.
    fn start_all(&mut self, who: usize) -> Held<()> {
        for handle in 0..HANDLES {
            let Err(error) = self.units[who].phone.restart(handle) else { continue };
            self.refused(who, error)?;
            if let Err(error) = self.units[who].phone.restart(handle) {
                return wrong("a store opens after a crash", format!("{}: {error:?}", self.label(who)));
            }
        }
        Ok(())
    }
}
