//! `cargo xtask abi`: the types of the C face, compared with those that were committed by libabigail.
//!
//! They are taken from the header alone: from the debug information of a stub that has a variable for each function and
//! one for all constants. So they do not depend on what a compiler of Rust makes of our records.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::declared;
use crate::test::Ran;
use crate::{c, run, tree};

/// The committed types.
const BASELINE: &str = "crates/sprag-ffi/sprag.abi";

pub(crate) fn command(arguments: &[String]) -> Result<(), String> {
    if let Some(remedy) = c::missing(&["gcc", "abidw", "abidiff"]) {
        return Err(remedy);
    }
    match arguments {
        [] => {
            let written = run::output(
                run::program("abidw").args(["--no-corpus-path", "--no-comp-dir-path", "--no-show-locs"]).arg(stub()?),
            )?;
            std::fs::write(tree::at(BASELINE), written).map_err(|error| format!("{BASELINE}: {error}"))
        }
        [flag] if flag == "--check" => check(),
        _ => Err("cargo xtask abi takes --check and nothing else".to_owned()),
    }
}

/// The step of `cargo xtask test`.
pub(crate) fn test() -> Result<Ran, String> {
    if let Some(remedy) = c::missing(&["gcc", "abidiff"]) {
        return Ok(Ran::LeftOut(remedy));
    }
    check()?;
    Ok(Ran::Passed)
}

fn check() -> Result<(), String> {
    let baseline = tree::at(BASELINE);
    run::finish(run::program("abidiff").args(["--no-architecture", "--no-show-locs"]).arg(baseline).arg(stub()?))
        .map_err(|error| {
            format!("{error}\nThe C face is not what was committed. If programs that exist go on working, or none do yet: cargo xtask abi")
        })
}

/// A library that has the header's types in its debug information.
fn stub() -> Result<PathBuf, String> {
    let scratch = tree::scratch("abi")?;
    let (source, library) = (scratch.join("sprag.c"), scratch.join("libsprag.so"));
    std::fs::write(&source, text(&tree::at(c::HEADER))?).map_err(|error| format!("{}: {error}", source.display()))?;
    let mut compiler = run::program("gcc");
    compiler.args(["-std=gnu11", "-g", "-fno-eliminate-unused-debug-types", "-shared", "-fPIC", "-I"]);
    run::finish(compiler.arg(tree::at("include")).arg(&source).arg("-o").arg(&library))?;
    Ok(library)
}

fn text(header: &Path) -> Result<String, String> {
    let mut text = "#include \"sprag.h\"\n".to_owned();
    for name in declared::functions(header)? {
        let _ = writeln!(text, "__typeof__(&{name}) function_{name};");
    }
    text.push_str("enum constants {\n");
    for name in declared::constants(header)? {
        let _ = writeln!(text, "  constant_{name} = {name},");
    }
    text.push_str("};\nenum constants constants;\n");
    Ok(text)
}
