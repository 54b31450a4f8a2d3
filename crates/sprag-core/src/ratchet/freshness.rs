//! How far the ratchets are, and what a peer may still ask of them today.

use crate::error::{Error, Result};

/// Chain steps that the messages of one day may ask for, all together: beyond them, nothing that skips is opened until
/// tomorrow. No lost mail comes near it; a peer who jumps again and again does.
pub const MAX_STEPS_PER_DAY: u32 = 100_000;

const DAY: u64 = 86_400;

/// How far both ratchets are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// The epoch of the braid whose key is in what is sealed: so many fresh post-quantum secrets.
    pub epoch: u64,
    /// Messages, either way, since the Diffie-Hellman ratchet last turned.
    pub since_turn: u32,
    /// Messages, either way, since the epoch began.
    pub since_epoch: u32,
    /// Own turns of the Diffie-Hellman ratchet since the braid last brought this side a key, for which the other one may
    /// still have to do its part.
    pub turns_in_epoch: u32,
}

impl Freshness {
    pub(super) const fn message(&mut self) {
        self.since_turn = self.since_turn.saturating_add(1);
        self.since_epoch = self.since_epoch.saturating_add(1);
    }

    pub(super) const fn turn(&mut self) {
        self.since_turn = 0;
    }

    pub(super) const fn own_turn(&mut self) {
        self.turns_in_epoch = self.turns_in_epoch.saturating_add(1);
    }

    pub(super) const fn output(&mut self) {
        self.turns_in_epoch = 0;
    }

    /// Takes note of the epoch that messages are sealed under.
    pub(super) const fn epoch(&mut self, epoch: u64) {
        if epoch != self.epoch {
            (self.epoch, self.since_epoch) = (epoch, 0);
        }
    }
}

/// Chain steps that were made on one day.
#[derive(Clone, Copy, Default)]
pub(super) struct Steps {
    /// The day, counted from that of 1970.
    pub(super) day: u64,
    pub(super) made: u32,
}

impl Steps {
    /// With `more` made at `now`. Another day begins anew, be it an earlier one: a clock that was put forward and back
    /// refuses nothing for long. Without a clock it is the day that it was.
    pub(super) fn with(self, more: u32, now: Option<u64>) -> Self {
        let day = now.map_or(self.day, |now| now / DAY);
        Self { day, made: more.saturating_add(if day == self.day { self.made } else { 0 }) }
    }

    /// That `more` may be made at `now`.
    ///
    /// # Errors
    /// [`Error::TooFar`] if that is too many. What skips nothing costs nothing.
    pub(super) fn check(self, more: u32, now: Option<u64>) -> Result<()> {
        let too_many = more > 0 && self.with(more, now).made > MAX_STEPS_PER_DAY && !broken!("any-jump");
        if too_many { Err(Error::TooFar) } else { Ok(()) }
    }
}
