//! `cargo xtask check`: the core without std, proven and not only claimed.

use std::collections::BTreeSet;
use std::path::Path;

use crate::test::Ran;
use crate::{entries, run, targets, tree};

/// What a compiler may call on any target, and every target provides.
const ALLOWED: &[&str] = &["memcpy", "memmove", "memset", "memcmp", "bcmp", "strlen"];

pub(crate) fn command(arguments: &[String]) -> Result<(), String> {
    match arguments {
        [] => proof(),
        [flag] if flag == "--targets" => targets::command(),
        _ => Err("cargo xtask check takes --targets and nothing else".to_owned()),
    }
}

/// The step of `cargo xtask test`.
pub(crate) fn test() -> Result<Ran, String> {
    proof()?;
    Ok(Ran::Passed)
}

/// Builds the static library and looks at every symbol in it.
fn proof() -> Result<(), String> {
    let target = tree::scratch("nostd-proof")?;
    let manifest = tree::at("crates/nostd-proof/Cargo.toml");
    run::finish(
        run::cargo()
            .args(["build", "--release", "--quiet", "--manifest-path"])
            .arg(&manifest)
            .arg("--target-dir")
            .arg(&target),
    )?;
    let archive = target.join("release/libnostd_proof.a");
    let symbols = Symbols::of(&archive)?;
    let entries = entries::all()?;
    let is_absent = |entry: &&entries::Entry| !symbols.functions.iter().any(|name| entry.is(name));
    let absent: Vec<String> = entries.iter().filter(is_absent).map(ToString::to_string).collect();
    if !absent.is_empty() {
        return Err(format!("public functions of the core are not in the static library: {}", absent.join(", ")));
    }
    let missing: Vec<&str> = symbols
        .undefined
        .difference(&symbols.defined)
        .map(String::as_str)
        .filter(|name| !ALLOWED.contains(name))
        .collect();
    if !missing.is_empty() {
        return Err(format!("the core without std still needs: {}", missing.join(", ")));
    }
    let count = entries.len();
    println!("core without std: all {count} public functions linked, nothing undefined but memory functions");
    Ok(())
}

/// The symbols of an archive.
#[derive(Default)]
struct Symbols {
    /// What its members define for each other.
    defined: BTreeSet<String>,
    /// What they need.
    undefined: BTreeSet<String>,
    /// Functions, those that are a member's own included.
    functions: BTreeSet<String>,
}

impl Symbols {
    fn of(archive: &Path) -> Result<Self, String> {
        // Not nm: where a linker plug-in is installed, it shows none of the symbols of the ready-made `core`.
        let listing = run::output(run::program("readelf").args(["--symbols", "--wide"]).arg(archive))?;
        let mut symbols = Self::default();
        for line in listing.lines() {
            // Number, value, size, type, binding, visibility, section, name.
            let [_, _, _, sort, binding, _, section, name, ..] = line.split_whitespace().collect::<Vec<_>>()[..] else {
                continue;
            };
            let is_here = section.bytes().all(|digit| digit.is_ascii_digit());
            if sort == "FUNC" && is_here {
                symbols.functions.insert(name.to_owned());
            }
            match binding {
                "GLOBAL" if section == "UND" => symbols.undefined.insert(name.to_owned()),
                "GLOBAL" | "WEAK" if is_here => symbols.defined.insert(name.to_owned()),
                _ => false,
            };
        }
        Ok(symbols)
    }
}
