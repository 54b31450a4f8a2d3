//! What the braid costs through the door, in memory and on disk: `cargo bench -p sprag --features sabotage --bench braid`.
//!
//! The engine cannot be without it. So this is the build for tests, in which a switch lets the braid stand still and its
//! chains with it, in one of two processes that take turns. Figures of one run are to be compared with each other, not with
//! those of another machine or hour. There is no threshold.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, reason = "a benchmark fails by panicking")]

#[path = "../../sprag-core/benches/clock/mod.rs"]
mod clock;
#[path = "../tests/world/mod.rs"]
mod world;

use std::process::Command;

use clock::cpu;
use sprag::{Incoming, Outcome, Place};
use world::{Phone, Scratch, Server};

/// The switch that stops the braid, and what tells the process that measures from the one that compares.
const SWITCH: (&str, &str) = ("SPRAG_SABOTAGE", "braid-at-rest");
const MEASURES: &str = "SPRAG_BENCH_MEASURES";

/// Messages that one way are measured over, from where the braid sends the vector of a key and nothing comes back.
const ONE_WAY: u32 = 172;

/// Messages there and back: two whole epochs. A braid that stood still for 128 of them would be told to the app.
const ROUNDS: u32 = 86;

/// Conversations that one process measures, and how often either takes its turn.
const CONVERSATIONS: u32 = 3;
const TURNS: usize = 9;

/// What is measured.
const WHAT: [&str; 4] = ["in memory, one way", "in memory, to and fro", "on disk, one way", "on disk, to and fro"];

/// One message, from what the app says to what it has shown.
fn pass(from: &Phone, to: &Phone, text: &str) {
    let mut blobs = Vec::new();
    for request in from.send(to, text).requests {
        if let sprag::Action::Send(send) = request.action {
            blobs.push(Incoming::from(from.id.clone(), send.blob));
            from.client.respond(request.id, Outcome::Accepted { server_time: None, stamp: None }).unwrap();
        }
    }
    to.client.deliver(&blobs).unwrap();
    assert_eq!(to.texts(), [text]);
}

/// Microseconds for each of `count` things.
fn each(count: u32, run: impl Fn()) -> f64 {
    let before = cpu();
    (0..count).for_each(|_| run());
    (cpu() - before).as_secs_f64() * 1e6 / f64::from(count)
}

/// One message one way, and one message of those to and fro.
fn conversation(place: impl Fn(&str) -> Place) -> [f64; 2] {
    let mut server = Server::default();
    let [alice, bob] = ["alice", "bob"].map(|name| Phone::at(name, place(name)));
    server.pump(&alice);
    server.pump(&bob);
    server.send(&alice, &bob, "first");
    server.deliver(&bob);
    server.send(&bob, &alice, "answer");
    server.deliver(&alice);
    [&alice, &bob].into_iter().for_each(|phone| drop(phone.take()));
    let text = "x".repeat(100);
    let round = || {
        pass(&alice, &bob, &text);
        pass(&bob, &alice, &text);
    };
    (0..4).for_each(|_| round());
    let one_way = each(ONE_WAY, || pass(&alice, &bob, &text));
    let to_and_fro = each(ROUNDS, round) / 2.0;
    [one_way, to_and_fro]
}

fn measure() {
    sprag_core::sabotage::forget();
    let scratch = Scratch::new("braid");
    let mut least = [f64::INFINITY; WHAT.len()];
    for number in 0..CONVERSATIONS {
        let in_memory = conversation(|_| Place::Memory);
        let on_disk = conversation(|name| Place::File(scratch.file(&format!("{name}{number}"))));
        least.iter_mut().zip([in_memory, on_disk].concat()).for_each(|(least, figure)| *least = least.min(figure));
    }
    least.iter().for_each(|figure| println!("{figure}"));
}

/// What one process says.
fn figures(with: bool) -> Vec<f64> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(MEASURES, "").env_remove(SWITCH.0);
    if !with {
        command.env(SWITCH.0, SWITCH.1);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines().map(|figure| figure.parse().unwrap()).collect()
}

fn main() {
    if std::env::var_os(MEASURES).is_some() {
        return measure();
    }
    let turns: Vec<[Vec<f64>; 2]> = (0..TURNS).map(|_| [figures(false), figures(true)]).collect();
    for (which, what) in WHAT.iter().enumerate() {
        // Whatever else runs here only adds to a figure.
        let [without, with] =
            [0, 1].map(|with: usize| turns.iter().map(|turn| turn[with][which]).fold(f64::INFINITY, f64::min));
        println!("{without:8.1} µs  a message from send to done {what:22} without the braid");
        println!("{with:8.1} µs  a message from send to done {what:22} with it  {:+.1} µs", with - without);
    }
}
