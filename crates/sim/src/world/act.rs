//! What each step does.

use std::collections::BTreeSet;

use sprag::{Class, Error, Hint, SendOptions};

use super::ledger::Written;
use super::step::Step;
use super::{Held, World, wrong};
use crate::disk::Disk;
use crate::phone::{message, text};

impl World {
    /// Makes a step, and lets the oracles look at it.
    ///
    /// # Errors
    /// What they found wrong.
    pub fn step(&mut self, mut step: Step) -> Held<()> {
        if let Some(who) = step.who() {
            *who %= self.units.len();
            if self.units[*who].gone {
                return Ok(());
            }
        }
        let Some(what) = self.act(step)? else { return Ok(()) };
        if let Some(fault) = step.fault() {
            *self.faults.entry(fault).or_default() += 1;
        }
        self.trace.note(what);
        Ok(())
    }

    fn act(&mut self, step: Step) -> Held<Option<String>> {
        Ok(Some(match step {
            Step::Send { who, handle, to, size, quiet } => {
                let to = vec![self.other(who, to)];
                self.write(who, handle, to, false, size, quiet)?
            }
            Step::SendToRoom { who, handle, size, quiet } => {
                let account = self.units[who].account;
                let to = (0..self.people).filter(|other| *other != account).collect();
                self.write(who, handle, to, true, size, quiet)?
            }
            Step::SendAgain { who, handle, which } => {
                let Some(at) = self.mine(who, which) else { return Ok(None) };
                self.send(who, handle, at)?
            }
            Step::Lease { who, handle, max } => self.lease(who, handle, max)?,
            Step::Carry { who, handle, which, fate } => return self.carry(who, handle, which, fate),
            Step::Deliver { who, handle, max, acknowledge } => return self.deliver(who, handle, max, acknowledge),
            Step::Peek { who, handle, which } => return self.peek(who, handle, which),
            Step::Take { who, handle, max, done } => self.take(who, handle, max, done)?,
            Step::Together { who, first, second, at } => self.together(who, first, second, at)?,
            Step::Rekey { who } => self.rekey(who)?,
            Step::Wake { who, handle, hint } => self.wake(who, handle, hint)?,
            Step::Cancel { who, which } => return self.with_message(who, which, true),
            Step::Retry { who, which } => return self.with_message(who, which, false),
            Step::Suspend { who, handle } => self.suspend(who, handle)?,
            Step::Clock { who, seconds } => return Ok(self.clock(who, seconds)),
            Step::Cut { who, loss } => {
                self.power(who, loss)?;
                format!("{}: the power goes ({loss:?})", self.label(who))
            }
            Step::Kill { who, handle } => {
                self.units[who].phone.kill(handle);
                self.start_all(who)?;
                format!("{}#{handle} is killed", self.label(who))
            }
            Step::Trouble { who, trouble, after, loss } => {
                let unit = &mut self.units[who];
                unit.trouble = Some((trouble, loss));
                unit.phone.disk().trouble(trouble, after);
                format!("{}: {trouble:?} is to come after {after}", self.label(who))
            }
            Step::Snapshot { who } => self.snapshot(who),
            Step::Restore { who, which, randomness } => return self.restore(who, which, randomness),
            Step::Copy { who, shared, randomness } => return Ok(self.copy(who, shared, randomness)),
            Step::Discard { who } => return Ok(self.discard(who)),
            Step::Link { who, holds_account_key } => return self.link(who, holds_account_key),
            Step::Revoke { who, which } => return self.revoke(who, which),
            Step::Retire { who } => return self.retire(who),
            Step::Randomness { who, bad } => self.randomness(who, bad),
            Step::Trick(trick) => return Ok(self.trick(trick)),
        }))
    }

    fn write(
        &mut self,
        who: usize,
        handle: usize,
        to: Vec<usize>,
        room: bool,
        size: usize,
        quiet: bool,
    ) -> Held<String> {
        let number = self.compose(who, to, room, size, quiet);
        self.send(who, handle, number)
    }

    /// One of the messages that the app on a phone knows as written on it.
    fn mine(&self, who: usize, which: usize) -> Option<usize> {
        let mine = &self.units[who].app.mine;
        mine.iter().nth(which % mine.len().max(1)).copied()
    }

    /// A message is written, and not sent yet.
    pub(super) fn compose(&mut self, who: usize, to: Vec<usize>, room: bool, size: usize, quiet: bool) -> usize {
        let number = self.ledger.written.len();
        let text = format!("{}:{number}:{}", self.canary, ".".repeat(size));
        self.ledger.written.push(Written {
            id: message(&format!("m{number}")),
            from: self.units[who].account,
            on: who,
            to,
            room,
            text,
            quiet,
            certain: false,
            blobs: BTreeSet::new(),
            excused: None,
        });
        self.units[who].app.mine.insert(number);
        number
    }

    /// The app sends a message of the ledger; again, if it did before.
    pub(super) fn send(&mut self, who: usize, handle: usize, at: usize) -> Held<String> {
        let written = &self.ledger.written[at];
        let mut options = SendOptions::default();
        options.client_id = Some(written.id.clone());
        options.class = if written.quiet { Class::Quiet } else { Class::Message };
        let (conversation, content) = (self.place(at, self.units[who].account), text(&written.text));
        let to = written.whom();
        let sent = self.units[who].phone.with(handle, |client| client.send(&conversation, &content, &options));
        let line = format!("{}#{handle} sends m{at} to {to}", self.label(who));
        match sent {
            Ok(sent) => {
                self.ledger.written[at].certain = true;
                if sent.message != self.ledger.written[at].id {
                    return wrong("an id stays", line);
                }
                self.leave(who, sent.requests)?;
                Ok(format!("{line}: {:?}", sent.state))
            }
            // As far as its phone knows, the other has no keys: it is tried again.
            Err(Error::NotProtected) => Ok(format!("{line}: the conversation is plain")),
            Err(error) => Ok(format!("{line}: {}", self.refused(who, error)?)),
        }
    }

    fn with_message(&mut self, who: usize, which: usize, cancel: bool) -> Held<Option<String>> {
        let Some(at) = self.mine(who, which) else { return Ok(None) };
        let id = self.ledger.written[at].id.clone();
        let phone = &self.units[who].phone;
        let answer = if cancel {
            phone.app(|client| client.cancel(id.as_bytes()))
        } else {
            phone.app(|client| client.retry(id.as_bytes()))
        };
        let line = format!("{} {} m{at}", self.label(who), if cancel { "takes back" } else { "tries again" });
        Ok(Some(match answer {
            Ok(_) => line,
            Err(error @ (Error::NotAllowed | Error::Unknown)) => format!("{line}: {error:?}"),
            Err(error) => format!("{line}: {}", self.refused(who, error)?),
        }))
    }

    fn wake(&mut self, who: usize, handle: usize, hint: bool) -> Held<String> {
        let mut word = Hint::default();
        if hint {
            let unit = &self.units[who];
            let left = self.server.directory.left(unit.name().as_bytes(), unit.device);
            word.one_time_left = u32::try_from(left).ok();
        }
        let line = format!("{}#{handle} wakes ({:?})", self.label(who), word.one_time_left);
        match self.units[who].phone.with(handle, |client| client.wake(word)) {
            Ok(pending) => Ok(format!("{line}: {} requests", pending.requests)),
            Err(error) => Ok(format!("{line}: {}", self.refused(who, error)?)),
        }
    }

    fn trick(&mut self, trick: sprag_malice::Trick) -> Option<String> {
        use sprag_malice::Trick;
        let deed = self.server.play(trick)?;
        if let (Some(lost), Some(_)) = (&deed.lost, &deed.to) {
            let lost = sprag::BlobId::of(lost);
            if let Some(at) = self.ledger.blobs.get(&lost).and_then(|origin| origin.message) {
                self.ledger.written[at].excused = Some("the server dropped it");
            }
        }
        match trick {
            Trick::OldPrekey { account, .. } | Trick::OneTimeTwice { account, .. } => {
                // Everybody's keys, in the order of the directory, which is that of the names.
                self.lied_about[account % self.people] = true;
                self.hide_some(account % self.people);
            }
            Trick::OldList { account, .. } | Trick::FlipKeys { account, .. } | Trick::Mix { account, .. } => {
                self.hide_some(account % self.people);
            }
            _ => {}
        }
        Some(format!("the server {}", deed.what))
    }

    /// The rows of a phone, where nothing is wrong with its disk.
    pub(super) fn rows(&self, who: usize) -> Option<super::rows::Rows> {
        let unit = &self.units[who];
        if unit.trouble.is_some() { None } else { super::rows::read(unit.phone.disk()).ok() }
    }

    /// The disk of somebody.
    pub(super) fn disk(&self, who: usize) -> &Disk {
        self.units[who].phone.disk()
    }
}
