//! Whole courses of events: run, made shorter, told.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::course::draw;
use super::step::Step;
use super::{Trace, World, Wrong};

/// How a course went.
#[derive(Clone, Debug)]
pub struct Report {
    /// What happened.
    pub trace: Trace,
    /// Faults that happened, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// What was seen of messages: findings, events and states, by kind.
    pub seen: BTreeMap<String, u64>,
    /// Messages that were written.
    pub messages: usize,
    /// Steps that were made.
    pub steps: usize,
    /// What went wrong, if something did.
    pub failure: Option<Failure>,
}

/// What went wrong, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What.
    pub wrong: Wrong,
    /// At which step; their number, if it was when the faults had stopped.
    pub step: usize,
}

/// Runs a course. The same seed and steps give the same report, on any machine.
#[must_use]
pub fn run(seed: u64, steps: &[Step], keep: bool) -> Report {
    let mut world = World::new(seed, keep);
    let mut made = 0;
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        for step in steps {
            world.step(*step)?;
            made += 1;
        }
        world.settle()
    }));
    let wrong = match outcome {
        Ok(Ok(())) => None,
        Ok(Err(wrong)) => Some(wrong),
        Err(panic) => {
            let words = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            Some(Wrong { promise: "nothing panics", detail: words.unwrap_or("").to_owned() })
        }
    };
    Report {
        trace: world.trace().clone(),
        faults: world.faults().clone(),
        seen: world.seen().clone(),
        messages: world.messages(),
        steps: made,
        failure: wrong.map(|wrong| Failure { wrong, step: made }),
    }
}

/// Leaves out of a failing course what it does not need to fail in the same way.
#[must_use]
pub fn shrink(seed: u64, steps: &[Step], promise: &str) -> Vec<Step> {
    let fails =
        |steps: &[Step]| run(seed, steps, false).failure.is_some_and(|failure| failure.wrong.promise == promise);
    let mut left = steps.to_vec();
    if let Some(failure) = run(seed, steps, false).failure {
        left.truncate(failure.step + 1);
    }
    let mut size = left.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < left.len() {
            let mut fewer = left.clone();
            fewer.drain(at..(at + size).min(left.len()));
            if fails(&fewer) {
                left = fewer;
            } else {
                at += size;
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    left
}

/// A failing seed as a story: what it needs to fail, and how that goes.
#[must_use]
pub fn tell(seed: u64, promise: &str) -> String {
    let steps = shrink(seed, &draw(seed), promise);
    let report = run(seed, &steps, true);
    let mut story = format!("seed {seed}, {} steps left of it:\n", steps.len());
    for step in &steps {
        story.push_str(&format!("  {step:?}\n"));
    }
    story.push_str("and how it goes:\n");
    let idle = |line: &&String| [" []", ": []", ": 0 requests"].iter().any(|end| line.ends_with(end));
    for line in report.trace.lines().iter().filter(|line| !idle(line)) {
        story.push_str("  ");
        story.push_str(line);
        story.push('\n');
    }
    if let Some(failure) = report.failure {
        story.push_str(&format!("  broken: {}: {}\n", failure.wrong.promise, failure.wrong.detail));
    }
    story
}
