//! What each step does.

use std::collections::BTreeSet;

use sprag::{Action, Class, Error, Hint, Outcome, Preview, Rejection, SendOptions};

use super::ledger::{Origin, Written};
use super::step::{Bad, Fate, Step};
use super::{Backup, Held, OFF, PEOPLE, Task, World, wrong};
use crate::disk::Disk;
use crate::environment::Source;
use crate::net::{carry_out, incoming};
use crate::phone::{account, message, text, with};

impl World {
    /// Makes a step, and lets the oracles look at it.
    ///
    /// # Errors
    /// What they found wrong.
    pub fn step(&mut self, step: Step) -> Held<()> {
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
                self.write(who, handle, Self::other(who, to), size, quiet)?
            }
            Step::SendAgain { who, handle, which } => {
                let mine: Vec<usize> =
                    (0..self.ledger.written.len()).filter(|at| self.ledger.written[*at].from == who).collect();
                let Some(at) = mine.get(which % mine.len().max(1)).copied() else { return Ok(None) };
                self.send(handle, at)?
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
                format!("{}: the power goes ({loss:?})", PEOPLE[who])
            }
            Step::Kill { who, handle } => {
                self.people[who].phone.kill(handle);
                self.start_all(who)?;
                format!("{}#{handle} is killed", PEOPLE[who])
            }
            Step::Trouble { who, trouble, after, loss } => {
                let person = &mut self.people[who];
                person.trouble = Some((trouble, loss));
                person.phone.disk().trouble(trouble, after);
                format!("{}: {trouble:?} is to come after {after}", PEOPLE[who])
            }
            Step::Snapshot { who } => {
                let person = &mut self.people[who];
                let randomness = person.good.clone().unwrap_or_else(|| person.phone.instruments.source());
                let image = person.phone.disk().contents();
                let (app, keys) = (person.app.clone(), person.phone.keys());
                person.backups.push(Backup { image, app, keys, randomness });
                format!("{}: a backup is made", PEOPLE[who])
            }
            Step::Restore { who, which, randomness } => return self.restore(who, which, randomness),
            Step::Randomness { who, bad } => self.randomness(who, bad),
            Step::Trick(trick) => return Ok(self.trick(trick)),
        }))
    }

    fn rekey(&mut self, who: usize) -> Held<String> {
        // Other processes must open the store anew.
        self.people[who].phone.stop(1);
        let line = format!("{}'s store gets another key", PEOPLE[who]);
        let line = match self.people[who].phone.rekey() {
            Ok(()) => line,
            Err(error) => format!("{line}: {}", self.refused(who, error)?),
        };
        self.start_all(who)?;
        Ok(line)
    }

    fn write(&mut self, who: usize, handle: usize, to: usize, size: usize, quiet: bool) -> Held<String> {
        let number = self.compose(who, to, size, quiet);
        self.send(handle, number)
    }

    /// A message is written, and not sent yet.
    pub(super) fn compose(&mut self, who: usize, to: usize, size: usize, quiet: bool) -> usize {
        let number = self.ledger.written.len();
        let text = format!("{}:{number}:{}", self.canary, ".".repeat(size));
        self.ledger.written.push(Written {
            id: message(&format!("m{number}")),
            from: who,
            to,
            text,
            quiet,
            certain: false,
            state: None,
            blobs: BTreeSet::new(),
            excused: None,
        });
        number
    }

    /// The app sends a message of the ledger; again, if it did before.
    pub(super) fn send(&mut self, handle: usize, at: usize) -> Held<String> {
        let written = &self.ledger.written[at];
        let (who, to) = (written.from, written.to);
        let mut options = SendOptions::default();
        options.client_id = Some(written.id.clone());
        options.class = if written.quiet { Class::Quiet } else { Class::Message };
        let (conversation, content) = (with(&account(PEOPLE[to])), text(&written.text));
        let sent = self.people[who].phone.with(handle, |client| client.send(&conversation, &content, &options));
        let line = format!("{}#{handle} sends m{at} to {}", PEOPLE[who], PEOPLE[to]);
        match sent {
            Ok(sent) => {
                self.ledger.written[at].certain = true;
                if sent.message != self.ledger.written[at].id {
                    return wrong("an id stays", line);
                }
                self.leave(who, sent.requests)?;
                Ok(format!("{line}: {:?}", sent.state))
            }
            Err(error) => Ok(format!("{line}: {}", self.refused(who, error)?)),
        }
    }

    fn lease(&mut self, who: usize, handle: usize, max: usize) -> Held<String> {
        let line = format!("{}#{handle} takes requests", PEOPLE[who]);
        match self.people[who].phone.with(handle, |client| client.requests(max, 60)) {
            Ok(requests) => {
                let names: Vec<String> =
                    requests.iter().map(|r| format!("{:x}/{}", r.action.code(), r.attempt)).collect();
                self.leave(who, requests)?;
                Ok(format!("{line}: [{}]", names.join(" ")))
            }
            Err(error) => Ok(format!("{line}: {}", self.refused(who, error)?)),
        }
    }

    /// Requests leave the engine: each is durable, and the same whenever it is offered.
    pub(super) fn leave(&mut self, who: usize, requests: Vec<sprag::Request>) -> Held<()> {
        for request in requests {
            let what = match &request.action {
                Action::Send(send) => {
                    let to = send.to.first().and_then(Self::place).unwrap_or(who);
                    let message = send.message.as_ref().and_then(|id| self.ledger.find(who, id));
                    if send.message.is_some() && message.is_none() {
                        return wrong("only what was written is sent", format!("{:?}", send.message));
                    }
                    if let Some(at) = message {
                        self.ledger.written[at].blobs.insert(send.blob_id);
                    }
                    self.ledger.blobs.insert(send.blob_id, Origin { from: who, to, message });
                    format!("{:?}", send.blob_id)
                }
                other => format!("{}", other.code()),
            };
            let person = &mut self.people[who];
            if let Some(before) = person.left.insert(request.id, what.clone())
                && before != what
                && !person.restored
            {
                return wrong("what left under an id stays the same", format!("{before}, then {what}"));
            }
            person.tasks.retain(|task| task.request.id != request.id);
            person.tasks.push(Task { request, outcome: None });
        }
        Ok(())
    }

    fn carry(&mut self, who: usize, handle: usize, which: usize, fate: Fate) -> Held<Option<String>> {
        let count = self.people[who].tasks.len();
        if count == 0 {
            return Ok(None);
        }
        let mut task = self.people[who].tasks.remove(which % count);
        let id = task.request.id;
        let mut line = format!("{}'s request {} goes ({fate:?})", PEOPLE[who], task.request.action.code());
        if let Action::Send(send) = &task.request.action {
            line = format!("{line}, {:?}", send.blob_id);
        }
        let reached = matches!(fate, Fate::Well | Fate::AnswerLost | Fate::AnsweredTwice | Fate::Forgotten);
        if reached && task.outcome.is_none() {
            let account = self.people[who].phone.account.clone();
            task.outcome = Some(carry_out(&mut self.server, &account, &task.request.action));
        }
        let outcome = match (fate, task.outcome) {
            (Fate::Forgotten, _) => return Ok(Some(line)),
            (Fate::Lost | Fate::AnswerLost, _) => Outcome::Retry { after: None },
            (Fate::Refused, _) => Outcome::Rejected(Rejection::Forbidden),
            (_, Some(outcome)) => outcome,
            (_, None) => return Ok(None),
        };
        for _ in 0..if fate == Fate::AnsweredTwice { 2 } else { 1 } {
            let answer = outcome.clone();
            if let Err(error) = self.people[who].phone.with(handle, |client| client.respond(id, answer)) {
                line = format!("{line}: {}", self.refused(who, error)?);
            }
        }
        Ok(Some(line))
    }

    fn peek(&mut self, who: usize, handle: usize, which: usize) -> Held<Option<String>> {
        let waiting = self.server.mail.collect(PEOPLE[who].as_bytes(), self.people[who].device, usize::MAX);
        let Some(mail) = waiting.get(which % waiting.len().max(1)).cloned() else { return Ok(None) };
        let before = self.rows(who);
        let preview = self.people[who].phone.with(handle, |client| client.peek(&incoming(mail)));
        let line = format!("{}#{handle} peeks", PEOPLE[who]);
        match preview {
            Ok(preview) => {
                if before != self.rows(who) {
                    return wrong("a look changes nothing", line);
                }
                let what = match preview {
                    Preview::Message { client_id, .. } => format!("message {client_id:?}"),
                    Preview::Known => "nothing new".to_owned(),
                    Preview::Unreadable { reason } => format!("{reason:?}"),
                    _ => "something else".to_owned(),
                };
                Ok(Some(format!("{line}: {what}")))
            }
            Err(error) => Ok(Some(format!("{line}: {}", self.refused(who, error)?))),
        }
    }

    fn wake(&mut self, who: usize, handle: usize, hint: bool) -> Held<String> {
        let mut word = Hint::default();
        if hint {
            let left = self.server.directory.left(PEOPLE[who].as_bytes(), self.people[who].device);
            word.one_time_left = u32::try_from(left).ok();
        }
        let line = format!("{}#{handle} wakes ({:?})", PEOPLE[who], word.one_time_left);
        match self.people[who].phone.with(handle, |client| client.wake(word)) {
            Ok(pending) => Ok(format!("{line}: {} requests", pending.requests)),
            Err(error) => Ok(format!("{line}: {}", self.refused(who, error)?)),
        }
    }

    fn with_message(&mut self, who: usize, which: usize, cancel: bool) -> Held<Option<String>> {
        let mine: Vec<usize> =
            (0..self.ledger.written.len()).filter(|at| self.ledger.written[*at].from == who).collect();
        let Some(at) = mine.get(which % mine.len().max(1)).copied() else { return Ok(None) };
        let id = self.ledger.written[at].id.clone();
        let phone = &self.people[who].phone;
        let answer = if cancel {
            phone.app(|client| client.cancel(id.as_bytes()))
        } else {
            phone.app(|client| client.retry(id.as_bytes()))
        };
        let line = format!("{} {} m{at}", PEOPLE[who], if cancel { "takes back" } else { "tries again" });
        Ok(Some(match answer {
            Ok(_) => line,
            Err(error @ (Error::NotAllowed | Error::Unknown)) => format!("{line}: {error:?}"),
            Err(error) => format!("{line}: {}", self.refused(who, error)?),
        }))
    }

    fn suspend(&mut self, who: usize, handle: usize) -> Held<String> {
        let phone = &self.people[who].phone;
        let suspended = phone.with(handle, |client| {
            let suspended = client.suspend();
            let refused = client.events(0, 1).err();
            client.resume()?;
            suspended.map(|()| refused)
        });
        let line = format!("{}#{handle} is suspended and resumed", PEOPLE[who]);
        match suspended {
            Ok(Some(Error::Unavailable)) => Ok(line),
            Ok(other) => wrong("a suspended store is closed", format!("{other:?}")),
            Err(error) => Ok(format!("{line}: {}", self.refused(who, error)?)),
        }
    }

    fn clock(&mut self, who: usize, seconds: i64) -> Option<String> {
        let person = &mut self.people[who];
        let ahead = person.ahead + seconds;
        if !OFF.contains(&ahead) {
            return None;
        }
        person.ahead = ahead;
        person.phone.instruments.jump(seconds);
        self.latest = self.latest.max(person.phone.instruments.seconds());
        Some(format!("{}'s clock jumps {seconds} s", PEOPLE[who]))
    }

    fn restore(&mut self, who: usize, which: usize, randomness: bool) -> Held<Option<String>> {
        let person = &mut self.people[who];
        let count = person.backups.len();
        if count == 0 {
            return Ok(None);
        }
        let backup = &person.backups[which % count];
        let (image, app, source) = (backup.image.clone(), backup.app.clone(), backup.randomness.clone());
        let keys = backup.keys.clone();
        person.restored = true;
        person.lost_power = true;
        person.trouble = None;
        person.tasks.clear();
        person.app = app;
        person.phone.replace(image);
        person.phone.put_keys(keys);
        if randomness {
            person.phone.instruments.draw_from(source);
            person.good = None;
            person.dry = false;
        }
        self.start_all(who)?;
        Ok(Some(format!("{}'s phone is put back to backup {} of {count}", PEOPLE[who], which % count)))
    }

    fn randomness(&mut self, who: usize, bad: Bad) -> String {
        let person = &mut self.people[who];
        let instruments = &person.phone.instruments;
        person.dry = bad == Bad::Dry;
        let source = match bad {
            Bad::Constant => Source::Constant(0x55),
            Bad::Dry => Source::Dry,
            Bad::Good => person.good.take().unwrap_or_else(|| instruments.source()),
        };
        let before = instruments.draw_from(source);
        if matches!(before, Source::Seeded(_)) && bad != Bad::Good {
            person.good = Some(before);
        }
        format!("{}'s randomness is {bad:?}", PEOPLE[who])
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
                self.lied_about[account % PEOPLE.len()] = true;
            }
            _ => {}
        }
        Some(format!("the server {}", deed.what))
    }

    /// The rows of a phone, where nothing is wrong with its disk.
    pub(super) fn rows(&self, who: usize) -> Option<super::rows::Rows> {
        let person = &self.people[who];
        if person.trouble.is_some() { None } else { super::rows::read(person.phone.disk()).ok() }
    }

    /// The disk of somebody.
    pub(super) fn disk(&self, who: usize) -> &Disk {
        self.people[who].phone.disk()
    }
}
