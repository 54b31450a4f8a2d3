//! The small messenger of `examples/kotlin`, built against the installed jar: two of it, each in a process of its own, talk
//! through the relay.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};

use crate::{run, tree};

pub(super) fn test() -> Result<(), String> {
    println!("Kotlin: the small messengers talk");
    let place = tree::scratch("kotlin-chat")?;
    let build = format!("-Dchat.build={}", place.display());
    run::finish(super::maven(&tree::at("examples/kotlin/pom.xml"))?.arg(build).arg("compile"))?;
    run::finish(run::cargo().args(["build", "--quiet", "--locked", "--package", "sprag-relay"]))?;
    let stores = place.join("stores");
    super::jvm::clear(&stores)?;
    let mut relay = Command::new(tree::target().join("debug/sprag-relay"));
    let mut relay = Program::start("the relay", relay.arg("127.0.0.1:0").arg(stores.join("relay.sqlite")))?;
    let url = relay.line()?.strip_prefix("listening on ").unwrap_or_default().to_owned();
    let mut alice = chat(&place, "alice", "bob", &url)?;
    let mut bob = chat(&place, "bob", "alice", &url)?;
    alice.notes("(keys are published)")?;
    bob.notes("(keys are published)")?;
    for (text, answer) in [("hello", "hello yourself"), ("Grüß dich 👋🏽 %s $x", "שלום")] {
        alice.write(text)?;
        bob.shows(&format!("alice: {text}"))?;
        bob.write(answer)?;
        alice.shows(&format!("bob: {answer}"))?;
    }
    // What was written before the end leaves before the end, and is there when the other one comes back.
    bob.end()?;
    alice.write("when you are back")?;
    alice.end()?;
    let mut bob = chat(&place, "bob", "alice", &url)?;
    bob.shows("alice: when you are back")?;
    bob.end()
}

fn chat(place: &Path, name: &'static str, with: &str, url: &str) -> Result<Program, String> {
    let path = format!("{}:{}/*", place.join("classes").display(), place.join("lib").display());
    // One that hangs fails the test, and does not keep it for ever.
    let mut command = Command::new("timeout");
    command.args(["300", "java", "-cp", &path, "ChatKt"]);
    command.args(["--as", name, "--with", with, "--relay", url, "--store"]).arg(place.join("stores").join(name));
    Program::start(name, &mut command)
}

/// A process that is written to and read from, and does not outlive the test.
struct Program {
    name: &'static str,
    child: Child,
    input: Option<ChildStdin>,
    screen: BufReader<ChildStdout>,
    notes: BufReader<ChildStderr>,
}

impl Program {
    fn start(name: &'static str, command: &mut Command) -> Result<Self, String> {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().map_err(|error| format!("{name} does not start: {error}"))?;
        match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
            (Some(input), Some(output), Some(errors)) => {
                let (screen, notes) = (BufReader::new(output), BufReader::new(errors));
                Ok(Self { name, child, input: Some(input), screen, notes })
            }
            _ => Err(format!("{name} has no pipes")),
        }
    }

    fn line(&mut self) -> Result<String, String> {
        next(self.name, &mut self.screen)
    }

    /// The next line on the screen is this.
    fn shows(&mut self, text: &str) -> Result<(), String> {
        let line = self.line()?;
        if line == text { Ok(()) } else { Err(format!("{} shows {line:?}, not {text:?}", self.name)) }
    }

    /// Waits until this is noted.
    fn notes(&mut self, text: &str) -> Result<(), String> {
        while next(self.name, &mut self.notes)? != text {}
        Ok(())
    }

    fn write(&mut self, text: &str) -> Result<(), String> {
        let input = self.input.as_mut().ok_or_else(|| format!("{} reads no more", self.name))?;
        writeln!(input, "{text}").map_err(|error| format!("{}: {error}", self.name))
    }

    /// Ends the input, and waits for the end.
    fn end(mut self) -> Result<(), String> {
        self.input = None;
        let status = self.child.wait().map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("{} ends with {status}", self.name)) }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn next(name: &str, from: &mut impl BufRead) -> Result<String, String> {
    let mut line = String::new();
    match from.read_line(&mut line) {
        Ok(0) => Err(format!("{name} has ended")),
        Ok(_) => Ok(line.trim_end_matches('\n').to_owned()),
        Err(error) => Err(format!("{name}: {error}")),
    }
}
