//! The Swift face on Linux: `bindings/swift`, with the machine's own toolchain or one in a Debian root of its own.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::test::Ran;
use crate::{python, run, tree};

/// Where `.ci/run` keeps a Debian root with a Swift toolchain, for machines whose own Debian has none.
const ROOT: &str = "/var/cache/sprag/trixie";

/// The folder inside that root in which the package is built.
const INSIDE: &str = "/sprag";

pub(crate) fn test() -> Result<Ran, String> {
    let package = tree::at("bindings/swift");
    if !package.join("Package.swift").exists() {
        return Ok(Ran::Absent);
    }
    let root = env::var_os("SPRAG_SWIFT_ROOT").map_or_else(|| PathBuf::from(ROOT), PathBuf::from);
    let here = run::find("swift").is_some();
    if !here && !root.join("usr/libexec/swift/bin/swift").exists() {
        return Ok(Ran::LeftOut("Swift is missing: install it, or let .ci/run lay a Debian root with it".to_owned()));
    }
    let place = if here { tree::scratch("swift")? } else { root.join(INSIDE.trim_start_matches('/')) };
    let seen = if here { place.clone() } else { PathBuf::from(INSIDE) };
    lay(&package, &place)?;
    let mut swift = if here { Command::new("swift") } else { Command::new("chroot") };
    if !here {
        swift.arg(&root).arg("/usr/bin/swift");
    }
    swift.args(["test", "--package-path"]).arg(seen.join("package"));
    swift.env("HOME", "/root").env("LIBRARY_PATH", seen.join("lib")).env("LD_LIBRARY_PATH", seen.join("lib"));
    run::finish(&mut swift)?;
    Ok(Ran::Passed)
}

/// Copies the package and the library to where Swift builds them. Its build directory there stays, as a cache.
fn lay(package: &Path, place: &Path) -> Result<(), String> {
    let library = python::library()?;
    let (copy, libraries) = (place.join("package"), place.join("lib"));
    std::fs::create_dir_all(&libraries)
        .and_then(|()| std::fs::create_dir_all(&copy))
        .and_then(|()| std::fs::copy(&library, libraries.join("libsprag_uniffi.so")))
        .map_err(|error| format!("{}: {error}", place.display()))?;
    for part in ["Sources", "Tests"] {
        let old = copy.join(part);
        if old.exists() {
            std::fs::remove_dir_all(&old).map_err(|error| format!("{}: {error}", old.display()))?;
        }
    }
    let mut contents = package.as_os_str().to_owned();
    contents.push("/.");
    run::finish(run::program("cp").arg("-a").arg(contents).arg(&copy))
}
