//! That no stored byte depends on what a processor can do: sessions that are stored by code for its vector instructions go
//! on in code that uses none, and the other way round.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::test::Ran;
use crate::{run, tree};

const PACKAGE: &str = "sprag-states";

/// What keeps the libraries beneath the core from vector instructions.
const VARIABLES: [&str; 2] = ["LIBCRUX_DISABLE_SIMD128", "LIBCRUX_DISABLE_SIMD256"];
const SETTINGS: [&str; 4] = [
    "--cfg=curve25519_dalek_backend=\"serial\"",
    "--cfg=sha2_backend=\"soft\"",
    "--cfg=chacha20_backend=\"soft\"",
    "--cfg=poly1305_backend=\"soft\"",
];

pub(crate) fn test() -> Result<Ran, String> {
    let Some(instructions) = instructions() else {
        let remedy = "this processor has neither AVX2 nor Neon, the one code path that it takes is the portable one";
        return Ok(Ran::LeftOut(remedy.to_owned()));
    };
    let scratch = tree::scratch("processors")?;
    let vectorised = Build::new("vectorised", cargo(), &tree::target(), &scratch)?;
    let mut plain = cargo();
    plain.envs(VARIABLES.map(|name| (name, "1"))).env("CARGO_ENCODED_RUSTFLAGS", SETTINGS.join("\u{1f}"));
    let portable = Build::new("portable", plain, &tree::scratch("portable")?, &scratch)?;
    if !vectorised.has(instructions)? || portable.has(instructions)? {
        return Err(format!("not one build of two has the ML-KEM for {instructions}"));
    }
    let ends = [vectorised.read(&portable.file)?, portable.read(&vectorised.file)?];
    let bytes = [&vectorised, &portable].map(|build| std::fs::read(&build.file).unwrap_or_default());
    if bytes[0] != bytes[1] {
        return Err("the builds store different bytes".to_owned());
    }
    if ends[0] != ends[1] {
        return Err(format!("the builds come to different ends: {}", ends.join("; ")));
    }
    print!("stored for {instructions} and for any processor, byte for byte alike, and read by the other: {}", ends[0]);
    Ok(Ran::Passed)
}

/// The instructions of this processor for which the ML-KEM has code of its own, as that code calls them.
fn instructions() -> Option<&'static str> {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx2").then_some("avx2");
    #[cfg(target_arch = "aarch64")]
    return Some("neon");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    None
}

fn cargo() -> Command {
    let mut cargo = run::cargo();
    cargo.args(["build", "--quiet", "--locked", "--package", PACKAGE, "--target-dir"]);
    cargo
}

/// The program, built one way, and what it stored.
struct Build {
    program: PathBuf,
    file: PathBuf,
}

impl Build {
    fn new(name: &str, mut cargo: Command, target: &Path, scratch: &Path) -> Result<Self, String> {
        run::finish(cargo.arg(target))?;
        let build = Self { program: target.join("debug").join(PACKAGE), file: scratch.join(name) };
        run::finish(run::program(&build.program).arg("write").arg(&build.file))?;
        Ok(build)
    }

    /// Whether the ML-KEM's code for these instructions is in it.
    fn has(&self, instructions: &str) -> Result<bool, String> {
        let symbols = run::output(run::program("readelf").args(["--symbols", "--wide"]).arg(&self.program))?;
        Ok(symbols.lines().any(|line| line.contains("libcrux_ml_kem") && line.contains(instructions)))
    }

    /// Talks on from what the other stored.
    fn read(&self, file: &Path) -> Result<String, String> {
        run::output(run::program(&self.program).arg("read").arg(file))
    }
}
