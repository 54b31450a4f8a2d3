//! Power cuts, full disks and failing ones, at every change that one phone of a conversation makes to its disk.
//!
//! The conversation is recorded once. Then, for every prefix of the changes and every kind of loss, the phone is started
//! from what was left, and must know everything that its app was told.
//!
//! By default a part of the prefixes is tried; all of them with `SPRAG_SIM_ALL=1`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod script;

use std::collections::{BTreeMap, BTreeSet};

use script::{Fact, Mark, Recorded, Who, key_of, record};
use sprag::{Action, BlobId, Client, Error, Finding, Role, StoreFault};
use sprag_sim::disk::{Disk, Image, Loss, Trouble};
use sprag_sim::environment::{Instruments, Source};
use sprag_sim::phone::Phone;
use sprag_sim::random::Dice;

fn all() -> bool {
    std::env::var_os("SPRAG_SIM_ALL").is_some()
}

/// What the app was told before a cut, and what it may have been in the middle of.
#[derive(Default)]
struct Told<'a> {
    /// Calls that had returned.
    certain: Vec<&'a Fact>,
    /// The one that had not.
    begun: Option<&'a Mark>,
}

fn told(marks: &[Mark], at: usize) -> Told<'_> {
    let mut told = Told::default();
    for mark in marks {
        if mark.end <= at {
            told.certain.push(&mark.fact);
        } else {
            told.begun = Some(mark).filter(|mark| mark.start < at);
            break;
        }
    }
    told
}

impl Told<'_> {
    /// Facts of calls that returned, and of the one that had begun.
    fn all(&self) -> impl Iterator<Item = &Fact> {
        self.certain.iter().copied().chain(self.begun.map(|mark| &mark.fact))
    }
}

/// Starts a phone from what was left and compares it with what its app was told. Yields the phone.
fn check(recorded: &Recorded, image: Image, told: &Told<'_>) -> Phone {
    let mut phone = Phone::off(recorded.who.name(), Disk::mount(image), recorded.instruments());
    phone.start(Role::App).unwrap();

    // Events of messages that `deliver` acknowledged are there, or were done.
    let mut shown: BTreeMap<Vec<u8>, BTreeSet<u64>> = BTreeMap::new();
    let mut done = BTreeSet::new();
    for fact in told.all() {
        match fact {
            Fact::Done(ids) => done.extend(ids.iter().copied()),
            Fact::Shown(events) => events.iter().for_each(|(id, key)| {
                shown.entry(key.clone()).or_default().insert(*id);
            }),
            _ => {}
        }
    }
    let mut see = |phone: &Phone| {
        let events = phone.app(|client| client.events(0, 10_000)).unwrap();
        for event in &events {
            if let Some(key) = key_of(event) {
                shown.entry(key).or_default().insert(event.id);
            }
        }
        events.iter().map(|event| event.id).collect::<BTreeSet<_>>()
    };
    let there = see(&phone);
    for fact in &told.certain {
        if let Fact::Delivered(given) = fact {
            for event in given.iter().flat_map(|given| &given.events) {
                assert!(there.contains(event) || done.contains(event), "event {event} of an acknowledged message");
            }
        }
    }

    // What left is offered again, the very same, until it was answered.
    phone.instruments.jump(3600);
    let offered: BTreeMap<u64, Option<BlobId>> = phone
        .app(|client| client.requests(10_000, 1))
        .unwrap()
        .into_iter()
        .map(|request| (request.id.0, script::blob_of(&request.action)))
        .collect();
    let answered: BTreeSet<u64> =
        told.all().filter_map(|fact| if let Fact::Answered(id) = fact { Some(*id) } else { None }).collect();
    for fact in &told.certain {
        if let Fact::Left(requests) = fact {
            for (id, blob) in requests.iter().filter(|(id, _)| !answered.contains(id)) {
                assert_eq!(offered.get(id), Some(blob), "request {id} was forgotten");
            }
        }
    }

    // The server gives everything again that it was not told of, and more: nothing is lost, nothing shown twice, and no
    // one-time prekey went without its session.
    for fact in told.all() {
        let Fact::Delivered(given) = fact else { continue };
        let batch: Vec<_> = given.iter().map(|given| given.incoming.clone()).collect();
        let verdicts = phone.app(|client| client.deliver(&batch)).unwrap().verdicts;
        for (given, verdict) in given.iter().zip(verdicts) {
            let same = matches!(verdict.finding, Finding::Opened { .. } | Finding::Duplicate { .. });
            assert!(same || !given.opens, "redelivered: {:?}", verdict.finding);
        }
    }
    see(&phone);
    for fact in told.all() {
        if let Fact::Delivered(given) = fact {
            for key in given.iter().filter_map(|given| given.key.as_ref()) {
                assert_eq!(shown.get(key).map_or(0, BTreeSet::len), 1, "a message is shown once");
            }
        }
    }
    phone
}

/// The phone goes on with its peer as that was at the time.
fn go_on(recorded: &Recorded, phone: &Phone, told: &Told<'_>) {
    let mut rest = recorded.peer_at(told.certain.len());
    if let Some(Mark { fact: Fact::Sent { id, to, content }, .. }) = told.begun {
        // The app does not know whether this was done, and does it again.
        script::send(phone, to, id, content).unwrap();
    }
    rest.finish(phone);
}

fn losses(recorded: &Recorded, medium: &sprag_sim::disk::Medium, at: usize) -> Vec<Loss> {
    let number = at as u64 * 7 + recorded.who as u64;
    if medium.settled() {
        return vec![Loss::Nothing];
    }
    vec![Loss::Nothing, Loss::Unsynced, Loss::Torn(number), Loss::Reordered(number), Loss::Reordered(number + 1)]
}

fn every_cut(who: Who) -> usize {
    let recorded = record(who);
    let mut medium = recorded.recording.start.clone();
    let changes = &recorded.recording.changes;
    let step = if all() { 1 } else { 17 };
    let mut images = 0;
    for at in 0..=changes.len() {
        // Around every call's end, and a part of what is between.
        let near = recorded.marks.iter().any(|mark| mark.end == at);
        if all() || at % step == 0 || (near && at.is_multiple_of(4)) {
            let told = told(&recorded.marks, at);
            for (number, loss) in losses(&recorded, &medium, at).into_iter().enumerate() {
                let phone = check(&recorded, medium.cut(loss), &told);
                if (at + number).is_multiple_of(5) {
                    go_on(&recorded, &phone, &told);
                }
                images += 1;
            }
        }
        if let Some(change) = changes.get(at) {
            medium.apply(change.clone());
        }
    }
    println!("{who:?}: {images} images of {} changes in {} calls", changes.len(), recorded.marks.len());
    images
}

#[test]
fn the_power_goes_at_every_write_of_the_one_who_is_written_to() {
    assert!(every_cut(Who::Bob) > 50);
}

#[test]
fn the_power_goes_at_every_write_of_the_one_who_writes_first() {
    assert!(every_cut(Who::Alice) > 50);
}

/// A store that is being made is there or is not there; and if not, it can be made.
#[test]
fn the_power_goes_while_a_store_is_made() {
    let mut images = 0;
    let disk = Disk::new();
    let instruments = Instruments::new(Source::Seeded(Dice::new(5)));
    let maker = Phone::off("bob", disk, instruments);
    maker.disk().record();
    drop(Client::create(maker.config(), maker.instruments.environment()).unwrap());
    let recording = maker.disk().recording().unwrap();
    let mut medium = recording.start;
    for at in 0..=recording.changes.len() {
        let number = at as u64;
        for loss in [Loss::Nothing, Loss::Unsynced, Loss::Torn(number), Loss::Reordered(number)] {
            if !all() && at % 4 != 0 {
                break;
            }
            let mut phone = Phone::off("bob", Disk::mount(medium.cut(loss)), maker.instruments.clone());
            match phone.start(Role::App) {
                Ok(_) => {
                    let requests = phone.app(|client| client.requests(10, 1)).unwrap();
                    assert!(matches!(requests[0].action, Action::PublishKeys(_)));
                }
                Err(error) => {
                    assert!(matches!(error, Error::NoStore), "{at} {loss:?}: {error:?}");
                    let made = Client::create(phone.config(), phone.instruments.environment());
                    assert!(made.is_ok(), "{at} {loss:?}: {made:?}");
                }
            }
            images += 1;
        }
        if let Some(change) = recording.changes.get(at) {
            medium.apply(change.clone());
        }
    }
    println!("{images} images of {} changes", recording.changes.len());
}

/// A call that meets a full disk, or one that fails, says so and changed nothing: done again, all goes on.
fn every_trouble(who: Who, trouble: Trouble) -> usize {
    let clean = record(who);
    let count = if trouble == Trouble::Read { clean.reads } else { clean.recording.changes.len() as u64 };
    let step = if all() { 1 } else { (count / 24).max(1) };
    let mut tried = 0;
    let mut met = 0;
    for after in (0..count).step_by(usize::try_from(step).unwrap()) {
        let troubled = script::record_with(who, |phone| phone.disk().trouble(trouble, after));
        met += troubled.errors.len();
        for error in &troubled.errors {
            let named = match trouble {
                Trouble::Full => matches!(error, Error::Store(StoreFault::Full | StoreFault::Io)),
                _ => matches!(error, Error::Store(StoreFault::Io | StoreFault::Full) | Error::Unavailable),
            };
            assert!(named, "{trouble:?} after {after}: {error:?}");
        }
        // The disk as it is afterwards, and after a power cut on top.
        let told = told(&troubled.marks, usize::MAX);
        for loss in [Loss::Nothing, Loss::Unsynced] {
            let phone = check(&troubled, troubled.left.cut(loss), &told);
            go_on(&troubled, &phone, &told);
        }
        tried += 1;
    }
    println!("{who:?}, {trouble:?}: {tried} of {count} places, {met} calls refused");
    met
}

#[test]
fn the_disk_is_full_at_every_write() {
    assert!(every_trouble(Who::Bob, Trouble::Full) > 10);
    assert!(every_trouble(Who::Alice, Trouble::Full) > 10);
}

#[test]
fn every_write_fails_once() {
    assert!(every_trouble(Who::Bob, Trouble::Change) > 10);
    assert!(every_trouble(Who::Alice, Trouble::Change) > 10);
}

#[test]
fn every_read_fails_once() {
    every_trouble(Who::Bob, Trouble::Read);
}
