//! `cargo xtask check`: the core without std, proven and not only claimed.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use crate::{run, tree};

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
    let (defined, undefined) = symbols(&archive)?;
    let core = defined.iter().filter(|name| name.contains("sprag_core")).count();
    if core == 0 {
        return Err("the static library holds nothing of sprag-core: the proof proves nothing".to_owned());
    }
    let missing: Vec<&str> =
        undefined.difference(&defined).map(String::as_str).filter(|name| !ALLOWED.contains(name)).collect();
    if !missing.is_empty() {
        return Err(format!("the core without std still needs: {}", missing.join(", ")));
    }
    println!("core without std: {core} functions of sprag-core linked, nothing undefined but memory functions");
    Ok(())
}

/// The symbols that the members of an archive define, and those that they need.
fn symbols(archive: &Path) -> Result<(BTreeSet<String>, BTreeSet<String>), String> {
    // Not nm: where a linker plug-in is installed, it shows none of the symbols of the ready-made `core`.
    let listing = run::output(run::program("readelf").args(["--symbols", "--wide"]).arg(archive))?;
    let (mut defined, mut undefined) = (BTreeSet::new(), BTreeSet::new());
    for line in listing.lines() {
        // Number, value, size, type, binding, visibility, section, name.
        let [_, _, _, _, binding, _, section, name, ..] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            continue;
        };
        match (binding, section) {
            ("GLOBAL", "UND") => undefined.insert(name.to_owned()),
            ("GLOBAL" | "WEAK", section) if section.bytes().all(|digit| digit.is_ascii_digit()) => {
                defined.insert(name.to_owned())
            }
            _ => false,
        };
    }
    Ok((defined, undefined))
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
