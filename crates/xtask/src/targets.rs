//! `cargo xtask check --targets`: the core and the shipped faces for machines that are not this one.

use std::path::Path;
use std::process::Command;

use crate::run;
use crate::test::Ran;

/// What is compiled for which target, and how far a compiler without that platform's linker can go.
struct Target {
    name: &'static str,
    packages: &'static [&'static str],
    /// The kind of library that is made of each package: one that needs no linker.
    library: &'static str,
}

const CORE: &[&str] = &["sprag-core"];
const FACES: &[&str] = &["sprag-ffi", "sprag-uniffi"];

const TARGETS: &[Target] = &[
    Target { name: "thumbv7em-none-eabihf", packages: CORE, library: "rlib" },
    Target { name: "riscv32imac-unknown-none-elf", packages: CORE, library: "rlib" },
    Target { name: "wasm32-unknown-unknown", packages: CORE, library: "rlib" },
    Target { name: "aarch64-linux-android", packages: FACES, library: "staticlib" },
    Target { name: "aarch64-apple-ios", packages: FACES, library: "staticlib" },
];

/// A processor that is emulated, and what its programs are linked with and run in.
const EMULATED: &str = "aarch64-unknown-linux-gnu";
const TOOLS: [&str; 2] = ["aarch64-linux-gnu-gcc", "qemu-aarch64"];
const HOW: &str = "apt-get install qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross";

/// Compiles everything to machine code, and computes the frozen vectors on an emulated processor.
pub(crate) fn command() -> Result<(), String> {
    if let Some(remedy) = missing(&[&names()[..], &[EMULATED]].concat())? {
        return Err(remedy);
    }
    if let Some(tool) = TOOLS.iter().find(|tool| run::find(tool).is_none()) {
        return Err(format!("{tool} is missing: {HOW}"));
    }
    for target in TARGETS {
        for package in target.packages {
            let mut cargo = cargo("rustc", target);
            run::finish(cargo.args(["--package", package, "--lib", "--crate-type", target.library]))?;
        }
        println!("{}: {} compiled", target.name, target.packages.join(" and "));
    }
    run::finish(
        run::cargo()
            .args(["test", "--quiet", "--locked", "--package", "sprag-core", "--test", "vectors", "--target", EMULATED])
            .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", TOOLS[0])
            .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", format!("{} -L /usr/aarch64-linux-gnu", TOOLS[1])),
    )?;
    println!("{EMULATED}: the frozen vectors hold, emulated");
    Ok(())
}

/// The step of `cargo xtask test`: the same without machine code, which takes ten times as long.
pub(crate) fn test() -> Result<Ran, String> {
    if let Some(remedy) = missing(&names())? {
        return Ok(Ran::LeftOut(remedy));
    }
    for target in TARGETS {
        let packages = target.packages.iter().flat_map(|package| ["--package", package]);
        run::finish(cargo("check", target).arg("--lib").args(packages))?;
        println!("{}: {} checked", target.name, target.packages.join(" and "));
    }
    Ok(Ran::Passed)
}

/// A Cargo command for a target. The faces link the platform's SQLite there: the bundled one needs that platform's C compiler.
fn cargo(command: &str, target: &Target) -> Command {
    let mut cargo = run::cargo();
    cargo.args([command, "--quiet", "--locked", "--no-default-features", "--target", target.name]);
    cargo
}

fn names() -> Vec<&'static str> {
    TARGETS.iter().map(|target| target.name).collect()
}

/// How to get those of some targets whose libraries are not on this machine.
pub(crate) fn missing(names: &[&str]) -> Result<Option<String>, String> {
    let sysroot = run::output(run::program("rustc").args(["--print", "sysroot"]))?;
    let libraries = Path::new(sysroot.trim()).join("lib/rustlib");
    let absent = names.iter().copied().filter(|name| !libraries.join(name).join("lib").is_dir());
    let absent: Vec<&str> = absent.collect();
    let remedy = || format!("the libraries of targets are missing: rustup target add {}", absent.join(" "));
    Ok((!absent.is_empty()).then(remedy))
}
