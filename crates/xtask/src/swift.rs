//! The Swift face: the package in `bindings/swift` is tested, linted and documented, and used as an app would use it.

pub(crate) mod apple;
mod chat;
mod library;
mod readme;
mod toolchain;

use std::path::Path;

use crate::test::Ran;
use crate::{run, tree};
use toolchain::Toolchain;

/// What is laid where Swift builds: the package, what uses it, and the story that its tests replay.
const PACKAGE: &str = "bindings/swift";
const KIT: &str = "bindings/swift-testkit";
const CHAT: &str = "examples/swift/chat";
const STORY: &str = "docs/vectors";

/// Where its library is laid, and the test kit's.
const LIBRARY: &str = "lib";
const KIT_LIBRARY: &str = "lib-testkit";

/// The part of the package that nobody writes.
const GENERATED: &str = "bindings/swift/generated";

/// Where the toolchain's own documentation compiler looks for what `docc` shows.
const CATALOGUE: &str = "Sources/Sprag/Sprag.docc";

pub(crate) fn test() -> Result<Ran, String> {
    let Some(swift) = Toolchain::find()? else {
        return Ok(Ran::LeftOut("Swift is missing: install it, or let .ci/run lay a Debian root with it".to_owned()));
    };
    if let Some(tool) = ["ar", "ld", "objcopy"].into_iter().find(|tool| run::find(tool).is_none()) {
        return Ok(Ran::LeftOut(format!("{tool} is missing: apt-get install binutils")));
    }
    for (library, folder) in [(&library::SPRAG, LIBRARY), (&library::KIT, KIT_LIBRARY)] {
        library.lay(&swift.place.join(folder), &swift.seen.join(folder))?;
    }
    for part in [PACKAGE, KIT, CHAT, STORY] {
        lay(&tree::at(part), &swift.place.join(part))?;
    }
    lint(&swift)?;
    run::finish(&mut swift.swift("test", PACKAGE, LIBRARY))?;
    document(&swift)?;
    readme::runs(&swift)?;
    chat::talks(&swift)?;
    run::finish(&mut swift.swift("test", KIT, KIT_LIBRARY))?;
    Ok(Ran::Passed)
}

/// `cargo xtask dist swift`: the library, and what SwiftPM has to be told.
pub(crate) fn library_for_linux() -> Result<(), String> {
    if !cfg!(target_os = "linux") {
        return Err("this library is for Linux; on macOS it is cargo xtask dist apple".to_owned());
    }
    let folder = tree::scratch("dist/swift")?;
    library::SPRAG.ship(&folder)?;
    println!("for SwiftPM: export PKG_CONFIG_PATH={}", folder.display());
    Ok(())
}

/// Copies a package to where it is built, anew except for what is kept of the last build.
fn lay(package: &Path, place: &Path) -> Result<(), String> {
    let broken = |error: std::io::Error| format!("{}: {error}", place.display());
    std::fs::create_dir_all(place).map_err(broken)?;
    for old in std::fs::read_dir(place).map_err(broken)? {
        let old = old.map_err(broken)?.path();
        if old.is_dir() && !old.ends_with(".build") {
            std::fs::remove_dir_all(&old).map_err(broken)?;
        } else if old.is_file() {
            std::fs::remove_file(&old).map_err(broken)?;
        }
    }
    for file in tree::all_files(package) {
        let Ok(inside) = file.strip_prefix(package) else { continue };
        if inside.starts_with(".build") {
            continue;
        }
        let copy = place.join(inside);
        std::fs::create_dir_all(copy.parent().unwrap_or(place)).map_err(broken)?;
        run::finish(run::program("cp").arg("-p").arg(&file).arg(&copy))?;
    }
    Ok(())
}

/// The form of everything that is written by hand.
fn lint(swift: &Toolchain) -> Result<(), String> {
    let mut linter = swift.program("swift-format");
    linter.args(["lint", "--strict", "--configuration"]).arg(swift.seen.join(PACKAGE).join(".swift-format"));
    for package in [PACKAGE, CHAT] {
        let files = tree::files(&tree::at(package), "swift");
        let by_hand = files.iter().filter_map(|file| file.strip_prefix(tree::root()).ok());
        linter.args(by_hand.filter(|file| !file.starts_with(GENERATED)).map(|file| swift.seen.join(file)));
    }
    run::finish(&mut linter)
}

/// The documentation: everything public, and every name in it is one that there is.
fn document(swift: &Toolchain) -> Result<(), String> {
    let package = swift.seen.join(PACKAGE);
    let mut dump = swift.swift("package", PACKAGE, LIBRARY);
    dump.args(["dump-symbol-graph", "--minimum-access-level", "public", "--skip-synthesized-members"]);
    let graphs = run::output(&mut dump)?;
    let folder = graphs
        .lines()
        .find_map(|line| line.strip_prefix("Files written to "))
        .ok_or("swift package dump-symbol-graph does not say where it wrote")?;
    run::finish(
        swift
            .program("docc")
            .args(["convert", "--warnings-as-errors", "--additional-symbol-graph-dir", folder])
            .arg("--output-path")
            .arg(swift.seen.join("documentation"))
            .arg(package.join(CATALOGUE)),
    )
}
