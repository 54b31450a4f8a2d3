//! The C face: every C test is compiled with warnings as errors, and run under the address sanitizer and under Valgrind.

pub(crate) mod abi;
pub(crate) mod chats;
pub(crate) mod cpp;
pub(crate) mod declared;
mod errors;
pub(crate) mod installed;
mod snippets;
mod two;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::test::Ran;
use crate::{run, tree};

/// Where C tests are; each file is a program that exits with 0 if it holds.
pub(crate) const TESTS: &str = "crates/sprag-ffi/tests/c";

pub(crate) const HEADER: &str = "include/sprag.h";

/// What makes a program check its own memory.
pub(crate) const SANITIZERS: [&str; 2] = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

pub(crate) const STRICT: &[&str] =
    &["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror", "-g", "-O1"];

pub(crate) fn test() -> Result<Ran, String> {
    let tests = tree::files(&tree::at(TESTS), "c");
    if let Some(remedy) = missing(&["gcc", "g++", "clang", "nm", "valgrind"]) {
        return Ok(Ran::LeftOut(remedy));
    }
    errors::each_is_seen()?;
    let library = library()?;
    let scratch = tree::scratch("c")?;
    header_compiles(&scratch)?;
    exports(&library.with_extension("so"), "")?;
    for source in &tests {
        let name = stem(source);
        println!("C: {name}, under the address and undefined-behaviour sanitizers");
        let checked = scratch.join(format!("{name}-sanitized"));
        run::finish(compiler(source, &library, &checked).args(SANITIZERS))?;
        run::finish(&mut run::program(&checked))?;
        println!("C: {name}, under Valgrind");
        let plain = scratch.join(&name);
        run::finish(&mut compiler(source, &library, &plain))?;
        run::finish(&mut valgrind(&plain))?;
    }
    Ok(Ran::Passed)
}

/// How to get what is not here of the programs that a step needs.
pub(crate) fn missing(tools: &[&str]) -> Option<String> {
    let package = |tool: &&str| match *tool {
        "nm" | "ld" | "objcopy" | "readelf" => "binutils".to_owned(),
        "clang++" => "clang".to_owned(),
        "abidw" | "abidiff" => "abigail-tools".to_owned(),
        "pkg-config" => "pkgconf".to_owned(),
        other => other.to_owned(),
    };
    let absent: Vec<&str> = tools.iter().copied().filter(|tool| run::find(tool).is_none()).collect();
    let packages: Vec<String> = absent.iter().map(package).collect();
    let remedy = || format!("{} missing: apt-get install {}", absent.join(", "), packages.join(" "));
    (!absent.is_empty()).then(remedy)
}

/// A file's name without its end.
pub(crate) fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// A program under Valgrind; what it finds is an error.
pub(crate) fn valgrind(program: &Path) -> Command {
    let mut command = run::program("valgrind");
    command.args(["--quiet", "--leak-check=full", "--errors-for-leak-kinds=definite", "--error-exitcode=99"]);
    command.arg(program);
    command
}

/// Builds the static library and says where it is.
pub(crate) fn library() -> Result<PathBuf, String> {
    run::finish(run::cargo().args(["build", "--quiet", "--locked", "--package", "sprag-ffi"]))?;
    Ok(tree::target().join("debug/libsprag_ffi.a"))
}

pub(crate) fn compiler(source: &Path, library: &Path, output: &Path) -> Command {
    let mut command = run::program("gcc");
    command.arg("-std=c11").args(STRICT).arg("-I").arg(tree::at("include")).arg(source).arg(library);
    command.args(["-lpthread", "-ldl", "-lm"]).arg("-o").arg(output);
    command
}

/// Compiles the messenger of examples/c, with warnings as errors.
pub(crate) fn messenger(compiler: &str, library: &Path, output: &Path) -> Command {
    let sources = ["messenger.c", "carry.c", "relay.c"].map(|name| tree::at("examples/c").join(name));
    let mut command = run::program(compiler);
    command.arg("-std=c11").args(STRICT).arg("-I").arg(tree::at("include")).args(sources).arg(library);
    command.args(["-lpthread", "-ldl", "-lm"]).arg("-o").arg(output);
    command
}

/// A shared library exports what the header declares, with this after each name, and nothing else.
pub(crate) fn exports(library: &Path, version: &str) -> Result<(), String> {
    let declared = declared::functions(&tree::at(HEADER))?;
    let symbols = run::output(run::program("nm").args(["-D", "--defined-only"]).arg(library))?;
    let exported = symbols.lines().filter(|line| !line.contains(" A ")).filter_map(|line| line.split(' ').next_back());
    let exported: BTreeSet<String> = exported
        .map(|name| match name.strip_suffix(version) {
            Some(name) => Ok(name.to_owned()),
            None => Err(format!("{name} has not the version {version}")),
        })
        .collect::<Result<_, _>>()?;
    match declared.symmetric_difference(&exported).next() {
        Some(name) if declared.contains(name) => Err(format!("{name} is in the header and not in the library")),
        Some(name) => Err(format!("{name} is in the library and not in the header")),
        None => Ok(()),
    }
}

/// Each header alone, in every dialect that it promises.
fn header_compiles(scratch: &Path) -> Result<(), String> {
    let unit = scratch.join("header.c");
    let c = ["c99", "c11", "c17", "c2x"].as_slice();
    let cpp = ["c++17", "c++20"].as_slice();
    for header in tree::all_files(&tree::at("include")) {
        let text = format!("#include \"{}\"\nint sprag_header_is_fine;\n", header.display());
        std::fs::write(&unit, text).map_err(|error| format!("{}: {error}", unit.display()))?;
        let is_c = header.extension().is_some_and(|end| end == "h");
        for compiler in ["gcc", "clang"] {
            for (language, standards) in [("c", if is_c { c } else { &[] }), ("c++", cpp)] {
                for standard in standards {
                    let mut command = run::program(compiler);
                    command.args(["-x", language, &format!("-std={standard}")]).args(STRICT);
                    run::finish(command.args(["-Wundef", "-fsyntax-only"]).arg(&unit))?;
                }
            }
        }
    }
    Ok(())
}
