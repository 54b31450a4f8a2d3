//! One phone that runs: somebody's, or a copy of somebody's.

use std::collections::{BTreeMap, BTreeSet};

use sprag::{Outcome, Request, RequestId};

use super::PEOPLE;
use super::ledger::App;
use crate::disk::{Image, Loss, Trouble};
use crate::environment::Source;
use crate::phone::Phone;

/// A backup of a whole phone, with what its app had in its own database.
pub(super) struct Backup {
    pub(super) image: Image,
    pub(super) app: App,
    pub(super) keys: Vec<[u8; 32]>,
    pub(super) randomness: Source,
}

/// A request that an app's network has.
pub(super) struct Task {
    pub(super) request: Request,
    pub(super) outcome: Option<Outcome>,
}

/// What a copy of a phone was when it was made.
pub(super) struct Copied {
    /// The phone that it is a copy of, by its place.
    pub(super) of: usize,
    /// The phones that both had heard before.
    pub(super) heard: BTreeSet<usize>,
    /// Whether it draws the same random bytes.
    pub(super) alike: bool,
    /// Whether some two phones had several sessions then: copies may go on in one each, where neither meets the other.
    pub(super) beside: bool,
}

/// What a phone is to its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// To be linked.
    New,
    /// On the list, and so to be shown each message from this one on.
    Listed { since: usize },
    /// Taken off the list.
    Revoked,
}

/// A phone, and what surrounds it.
pub(super) struct Unit {
    /// What it is called in the story.
    pub(super) label: String,
    /// Whose it is.
    pub(super) account: usize,
    /// The device that its engine is. A copy is the same one.
    pub(super) device: u32,
    pub(super) standing: Standing,
    /// Whether it may admit others.
    pub(super) holds_account_key: bool,
    /// Under which number the server keeps how far it has read.
    pub(super) mailbox: u32,
    pub(super) phone: Phone,
    pub(super) app: App,
    pub(super) tasks: Vec<Task>,
    pub(super) backups: Vec<Backup>,
    /// What was ordered for the disk, and what is lost if it is a power cut.
    pub(super) trouble: Option<(Trouble, Loss)>,
    /// Lost power, or was put back: an answer that the engine was told may be forgotten.
    pub(super) lost_power: bool,
    /// Put back to an older state at some time: others cannot know.
    pub(super) restored: bool,
    /// There is or was a second one of it.
    pub(super) doubled: bool,
    /// Where it is the second one.
    pub(super) copied: Option<Copied>,
    /// Thrown away.
    pub(super) gone: bool,
    /// No randomness is to be had at the moment.
    pub(super) dry: bool,
    /// Good randomness, while it is replaced by bad.
    pub(super) good: Option<Source>,
    pub(super) ahead: i64,
    /// The blob or other content of each request that left.
    pub(super) left: BTreeMap<RequestId, String>,
}

impl Unit {
    /// A phone that nothing has happened to yet.
    pub(super) fn new(account: usize, device: u32, phone: Phone) -> Self {
        Self {
            label: PEOPLE[account].to_owned(),
            account,
            device,
            standing: Standing::Listed { since: 0 },
            holds_account_key: false,
            mailbox: device,
            phone,
            app: App::default(),
            tasks: Vec::new(),
            backups: Vec::new(),
            trouble: None,
            lost_power: false,
            restored: false,
            doubled: false,
            copied: None,
            gone: false,
            dry: false,
            good: None,
            ahead: 0,
            left: BTreeMap::new(),
        }
    }

    /// Its randomness as it stands, or as it will be when it is good again.
    pub(super) fn randomness(&self) -> Source {
        self.good.clone().unwrap_or_else(|| self.phone.instruments.source())
    }

    /// Whether it was never put back nor copied: with others of which that is true, everything must come right.
    pub(super) const fn is_sound(&self) -> bool {
        !self.restored && !self.doubled
    }

    /// Whose it is, as the server has it.
    pub(super) const fn name(&self) -> &'static str {
        PEOPLE[self.account]
    }
}
