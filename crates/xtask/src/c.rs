//! The C face: every C test is compiled with warnings as errors, and run under the address sanitizer,
//! under Valgrind, and over the shared library.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::test::Ran;
use crate::{run, tree};

/// Where C tests are; each file is a program that exits with 0 if it holds.
const TESTS: &str = "crates/sprag-ffi/tests/c";

/// What makes a program check its own memory.
pub(crate) const SANITIZERS: [&str; 2] = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

const STRICT: &[&str] = &["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror", "-g", "-O1"];

pub(crate) fn test() -> Result<Ran, String> {
    let tests = tree::files(&tree::at(TESTS), "c");
    let header = tree::at("include/sprag.h");
    if tests.is_empty() || !header.exists() {
        return Ok(Ran::Absent);
    }
    for (tool, package) in [("gcc", "gcc"), ("g++", "g++"), ("nm", "binutils"), ("valgrind", "valgrind")] {
        if run::find(tool).is_none() {
            return Ok(Ran::LeftOut(format!("{tool} is missing: apt-get install {package}")));
        }
    }
    let library = library()?;
    let scratch = tree::scratch("c")?;
    header_compiles(&header, &scratch)?;
    exports(&header, &library.with_extension("so"))?;
    for source in &tests {
        let name = source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        println!("C: {name}, under the address and undefined-behaviour sanitizers");
        let checked = scratch.join(format!("{name}-sanitized"));
        run::finish(compiler(source, &library, &checked).args(SANITIZERS))?;
        run::finish(&mut run::program(&checked))?;
        println!("C: {name}, under Valgrind");
        let plain = scratch.join(&name);
        run::finish(&mut compiler(source, &library, &plain))?;
        run::finish(
            run::program("valgrind")
                .args(["--quiet", "--leak-check=full", "--errors-for-leak-kinds=definite", "--error-exitcode=99"])
                .arg(&plain),
        )?;
        println!("C: {name}, over the shared library");
        let shared = scratch.join(format!("{name}-shared"));
        let mut rpath = std::ffi::OsString::from("-Wl,-rpath,");
        rpath.push(library.parent().unwrap_or(&library));
        run::finish(compiler(source, &library.with_extension("so"), &shared).arg(rpath))?;
        run::finish(&mut run::program(&shared))?;
    }
    Ok(Ran::Passed)
}

/// Builds the static library and says where it is.
pub(crate) fn library() -> Result<PathBuf, String> {
    run::finish(run::cargo().args(["build", "--quiet", "--locked", "--package", "sprag-ffi"]))?;
    Ok(tree::target().join("debug/libsprag_ffi.a"))
}

fn compiler(source: &Path, library: &Path, output: &Path) -> Command {
    let mut command = run::program("gcc");
    command.arg("-std=c11").args(STRICT).arg("-I").arg(tree::at("include")).arg(source).arg(library);
    command.args(["-lpthread", "-ldl", "-lm"]).arg("-o").arg(output);
    command
}

/// Compiles the messenger of examples/c, with warnings as errors.
pub(crate) fn messenger(compiler: &str, library: &Path, output: &Path) -> Command {
    let sources = tree::files(&tree::at("examples/c"), "c");
    let mut command = run::program(compiler);
    command.arg("-std=c11").args(STRICT).arg("-I").arg(tree::at("include")).args(sources).arg(library);
    command.args(["-lpthread", "-ldl", "-lm"]).arg("-o").arg(output);
    command
}

/// The shared library exports what the header declares, and nothing else.
fn exports(header: &Path, library: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(header).map_err(|error| format!("{}: {error}", header.display()))?;
    let declared: BTreeSet<&str> = text
        .lines()
        .filter(|line| !line.starts_with("//") && !line.starts_with(" *"))
        .filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next())
        .filter(|name| name.starts_with("sprag_"))
        .collect();
    let symbols = run::output(run::program("nm").args(["-D", "--defined-only"]).arg(library))?;
    let exported: BTreeSet<&str> = symbols.lines().filter_map(|line| line.split(' ').next_back()).collect();
    match declared.symmetric_difference(&exported).next() {
        Some(name) if declared.contains(name) => Err(format!("{name} is in the header and not in the library")),
        Some(name) => Err(format!("{name} is in the library and not in the header")),
        None => Ok(()),
    }
}

/// The header alone, in every dialect that it promises.
fn header_compiles(header: &Path, scratch: &Path) -> Result<(), String> {
    let unit = scratch.join("header.c");
    let text = format!("#include \"{}\"\nint sprag_header_is_fine;\n", header.display());
    std::fs::write(&unit, text).map_err(|error| format!("{}: {error}", unit.display()))?;
    for (compiler, language, standards) in
        [("gcc", "c", ["c99", "c11", "c17", "c2x"].as_slice()), ("g++", "c++", ["c++17", "c++20"].as_slice())]
    {
        for standard in standards {
            let standard = format!("-std={standard}");
            run::finish(
                run::program(compiler)
                    .args(["-x", language, &standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"])
                    .arg(&unit),
            )?;
        }
    }
    Ok(())
}
