//! A world: three people with a phone each, a server that lies, and one seed.
//!
//! A step changes the world through what an app can do, and what a network, a disk and a server can do to it. After each
//! the oracles look; when all steps are done, the faults stop, and everything must come right.

mod act;
mod fleet;
mod judge;
mod ledger;
mod rows;
mod run;
mod settle;
mod step;
mod together;
mod trace;

use std::collections::BTreeMap;

use sprag::{AccountId, Error, Outcome, Request, RequestId, Role};
use sprag_malice::Server;

pub use self::fleet::PEOPLE;
pub use self::run::{Failure, Report, run, shrink, tell};
pub use self::step::{Bad, Fate, Step, Verb, draw};
pub use self::trace::Trace;

use self::fleet::Fleet;
use self::ledger::{App, Ledger};
use crate::disk::{Image, Loss, Trouble};
use crate::environment::{START, Source};
use crate::phone::Phone;
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

/// A backup of a whole phone, with what its app had in its own database.
struct Backup {
    image: Image,
    app: App,
    keys: Vec<[u8; 32]>,
    randomness: Source,
}

/// A request that an app's network has.
struct Task {
    request: Request,
    outcome: Option<Outcome>,
}

/// Somebody with a phone.
struct Person {
    phone: Phone,
    device: u32,
    app: App,
    tasks: Vec<Task>,
    backups: Vec<Backup>,
    /// What was ordered for the disk, and what is lost if it is a power cut.
    trouble: Option<(Trouble, Loss)>,
    /// Lost power, or was put back: an answer that the engine was told may be forgotten.
    lost_power: bool,
    /// Put back to an older state at some time: others cannot know.
    restored: bool,
    /// No randomness is to be had at the moment.
    dry: bool,
    /// Good randomness, while it is replaced by bad.
    good: Option<Source>,
    ahead: i64,
    /// The blob or other content of each request that left.
    left: BTreeMap<RequestId, String>,
}

/// The world.
pub struct World {
    people: Vec<Person>,
    server: Server,
    ledger: Ledger,
    /// Whoever the server lied about, by place: their keys may have been used up.
    lied_about: [bool; PEOPLE.len()],
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
    #[expect(clippy::expect_used, reason = "phones that were just made start")]
    pub fn new(seed: u64, keep: bool) -> Self {
        let fleet = Fleet::get();
        let people = (0..PEOPLE.len()).map(|who| {
            let (mut phone, device) = fleet.phone(who, seed);
            for role in [Role::App, Role::Extension] {
                phone.start(role).expect("a phone starts");
            }
            Person {
                phone,
                device,
                app: App::default(),
                tasks: Vec::new(),
                backups: Vec::new(),
                trouble: None,
                lost_power: false,
                restored: false,
                dry: false,
                good: None,
                ahead: 0,
                left: BTreeMap::new(),
            }
        });
        #[cfg(feature = "sabotage")]
        let _ = sprag_core::sabotage::reused();
        let mut canary = [0; 8];
        Dice::new(seed ^ 0x5eed).fill(&mut canary);
        Self {
            people: people.collect(),
            server: fleet.server.clone(),
            ledger: Ledger::default(),
            lied_about: [false; PEOPLE.len()],
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

    fn place(account: &AccountId) -> Option<usize> {
        PEOPLE.iter().position(|name| name.as_bytes() == account.as_bytes())
    }

    /// The other one of the three.
    const fn other(who: usize, to: usize) -> usize {
        (who + 1 + to % 2) % PEOPLE.len()
    }

    /// Whether two people's phones were never put back: between them everything must come right.
    fn sound(&self, one: usize, other: usize) -> bool {
        !self.people[one].restored && !self.people[other].restored
    }

    /// A call was refused: only if something was wrong with its phone. If the power went, it comes back.
    fn refused(&mut self, who: usize, error: Error) -> Held<String> {
        let person = &mut self.people[who];
        let cause = match (person.trouble, error) {
            (Some((trouble, loss)), Error::Store(_) | Error::Unavailable | Error::Busy) => {
                person.trouble = None;
                person.phone.disk().relieve();
                if person.phone.disk().is_off() {
                    self.power(who, loss)?;
                }
                format!("{trouble:?}")
            }
            (_, Error::Unavailable) if person.dry => "no randomness".to_owned(),
            _ => return wrong("a call fails only for a cause", format!("{}: {error:?}", PEOPLE[who])),
        };
        Ok(format!("refused ({cause}): {error:?}"))
    }

    /// The power of a phone goes and comes back.
    fn power(&mut self, who: usize, loss: Loss) -> Held<()> {
        let person = &mut self.people[who];
        person.trouble = None;
        person.lost_power = true;
        person.tasks.clear();
        person.phone.cut(loss);
        self.start_all(who)
    }

    /// Starts what does not run. Trouble with the disk may come in the midst of it; it is over after that.
    fn start_all(&mut self, who: usize) -> Held<()> {
        for handle in 0..HANDLES {
            let Err(error) = self.people[who].phone.restart(handle) else { continue };
            self.refused(who, error)?;
            if let Err(error) = self.people[who].phone.restart(handle) {
                return wrong("a store opens after a crash", format!("{}: {error:?}", PEOPLE[who]));
            }
        }
        Ok(())
    }
}
