//! `cargo xtask check`: the core without std, proven and not only claimed.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use crate::{entries, run, tree};

/// What a compiler may call on any target, and every target provides.
const ALLOWED: &[&str] = &["memcpy", "memmove", "memset", "memcmp", "bcmp", "strlen"];

/// Targets without std that are built as well where they are installed.
const BARE: &[&str] = &["thumbv7em-none-eabihf", "thumbv6m-none-eabi", "riscv32imac-unknown-none-elf", "wasm32v1-none"];

pub(crate) fn command(arguments: &[String]) -> Result<(), String> {
    if !arguments.is_empty() {
        return Err("cargo xtask check takes no arguments".to_owned());
    }
    proof()?;
    bare_targets()
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

/// Builds the core for each bare target whose libraries are on this machine.
fn bare_targets() -> Result<(), String> {
    let sysroot = run::output(run::program("rustc").args(["--print", "sysroot"]))?;
    let libraries = Path::new(sysroot.trim()).join("lib/rustlib");
    let target = tree::scratch("bare")?;
    let mut built = 0;
    for name in BARE.iter().filter(|name| libraries.join(name).is_dir()) {
        run::finish(
            run::cargo()
                .args(["build", "--quiet", "--locked", "--package", "sprag-core", "--target", name, "--target-dir"])
                .arg(&target)
                .stdin(Stdio::null()),
        )?;
        println!("core without std: builds for {name}");
        built += 1;
    }
    if built == 0 {
        println!(
            "core without std: no bare target is installed (rustup target add {}), the proof above stands",
            BARE[0]
        );
    }
    Ok(())
}
