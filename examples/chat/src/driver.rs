//! What runs: a thread that carries requests out, a thread that fetches mail, and the one that reads what is typed.
//!
//! The client is asked and told by all of them; everything that must not be lost is in its store, so a thread may stop
//! at any place.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use sprag::{
    AccountId, Client, Content, Conversation, Error, Event, Hint, Incoming, Outcome, Pending, Request, SendOptions,
};

use crate::people::People;
use crate::screen::Screen;
use crate::upkeep::Upkeep;
use sprag_chat::relay::{Mail, Relay, Trouble};

/// How long the relay holds a request for mail.
const POLL: Duration = Duration::from_secs(25);

/// After how long something is tried again that did not work.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);

/// What the network thread is told.
pub(crate) enum Call {
    /// Carry these out: they are leased to us.
    Carry(Vec<Request>),
    /// Something changed.
    Look(Pending),
    /// End.
    Stop,
}

/// What one thread does until the end.
type Work = Box<dyn FnOnce(&Driver) -> Result<(), String> + Send>;

/// Everything that the threads share.
pub(crate) struct Driver {
    pub(crate) client: Client,
    pub(crate) relay: Relay,
    /// What the relay knows this device by.
    pub(crate) token: String,
    pub(crate) screen: Screen,
    pub(crate) people: People,
    bell: Sender<Call>,
    /// Whether the relay keeps keys.
    has_directory: bool,
    fetching: AtomicBool,
    online: AtomicBool,
    stopping: AtomicBool,
}

pub(crate) fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl Driver {
    pub(crate) fn new(
        client: Client,
        relay: Relay,
        token: String,
        screen: Screen,
        bell: Sender<Call>,
        has_directory: bool,
    ) -> Self {
        let (fetching, online, stopping) = (AtomicBool::new(true), AtomicBool::new(true), AtomicBool::new(false));
        Self {
            client,
            relay,
            token,
            screen,
            people: People::default(),
            bell,
            has_directory,
            fetching,
            online,
            stopping,
        }
    }

    /// Says that it runs.
    pub(crate) fn greet(&self, name: &str) -> std::io::Result<()> {
        let device = self.client.device().0;
        self.screen.say(&format!("ready {name} {device:08x}"), &format!("you are {name}; /help says what can be typed"))
    }

    /// Runs until `input` returns; answers why it ended, if it should not have.
    pub(crate) fn run(
        self,
        calls: Receiver<Call>,
        input: impl FnOnce(&Self) -> Result<(), String> + Send + 'static,
    ) -> Result<(), String> {
        // Threads that wait for the relay are not waited for at the end: what they do is safe to cut off.
        let driver = std::sync::Arc::new(self);
        let (ended, end) = mpsc::channel();
        let mut hands = Vec::new();
        let works: [Work; 3] = [Box::new(move |driver| driver.network(&calls)), Box::new(Self::mail), Box::new(input)];
        for work in works {
            let (driver, ended) = (std::sync::Arc::clone(&driver), ended.clone());
            hands.push(thread::spawn(move || ended.send(work(&driver))));
        }
        let outcome = end.recv().unwrap_or_else(|_| Err("a thread is gone".to_owned()));
        driver.stopping.store(true, Ordering::Relaxed);
        let _ = driver.bell.send(Call::Stop);
        // The network thread gives back what it holds, so that the next start need not wait for a lease.
        let _ = end.recv_timeout(PAUSE);
        let _shown_is_done = driver.screen.hold();
        outcome
    }

    /// Queues a text.
    pub(crate) fn send(&self, peer: &str, text: String) -> Result<(), String> {
        let Ok(account) = AccountId::new(peer) else { return self.complain("a name has 1 to 64 bytes") };
        self.write(peer, &Conversation::Direct(account), text)
    }

    /// Queues a text in a conversation that is called so.
    pub(crate) fn write(&self, peer: &str, conversation: &Conversation, text: String) -> Result<(), String> {
        let content = Content::Text(text);
        // Whoever carries it out has to wait with showing it until its number is known.
        let hold = self.screen.hold();
        let sent = patiently(|| self.client.send(conversation, &content, &SendOptions::default()));
        match sent {
            Ok(sent) => {
                self.screen.queued(peer, &sent.message, sent.state).map_err(said)?;
                if let Conversation::Direct(account) = conversation {
                    self.people.note(account, &sent.message, sent.state);
                }
                drop(hold);
                self.call(Call::Carry(sent.requests));
                Ok(())
            }
            Err(error @ (Error::Misuse(_) | Error::NotAllowed)) => self.complain(&error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Shows the safety number with somebody.
    pub(crate) fn safety(&self, peer: &str) -> Result<(), String> {
        match patiently(|| self.client.contact(peer.as_bytes())).map(|contact| contact.number) {
            Ok(Some(number)) => {
                let line = format!("safety {peer} {}", number.digits());
                self.screen.say(&line, &format!("you and {peer}: {}", number.grouped()))
            }
            Ok(None) | Err(Error::Unknown | Error::Misuse(_)) => {
                self.screen.say(&format!("safety {peer} -"), &format!("nothing is known of {peer} yet"))
            }
            Err(error) => return Err(error.to_string()),
        }
        .map_err(said)
    }

    /// Shows how fresh the keys are that messages to somebody are sealed with.
    pub(crate) fn fresh(&self, peer: &str) -> Result<(), String> {
        let devices = match patiently(|| self.client.freshness(peer.as_bytes())) {
            Ok(devices) => devices,
            Err(Error::Unknown | Error::Misuse(_)) => Vec::new(),
            Err(error) => return Err(error.to_string()),
        };
        self.screen.fresh(peer, &devices).map_err(said)
    }

    /// Shows the numbers that a support ticket needs.
    pub(crate) fn diagnose(&self) -> Result<(), String> {
        let told = patiently(|| self.client.diagnose()).map_err(|error| error.to_string())?.to_string();
        told.lines().try_for_each(|line| self.screen.say(&format!("diagnose {line}"), line)).map_err(said)
    }

    /// Starts and stops fetching mail.
    pub(crate) fn fetch_mail(&self, on: bool) -> Result<(), String> {
        let _nothing_is_being_shown = self.screen.hold();
        self.fetching.store(on, Ordering::Relaxed);
        self.screen.say(if on { "mail on" } else { "mail off" }, "").map_err(said)
    }

    /// Says that something typed makes no sense.
    pub(crate) fn complain(&self, words: &str) -> Result<(), String> {
        self.screen.say(&format!("trouble {words}"), words).map_err(said)
    }

    /// There may be something to do.
    pub(crate) fn look(&self, pending: Pending) {
        self.call(Call::Look(pending));
    }

    fn call(&self, call: Call) {
        // The network thread is gone only at the end.
        let _ = self.bell.send(call);
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Notes whether the relay answers, and says so when that changes.
    fn reached(&self, reached: bool) -> Result<(), String> {
        if self.online.swap(reached, Ordering::Relaxed) == reached {
            return Ok(());
        }
        let (script, person) = if reached {
            ("online", "(the relay is back)")
        } else {
            ("offline", "(the relay cannot be reached; messages wait)")
        };
        self.screen.say(script, person).map_err(said)
    }

    /// The network thread: wakes the engine when it is time, and carries requests out in their order.
    fn network(&self, calls: &Receiver<Call>) -> Result<(), String> {
        let mut upkeep = Upkeep::new();
        loop {
            if upkeep.is_due() {
                self.wake(&mut upkeep)?;
            }
            // What is leased to us comes before what the store still has: it is older.
            let call = match calls.try_recv() {
                Ok(call) => Some(call),
                Err(_) => {
                    let requests = patiently(|| self.client.requests(64, 60)).map_err(said)?;
                    if requests.is_empty() {
                        match calls.recv_timeout(upkeep.rest()) {
                            Ok(call) => Some(call),
                            Err(RecvTimeoutError::Timeout) => None,
                            Err(RecvTimeoutError::Disconnected) => return Ok(()),
                        }
                    } else {
                        Some(Call::Carry(requests))
                    }
                }
            };
            match call {
                Some(Call::Carry(requests)) => self.carry_out(&requests, &mut upkeep)?,
                Some(Call::Look(pending)) => upkeep.note(&pending),
                Some(Call::Stop) => return Ok(()),
                None => {}
            }
            self.show()?;
        }
    }

    fn wake(&self, upkeep: &mut Upkeep) -> Result<(), String> {
        let mut hint = Hint::default();
        if self.has_directory && upkeep.wants_stock() {
            hint.one_time_left = self.relay.stock();
        }
        let pending = patiently(|| self.client.wake(hint)).map_err(said)?;
        upkeep.woken(&pending, hint.one_time_left.is_some());
        Ok(())
    }

    /// Carries requests out. After one that has to be tried again the rest is put off as well: order is kept.
    fn carry_out(&self, requests: &[Request], upkeep: &mut Upkeep) -> Result<(), String> {
        let mut put_off = false;
        for request in requests {
            let outcome = if put_off || self.is_stopping() {
                Outcome::Retry { after: Some(u32::from(put_off)) }
            } else {
                let Some(answer) = self.relay.carry_out(request) else { continue };
                self.reached(!matches!(answer, Err(Trouble::Offline)))?;
                answer.unwrap_or_else(Trouble::outcome)
            };
            put_off |= matches!(outcome, Outcome::Retry { .. });
            if let Outcome::Published { one_time_left } = &outcome {
                self.screen.say(&format!("published {}", one_time_left.unwrap_or(0)), "").map_err(said)?;
            }
            let pending = patiently(|| self.client.respond(request.id, outcome.clone())).map_err(said)?;
            upkeep.note(&pending);
            self.show()?;
        }
        Ok(())
    }

    /// The mail thread: fetches, delivers, acknowledges, shows.
    fn mail(&self) -> Result<(), String> {
        let mut cursor = 0;
        let mut refused = 0;
        while !self.is_stopping() {
            if !self.fetching.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(20));
                continue;
            }
            match self.relay.mail(cursor, POLL) {
                Ok(mail) => {
                    self.reached(true)?;
                    refused = 0;
                    cursor = self.take_in(mail)?.unwrap_or(cursor);
                }
                Err(Trouble::Offline) => {
                    self.reached(false)?;
                    thread::sleep(PAUSE);
                }
                Err(Trouble::Refused(status, _)) => {
                    if std::mem::replace(&mut refused, status) != status && !self.is_newcomer() {
                        let words = match status {
                            403 => "the account is somebody else's, or this device was taken off it",
                            _ => "no mail",
                        };
                        self.complain(&format!("the relay refuses ({status}): {words}"))?;
                    }
                    thread::sleep(PAUSE);
                }
            }
        }
        Ok(())
    }

    /// Delivers mail and acknowledges it; answers the number of the last one. Nothing is taken while fetching is off.
    fn take_in(&self, mail: Vec<Mail>) -> Result<Option<u64>, String> {
        let numbers: Vec<u64> = mail.iter().map(|mail| mail.number).collect();
        let Some(last) = numbers.last().copied() else { return Ok(None) };
        let batch: Vec<Incoming> = mail.into_iter().map(incoming).collect();
        let forgettable = {
            let _one_at_a_time = self.screen.hold();
            if !self.fetching.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let delivered = patiently(|| self.client.deliver(&batch)).map_err(said)?;
            self.look(delivered.pending);
            self.sort(&numbers, batch, &delivered.verdicts)?
        };
        // If this does not arrive the mail comes once more, and is recognised.
        let _ = self.relay.acknowledge(forgettable);
        self.show()?;
        Ok(Some(last))
    }

    /// Shows what there is to show. It is done when it is on the screen: an app has written it into its history by then.
    pub(crate) fn show(&self) -> Result<(), String> {
        let _one_at_a_time = self.screen.hold();
        loop {
            let events = patiently(|| self.client.events(0, 64)).map_err(said)?;
            if events.is_empty() {
                return Ok(());
            }
            events.iter().try_for_each(|event| self.screen.event(event)).map_err(said)?;
            events.iter().for_each(|event| self.people.heard(event));
            let ids: Vec<u64> = events.iter().map(|event: &Event| event.id).collect();
            patiently(|| self.client.done(&ids)).map_err(said)?;
        }
    }
}

/// The relay knows mailboxes and no conversations: a message belongs where its sender sealed it.
fn incoming(mail: Mail) -> Incoming {
    Incoming::from(mail.from, mail.blob)
}

/// Calls until it is not another process's turn, for some seconds.
pub(crate) fn patiently<T>(mut call: impl FnMut() -> sprag::Result<T>) -> sprag::Result<T> {
    let mut left = 50_u32;
    loop {
        match call() {
            Err(error) if error.is_transient() && left > 0 => {
                left -= 1;
                thread::sleep(Duration::from_millis(100));
            }
            outcome => return outcome,
        }
    }
}
