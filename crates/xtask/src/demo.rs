//! `cargo xtask demo`: three messengers in three languages, one of them on two devices, talk through the relay, each in
//! a process of its own.

mod build;
mod interactive;
mod ledger;
mod look;
mod process;
mod search;
mod stage;
mod story;
mod texts;
mod without_keys;

use std::path::PathBuf;

use crate::run;
use crate::test::Ran;

const USAGE: &str = "cargo xtask demo [--keep DIR] [--interactive] [--sanitize]";

/// What was asked for.
#[derive(Default)]
struct Options {
    /// Where the files are to stay.
    keep: Option<PathBuf>,
    /// Whether a person is to type.
    interactive: bool,
    /// Whether Bob runs under the address sanitizer.
    sanitize: bool,
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--keep" => options.keep = Some(words.next().ok_or(USAGE)?.into()),
            "--interactive" => options.interactive = true,
            "--sanitize" => options.sanitize = true,
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(options)
}

pub(crate) fn command(arguments: &[String]) -> Result<(), String> {
    let options = parse(arguments)?;
    let built = build::everything(options.sanitize)?;
    let folder = process::Folder::new(options.keep)?;
    if options.interactive {
        return interactive::run(&built, &folder);
    }
    story::tell(&built, &folder).map(|summary| println!("{summary}")).map_err(|why| format!("demo failed: {why}"))
}

/// The same with Bob under the address and undefined-behaviour sanitizers.
pub(crate) fn test() -> Result<Ran, String> {
    for (tool, package) in [("gcc", "gcc"), ("python3", "python3")] {
        if run::find(tool).is_none() {
            return Ok(Ran::LeftOut(format!("{tool} is missing: apt-get install {package}")));
        }
    }
    command(&["--sanitize".to_owned()])?;
    Ok(Ran::Passed)
}
