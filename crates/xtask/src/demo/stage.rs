//! The people, the relay and the books together; waits for what is to happen, never for a time.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::build::Built;
use super::ledger::{Ledger, Place};
use super::look::Caller;
use super::process::{Folder, Line, Process, Relay, account_of, messenger};
use super::texts::{brief, escape, unescape};

/// After this without a word from anybody, something hangs. Longer than a lease, and long for a slow machine.
const SILENCE: Duration = Duration::from_secs(180);

/// One person's messenger, as far as it is seen from outside.
#[derive(Default)]
struct Person {
    process: Option<Process>,
    run: u32,
    ended: bool,
    leaving: bool,
    published: bool,
    device: String,
    fetching: Option<bool>,
    /// What is to be typed on another device to link this one.
    code: Option<String>,
    /// The link by which others write to this one.
    card: Option<String>,
    /// Who can read what is encrypted, as it is told.
    offered: Vec<String>,
    /// How far linking has come, as it is told.
    linked: Vec<String>,
    screen: Vec<String>,
}

/// The stage.
pub(crate) struct Stage<'a> {
    built: &'a Built,
    folder: &'a Folder,
    has_keys: bool,
    /// The relay.
    pub(crate) relay: Relay,
    /// The books.
    pub(crate) ledger: Ledger,
    people: BTreeMap<&'static str, Person>,
    lines: Receiver<Line>,
    sender: Sender<Line>,
}

/// How much of something is there, of how much.
type Measure<'a> = &'a dyn Fn(&Stage<'_>) -> (usize, usize);

impl<'a> Stage<'a> {
    /// With a relay that keeps keys, or one that carries mail and nothing else.
    pub(crate) fn new(built: &'a Built, folder: &'a Folder, has_keys: bool) -> Result<Self, String> {
        let place = if has_keys { folder.relay() } else { folder.mail_relay() };
        let relay = Relay::start(built, &place, has_keys)?;
        let (sender, lines) = mpsc::channel();
        Ok(Self { built, folder, has_keys, relay, ledger: Ledger::default(), people: BTreeMap::new(), lines, sender })
    }

    fn person(&self, name: &str) -> Result<&Person, String> {
        self.people.get(name).ok_or_else(|| format!("{name} is not there"))
    }

    fn command(&self, name: &str, line: String) -> Result<(), String> {
        let process = self.person(name)?.process.as_ref().ok_or_else(|| format!("{name} does not run"))?;
        process.write(line);
        Ok(())
    }

    /// Somebody starts, or starts again, and has keys at the relay.
    pub(crate) fn enter(&mut self, name: &'static str) -> Result<(), String> {
        self.start(name)?;
        self.ledger.joins(name, account_of(name));
        self.is_published(name)
    }

    /// A new device starts, is linked by one of its account's, and has keys at the relay.
    pub(crate) fn link(&mut self, new: &'static str, by: &'static str) -> Result<(), String> {
        self.start(new)?;
        self.command(new, "link".to_owned())?;
        let code = |stage: &Stage<'_>| stage.person(new).ok().and_then(|person| person.code.clone());
        self.until(&format!("{new} shows a code"), &|stage| (usize::from(code(stage).is_some()), 1))?;
        self.command(by, format!("admit {}", code(self).unwrap_or_default()))?;
        let heard = |stage: &Stage<'_>, name: &str, phase: &str| {
            stage.person(name).is_ok_and(|person| person.linked.iter().any(|told| told == phase))
        };
        self.until(&format!("{new} is linked"), &|stage| {
            (usize::from(heard(stage, new, "joined")) + usize::from(heard(stage, by, "admitted")), 2)
        })?;
        self.ledger.joins(new, account_of(new));
        self.is_published(new)
    }

    /// Somebody takes another device off the account: from now on it is to show nothing.
    pub(crate) fn revoke(&mut self, device: &'static str, by: &'static str) -> Result<(), String> {
        let id = self.device(device)?;
        self.ledger.leaves(device);
        self.command(by, format!("revoke {id}"))
    }

    /// Somebody starts, with or without keys.
    pub(crate) fn start(&mut self, name: &'static str) -> Result<(), String> {
        let mut command = messenger(self.built, name, &self.relay.url(), &self.folder.stores());
        command.arg("--script");
        if !self.has_keys {
            command.arg("--in-band");
        }
        let person = self.people.entry(name).or_default();
        person.run += 1;
        (person.ended, person.leaving, person.device) = (false, false, String::new());
        person.process = Some(Process::start(name, person.run, command, self.sender.clone())?);
        self.until(&format!("{name} runs"), &|stage| {
            (usize::from(stage.person(name).is_ok_and(|person| !person.device.is_empty())), 1)
        })
    }

    /// Somebody starts where the relay keeps no keys, and has a mailbox there.
    pub(crate) fn enter_mailbox(&mut self, name: &'static str) -> Result<(), String> {
        self.start(name)?;
        self.ledger.joins(name, account_of(name));
        let device = self.device(name)?;
        Caller::of(&self.folder.stores(), name, &device)?.mail(&self.relay.address).map(|_| ())
    }

    /// One gives the other a link, by a way that is not the relay's: theirs is the card that goes through it.
    pub(crate) fn meet(&mut self, one: &'static str, other: &'static str) -> Result<String, String> {
        self.command(other, "card".to_owned())?;
        let card = |stage: &Stage<'_>| stage.person(other).ok().and_then(|person| person.card.clone());
        self.until(&format!("{other} has a link"), &|stage| (usize::from(card(stage).is_some()), 1))?;
        let link = card(self).unwrap_or_default();
        self.command(one, format!("import {link}"))?;
        let knows =
            |stage: &Stage<'_>| stage.person(other).is_ok_and(|person| person.offered.iter().any(|name| name == one));
        self.until(&format!("{other} has {one}'s card"), &|stage| (usize::from(knows(stage)), 1))?;
        Ok(link)
    }

    fn is_published(&mut self, name: &'static str) -> Result<(), String> {
        self.until(&format!("{name} is ready"), &|stage| {
            (usize::from(stage.person(name).is_ok_and(|person| person.published)), 1)
        })
    }

    /// Somebody quits, and does it without an error.
    pub(crate) fn leave(&mut self, name: &'static str) -> Result<(), String> {
        self.command(name, "quit".to_owned())?;
        self.gone(name)?;
        let process = self.people.get_mut(name).and_then(|person| person.process.take());
        match process.and_then(|mut process| process.finish(SILENCE)) {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(format!("{name} ended with {status}")),
            None => Err(format!("{name} does not end")),
        }
    }

    /// `kill -9`; what was written before is still read.
    pub(crate) fn kill(&mut self, name: &'static str) -> Result<(), String> {
        if let Some(mut process) = self.people.get_mut(name).and_then(|person| person.process.take()) {
            process.kill();
        }
        self.ledger.crashed();
        self.gone(name)
    }

    fn gone(&mut self, name: &'static str) -> Result<(), String> {
        if let Some(person) = self.people.get_mut(name) {
            person.leaving = true;
        }
        self.until(&format!("{name} is gone"), &|stage| {
            (usize::from(stage.person(name).is_ok_and(|person| person.ended)), 1)
        })
    }

    /// Somebody types a text.
    pub(crate) fn say(&mut self, from: &'static str, to: &'static str, text: &str) -> Result<(), String> {
        self.ledger.send(from, Place::Direct(to), text);
        self.command(from, format!("send {to} {}", escape(text)))
    }

    /// Somebody types a text to a room.
    pub(crate) fn say_in(
        &mut self,
        from: &'static str,
        room: &'static str,
        members: &'static [&'static str],
        text: &str,
    ) -> Result<(), String> {
        self.ledger.send(from, Place::Room(room, members), text);
        self.command(from, format!("room {room} {} {}", members.join(","), escape(text)))
    }

    /// Waits until somebody has been warned as was expected.
    pub(crate) fn warned(&mut self, name: &'static str) -> Result<(), String> {
        self.until(&format!("{name} is warned"), &|stage| (usize::from(stage.ledger.is_warned(name)), 1))
    }

    /// Somebody stops fetching mail, or takes it up again.
    pub(crate) fn fetch(&mut self, name: &'static str, on: bool) -> Result<(), String> {
        self.command(name, format!("mail {}", if on { "on" } else { "off" }))?;
        self.until(&format!("{name} has heard"), &|stage| {
            (usize::from(stage.person(name).is_ok_and(|person| person.fetching == Some(on))), 1)
        })
    }

    /// Waits until everything that was sent is on a screen.
    pub(crate) fn all_shown(&mut self) -> Result<(), String> {
        self.until("texts are on their screens", &|stage| (stage.ledger.shown(), stage.ledger.expected()))
    }

    /// Waits until the relay has taken everything that was sent.
    pub(crate) fn all_accepted(&mut self) -> Result<(), String> {
        self.until("texts are at the relay", &|stage| (stage.ledger.accepted(), stage.ledger.len()))
    }

    /// The number that one sees for the other.
    pub(crate) fn safety(&mut self, of: &'static str, with: &'static str) -> Result<String, String> {
        self.command(of, format!("safety {with}"))?;
        let known = |stage: &Stage<'_>| (usize::from(stage.ledger.safety(of, with).is_some()), 1);
        self.until(&format!("{of} sees a safety number"), &known)?;
        Ok(self.ledger.safety(of, with).unwrap_or_default().to_owned())
    }

    /// The device that somebody's messenger said it is.
    pub(crate) fn device(&self, name: &str) -> Result<String, String> {
        Ok(self.person(name)?.device.clone())
    }

    /// What a screen showed.
    pub(crate) fn screen(&self, name: &str) -> &[String] {
        self.people.get(name).map_or(&[], |person| &person.screen)
    }

    /// Takes in what everybody says until as much is there as is wanted.
    pub(crate) fn until(&mut self, what: &str, measure: Measure<'_>) -> Result<(), String> {
        let start = Instant::now();
        let mut heard = start;
        let mut next = Duration::from_secs(2);
        loop {
            let (have, want) = measure(self);
            if have >= want {
                return Ok(());
            }
            if start.elapsed() > next {
                println!("  … {what}: {have} of {want}, {} s", start.elapsed().as_secs());
                next += Duration::from_secs(2);
            }
            match self.lines.recv_timeout(Duration::from_millis(200)) {
                Ok(line) => {
                    heard = Instant::now();
                    self.take(line)?;
                }
                Err(RecvTimeoutError::Timeout) if heard.elapsed() < SILENCE => {}
                Err(_) => {
                    let missing = self.ledger.missing().join("; ") + &self.ledger.unwarned();
                    return Err(format!("{what}: {have} of {want}, and then silence. Missing: {missing}"));
                }
            }
        }
    }

    fn take(&mut self, (name, run, line): Line) -> Result<(), String> {
        let Some(person) = self.people.get_mut(name).filter(|person| person.run == run) else { return Ok(()) };
        let Some(line) = line else {
            person.ended = true;
            return if person.leaving { Ok(()) } else { Err(format!("{name} ended on its own")) };
        };
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match word {
            "ready" => person.device = rest.rsplit(' ').next().unwrap_or_default().to_owned(),
            "published" => person.published = true,
            "mail" => person.fetching = Some(rest == "on"),
            "link" => person.code = Some(rest.to_owned()),
            "card" => person.card = Some(rest.to_owned()),
            "protection" => person.offered.extend(rest.strip_suffix(" offered").map(str::to_owned)),
            "linked" => person.linked.push(rest.split(' ').next().unwrap_or_default().to_owned()),
            "message" => {
                if let [_, from, _, text] = rest.splitn(4, ' ').collect::<Vec<_>>().as_slice() {
                    person.screen.push(format!("{from}: {}", brief(&unescape(text))));
                }
            }
            "outgoing" => {
                if let [_, to, _, text] = rest.splitn(4, ' ').collect::<Vec<_>>().as_slice() {
                    person.screen.push(format!("(sent elsewhere) to {to}: {}", brief(&unescape(text))));
                }
            }
            "room" => {
                if let [_, room, from, _, text] = rest.splitn(5, ' ').collect::<Vec<_>>().as_slice() {
                    person.screen.push(format!("{from} in {room}: {}", brief(&unescape(text))));
                }
            }
            "warning" | "trouble" => person.screen.push(format!("! {rest}")),
            _ => {}
        }
        self.ledger.line(name, &line)
    }
}
