//! The C face as it is installed: what it exports, and every C test over its shared library.

use std::path::{Path, PathBuf};

use crate::install::dist::SYMBOLS;
use crate::install::{self, Libraries, Sqlite};
use crate::test::Ran;
use crate::{c, run, tree};

/// The step of `cargo xtask test`.
pub(crate) fn test() -> Result<Ran, String> {
    if let Some(remedy) = c::missing(&["gcc", "g++", "ld", "objcopy", "nm", "pkg-config", "cmake"]) {
        return Ok(Ran::LeftOut(remedy));
    }
    let prefix = prefix()?;
    let library = prefix.join("lib/libsprag.so");
    c::exports(&library, &format!("@@{SYMBOLS}"))?;
    only_ours(&prefix.join("lib/libsprag.a"))?;
    staged()?;
    let scratch = tree::scratch("installed")?;
    for source in tree::files(&tree::at(c::TESTS), "c") {
        let name = c::stem(&source);
        println!("C: {name}, over the shared library");
        let program = scratch.join(&name);
        run::finish(c::compiler(&source, &library, &program).arg(found_in(&prefix.join("lib"))))?;
        run::finish(&mut run::program(&program))?;
    }
    for source in tree::files(&tree::at(c::cpp::TESTS), "cpp") {
        let name = c::stem(&source);
        println!("C++: {name}, over the shared library");
        let program = scratch.join(format!("{name}-cpp"));
        let mut compiler = c::cpp::compiler("g++", "c++17", &source, &library, &program);
        run::finish(compiler.arg(found_in(&prefix.join("lib"))))?;
        run::finish(&mut run::program(&program))?;
    }
    c::two::in_one_program(&prefix)?;
    border(&prefix)?;
    c::chats::talk(&prefix)?;
    c::snippets::build(&prefix)?;
    Ok(Ran::Passed)
}

/// For a packager: everything is below the staging directory, and speaks of where it will be.
fn staged() -> Result<(), String> {
    let stage = tree::scratch("stage")?;
    let words = ["--prefix", "/opt/sprag", "--destdir", &stage.display().to_string()].map(str::to_owned);
    install::command(&words)?;
    let file = stage.join("opt/sprag/lib/pkgconfig/sprag.pc");
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    if text.starts_with("prefix=/opt/sprag\n") {
        Ok(())
    } else {
        Err(format!("{} names another place", file.display()))
    }
}

/// Prints how long one call across the border takes; nothing is asked of the figures.
fn border(prefix: &Path) -> Result<(), String> {
    println!("C: the time of one call");
    let program = tree::scratch("installed")?.join("border");
    let library = prefix.join("lib/libsprag.so");
    let mut compiler = c::compiler(&tree::at("crates/sprag-ffi/benches/border.c"), &library, &program);
    run::finish(compiler.arg("-O2").arg(found_in(&prefix.join("lib"))))?;
    run::finish(&mut run::program(&program))
}

/// Installs into a directory of the tests, and says where.
pub(crate) fn prefix() -> Result<PathBuf, String> {
    let prefix = tree::scratch("prefix")?;
    install::into(&Libraries::build(Sqlite::Bundled)?, &prefix)?;
    Ok(prefix)
}

/// Tells the linker where a program is to find its libraries.
pub(crate) fn found_in(folder: &Path) -> std::ffi::OsString {
    let mut flag = std::ffi::OsString::from("-Wl,-rpath,");
    flag.push(folder);
    flag
}

/// The archive defines for others what the header declares, and nothing else.
fn only_ours(archive: &Path) -> Result<(), String> {
    let declared = c::declared::functions(&tree::at(c::HEADER))?;
    let symbols =
        run::output(run::program("nm").args(["--extern-only", "--defined-only", "--format=posix"]).arg(archive))?;
    let names = symbols.lines().filter(|line| line.contains(' ')).filter_map(|line| line.split(' ').next());
    match names.filter(|name| !name.ends_with("]:")).find(|name| !declared.contains(*name)) {
        Some(name) => Err(format!("{name} is to be seen in the static library")),
        None => Ok(()),
    }
}
