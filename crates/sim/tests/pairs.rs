//! Two processes on one store: every pair of calls, the one handing over to the other at every lock. What they answer and
//! what is left is as if one had come after the other.
//!
//! By default the second call runs to its end once it has its turn; with `SPRAG_SIM_ALL=1` it hands back as well, at
//! every lock of its own.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::OnceLock;

use sprag::{
    Action, Client, Event, Finding, Hint, Incoming, MessageId, Outcome, Policy, Request, RequestId, Result, Role,
    SendOptions, What,
};
use sprag_malice::Server;
use sprag_sim::baton::{Plan, interleave};
use sprag_sim::disk::{Disk, Image};
use sprag_sim::environment::{Instruments, Source};
use sprag_sim::net::{carry_out, incoming};
use sprag_sim::phone::{Phone, account, message, text, with};
use sprag_sim::random::Dice;

/// What an app can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Send,
    SendOther,
    SendFirst,
    Deliver,
    DeliverOne,
    Peek,
    Requests,
    Respond,
    RespondLater,
    Events,
    Done,
    Cancel,
    Retry,
    State,
    Contact,
    Configure,
    Wake,
    Suspend,
}

const VERBS: [Verb; 18] = [
    Verb::Send,
    Verb::SendOther,
    Verb::SendFirst,
    Verb::Deliver,
    Verb::DeliverOne,
    Verb::Peek,
    Verb::Requests,
    Verb::Respond,
    Verb::RespondLater,
    Verb::Events,
    Verb::Done,
    Verb::Cancel,
    Verb::Retry,
    Verb::State,
    Verb::Contact,
    Verb::Configure,
    Verb::Wake,
    Verb::Suspend,
];

/// A moment in a conversation at which every verb has something to do.
struct Scene {
    alice: Image,
    bob: Image,
    server: Server,
    mail: Vec<Incoming>,
    request: RequestId,
    events: Vec<u64>,
    seconds: u64,
}

fn settle(server: &mut Server, phone: &Phone) {
    loop {
        phone.instruments.jump(61);
        let requests = phone.app(|client| client.requests(100, 60)).unwrap();
        if requests.is_empty() {
            return;
        }
        for request in requests {
            let outcome = carry_out(server, &phone.account, &request.action);
            phone.app(|client| client.respond(request.id, outcome)).unwrap();
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

fn send(phone: &Phone, to: &str, id: &str) -> Vec<Request> {
    let options = named(id);
    phone.app(|client| client.send(&with(&account(to)), &text(id), &options)).unwrap().requests
}

fn named(id: &str) -> SendOptions {
    let mut options = SendOptions::default();
    options.client_id = Some(message(id));
    options
}

fn scene() -> &'static Scene {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    SCENE.get_or_init(|| {
        let mut server = Server::default();
        let (alice, bob) = (Phone::create("alice", 1).unwrap(), Phone::create("bob", 2).unwrap());
        settle(&mut server, &alice);
        settle(&mut server, &bob);
        for round in 0..3 {
            for (from, to) in [(&alice, &bob), (&bob, &alice)] {
                send(from, std::str::from_utf8(to.account.as_bytes()).unwrap(), &format!("r{round}"));
                settle(&mut server, from);
                let batch = collect(&mut server, to);
                to.app(|client| client.deliver(&batch)).unwrap();
            }
        }
        let events = bob.app(|client| client.events(0, 3)).unwrap().into_iter().map(|event| event.id).collect();
        for id in ["a1", "a2", "a3"] {
            send(&alice, "bob", id);
        }
        settle(&mut server, &alice);
        let mail = collect(&mut server, &bob);
        // It reached the server, and the answer is on its way.
        let sent = send(&bob, "alice", "b1");
        let request = sent[0].id;
        carry_out(&mut server, &bob.account, &sent[0].action);
        bob.instruments.jump(61);
        // Eight are handed out at once; the ninth was not handed out, and can be taken back.
        for number in 2..=9 {
            send(&bob, "alice", &format!("b{number}"));
        }
        assert_eq!(mail.len(), 3);
        let seconds = bob.instruments.seconds() + 10;
        Scene { alice: alice.disk().contents(), bob: bob.disk().contents(), server, mail, request, events, seconds }
    })
}

fn start(name: &str, image: &Image, seed: u64) -> Phone {
    let instruments = Instruments::new(Source::Seeded(Dice::new(seed)));
    instruments.set(scene().seconds);
    let mut phone = Phone::off(name, Disk::mount(image.clone()), instruments);
    phone.start(Role::App).unwrap();
    phone
}

fn short(finding: &Finding) -> String {
    match finding {
        Finding::Opened { events } => format!("opened {}", events.len()),
        Finding::Unreadable { reason, .. } => format!("{reason:?}"),
        other => format!("{}", other.code()),
    }
}

fn kind(event: &Event) -> String {
    match &event.what {
        What::Message(message) => format!("{:?}", message.client_id),
        What::Progress { message, state, .. } => format!("{message:?} {state:?}"),
        other => format!("{}", other.code()),
    }
}

fn names(requests: &[Request]) -> String {
    let one = |request: &Request| match &request.action {
        Action::Send(send) => format!("{:?}/{}", send.message, request.attempt),
        other => format!("{}/{}", other.code(), request.attempt),
    };
    requests.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn act(verb: Verb, client: &Client) -> Result<String> {
    let scene = scene();
    let send = |to: &str, id: &str| {
        let sent = client.send(&with(&account(to)), &text(id), &named(id))?;
        Ok(format!("{:?} {}", sent.state, names(&sent.requests)))
    };
    let deliver = |batch: &[Incoming]| {
        let verdicts = client.deliver(batch)?.verdicts;
        Ok(verdicts.iter().map(|verdict| short(&verdict.finding)).collect::<Vec<_>>().join(" "))
    };
    match verb {
        Verb::Send => send("alice", "new"),
        Verb::SendOther => send("alice", "other"),
        Verb::SendFirst => send("carol", "first"),
        Verb::Deliver => deliver(&scene.mail),
        Verb::DeliverOne => deliver(&scene.mail[1..2]),
        Verb::Peek => client.peek(&scene.mail[0]).map(|preview| format!("{}", preview.code())),
        Verb::Requests => client.requests(4, 60).map(|requests| names(&requests)),
        Verb::Respond => {
            client.respond(scene.request, Outcome::Accepted { server_time: None, stamp: None }).map(|_| String::new())
        }
        Verb::RespondLater => client.respond(scene.request, Outcome::Retry { after: None }).map(|_| String::new()),
        Verb::Events => {
            let events = client.events(0, 1000)?;
            Ok(events.iter().map(kind).collect::<Vec<_>>().join(" "))
        }
        Verb::Done => client.done(&scene.events).map(|_| String::new()),
        Verb::Cancel => Ok(format!("{:?}", client.cancel(b"b9").map(|_| ()))),
        Verb::Retry => Ok(format!("{:?}", client.retry(b"b9").map(|_| ()))),
        Verb::State => Ok(format!("{:?}", client.state(b"b1"))),
        Verb::Contact => client.contact(b"alice").map(|contact| contact.number.unwrap().digits()),
        Verb::Configure => {
            let mut policy = Policy::default();
            policy.max_body = 100_000;
            client.configure(policy).map(|()| String::new())
        }
        Verb::Wake => client.wake(Hint::default()).map(|_| String::new()),
        Verb::Suspend => {
            client.suspend()?;
            client.resume()?;
            Ok(String::new())
        }
    }
}

/// What two calls came to: their answers, and what is left, without what is random.
#[derive(Clone, Debug, PartialEq, Eq)]
struct End {
    answers: [String; 2],
    events: BTreeSet<String>,
    requests: String,
    states: Vec<String>,
}

fn answer(result: Result<String>) -> String {
    result.unwrap_or_else(|error| format!("{error:?}"))
}

fn end(bob: &Phone, answers: [String; 2]) -> End {
    bob.instruments.jump(3600);
    let events = bob.app(|client| client.events(0, 1000)).unwrap().iter().map(kind).collect();
    let requests = bob.app(|client| client.requests(100, 1)).unwrap();
    let state = |id: &str| bob.app(|client| Ok(format!("{id} {:?}", client.state(id.as_bytes())))).unwrap();
    let states = ["b1", "b2", "b9", "new", "other", "first"].into_iter().map(state).collect();
    End { answers, events, requests: names(&requests), states }
}

fn one_after_the_other(first: Verb, second: Verb, swapped: bool) -> End {
    let mut bob = start("bob", &scene().bob, 7);
    bob.start(Role::Extension).unwrap();
    let mut answers = [String::new(), String::new()];
    let order = if swapped { [1, 0] } else { [0, 1] };
    for which in order {
        let verb = [first, second][which];
        answers[which] = answer(bob.with(which, |client| act(verb, client)));
    }
    end(&bob, answers)
}

/// The peer is honest from here on: everything that was written is shown once, on both sides.
fn come_right(bob: &Phone, sent: &BTreeSet<&str>) {
    let mut server = scene().server.clone();
    let alice = start("alice", &scene().alice, 8);
    alice.instruments.jump(7200);
    bob.app(|client| client.deliver(&scene().mail)).unwrap();
    for _ in 0..3 {
        settle(&mut server, bob);
        let batch = collect(&mut server, &alice);
        alice.app(|client| client.deliver(&batch)).unwrap();
        settle(&mut server, &alice);
        let batch = collect(&mut server, bob);
        bob.app(|client| client.deliver(&batch)).unwrap();
    }
    let shown = |phone: &Phone| {
        let events = phone.app(|client| client.events(0, 1000)).unwrap();
        let ids = events.iter().filter_map(|event| match &event.what {
            What::Message(message) => Some(message.client_id.clone()),
            What::Unreadable { reason, .. } => panic!("{reason:?}"),
            _ => None,
        });
        ids.collect::<Vec<MessageId>>()
    };
    let (at_bob, at_alice) = (shown(bob), shown(&alice));
    for id in ["a1", "a2", "a3"] {
        assert_eq!(at_bob.iter().filter(|shown| **shown == message(id)).count(), 1, "{id}");
    }
    for id in sent {
        assert_eq!(at_alice.iter().filter(|shown| **shown == message(id)).count(), 1, "{id}");
    }
}

fn all() -> bool {
    std::env::var_os("SPRAG_SIM_ALL").is_some()
}

fn pair(first: Verb, second: Verb, tried: &mut u64) {
    let allowed = [one_after_the_other(first, second, false), one_after_the_other(first, second, true)];
    let mut at = 1;
    loop {
        let mut second_at = None;
        let points = loop {
            let mut bob = start("bob", &scene().bob, 7);
            bob.start(Role::Extension).unwrap();
            let (one, two) = (bob.handle(0).unwrap(), bob.handle(1).unwrap());
            let plan = Plan { first: at, second: second_at };
            let (a, b, points) = interleave(
                plan,
                || one.run(|client| answer(act(first, client))),
                || two.run(|client| answer(act(second, client))),
            );
            *tried += 1;
            let end = end(&bob, [a, b]);
            let why = allowed.iter().map(|end| format!("{end:#?}")).collect::<Vec<_>>().join(" or ");
            assert!(allowed.contains(&end), "{first:?} and {second:?} by {plan:?}: {end:#?} is not {why}");
            if tried.is_multiple_of(16) {
                let sent: BTreeSet<&str> = ["b1", "b2", "b3"].into_iter().collect();
                come_right(&bob, &sent);
            }
            match second_at {
                _ if !all() => break points,
                None => second_at = Some(1),
                Some(number) if number < points[1] => second_at = Some(number + 1),
                Some(_) => break points,
            }
        };
        if at > points[0] {
            return;
        }
        at += 1;
    }
}

fn pairs(part: usize) {
    let mut tried = 0;
    let mut pairs = 0;
    for first in VERBS.into_iter().skip(part).step_by(2) {
        for second in VERBS {
            pair(first, second, &mut tried);
            pairs += 1;
        }
    }
    println!("{tried} interleavings of {pairs} pairs");
}

#[test]
fn two_calls_are_as_if_one_came_after_the_other() {
    pairs(0);
}

#[test]
fn two_calls_are_as_if_one_came_after_the_other_too() {
    pairs(1);
}
