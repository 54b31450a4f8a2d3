//! Copies of a phone that live on beside it, and whether the others notice.
//!
//! Of the two each sends and receives; for its peers they are one device. What is asked of them is little: that each shows a
//! message once and none that was not written, that no key seals two inputs, and that whoever they both write to is told.

use sprag::Role;

use super::unit::{Copied, Unit};
use super::{Held, World, rows, wrong};
use crate::disk::Disk;
use crate::environment::{Instruments, Source};
use crate::phone::Phone;
use crate::random::Dice;

/// Copies that are made in one world.
const MOST: usize = 3;

/// Messages from each of two copies within which whoever hears both, and answers, is told.
const FEW: usize = 4;

impl World {
    pub(super) fn copy(&mut self, who: usize, shared: bool, randomness: bool) -> Option<String> {
        let number = self.units.len();
        if self.units.iter().filter(|unit| unit.copied.is_some()).count() >= MOST {
            return None;
        }
        let has_beside = |unit: &Unit| rows::read(unit.phone.disk()).is_ok_and(|rows| rows::has_sessions_beside(&rows));
        let beside = self.units.iter().filter(|unit| !unit.gone).any(has_beside);
        let unit = &mut self.units[who];
        unit.doubled = true;
        let source = if randomness {
            unit.randomness()
        } else {
            Source::Seeded(Dice::new(self.seed.wrapping_mul(64).wrapping_add(number as u64)))
        };
        let instruments = Instruments::new(source);
        instruments.set(unit.phone.instruments.seconds());
        let mut phone = Phone::off(unit.name(), Disk::mount(unit.phone.disk().contents()), instruments);
        phone.put_keys(unit.phone.keys());
        for role in [Role::App, Role::Extension] {
            // One that cannot be started at the moment is as good as none.
            phone.start(role).ok()?;
        }
        let mut copy = Unit::new(unit.account, unit.device, phone);
        copy.label = format!("{}'s copy {number}", unit.label);
        copy.app = unit.app.clone();
        copy.standing = unit.standing;
        copy.holds_account_key = unit.holds_account_key;
        copy.left = unit.left.clone();
        copy.ahead = unit.ahead;
        copy.restored = unit.restored;
        copy.lost_power = true;
        copy.doubled = true;
        copy.copied = Some(Copied { of: who, heard: unit.app.heard.clone(), alike: randomness, beside });
        if shared {
            copy.mailbox = unit.mailbox;
        } else {
            copy.mailbox = unit.device.wrapping_add(number as u32);
            self.server.mail.branch(unit.name().as_bytes(), unit.mailbox, copy.mailbox);
        }
        let how = if shared { ", and takes mail away" } else { "" };
        let line = format!("{} is copied: there is {} from now on{how}", unit.label, copy.label);
        self.units.push(copy);
        Some(line)
    }

    /// One of those that are one device is left.
    pub(super) fn discard(&mut self, who: usize) -> Option<String> {
        let (account, device) = (self.units[who].account, self.units[who].device);
        let others = self.living().into_iter().filter(|other| *other != who);
        let is_twin = |other: usize| self.units[other].account == account && self.units[other].device == device;
        if !others.into_iter().any(is_twin) {
            return None;
        }
        let unit = &mut self.units[who];
        unit.gone = true;
        unit.phone.cut(crate::disk::Loss::Nothing);
        Some(format!("{} is thrown away", self.label(who)))
    }

    /// Whoever hears two phones that are one device is told of it within a few messages, or reads one of them no more.
    pub(super) fn noticed(&mut self) -> Held<()> {
        let whole = |who: usize| !self.units[who].gone && !self.units[who].restored;
        let source = |who: usize| self.units[who].copied.as_ref().map(|copied| copied.of);
        let living = self.living().into_iter();
        let twins = living.filter_map(|who| source(who).filter(|of| whole(who) && whole(*of)).map(|of| (of, who)));
        let twins: Vec<(usize, usize)> = twins.collect();
        if twins.is_empty() {
            return Ok(());
        }
        let first = self.ledger.written.len();
        for _ in 0..FEW {
            self.say_something()?;
            self.rounds(1)?;
        }
        for (of, copy) in twins {
            for who in self.living() {
                if self.units[who].account != self.units[of].account && self.units[who].is_sound() {
                    self.noticed_by(who, of, copy, first)?;
                }
            }
        }
        Ok(())
    }

    fn noticed_by(&mut self, who: usize, of: usize, copy: usize, first: usize) -> Held<()> {
        let (unit, account) = (&self.units[who], self.units[of].account);
        let Some(copied) = &self.units[copy].copied else { return Ok(()) };
        let is_told = unit.app.warned.contains(&account);
        let reads = |on: usize| {
            let latest = unit.app.shown.range(first..).map(|(at, _)| &self.ledger.written[*at]);
            latest.into_iter().any(|written| written.on == on)
        };
        let both = reads(of) && reads(copy);
        let detail = format!("{} and {} by {}", self.label(of), self.label(copy), unit.label);
        // Both go on in the session that there was. Two that each begin one of their own may pass for sessions that cross.
        let together = copied.heard.contains(&who);
        if together && !copied.beside && both && !is_told && !unit.app.restarts.contains(&account) {
            return wrong("two that are one are not both read without a word", detail);
        }
        // Each turn of the ratchet tells them apart, unless they draw one key for it, or each renews: then the peer is told of
        // session after session.
        let apart = self.units[of].mailbox != self.units[copy].mailbox && !copied.alike;
        if together && apart && !is_told && !unit.app.restarts.contains(&account) {
            return wrong("a copied phone is noticed", detail);
        }
        let kind = match (is_told, both) {
            (true, _) => "copy: told",
            (false, true) if unit.app.restarts.contains(&account) => "copy: told as begun anew",
            (false, true) => "copy: each in a session of its own",
            (false, false) => "copy: not read any more",
        };
        self.saw(kind);
        Ok(())
    }
}
