//! `--interactive`: Alice and Bob in one terminal, for a person who plays both.

use std::io::BufRead;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::build::Built;
use super::process::{Folder, Process, Relay, messenger};

pub(crate) fn run(built: &Built, folder: &Folder) -> Result<(), String> {
    let relay = Relay::start(built, &folder.relay(), true)?;
    let stores = folder.stores();
    let (sender, lines) = mpsc::channel();
    let chat = |name| Process::start(name, 1, messenger(built, name, &relay.url(), &stores), sender.clone());
    let (alice, bob) = (chat("alice")?, chat("bob")?);
    println!(
        "The relay listens on {url}. Alice (Rust) and Bob (C) run here:\n\
         \n  a TEXT         Alice writes TEXT to Bob\n  b TEXT         Bob writes TEXT to Alice\
         \n  a /safety bob  what Alice sees of the safety number; b /safety alice for Bob\n  q              ends\n\
         \nMore people can join from other terminals, and are reached with \"a NAME: TEXT\":\n\
         \n  {chat} --as dora --relay {url} --store {dora}\n",
        url = relay.url(),
        chat = built.alice.display(),
        dora = stores.join("dora").display()
    );
    let shown = thread::spawn(move || {
        for (name, _, line) in lines {
            match line {
                Some(line) => println!("[{name}] {line}"),
                None => println!("[{name}] has ended"),
            }
        }
    });
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        match line.split_once(' ').unwrap_or((&line, "")) {
            ("a", words) => alice.write(spoken("bob", words)),
            ("b", words) => bob.write(spoken("alice", words)),
            ("q", _) => break,
            _ => println!("a TEXT, b TEXT, or q"),
        }
    }
    for mut chat in [alice, bob] {
        chat.write("/quit".to_owned());
        let _ = chat.finish(Duration::from_secs(5));
    }
    drop(sender);
    let _ = shown.join();
    Ok(())
}

/// What the messenger is given: a command, a text with a name before it, or a text to the other one.
fn spoken(other: &str, words: &str) -> String {
    match words.split_once(": ") {
        Some((name, _)) if !name.contains(' ') => words.to_owned(),
        _ if words.starts_with('/') => words.to_owned(),
        _ => format!("{other}: {words}"),
    }
}
