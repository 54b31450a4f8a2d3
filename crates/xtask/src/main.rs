//! The project's own commands, one file each. Of other crates it uses two: cbindgen for the
//! header, and object to look at native libraries.

mod bindings;
mod c;
mod check;
mod demo;
mod dependencies;
mod dist;
mod entries;
mod firmware;
mod fuzz;
mod header;
mod install;
mod kotlin;
mod modules;
mod processors;
mod python;
mod run;
mod sabotage;
mod sim;
mod sizes;
mod swift;
mod targets;
mod test;
mod testkit;
mod tree;
mod vectors;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask <command>

  demo [--keep DIR] [--interactive] [--sanitize]
                       three messengers in Rust, C and Python talk through the relay, and what it keeps is searched;
                       --keep leaves the files, --interactive is for a person, --sanitize checks the C one's memory
  test [--strict] [STEP...]
                       every test of every language this machine can run, or the steps that are named;
                       --strict allows nothing left out
  check [--targets]    builds the core without std and proves that nothing of std is linked; with --targets compiles it
                       for bare metal and wasm, the faces for Android and iOS, and runs its vectors on an emulated aarch64
  dist apple           the XCFramework that bindings/swift links on Apple's systems; on macOS alone
  dist swift           the static library that bindings/swift links on Linux
  dist jvm [DIR]       the jar, with this machine's native library and those for other machines in DIR
  dist android [DIR]   the AAR, from what the NDK builds or from libraries in DIR
  header [--check]     writes include/sprag.h (or fails if the committed one is not current)
  abi [--check]        writes the types of the C face that later releases are held to (or fails if they have changed)
  bindings [--check]   writes the generated Swift, Kotlin and Python code (or fails if it is not current)
  install [--prefix DIR] [--destdir DIR] [--system-sqlite]
                       puts the headers and libraries for C and C++ where pkg-config and CMake find them
  sabotage [SWITCH...] breaks one promise after the other, and sees that the tests notice
  sim [--seeds N] [--minutes M] [--seed N [--trace]]
                       worlds in a box: fleets of clients, a server that lies, disks that fail, all from seeds
  sizes                builds what is shipped and writes its sizes into docs/sizes.md
  vectors [--check]    writes docs/vectors (or fails if a committed file is not current)
  fuzz [--minutes N] [TARGET...]
                       fuzzes every decoder, the session and the engine, or the targets that are named, for N minutes
                       each (5, if nothing is said); needs a nightly toolchain and cargo-fuzz
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((command, rest)) => match command.as_str() {
            "demo" => demo::command(rest),
            "test" => test::command(rest),
            "check" => check::command(rest),
            "dist" => dist::command(rest),
            "header" => header::command(rest),
            "bindings" => bindings::command(rest),
            "sizes" => sizes::command(rest),
            "abi" => c::abi::command(rest),
            "install" => install::command(rest),
            "sabotage" => sabotage::command(rest),
            "sim" => sim::command(rest),
            "vectors" => vectors::command(rest),
            "fuzz" => fuzz::command(rest),
            other => Err(format!("no command is called {other}\n\n{USAGE}")),
        },
        None => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
