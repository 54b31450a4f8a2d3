//! `cargo xtask sim`: worlds from seeds, as many as there is time for.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use sprag_sim::world::{Report, draw, run, tell};

const USAGE: &str = "\
sim [--seeds N] [--from N] [--minutes M] [--threads N]   worlds from seeds; the first that fails is told as a story
sim --seed N [--trace]                                   one of them; --trace tells all that happens in it
";

struct Wishes {
    seeds: u64,
    from: u64,
    minutes: f64,
    threads: usize,
    seed: Option<u64>,
    trace: bool,
}

fn wishes() -> Result<Wishes, String> {
    let mut wishes = Wishes { seeds: 200, from: 1, minutes: f64::INFINITY, threads: 2, seed: None, trace: false };
    let mut arguments = std::env::args().skip(1);
    while let Some(word) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{word} needs a number\n\n{USAGE}"));
        let number = |text: String| text.parse::<u64>().map_err(|_| format!("{text} is no number"));
        match word.as_str() {
            "--seeds" => wishes.seeds = number(value()?)?,
            "--from" => wishes.from = number(value()?)?,
            "--threads" => wishes.threads = usize::try_from(number(value()?)?).unwrap_or(1).max(1),
            "--seed" => wishes.seed = Some(number(value()?)?),
            "--minutes" => {
                let text = value()?;
                wishes.minutes = text.parse().map_err(|_| format!("{text} is no number"))?;
                wishes.seeds = u64::MAX;
            }
            "--trace" => wishes.trace = true,
            other => return Err(format!("{other}?\n\n{USAGE}")),
        }
    }
    Ok(wishes)
}

#[derive(Default)]
struct Sum {
    worlds: u64,
    steps: u64,
    messages: u64,
    faults: BTreeMap<&'static str, u64>,
    seen: BTreeMap<String, u64>,
    failed: Option<(u64, &'static str)>,
}

impl Sum {
    fn add(&mut self, seed: u64, report: &Report) {
        self.worlds += 1;
        self.steps += report.steps as u64;
        self.messages += report.messages as u64;
        for (kind, count) in &report.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        for (kind, count) in &report.seen {
            *self.seen.entry(kind.clone()).or_default() += count;
        }
        if let Some(failure) = &report.failure
            && self.failed.is_none_or(|(other, _)| seed < other)
        {
            self.failed = Some((seed, failure.wrong.promise));
        }
    }

    fn line(&self, since: Instant) -> String {
        let seconds = since.elapsed().as_secs_f64();
        let faults: u64 = self.faults.values().sum();
        format!(
            "{} worlds, {:.1} a second, {} steps, {} messages, {faults} faults of {} kinds",
            self.worlds,
            self.worlds as f64 / seconds.max(0.001),
            self.steps,
            self.messages,
            self.faults.len()
        )
    }
}

fn many(wishes: &Wishes) -> ExitCode {
    let start = Instant::now();
    let (next, stop) = (AtomicU64::new(wishes.from), AtomicBool::new(false));
    let sum = Mutex::new(Sum::default());
    let end = wishes.from.saturating_add(wishes.seeds);
    std::thread::scope(|scope| {
        for _ in 0..wishes.threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let late = start.elapsed().as_secs_f64() >= wishes.minutes * 60.0;
                    if seed >= end || late || stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let report = run(seed, &draw(seed), false);
                    if report.failure.is_some() {
                        stop.store(true, Ordering::Relaxed);
                    }
                    if let Ok(mut sum) = sum.lock() {
                        sum.add(seed, &report);
                        if sum.worlds % 100 == 0 {
                            println!("{}", sum.line(start));
                        }
                    }
                }
            });
        }
    });
    let Ok(sum) = sum.into_inner() else { return ExitCode::FAILURE };
    println!("{}", sum.line(start));
    println!("faults:");
    for (kind, count) in &sum.faults {
        println!("  {count:>8} {kind}");
    }
    println!("seen:");
    for (kind, count) in &sum.seen {
        println!("  {count:>8} {kind}");
    }
    match sum.failed {
        None => ExitCode::SUCCESS,
        Some((seed, promise)) => {
            println!("\nbroken: {promise}\n{}\nagain: cargo xtask sim --seed {seed}", tell(seed, promise));
            ExitCode::FAILURE
        }
    }
}

fn one(seed: u64, trace: bool) -> ExitCode {
    let report = run(seed, &draw(seed), trace);
    for line in report.trace.lines() {
        println!("{line}");
    }
    println!("seed {seed}: {} steps, {} messages, trace {}", report.steps, report.messages, report.trace.hash());
    match report.failure {
        None => ExitCode::SUCCESS,
        Some(failure) => {
            println!("broken: {}: {}", failure.wrong.promise, failure.wrong.detail);
            println!("{}", tell(seed, failure.wrong.promise));
            ExitCode::FAILURE
        }
    }
}

fn main() -> ExitCode {
    // What panics is caught and told; the default report would be told in between.
    std::panic::set_hook(Box::new(|_| {}));
    match wishes() {
        Ok(Wishes { seed: Some(seed), trace, .. }) => one(seed, trace),
        Ok(wishes) => many(&wishes),
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
