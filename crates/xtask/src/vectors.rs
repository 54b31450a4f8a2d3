//! `cargo xtask vectors`: `docs/vectors`, and the second implementation that reads it.

use crate::run;
use crate::test::Ran;

/// What opens, and what must not.
const READERS: [&str; 6] = [
    "docs/vectors/read.py",
    "docs/vectors/braid.py",
    "docs/vectors/contents.py",
    "docs/vectors/account.py",
    "docs/vectors/cards.py",
    "docs/vectors/refuse.py",
];

/// The readers' packages, which share no code with us.
const PACKAGES: &str = "cryptography kyber-py";

pub(crate) fn command(arguments: &[String]) -> Result<(), String> {
    match arguments {
        [] => run::finish(run::cargo().args(["run", "--quiet", "--package", "sprag-core", "--example", "vectors"])),
        // That the files are what this release computes is one of the core's own tests.
        [flag] if flag == "--check" => {
            run::finish(run::cargo().args(["test", "--quiet", "--package", "sprag-core", "--test", "vectors"]))
        }
        _ => Err("cargo xtask vectors takes --check and nothing else".to_owned()),
    }
}

/// The step of `cargo xtask test`: the files, read by a program in another language.
pub(crate) fn read() -> Result<Ran, String> {
    if run::find("python3").is_none() {
        return Ok(Ran::LeftOut("Python 3 is missing: apt-get install python3".to_owned()));
    }
    let probe = ["-c", "import cryptography, kyber_py"];
    if run::program("python3").args(probe).output().is_ok_and(|output| !output.status.success()) {
        return Ok(Ran::LeftOut(format!("Python packages are missing: pip install {PACKAGES}")));
    }
    for reader in READERS {
        run::finish(run::program("python3").arg("-B").arg(reader))?;
    }
    Ok(Ran::Passed)
}
