//! The C++ face: its tests under the sanitizers and under Valgrind, in C++17 and C++20; and that it has all of C's.

use std::path::Path;
use std::process::Command;

use crate::test::Ran;
use crate::{c, run, tree};

/// Where C++ tests are; each file is a program that exits with 0 if it holds.
pub(crate) const TESTS: &str = "crates/sprag-ffi/tests/cpp";

const HEADER: &str = "include/sprag.hpp";

/// The step of `cargo xtask test`.
pub(crate) fn test() -> Result<Ran, String> {
    if let Some(remedy) = c::missing(&["g++", "clang++", "valgrind"]) {
        return Ok(Ran::LeftOut(remedy));
    }
    nothing_is_missing()?;
    let library = c::library()?;
    let scratch = tree::scratch("cpp")?;
    for source in tree::files(&tree::at(TESTS), "cpp") {
        let name = c::stem(&source);
        println!("C++: {name}, in C++20 under the address and undefined-behaviour sanitizers");
        let checked = scratch.join(format!("{name}-sanitized"));
        run::finish(compiler("g++", "c++20", &source, &library, &checked).args(c::SANITIZERS))?;
        run::finish(&mut run::program(&checked))?;
        println!("C++: {name}, in C++17 under Valgrind");
        let plain = scratch.join(&name);
        // Of clang's newer debug information older Valgrinds cannot read all.
        run::finish(compiler("clang++", "c++17", &source, &library, &plain).arg("-gdwarf-4"))?;
        run::finish(&mut c::valgrind(&plain))?;
    }
    without_exceptions(&scratch)?;
    Ok(Ran::Passed)
}

pub(crate) fn compiler(compiler: &str, standard: &str, source: &Path, library: &Path, output: &Path) -> Command {
    let mut command = run::program(compiler);
    command.arg(format!("-std={standard}")).args(c::STRICT).arg("-I").arg(tree::at("include")).arg(source).arg(library);
    command.args(["-lpthread", "-ldl", "-lm"]).arg("-o").arg(output);
    command
}

/// Every function of C is called by the C++ header.
fn nothing_is_missing() -> Result<(), String> {
    let text = std::fs::read_to_string(tree::at(HEADER)).map_err(|error| format!("{HEADER}: {error}"))?;
    let words: Vec<&str> = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').collect();
    let functions = c::declared::functions(&tree::at(c::HEADER))?;
    match functions.iter().find(|name| !words.contains(&name.as_str())) {
        Some(name) => Err(format!("{HEADER} has nothing for {name}")),
        None => Ok(()),
    }
}

/// Where exceptions are off, each call that answers a result is still there.
fn without_exceptions(scratch: &Path) -> Result<(), String> {
    let unit = scratch.join("without.cpp");
    let text = "#include \"sprag.hpp\"\nsprag_status f(const sprag::Client &c) { return c.try_wake().status(); }\n";
    std::fs::write(&unit, text).map_err(|error| format!("{}: {error}", unit.display()))?;
    for compiler in ["g++", "clang++"] {
        let mut command = run::program(compiler);
        command.args(["-std=c++17", "-fno-exceptions", "-fno-rtti", "-fsyntax-only"]).args(c::STRICT);
        run::finish(command.arg("-I").arg(tree::at("include")).arg(&unit))?;
    }
    Ok(())
}
