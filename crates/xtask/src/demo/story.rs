//! What happens in the demo, scene by scene.

use std::time::Instant;

use super::build::Built;
use super::look::Caller;
use super::process::{Folder, TABLET};
use super::search::Needles;
use super::stage::Stage;
use super::texts::{SHORT, long};
use super::without_keys;

const ALICE: &str = "alice";
const BOB: &str = "bob";
const CAROL: &str = "carol";
const EVERYBODY: [&str; 3] = [ALICE, BOB, CAROL];
const DEVICES: [&str; 4] = [ALICE, TABLET, BOB, CAROL];

/// The room of all three, as everybody names it.
const ROOM: &str = "windmill";

/// Texts that are sent while Bob is offline.
const AWAY: usize = 200;

/// Tells it from beginning to end; yields the summary, or says what failed.
pub(crate) fn tell(built: &Built, folder: &Folder) -> Result<String, String> {
    let start = Instant::now();
    let mut stage = Stage::new(built, folder, true)?;
    println!("the relay listens on {}; files in {}", stage.relay.url(), folder.path.display());
    let told = scenes(&mut stage, folder);
    let (sent, lost, duplicated) = (stage.ledger.len(), stage.ledger.lost(), stage.ledger.duplicated());
    let plain =
        told.map_err(|why| format!("{why} ({sent} messages sent, {lost} not shown, {duplicated} duplicated)"))?;
    if lost + duplicated + plain > 0 {
        return Err(format!("{lost} lost, {duplicated} duplicated, {plain} plaintext bytes at the relay"));
    }
    let more = without_keys::tell(built, folder)?;
    println!("the talk took {:.1} s", start.elapsed().as_secs_f32());
    Ok(format!(
        "demo ok: {} messages, {} devices, {lost} lost, {duplicated} duplicated, {plain} plaintext bytes at the relays",
        sent + more,
        DEVICES.len() + without_keys::DEVICES.len()
    ))
}

/// All scenes; yields how many plaintext bytes the relay had.
fn scenes(stage: &mut Stage<'_>, folder: &Folder) -> Result<usize, String> {
    println!("Alice (Rust), Bob (C) and Carol (Python) start");
    for name in EVERYBODY {
        stage.enter(name)?;
    }
    both_begin_at_once(stage)?;
    short_and_long(stage)?;
    a_room(stage)?;
    a_second_device(stage)?;
    let found = bob_is_away(stage, folder)?;
    bob_is_killed(stage)?;
    the_tablet_is_lost(stage)?;
    safety_numbers(stage)?;
    screens(stage);
    println!("everybody quits");
    for name in DEVICES {
        stage.leave(name)?;
    }
    Ok(found + nothing_in_the_clear(stage, folder)?)
}

fn both_begin_at_once(stage: &mut Stage<'_>) -> Result<(), String> {
    println!("Alice and Carol write their first message to each other at once");
    for name in [ALICE, CAROL] {
        stage.fetch(name, false)?;
    }
    stage.say(ALICE, CAROL, "Alice was first, of course")?;
    stage.say(CAROL, ALICE, "Carol was first, naturally")?;
    stage.all_accepted()?;
    for name in [ALICE, CAROL] {
        stage.fetch(name, true)?;
    }
    stage.all_shown()?;
    for round in 1..=3 {
        stage.say(ALICE, CAROL, &format!("Alice goes on, round {round}"))?;
        stage.say(CAROL, ALICE, &format!("Carol goes on, round {round}"))?;
        stage.all_shown()?;
    }
    Ok(())
}

fn short_and_long(stage: &mut Stage<'_>) -> Result<(), String> {
    println!("short lines, emoji and combining marks, in all directions");
    let pairs = [(ALICE, BOB), (BOB, ALICE), (BOB, CAROL), (CAROL, BOB), (ALICE, CAROL), (CAROL, ALICE)];
    for text in SHORT {
        for (from, to) in pairs {
            stage.say(from, to, &format!("{text} [{from} to {to}]"))?;
        }
        stage.all_shown()?;
    }
    println!("a text of 64 KiB from each of them");
    for (seed, (from, to)) in (1..).zip([(ALICE, BOB), (BOB, CAROL), (CAROL, ALICE)]) {
        stage.say(from, to, &long(seed))?;
    }
    stage.all_shown()
}

fn a_room(stage: &mut Stage<'_>) -> Result<(), String> {
    println!("a room of all three, to which they write at once");
    for round in 1..=3 {
        for from in EVERYBODY {
            stage.say_in(from, ROOM, &EVERYBODY, &format!("to the room from {from}, round {round}"))?;
        }
    }
    stage.all_shown()?;
    stage.say_in(BOB, ROOM, &EVERYBODY, &long(4))?;
    stage.all_shown()
}

/// Alice tells of her devices by writing to others: they are warned, and write to those from then on.
fn alice_tells(stage: &mut Stage<'_>, what: &str) -> Result<(), String> {
    for name in [BOB, CAROL] {
        stage.ledger.expect(name, "they changed devices");
        stage.say(ALICE, name, &format!("{what}, {name}"))?;
    }
    stage.all_shown()?;
    for name in [BOB, CAROL] {
        stage.warned(name)?;
    }
    Ok(())
}

fn a_second_device(stage: &mut Stage<'_>) -> Result<(), String> {
    println!("Alice links a tablet, with a store of its own, by the code that it shows");
    for name in [ALICE, TABLET] {
        stage.ledger.expect(name, "your account changed devices");
    }
    stage.link(TABLET, ALICE)?;
    for name in [ALICE, TABLET] {
        stage.warned(name)?;
    }
    println!("  Bob and Carol are told of it by her next message, which the tablet shows as sent");
    alice_tells(stage, "I have a tablet now")?;
    println!("  what comes for Alice, both show; what one of them sends, the other shows; so in the room");
    for round in 1..=3 {
        for (from, to) in [(BOB, ALICE), (CAROL, ALICE), (TABLET, BOB), (TABLET, CAROL), (ALICE, BOB), (ALICE, CAROL)] {
            stage.say(from, to, &format!("{from} to {to} with the tablet there, round {round}"))?;
        }
        for from in DEVICES {
            stage.say_in(from, ROOM, &EVERYBODY, &format!("to the room of four devices from {from}, round {round}"))?;
        }
        stage.all_shown()?;
    }
    Ok(())
}

fn the_tablet_is_lost(stage: &mut Stage<'_>) -> Result<(), String> {
    const TOLD: &str = "this device was taken off it";
    println!("Alice loses the tablet, and revokes it");
    // It may be told soon, or when its call for mail has come back with nothing.
    stage.ledger.expect(TABLET, TOLD);
    stage.ledger.expect(ALICE, "your account changed devices");
    stage.revoke(TABLET, ALICE)?;
    stage.warned(ALICE)?;
    alice_tells(stage, "the tablet is gone")?;
    for (from, to) in [(BOB, ALICE), (CAROL, ALICE), (ALICE, BOB), (ALICE, CAROL)] {
        stage.say(from, to, &format!("{from} to {to} without the tablet"))?;
    }
    for from in EVERYBODY {
        stage.say_in(from, ROOM, &EVERYBODY, &format!("to the room without the tablet, from {from}"))?;
    }
    stage.all_shown()?;
    println!("  it runs on, and shows nothing of what comes now");
    stage.leave(TABLET)?;
    if stage.ledger.is_warned(TABLET) {
        stage.ledger.expect(TABLET, TOLD);
    }
    stage.start(TABLET)?;
    stage.warned(TABLET)?;
    println!("  after a new start it is told that it was taken off the account");
    Ok(())
}

fn bob_is_away(stage: &mut Stage<'_>, folder: &Folder) -> Result<usize, String> {
    println!("Bob goes offline, and {AWAY} messages come for him");
    let device = stage.device(BOB)?;
    stage.leave(BOB)?;
    for number in 1..=AWAY {
        stage.say(ALICE, BOB, &format!("while Bob was away, number {number} of {AWAY}"))?;
    }
    stage.all_accepted()?;
    let held = Caller::of(&folder.stores(), BOB, &device)?.mail(&stage.relay.address)?;
    let sizes: Vec<usize> = held.iter().map(|held| held.blob.len()).collect();
    println!(
        "the relay holds {} messages for Bob, {} to {} bytes each, {} bytes in all; the first of them:",
        held.len(),
        sizes.iter().min().unwrap_or(&0),
        sizes.iter().max().unwrap_or(&0),
        sizes.iter().sum::<usize>()
    );
    for held in held.iter().take(3) {
        println!("  {}", held.glimpse());
    }
    if held.len() != AWAY {
        return Err(format!("the relay holds {} messages for Bob, and {AWAY} were sent", held.len()));
    }
    let found = search(&Needles::of(stage.ledger.texts())?, folder)?;
    println!("Bob comes back");
    stage.enter(BOB)?;
    stage.all_shown()?;
    Ok(found)
}

fn bob_is_killed(stage: &mut Stage<'_>) -> Result<(), String> {
    println!("Bob is killed (kill -9) between two messages, and starts again");
    let before = stage.ledger.shown_to(BOB);
    for number in 1..=20 {
        stage.say(ALICE, BOB, &format!("in a row, number {number} of 20"))?;
    }
    stage.until("Bob shows some of them", &|stage| (stage.ledger.shown_to(BOB) - before, 3))?;
    stage.kill(BOB)?;
    println!("  he had shown {} of 20", stage.ledger.shown_to(BOB) - before);
    stage.enter(BOB)?;
    stage.all_shown()?;
    if stage.ledger.repeated > 0 {
        println!(
            "  {} shown just before was shown again under the same event: an app's history takes it once",
            stage.ledger.repeated
        );
    }
    for (from, to) in [(BOB, ALICE), (ALICE, BOB), (BOB, CAROL), (CAROL, BOB)] {
        stage.say(from, to, &format!("after the crash, {from} to {to}"))?;
    }
    stage.all_shown()
}

fn safety_numbers(stage: &mut Stage<'_>) -> Result<(), String> {
    println!("safety numbers:");
    let mut seen = Vec::new();
    for (one, other) in [(ALICE, BOB), (ALICE, CAROL), (BOB, CAROL)] {
        let (here, there) = (stage.safety(one, other)?, stage.safety(other, one)?);
        println!("  {one} and {other}: {here}");
        if here != there || here.len() != 60 || seen.contains(&here) {
            return Err(format!("{one} sees {here} for {other}, and {other} sees {there} for {one}"));
        }
        seen.push(here);
    }
    Ok(())
}

/// What each screen showed; long rows of lines are cut in the middle.
fn screens(stage: &Stage<'_>) {
    for name in DEVICES {
        let lines = stage.screen(name);
        println!("{name}'s screen showed {} lines:", lines.len());
        for (number, line) in lines.iter().enumerate() {
            if number < 12 || number + 8 >= lines.len() {
                println!("  {line}");
            } else if number == 12 {
                println!("  … {} more …", lines.len() - 20);
            }
        }
    }
}

/// Searches the relay's files and the stores; yields how many plaintext bytes the relay has.
fn search(needles: &Needles, folder: &Folder) -> Result<usize, String> {
    let (searched, found) = needles.below(&folder.relay())?;
    println!("in {searched} bytes of the relay's files, {found} are plaintext");
    let (searched, in_stores) = needles.below(&folder.stores())?;
    println!("in {searched} bytes of the four stores, {in_stores} are plaintext");
    if in_stores > 0 { Err(format!("{in_stores} plaintext bytes in the stores")) } else { Ok(found) }
}

/// Searches all files, and checks that the search finds what is there.
fn nothing_in_the_clear(stage: &Stage<'_>, folder: &Folder) -> Result<usize, String> {
    const PLANTED: &str = "planted: a body that nobody encrypted";
    let needles = Needles::of(stage.ledger.texts().chain([PLANTED]))?;
    let found = search(&needles, folder)?;
    Caller::stranger("mallory").send(&stage.relay.address, ALICE, PLANTED.as_bytes())?;
    let (_, planted) = needles.below(&folder.relay())?;
    println!("of a plaintext sent through the relay on purpose, the same search finds {} bytes", planted - found);
    if planted - found < PLANTED.len() {
        return Err(format!("the search finds {} of {} planted bytes", planted - found, PLANTED.len()));
    }
    Ok(found)
}
