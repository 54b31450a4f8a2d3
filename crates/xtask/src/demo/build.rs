//! Builds what the demo runs.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::{c, python, run, tree};

/// How each program is started.
pub(crate) struct Built {
    /// The relay.
    pub(crate) relay: PathBuf,
    /// The Rust chat.
    pub(crate) alice: PathBuf,
    /// The C messenger.
    pub(crate) bob: PathBuf,
    /// The Python package of Carol's messenger.
    pub(crate) carol: PathBuf,
}

pub(crate) fn everything(sanitize: bool) -> Result<Built, String> {
    let compiler = ["gcc", "cc", "clang"].into_iter().find(|name| run::find(name).is_some());
    let compiler = compiler.ok_or("The demo needs a C compiler, and none of gcc, cc and clang is there.")?;
    if run::find("python3").is_none() {
        return Err("The demo needs Python 3, and there is no python3.".to_owned());
    }
    let mut cargo = run::cargo();
    cargo.args(["build", "--release", "--locked"]);
    cargo.args(["sprag-relay", "sprag-chat", "sprag-ffi", "sprag-uniffi"].iter().flat_map(|name| ["--package", name]));
    patiently("building in release", &mut cargo)?;
    let release = tree::target().join("release");
    let bob = tree::scratch("demo")?.join(if sanitize { "messenger-sanitized" } else { "messenger" });
    let mut link = c::messenger(compiler, &release.join("libsprag_ffi.a"), &bob);
    if sanitize {
        link.args(c::SANITIZERS);
    }
    patiently("compiling Bob with warnings as errors", &mut link)?;
    Ok(Built {
        relay: release.join("sprag-relay"),
        alice: release.join("sprag-chat"),
        bob,
        carol: python::package(&release.join("libsprag_uniffi.so"), "demo/python")?,
    })
}

/// Runs to the end, and says every few seconds that it still does.
fn patiently(what: &str, command: &mut Command) -> Result<(), String> {
    println!("{what}");
    let mut child = command.stdin(Stdio::null()).spawn().map_err(|error| format!("{what}: {error}"))?;
    let start = Instant::now();
    let mut next = Duration::from_secs(2);
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("{what}: {status}")),
            Ok(None) => {}
            Err(error) => return Err(format!("{what}: {error}")),
        }
        if start.elapsed() > next {
            println!("  … still {what}, {} s", start.elapsed().as_secs());
            next += Duration::from_secs(10);
        }
        thread::sleep(Duration::from_millis(50));
    }
}
