//! The processes of the demo. None outlives it: each is ended when its handle is dropped, and by the end of its input
//! if the demo itself is killed.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::build::Built;
use crate::tree;

/// Where all files of a run are; removed at the end unless they are to be kept.
pub(crate) struct Folder {
    /// The place.
    pub(crate) path: PathBuf,
    keep: bool,
}

impl Folder {
    pub(crate) fn new(keep: Option<PathBuf>) -> Result<Self, String> {
        let temporary = || std::env::temp_dir().join(format!("sprag-demo-{}", std::process::id()));
        let (keep, path) = (keep.is_some(), keep.unwrap_or_else(temporary));
        for part in ["relay", "mail-relay", "stores"] {
            let part = path.join(part);
            if part.exists() {
                return Err(format!("{} is there already; take another directory", part.display()));
            }
            std::fs::create_dir_all(&part).map_err(|error| format!("{}: {error}", part.display()))?;
        }
        let path = path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { path, keep })
    }

    pub(crate) fn relay(&self) -> PathBuf {
        self.path.join("relay")
    }

    /// Where the relay is that keeps no keys.
    pub(crate) fn mail_relay(&self) -> PathBuf {
        self.path.join("mail-relay")
    }

    pub(crate) fn stores(&self) -> PathBuf {
        self.path.join("stores")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// A line that a process wrote: whose, of which of its runs, and `None` for the end.
pub(crate) type Line = (&'static str, u32, Option<String>);

/// A process that is written to and read from.
pub(crate) struct Process {
    child: Child,
    writer: Option<Sender<String>>,
}

impl Process {
    /// Starts it; what it writes goes to `lines`.
    pub(crate) fn start(
        name: &'static str,
        run: u32,
        mut command: Command,
        lines: Sender<Line>,
    ) -> Result<Self, String> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{name} does not start: {error}"))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(format!("{name} has no pipes"));
        };
        thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                if lines.send((name, run, Some(line))).is_err() {
                    return;
                }
            }
            let _ = lines.send((name, run, None));
        });
        Ok(Self { child, writer: Some(writer(input)) })
    }

    /// Writes a line; one that nobody reads any more is noticed by the end of the output.
    pub(crate) fn write(&self, line: String) {
        if let Some(writer) = &self.writer {
            let _ = writer.send(line);
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Ends its input and waits until it has ended; `None` if it has not within the time.
    pub(crate) fn finish(&mut self, patience: Duration) -> Option<ExitStatus> {
        self.writer = None;
        let until = Instant::now() + patience;
        while Instant::now() < until {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.finish(Duration::from_secs(5)).is_none() {
            self.kill();
        }
    }
}

/// A thread of its own writes, so that a process that does not read holds nobody up.
fn writer(mut input: ChildStdin) -> Sender<String> {
    let (sender, lines) = mpsc::channel::<String>();
    thread::spawn(move || {
        for line in lines {
            if input.write_all(line.as_bytes()).and_then(|()| input.write_all(b"\n")).is_err() {
                return;
            }
        }
    });
    sender
}

/// The relay on a free loopback port.
pub(crate) struct Relay {
    _process: Process,
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
}

impl Relay {
    /// With or without a key directory.
    pub(crate) fn start(built: &Built, folder: &Path, has_keys: bool) -> Result<Self, String> {
        // The relay does not watch its input. The shell does, and ends it when ours ends.
        let mut command = Command::new("sh");
        command
            .args(["-c", r#""$0" 127.0.0.1:0 "$@" & relay=$!; read -r end; kill "$relay"; wait "$relay" 2>/dev/null"#]);
        command.arg(&built.relay).arg(folder.join("relay.sqlite"));
        if !has_keys {
            command.arg("--mail-only");
        }
        let (sender, lines) = mpsc::channel();
        let process = Process::start("relay", 0, command, sender)?;
        let address = listening(&lines).ok_or("the relay does not say where it listens")?;
        Ok(Self { _process: process, address })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn listening(lines: &Receiver<Line>) -> Option<String> {
    let (_, _, line) = lines.recv_timeout(Duration::from_secs(120)).ok()?;
    line?.strip_prefix("listening on http://").map(str::to_owned)
}

/// Alice's second device: what its messenger is called here. Its account is hers.
pub(crate) const TABLET: &str = "alice's tablet";

/// Whose messenger it is.
pub(crate) fn account_of(name: &'static str) -> &'static str {
    if name == TABLET { "alice" } else { name }
}

/// How a person's messenger is started.
pub(crate) fn messenger(built: &Built, name: &'static str, url: &str, stores: &Path) -> Command {
    let mut command = match name {
        "bob" => Command::new(&built.bob),
        "carol" => {
            let mut python = Command::new("python3");
            python.arg("-B").arg(tree::at("examples/python/messenger.py")).env("PYTHONPATH", &built.carol);
            python
        }
        _ => Command::new(&built.alice),
    };
    command.args(["--as", account_of(name), "--relay", url, "--store"]);
    if name == TABLET {
        command.arg(stores.join("tablet")).arg("--link");
    } else {
        command.arg(stores.join(name));
    }
    command
}
