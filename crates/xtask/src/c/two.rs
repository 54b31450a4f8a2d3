//! Sprag beside another Rust library: both static, in one C program.

use std::path::Path;

use crate::{c, run, tree};

const FOLDER: &str = "crates/sprag-ffi/tests/two";

pub(crate) fn in_one_program(prefix: &Path) -> Result<(), String> {
    println!("C: two Rust libraries in one program");
    let scratch = tree::scratch("two")?;
    let (other, program) = (scratch.join("libother.a"), scratch.join("two"));
    let mut rustc = run::program("rustc");
    rustc.args(["--edition=2024", "--crate-type=staticlib", "-Copt-level=1", "-o"]).arg(&other);
    run::finish(rustc.arg(tree::at(FOLDER).join("other.rs")))?;
    let mut compiler = run::program("gcc");
    compiler.arg("-std=c11").args(c::STRICT).arg("-I").arg(prefix.join("include"));
    // Both whole: what either has for others to see, the other must not have.
    compiler
        .arg(tree::at(FOLDER).join("main.c"))
        .arg("-Wl,--whole-archive")
        .arg(prefix.join("lib/libsprag.a"))
        .arg(&other);
    run::finish(compiler.args(["-Wl,--no-whole-archive", "-lpthread", "-ldl", "-lm", "-o"]).arg(&program))?;
    // The other library says what made it panic; that it was caught is what counts.
    run::finish(run::program(&program).stderr(std::process::Stdio::null()))
}
