//! Devices that come to an account and leave it, and whether each reads what it is to read and nothing else.

use sprag::{DeviceId, Error, Role};

use super::unit::{Standing, Unit};
use super::{Held, PEOPLE, World, wrong};
use crate::disk::Disk;
use crate::phone::Phone;

/// Devices that an account has at most.
const MOST: usize = 4;

/// Rounds within which a device is linked when nothing goes wrong.
const ROUNDS: usize = 4;

/// Seconds by which keys may be dated ahead.
const DAY: i64 = 86_400;

impl World {
    /// A new phone shows a code, which is scanned with this one: or one that is not linked yet shows another.
    pub(super) fn link(&mut self, who: usize, holds_account_key: bool) -> Held<Option<String>> {
        let account = self.units[who].account;
        let is_new = |unit: &Unit| unit.account == account && unit.standing == Standing::New;
        let new = match self.units.iter().position(is_new) {
            Some(new) if new == who => return Ok(None),
            Some(new) => new,
            None if self.devices(account) >= MOST => return Ok(None),
            None => self.buy(who)?,
        };
        let code = match self.units[new].phone.app(sprag::Client::link_code) {
            Ok(code) => code,
            // The offer came, and the list is on its way.
            Err(Error::NotAllowed) => return Ok(None),
            Err(error) => {
                let cause = self.refused(new, error)?;
                return Ok(Some(format!("{} shows a code: {cause}", self.label(new))));
            }
        };
        let line = format!("{} scans the code of {}", self.label(who), self.label(new));
        let offered =
            self.units[who].phone.app(|client| client.admit(code.expose_bytes(), code.digits(), holds_account_key));
        Ok(Some(match offered {
            Ok(_) => {
                self.units[new].holds_account_key |= holds_account_key;
                line
            }
            Err(Error::NotAllowed) => format!("{line}: not allowed"),
            Err(error) => format!("{line}: {}", self.refused(who, error)?),
        }))
    }

    /// A phone that is to be linked.
    fn buy(&mut self, who: usize) -> Held<usize> {
        let (number, account) = (self.units.len(), self.units[who].account);
        let seed = self.seed.wrapping_mul(64).wrapping_add(number as u64);
        let made = Phone::newcomer(PEOPLE[account], seed).and_then(|made| {
            let device = made.app(|client| Ok(client.device().0))?;
            let mut phone = Phone::off(PEOPLE[account], Disk::mount(made.disk().contents()), made.instruments.clone());
            for role in [Role::App, Role::Extension] {
                phone.start(role)?;
            }
            Ok((phone, device))
        });
        let (phone, device) = match made {
            Ok(made) => made,
            Err(error) => return wrong("a phone is made", format!("{}: {error:?}", PEOPLE[account])),
        };
        phone.instruments.set(self.units[who].phone.instruments.seconds());
        let mut unit = Unit::new(account, device, phone);
        unit.label = format!("{}/{}", PEOPLE[account], self.devices(account) + 1);
        unit.ahead = self.units[who].ahead;
        unit.standing = Standing::New;
        self.server.mail.acknowledge(PEOPLE[account].as_bytes(), device, 0);
        self.units.push(unit);
        Ok(number)
    }

    /// A device takes another one off the list.
    pub(super) fn revoke(&mut self, who: usize, which: usize) -> Held<Option<String>> {
        let account = self.units[who].account;
        let is_other =
            |unit: &Unit| unit.account == account && unit.standing != Standing::New && !unit.holds_account_key;
        let others: Vec<usize> = (0..self.units.len()).filter(|at| *at != who && is_other(&self.units[*at])).collect();
        let Some(other) = others.get(which % others.len().max(1)).copied() else { return Ok(None) };
        let device = DeviceId(self.units[other].device);
        let line = format!("{} revokes {}", self.label(who), self.label(other));
        Ok(Some(match self.units[who].phone.app(|client| client.revoke(device)) {
            Ok(_) => {
                self.units[other].standing = Standing::Revoked;
                line
            }
            Err(error @ (Error::NotAllowed | Error::Unknown)) => format!("{line}: {error:?}"),
            Err(error) => format!("{line}: {}", self.refused(who, error)?),
        }))
    }

    /// A device leaves. What it still had to send may be lost.
    pub(super) fn retire(&mut self, who: usize) -> Held<Option<String>> {
        let unit = &self.units[who];
        if unit.holds_account_key || unit.standing == Standing::New {
            return Ok(None);
        }
        let line = format!("{} leaves", unit.label);
        Ok(Some(match unit.phone.app(sprag::Client::retire) {
            Ok(_) => {
                self.units[who].standing = Standing::Revoked;
                line
            }
            Err(error @ Error::NotAllowed) => format!("{line}: {error:?}"),
            Err(error) => format!("{line}: {}", self.refused(who, error)?),
        }))
    }

    /// A phone is told that it is on the list.
    pub(super) fn joined(&mut self, who: usize) {
        if self.units[who].standing == Standing::New {
            // What was on its way before went to those that were there; from when on it reads all, the end decides.
            self.units[who].standing = Standing::Listed { since: usize::MAX };
        }
    }

    /// Whoever never saw a newer list cannot know of the devices that came with it, before somebody says so; and a device
    /// whose keys are spoilt is left out where others of its account are reached.
    pub(super) fn hide_some(&mut self, account: usize) {
        if self.devices(account) == 1 {
            return;
        }
        for unit in self.units.iter_mut().filter(|unit| unit.account == account) {
            if let Standing::Listed { since } = &mut unit.standing {
                *since = usize::MAX;
            }
        }
    }

    /// Whether a phone is on its account's list.
    pub(super) fn is_listed(&self, who: usize) -> bool {
        matches!(self.units[who].standing, Standing::Listed { .. })
    }

    /// Whether a phone is to be shown a message.
    pub(super) fn demands(&self, at: usize, who: usize) -> bool {
        let (written, unit) = (&self.ledger.written[at], &self.units[who]);
        let writer = &self.units[written.on];
        let wrote = (unit.account, unit.device) == (writer.account, writer.device);
        let is_listed = matches!(unit.standing, Standing::Listed { since } if at >= since);
        // To a phone whose keys are of the future nothing can be begun: what is written goes to the account's others alone.
        let is_of_the_future = unit.ahead > DAY && self.devices(unit.account) > 1;
        written.concerns(unit.account) && !wrote && is_listed && self.is_listed(written.on) && !is_of_the_future
    }

    /// When the faults have stopped, whatever is still to be linked is, and everybody gets to know the lists.
    pub(super) fn link_all(&mut self) -> Held<()> {
        let has_changed = |unit: &Unit| unit.standing != Standing::Listed { since: 0 };
        if !self.units.iter().any(has_changed) {
            return Ok(());
        }
        for new in 0..self.units.len() {
            let account = self.units[new].account;
            if self.units[new].standing == Standing::New {
                // The first phone of each holds the account key.
                let Some(line) = self.link(account, false)? else { continue };
                self.trace.note(line);
                // A code lives for a minute.
                self.rounds_of(ROUNDS, 5)?;
                if self.units[new].standing == Standing::New {
                    return wrong("a new phone is linked", self.label(new));
                }
            }
        }
        self.say_something()?;
        self.rounds(ROUNDS)?;
        let first = self.ledger.written.len();
        for unit in &mut self.units {
            if let Standing::Listed { since } = &mut unit.standing {
                *since = (*since).min(first);
            }
        }
        self.lists()
    }

    /// All of an account's devices know one list, and it is the one of those that were linked and not revoked.
    fn lists(&self) -> Held<()> {
        for who in self.living() {
            let unit = &self.units[who];
            if !self.is_listed(who) || !unit.is_sound() {
                continue;
            }
            let is_listed = |other: &&Unit| {
                other.account == unit.account
                    && matches!(other.standing, Standing::Listed { .. })
                    && other.copied.is_none()
            };
            let mut listed: Vec<u32> = self.units.iter().filter(is_listed).map(|other| other.device).collect();
            listed.sort_unstable();
            let known = unit.phone.app(|client| {
                let mut devices: Vec<u32> = client.devices()?.iter().map(|device| device.id.0).collect();
                devices.sort_unstable();
                Ok(devices)
            });
            if known != Ok(listed.clone()) {
                return wrong(
                    "an account's devices know one list",
                    format!("{}: {known:?}, not {listed:?}", unit.label),
                );
            }
        }
        Ok(())
    }

    /// Nobody who is not on a list reads what is written after it was changed.
    pub(super) fn strangers(&self, first: usize) -> Held<()> {
        for who in self.living() {
            let unit = &self.units[who];
            // Two that were revoked may well go on between themselves.
            let of_listed = |at: &usize| self.is_listed(self.ledger.written[*at].on);
            let mut shown = unit.app.shown.range(first..).map(|(at, _)| *at).filter(of_listed);
            if !self.is_listed(who)
                && let Some(at) = shown.next()
            {
                return wrong("nobody off the list opens anything", format!("{} is shown m{at}", unit.label));
            }
        }
        Ok(())
    }
}
