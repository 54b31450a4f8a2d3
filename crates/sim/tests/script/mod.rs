//! A conversation that is always the same, with everything that one phone's app does and is told noted beside what its
//! disk was asked to do.

use std::sync::Arc;

use sprag::{
    Action, BlobId, Content, Error, Event, Finding, Hint, Incoming, MessageId, Outcome, Request, Result, Role,
    SendOptions, Sent, What,
};
use sprag_malice::Server;
use sprag_sim::disk::{Disk, Image, Medium, Recording};
use sprag_sim::environment::{Instruments, Source};
use sprag_sim::net::{carry_out, incoming};
use sprag_sim::phone::{Phone, account, message, text, with};
use sprag_sim::random::Dice;

/// Whose disk is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Writes first.
    Alice,
    /// Is written to.
    Bob,
}

impl Who {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Alice => "alice",
            Self::Bob => "bob",
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Alice => Self::Bob,
            Self::Bob => Self::Alice,
        }
    }
}

/// A message that was given to `deliver`, and what came of it.
pub(crate) struct Given {
    pub(crate) incoming: Incoming,
    pub(crate) opens: bool,
    pub(crate) events: Vec<u64>,
    pub(crate) key: Option<Vec<u8>>,
}

/// What the app was told, or told.
pub(crate) enum Fact {
    Delivered(Vec<Given>),
    Left(Vec<(u64, Option<BlobId>)>),
    Answered(u64),
    Shown(Vec<(u64, Vec<u8>)>),
    Done(Vec<u64>),
    Sent { id: MessageId, to: &'static str, content: String },
    Other,
}

/// A call: how many changes the disk had seen when it began and when it returned.
pub(crate) struct Mark {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) fact: Fact,
}

/// What names a message over all its deliveries.
pub(crate) fn key_of(event: &Event) -> Option<Vec<u8>> {
    match &event.what {
        What::Message(message) => {
            Some([message.sender.account.as_bytes(), b"/", message.client_id.as_bytes()].concat())
        }
        _ => None,
    }
}

pub(crate) fn blob_of(action: &Action) -> Option<BlobId> {
    if let Action::Send(send) = action { Some(send.blob_id) } else { None }
}

pub(crate) fn send(phone: &Phone, to: &str, id: &MessageId, words: &str) -> Result<Sent> {
    let mut options = SendOptions::default();
    options.client_id = Some(id.clone());
    phone.app(|client| client.send(&with(&account(to)), &text(words), &options))
}

/// The peer and the server, as they were before a call of the recorded phone.
struct Rest {
    server: Server,
    image: Image,
    seconds: u64,
}

/// A recorded conversation.
pub(crate) struct Recorded {
    pub(crate) who: Who,
    pub(crate) recording: Recording,
    pub(crate) marks: Vec<Mark>,
    pub(crate) reads: u64,
    pub(crate) errors: Vec<Error>,
    pub(crate) left: Medium,
    rest: Vec<Rest>,
}

impl Recorded {
    /// Instruments for a phone that is started after a cut.
    pub(crate) fn instruments(&self) -> Arc<Instruments> {
        let instruments = Instruments::new(Source::Seeded(Dice::new(99)));
        instruments.set(self.rest.last().map_or(0, |rest| rest.seconds));
        instruments
    }

    /// The peer and the server after this many calls.
    pub(crate) fn peer_at(&self, calls: usize) -> Others {
        let rest = &self.rest[calls.min(self.rest.len() - 1)];
        let mut peer = Phone::off(self.who.other().name(), Disk::mount(rest.image.clone()), self.instruments());
        peer.start(Role::App).unwrap();
        peer.instruments.jump(7200);
        Others { server: rest.server.clone(), peer }
    }
}

/// Whom the phone goes on with.
pub(crate) struct Others {
    server: Server,
    peer: Phone,
}

impl Others {
    /// Honest traffic until nobody wants anything, and then a message each way that must come.
    pub(crate) fn finish(&mut self, phone: &Phone) {
        phone.instruments.jump(3600);
        self.settle(phone);
        for (from, to) in [(phone, &self.peer), (&self.peer, phone)] {
            send(from, std::str::from_utf8(to.account.as_bytes()).unwrap(), &message("the last"), "the last one")
                .unwrap();
        }
        self.settle(phone);
        for to in [phone, &self.peer] {
            let events = to.app(|client| client.events(0, 10_000)).unwrap();
            let last = events.iter().filter(
                |event| matches!(&event.what, What::Message(m) if m.content == Content::Text("the last one".into())),
            );
            assert_eq!(last.count(), 1, "{:?} got the last message", to.account);
            let unreadable = events.iter().find(|event| matches!(event.what, What::Unreadable { .. }));
            assert!(unreadable.is_none(), "{unreadable:?}");
        }
    }

    fn settle(&mut self, phone: &Phone) {
        for _ in 0..4 {
            for one in [phone, &self.peer] {
                one.instruments.jump(120);
                one.app(|client| client.wake(Hint::default())).unwrap();
                loop {
                    let requests = one.app(|client| client.requests(100, 60)).unwrap();
                    if requests.is_empty() {
                        break;
                    }
                    for request in requests {
                        let outcome = carry_out(&mut self.server, &one.account, &request.action);
                        one.app(|client| client.respond(request.id, outcome)).unwrap();
                    }
                }
            }
            for one in [phone, &self.peer] {
                let batch = collect(&mut self.server, one);
                one.app(|client| client.deliver(&batch)).unwrap();
            }
        }
    }
}

fn collect(server: &mut Server, phone: &Phone) -> Vec<Incoming> {
    let mail = server.mail.collect(phone.account.as_bytes(), 1, usize::MAX);
    if let Some(last) = mail.last() {
        server.mail.acknowledge(phone.account.as_bytes(), 1, last.number);
    }
    mail.into_iter().map(incoming).collect()
}

/// The conversation as it goes.
struct Talk {
    who: Who,
    server: Server,
    alice: Phone,
    bob: Phone,
    marks: Vec<Mark>,
    rest: Vec<Rest>,
    errors: Vec<Error>,
    count: usize,
}

impl Talk {
    const fn phone(&self, who: Who) -> &Phone {
        match who {
            Who::Alice => &self.alice,
            Who::Bob => &self.bob,
        }
    }

    /// A call of one phone. Of the recorded one it is noted; if its disk refuses, the call is made again without trouble.
    fn call<T>(&mut self, who: Who, work: impl Fn(&Phone) -> Result<T>, fact: impl FnOnce(&T) -> Fact) -> T {
        if who != self.who {
            return work(self.phone(who)).unwrap();
        }
        let peer = self.phone(who.other());
        self.rest.push(Rest {
            server: self.server.clone(),
            image: peer.disk().contents(),
            seconds: peer.instruments.seconds(),
        });
        let start = self.phone(who).disk().recorded();
        let value = match work(self.phone(who)) {
            Ok(value) => value,
            Err(error) => {
                self.errors.push(error);
                self.phone(who).disk().relieve();
                work(self.phone(who)).unwrap()
            }
        };
        let end = self.phone(who).disk().recorded();
        self.marks.push(Mark { start, end, fact: fact(&value) });
        value
    }

    fn carry(&mut self, who: Who, requests: Vec<Request>) {
        for request in requests {
            let from = self.phone(who).account.clone();
            let outcome = carry_out(&mut self.server, &from, &request.action);
            let id = request.id;
            self.call(who, |phone| phone.app(|c| c.respond(id, outcome.clone())), |_| Fact::Answered(id.0));
        }
    }

    fn left(requests: &[Request]) -> Fact {
        Fact::Left(requests.iter().map(|request| (request.id.0, blob_of(&request.action))).collect())
    }

    fn send(&mut self, who: Who, words: &str) {
        self.count += 1;
        let id = message(&format!("m{}", self.count));
        let to = who.other().name();
        let sent = self.call(
            who,
            |phone| send(phone, to, &id, words),
            |_| Fact::Sent { id: id.clone(), to, content: words.to_owned() },
        );
        if who == self.who {
            let at = self.phone(who).disk().recorded();
            self.marks.push(Mark { start: at, end: at, fact: Self::left(&sent.requests) });
            self.note_rest();
        }
        self.carry(who, sent.requests);
        self.pump(who);
    }

    fn note_rest(&mut self) {
        let peer = self.phone(self.who.other());
        let rest =
            Rest { server: self.server.clone(), image: peer.disk().contents(), seconds: peer.instruments.seconds() };
        self.rest.push(rest);
    }

    fn pump(&mut self, who: Who) {
        loop {
            self.phone(who).instruments.jump(1);
            let requests = self.call(who, |phone| phone.app(|c| c.requests(10, 1)), |found| Self::left(found));
            if requests.is_empty() {
                return;
            }
            self.carry(who, requests);
        }
    }

    /// What waits for a phone, in this order, is delivered at once.
    fn deliver(&mut self, who: Who, backwards: bool) {
        let mut batch = {
            let phone = match who {
                Who::Alice => &self.alice,
                Who::Bob => &self.bob,
            };
            collect(&mut self.server, phone)
        };
        if backwards {
            batch.reverse();
        }
        let given = batch.clone();
        self.call(
            who,
            |phone| {
                let verdicts = phone.app(|c| c.deliver(&batch))?.verdicts;
                let events = phone.app(|c| c.events(0, 10_000))?;
                Ok((verdicts, events))
            },
            |(verdicts, events)| {
                let given = given.into_iter().zip(verdicts).map(|(incoming, verdict)| {
                    let blob = BlobId::of(&incoming.bytes);
                    let of = |event: &&Event| matches!(&event.what, What::Message(m) if m.blob_id == blob);
                    let key = events.iter().find(of).and_then(key_of);
                    let events = match &verdict.finding {
                        Finding::Opened { events } => events.clone(),
                        _ => Vec::new(),
                    };
                    // A call that was refused may have taken in a part, which is found again as duplicates.
                    let opens = matches!(verdict.finding, Finding::Opened { .. } | Finding::Duplicate { .. });
                    Given { opens, events, key, incoming }
                });
                Fact::Delivered(given.collect())
            },
        );
    }

    /// The app shows what came and is done with it.
    fn take(&mut self, who: Who) {
        let events = self.call(
            who,
            |phone| phone.app(|c| c.events(0, 10_000)),
            |events: &Vec<Event>| {
                Fact::Shown(events.iter().filter_map(|event| Some((event.id, key_of(event)?))).collect())
            },
        );
        let ids: Vec<u64> = events.iter().map(|event| event.id).collect();
        self.call(who, |phone| phone.app(|c| c.done(&ids)), |_| Fact::Done(ids.clone()));
    }

    fn wake(&mut self, who: Who) {
        self.call(who, |phone| phone.app(|c| c.wake(Hint::default())), |_| Fact::Other);
        self.pump(who);
    }

    fn talk(&mut self) {
        use Who::{Alice, Bob};
        self.send(Alice, "hello");
        self.deliver(Bob, false);
        self.take(Bob);
        self.wake(Bob);
        self.deliver(Alice, false);
        self.send(Bob, "hello yourself");
        self.deliver(Alice, false);
        self.take(Alice);
        for number in 0..5 {
            self.send(Alice, &format!("number {number}"));
        }
        self.deliver(Bob, true);
        self.send(Bob, &"long ".repeat(700));
        self.take(Bob);
        self.deliver(Alice, false);
        self.send(Alice, "on");
        self.deliver(Bob, false);
        self.take(Alice);
        self.wake(Alice);
        self.take(Bob);
        self.send(Bob, "last");
        self.deliver(Alice, false);
        self.take(Alice);
    }
}

/// The conversation, with one phone recorded.
pub(crate) fn record(who: Who) -> Recorded {
    record_with(who, |_| {})
}

/// The same, with something done to the phone before.
pub(crate) fn record_with(who: Who, before: impl FnOnce(&Phone)) -> Recorded {
    let mut talk = Talk {
        who,
        server: Server::default(),
        alice: Phone::create("alice", 1).unwrap(),
        bob: Phone::create("bob", 2).unwrap(),
        marks: Vec::new(),
        rest: Vec::new(),
        errors: Vec::new(),
        count: 0,
    };
    for one in [Who::Alice, Who::Bob] {
        let requests = talk.phone(one).app(|c| c.requests(10, 1)).unwrap();
        for request in requests {
            let outcome: Outcome = {
                let from = account(one.name());
                carry_out(&mut talk.server, &from, &request.action)
            };
            talk.phone(one).app(|c| c.respond(request.id, outcome)).unwrap();
        }
    }
    talk.phone(who).disk().record();
    let reads = talk.phone(who).disk().counts().reads;
    before(talk.phone(who));
    talk.talk();
    talk.note_rest();
    talk.phone(who).disk().relieve();
    let disk = talk.phone(who).disk();
    let reads = disk.counts().reads - reads;
    let left = disk.medium();
    let recording = disk.recording().unwrap();
    Recorded {
        who,
        recording,
        marks: std::mem::take(&mut talk.marks),
        reads,
        errors: std::mem::take(&mut talk.errors),
        left,
        rest: std::mem::take(&mut talk.rest),
    }
}
