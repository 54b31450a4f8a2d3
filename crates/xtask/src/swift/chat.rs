//! The messenger of examples/swift: two of them, over the real relay.

use std::path::PathBuf;

use super::toolchain::Toolchain;
use super::{CHAT, LIBRARY};
use crate::c::chats::Program;
use crate::{run, tree};

/// The folder of stores, where Swift builds.
const STORES: &str = "stores";

/// Each shows what the other wrote, and what was written before the end has left before the end.
pub(crate) fn talks(swift: &Toolchain) -> Result<(), String> {
    println!("Swift: the small messengers talk");
    run::finish(run::cargo().args(["build", "--quiet", "--locked", "--package", "sprag-relay"]))?;
    run::finish(&mut swift.swift("build", CHAT, LIBRARY))?;
    let folder = run::output(swift.swift("build", CHAT, LIBRARY).arg("--show-bin-path"))?;
    let chat = PathBuf::from(folder.trim()).join("chat");
    let stores = swift.place.join(STORES);
    let _ = std::fs::remove_dir_all(&stores);
    std::fs::create_dir_all(&stores).map_err(|error| format!("{}: {error}", stores.display()))?;
    let mut relay = run::program(tree::target().join("debug/sprag-relay"));
    let mut relay = Program::start("the relay", relay.arg("127.0.0.1:0").arg(stores.join("relay.sqlite")))?;
    let url = relay.line()?.strip_prefix("listening on ").unwrap_or_default().to_owned();
    let person = |name: &'static str, with: &str| {
        // One that hangs fails the test, and does not keep it for ever.
        let mut command = swift.program("timeout");
        command.arg("300").arg(&chat).args(["--as", name, "--with", with, "--relay", &url, "--store"]);
        Program::start(name, command.arg(swift.seen.join(STORES).join(name)))
    };
    let (mut alice, mut bob) = (person("alice", "bob")?, person("bob", "alice")?);
    alice.ready()?;
    bob.ready()?;
    for (text, answer) in [("hello", "hello yourself"), ("Grüß dich 👋🏽 %s %n", "שלום"), ("third", "and last")]
    {
        alice.write(text)?;
        bob.shows(&format!("alice: {text}"))?;
        bob.write(answer)?;
        alice.shows(&format!("bob: {answer}"))?;
    }
    bob.end()?;
    alice.write("when you are back")?;
    alice.end()?;
    let mut bob = person("bob", "alice")?;
    bob.shows("alice: when you are back")?;
    bob.end()
}
