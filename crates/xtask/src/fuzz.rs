//! `cargo xtask fuzz`: every target for some minutes, from the committed corpora, with unmodified libraries.
//!
//! What is found goes into the corpus of its target, where the ordinary tests meet it from then on. What only widened
//! the fuzzer's view stays in the build directory.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::{run, tree};

/// Minutes for each target, if nobody says.
const MINUTES: u64 = 5;

/// Time between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(10);

/// Bytes of the longest input: what an envelope of a few slots, or a list of some devices, takes.
const LONGEST: usize = 8_192;

/// Seconds after which one input counts as hung.
const HUNG: u32 = 25;

pub(crate) fn command(arguments: &[String]) -> Result<(), String> {
    let all = targets();
    let mut minutes = MINUTES;
    let mut chosen = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--minutes" => {
                let number = words.next().and_then(|number| number.parse().ok()).filter(|number| *number > 0);
                minutes = number.ok_or("--minutes takes a number of minutes for each target")?;
            }
            name if all.iter().any(|target| target == name) => chosen.push(name.to_owned()),
            _ => {
                return Err(format!("cargo xtask fuzz takes --minutes N and the names of targets: {}", all.join(", ")));
            }
        }
    }
    let chosen = if chosen.is_empty() { all } else { chosen };
    probe()?;
    let programs = build(&chosen)?;
    println!("{} targets, {minutes} minutes each", chosen.len());
    let mut executions = 0;
    let mut failed = Vec::new();
    for target in &chosen {
        let ran = one(&programs, target, minutes)?;
        executions += ran.executions;
        let verdict = if ran.found { "FAILED" } else { "clean" };
        println!("{target}: {verdict}, {} executions in {} s", ran.executions, ran.seconds);
        if ran.found {
            failed.push(target.as_str());
        }
    }
    println!("{executions} executions of {} targets", chosen.len());
    if failed.is_empty() { Ok(()) } else { Err(format!("something was found by: {}", failed.join(", "))) }
}

/// The names of all targets.
fn targets() -> Vec<String> {
    let programs = tree::files(&tree::at("fuzz/fuzz_targets"), "rs");
    programs.iter().filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect()
}

/// Says in one sentence what is missing.
fn probe() -> Result<(), String> {
    if run::find("rustup").is_none() {
        return Err("fuzzing needs rustup and a nightly toolchain: https://rustup.rs".to_owned());
    }
    let answers = |words: &[&str]| {
        let tried = run::program("rustup").args(["run", "nightly"]).args(words).output();
        tried.is_ok_and(|output| output.status.success())
    };
    if !answers(&["rustc", "--version"]) {
        return Err("fuzzing needs a nightly toolchain: rustup toolchain install nightly --profile minimal".to_owned());
    }
    if !answers(&["cargo", "fuzz", "--version"]) {
        return Err("cargo-fuzz is missing: cargo install cargo-fuzz --locked".to_owned());
    }
    Ok(())
}

/// Builds the targets; yields the directory of their programs.
fn build(chosen: &[String]) -> Result<PathBuf, String> {
    let directory = tree::scratch("fuzz")?;
    println!("building the targets with the fuzzer's instrumentation: some minutes the first time");
    let mut command = run::program("rustup");
    command.args(["run", "nightly", "cargo", "fuzz", "build", "--features", "libfuzzer"]);
    // What is fuzzed is safe Rust, and SQLite, which a sanitizer of Rust does not see: without one it runs three times
    // as often.
    command.args(["--sanitizer", "none", "--target-dir"]).arg(&directory);
    if let [only] = chosen {
        command.arg(only);
    }
    // Optimising across crates makes each program slow to link, and the fuzzer sees no more by it.
    run::finish(command.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"))?;
    let version = run::output(run::program("rustup").args(["run", "nightly", "rustc", "-vV"]))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc names no host")?;
    Ok(directory.join(host).join("release"))
}

/// What came of one target.
struct Run {
    executions: u64,
    seconds: u64,
    found: bool,
}

fn one(programs: &Path, target: &str, minutes: u64) -> Result<Run, String> {
    let grown = tree::scratch(&format!("fuzz-corpus/{target}"))?;
    let found = tree::scratch(&format!("fuzz-found/{target}"))?;
    let seeds = tree::at("fuzz/corpus").join(target);
    let start = Instant::now();
    let mut child = run::program(programs.join(target))
        .arg(format!("-max_total_time={}", minutes * 60))
        .arg(format!("-max_len={LONGEST}"))
        .arg(format!("-timeout={HUNG}"))
        .arg("-print_final_stats=1")
        .arg(format!("-artifact_prefix={}/", found.display()))
        .args([&grown, &seeds])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{target}: {error}"))?;
    let mut executions = 0;
    let mut shown = Instant::now();
    let mut unusual = false;
    for line in child.stderr.take().map(BufReader::new).into_iter().flat_map(BufRead::lines).map_while(Result::ok) {
        let line = line.as_str();
        unusual |= line.contains("panicked at") || line.contains("ERROR:");
        if let Some(number) = line.strip_prefix("stat::number_of_executed_units:") {
            executions = number.trim().parse().unwrap_or_default();
        } else if let Some(input) = line.split("Test unit written to ").nth(1) {
            keep(target, Path::new(input.trim()))?;
        }
        if unusual || (line.starts_with('#') && shown.elapsed() > PROGRESS) {
            println!("{target}: {line}");
            shown = Instant::now();
        }
    }
    let status = child.wait().map_err(|error| format!("{target}: {error}"))?;
    Ok(Run { executions, seconds: start.elapsed().as_secs(), found: !status.success() })
}

/// Puts what was found where the ordinary tests meet it.
fn keep(target: &str, input: &Path) -> Result<(), String> {
    let name = input.file_name().unwrap_or_default();
    let kept = tree::at("fuzz/corpus").join(target).join(name);
    fs::copy(input, &kept).map_err(|error| format!("{}: {error}", input.display()))?;
    println!("{target}: found, and kept as {}", kept.display());
    Ok(())
}
