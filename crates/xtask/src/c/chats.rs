//! The small messengers of `examples/c` and `examples/cpp`, as an app's developer would build them: each in a process of its
//! own, they talk with each other through the relay.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};

use super::installed::found_in;
use crate::{c, run, tree};

/// Builds both against an installation, and lets them talk.
pub(crate) fn talk(prefix: &Path) -> Result<(), String> {
    println!("C and C++: the small messengers talk");
    run::finish(run::cargo().args(["build", "--quiet", "--locked", "--package", "sprag-relay"]))?;
    let folder = tree::scratch("chats")?;
    std::fs::remove_dir_all(&folder)
        .and_then(|()| std::fs::create_dir_all(&folder))
        .map_err(|error| error.to_string())?;
    let (in_c, in_cpp) = (build_c(prefix, &folder)?, build_cpp(prefix, &folder)?);
    let mut relay = Command::new(tree::target().join("debug/sprag-relay"));
    let mut relay = Program::start("the relay", relay.arg("127.0.0.1:0").arg(folder.join("relay.sqlite")))?;
    let url = relay.line()?.strip_prefix("listening on ").unwrap_or_default().to_owned();
    let mut alice = chat(&in_c, &folder, "alice", "bob", &url)?;
    let mut bob = chat(&in_cpp, &folder, "bob", "alice", &url)?;
    alice.ready()?;
    bob.ready()?;
    for (text, answer) in [("hello", "hello yourself"), ("Grüß dich 👋🏽 %s %n", "שלום"), ("third", "and last")]
    {
        alice.write(text)?;
        bob.shows(&format!("alice: {text}"))?;
        bob.write(answer)?;
        alice.shows(&format!("bob: {answer}"))?;
    }
    // What was written before the end leaves before the end, and is there when the other one comes back.
    bob.end()?;
    alice.write("when you are back")?;
    alice.end()?;
    let mut bob = chat(&in_cpp, &folder, "bob", "alice", &url)?;
    bob.shows("alice: when you are back")?;
    bob.end()
}

fn chat(program: &Path, folder: &Path, name: &'static str, with: &str, url: &str) -> Result<Program, String> {
    // One that hangs fails the test, and does not keep it for ever.
    let mut command = Command::new("timeout");
    command
        .arg("300")
        .arg(program)
        .args(["--as", name, "--with", with, "--relay", url, "--store"])
        .arg(folder.join(name));
    Program::start(name, &mut command)
}

fn build_c(prefix: &Path, folder: &Path) -> Result<PathBuf, String> {
    let sources = ["chat.c", "carry.c", "relay.c"].map(|name| tree::at("examples/c").join(name));
    let program = folder.join("chat-c");
    let mut command = run::program("gcc");
    command.arg("-std=c11").args(c::STRICT).arg("-I").arg(prefix.join("include")).args(sources);
    command.arg(prefix.join("lib/libsprag.a")).args(["-lpthread", "-ldl", "-lm", "-o"]).arg(&program);
    run::finish(&mut command)?;
    Ok(program)
}

fn build_cpp(prefix: &Path, folder: &Path) -> Result<PathBuf, String> {
    let (object, program) = (folder.join("relay.o"), folder.join("chat-cpp"));
    let mut helper = run::program("gcc");
    helper.arg("-std=c11").args(c::STRICT).arg("-I").arg(prefix.join("include"));
    run::finish(helper.arg("-c").arg(tree::at("examples/c/relay.c")).arg("-o").arg(&object))?;
    let mut command = run::program("g++");
    command.arg("-std=c++17").args(c::STRICT).arg("-I").arg(prefix.join("include"));
    command.arg(tree::at("examples/cpp/chat.cpp")).arg(&object).arg(prefix.join("lib/libsprag.so"));
    run::finish(command.arg(found_in(&prefix.join("lib"))).arg("-o").arg(&program))?;
    Ok(program)
}

/// A program that is written to and read from; ended with its handle.
pub(crate) struct Program {
    name: &'static str,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    said: BufReader<ChildStderr>,
}

impl Program {
    /// Starts it; the name is for what is said of it.
    pub(crate) fn start(name: &'static str, command: &mut Command) -> Result<Self, String> {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().map_err(|error| format!("{name} does not start: {error}"))?;
        match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
            (input, Some(output), Some(said)) => {
                Ok(Self { name, child, input, output: BufReader::new(output), said: BufReader::new(said) })
            }
            _ => Err(format!("{name} has no pipes")),
        }
    }

    /// The next line that it writes.
    pub(crate) fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        self.output.read_line(&mut line).map_err(|error| format!("{}: {error}", self.name))?;
        Ok(line.trim_end_matches('\n').to_owned())
    }

    /// Waits until it says that its keys are published.
    pub(crate) fn ready(&mut self) -> Result<(), String> {
        let mut line = String::new();
        self.said.read_line(&mut line).map_err(|error| format!("{}: {error}", self.name))?;
        if line == "(ready)\n" { Ok(()) } else { Err(format!("{} says {line:?} before it is ready", self.name)) }
    }

    /// Sees that its next line is this one.
    pub(crate) fn shows(&mut self, expected: &str) -> Result<(), String> {
        let line = self.line()?;
        if line == expected { Ok(()) } else { Err(format!("{} shows {line:?}, not {expected:?}", self.name)) }
    }

    /// Writes a line to it.
    pub(crate) fn write(&mut self, line: &str) -> Result<(), String> {
        let input = self.input.as_mut().ok_or("the input is closed")?;
        input.write_all(format!("{line}\n").as_bytes()).map_err(|error| format!("{}: {error}", self.name))
    }

    /// Ends its input, and waits until it has ended.
    pub(crate) fn end(mut self) -> Result<(), String> {
        self.input = None;
        let status = self.child.wait().map_err(|error| format!("{}: {error}", self.name))?;
        if status.success() { Ok(()) } else { Err(format!("{}: {status}", self.name)) }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
