//! `cargo xtask test`: everything that can be tested here, in every language, and an honest list of what could not.

use std::time::Instant;

use crate::{
    bindings, c, check, demo, dependencies, firmware, header, kotlin, modules, processors, python, run, swift, targets,
    testkit, vectors,
};

/// What a step came to.
pub(crate) enum Ran {
    /// It ran and held.
    Passed,
    /// The tree has nothing for it.
    Absent,
    /// The machine lacks something; the text says how to get it.
    LeftOut(String),
}

/// One step: its name, and what runs it.
type Step = (&'static str, fn() -> Result<Ran, String>);

const STEPS: &[Step] = &[
    ("format", format),
    ("modules", modules::test),
    ("lints", lints),
    ("rust", rust),
    ("core without std", check::test),
    ("other targets", targets::test),
    ("Cortex-M4", firmware::test),
    ("stored on another processor", processors::test),
    ("dependencies", dependencies::test),
    ("header is current", header::current),
    ("vectors, read by Python", vectors::read),
    ("C", c::test),
    ("C, compared with what was committed", c::abi::test),
    ("C++", c::cpp::test),
    ("C and C++, installed", c::installed::test),
    ("bindings are current", bindings::current),
    ("Python", python::test),
    ("test kit", testkit::test),
    ("Kotlin", kotlin::test),
    ("Swift", swift::test),
    ("demo", demo::test),
];

pub(crate) fn command(arguments: &[String]) -> Result<(), String> {
    let (flags, names): (Vec<&String>, Vec<&String>) = arguments.iter().partition(|word| word.starts_with('-'));
    let strict = flags.iter().any(|flag| *flag == "--strict");
    let unknown = names.iter().find(|name| STEPS.iter().all(|(step, _)| *step != name.as_str()));
    if flags.len() > usize::from(strict) || unknown.is_some() {
        let all = STEPS.iter().map(|(step, _)| *step).collect::<Vec<_>>().join(", ");
        return Err(format!("cargo xtask test takes --strict and the names of steps: {all}"));
    }
    let mut passed = Vec::new();
    let mut failed = Vec::new();
    let mut left_out = Vec::new();
    for (name, step) in
        STEPS.iter().filter(|(step, _)| names.is_empty() || names.iter().any(|name| name.as_str() == *step))
    {
        println!("== {name}");
        let start = Instant::now();
        match step() {
            Ok(Ran::Passed) => {
                println!("== {name}: ok, {:.1} s", start.elapsed().as_secs_f32());
                passed.push(*name);
            }
            Ok(Ran::Absent) => println!("== {name}: nothing in the tree yet"),
            Ok(Ran::LeftOut(remedy)) => {
                println!("== {name}: left out");
                left_out.push(format!("{name}: {remedy}"));
            }
            Err(message) => {
                println!("== {name}: FAILED: {message}");
                failed.push(format!("{name}: {message}"));
            }
        }
    }
    println!();
    println!("held: {}", passed.join(", "));
    for line in &left_out {
        println!("left out: {line}");
    }
    for line in &failed {
        println!("failed: {line}");
    }
    if !failed.is_empty() {
        return Err(format!("{} of {} steps failed", failed.len(), STEPS.len()));
    }
    if strict && !left_out.is_empty() {
        return Err(format!("--strict allows nothing left out, and {} steps were", left_out.len()));
    }
    Ok(())
}

fn format() -> Result<Ran, String> {
    run::finish(run::cargo().args(["fmt", "--all", "--check"]))?;
    Ok(Ran::Passed)
}

fn lints() -> Result<Ran, String> {
    let clippy = ["clippy", "--workspace", "--locked"];
    let refused = ["-D", "warnings"];
    run::finish(run::cargo().args(clippy).args(["--lib", "--bins", "--"]).args(refused))?;
    // Tests and their helpers fail by panicking, and have no readers but their own.
    let looser =
        ["-A", "clippy::unwrap_used", "-A", "clippy::expect_used", "-A", "clippy::panic", "-A", "missing_docs"];
    run::finish(run::cargo().args(clippy).args(["--all-targets", "--"]).args(refused).args(looser))?;
    Ok(Ran::Passed)
}

fn rust() -> Result<Ran, String> {
    run::finish(run::cargo().args(["test", "--workspace", "--locked"]))?;
    Ok(Ran::Passed)
}
