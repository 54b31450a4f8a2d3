//! The Python face: `bindings/python` as a wheel, installed where nothing else is, and what is tested of it.

use std::path::{Path, PathBuf};

use crate::test::Ran;
use crate::{run, tree};

const TOOLS: &str = "bindings/python/tools.txt";

pub(crate) fn test() -> Result<Ran, String> {
    let source = tree::at("bindings/python");
    if !source.join("pyproject.toml").exists() {
        return Ok(Ran::Absent);
    }
    if let Some(remedy) = missing() {
        return Ok(Ran::LeftOut(remedy));
    }
    let wheel = wheel("release")?;
    println!("{}: {} bytes", wheel.file_name().unwrap_or_default().display(), size(&wheel)?);
    let python = installed(&wheel)?;
    types(&python)?;
    run::finish(run::cargo().args(["build", "--quiet", "--release", "--locked", "--package", "sprag-relay"]))?;
    run::finish(
        run::program(&python)
            .args(["-B", "-W", "error::ResourceWarning"])
            .args(["-m", "unittest", "discover", "--verbose", "--start-directory"])
            .arg(source.join("tests"))
            .env("SPRAG_RELAY", tree::target().join("release/sprag-relay")),
    )?;
    Ok(Ran::Passed)
}

/// How to get what is not on this machine.
fn missing() -> Option<String> {
    if run::find("python3").is_none() {
        return Some("Python 3 is missing: apt-get install python3 python3-venv python3-pip".to_owned());
    }
    let has = |module: &str| run::output(run::program("python3").args(["-c", &format!("import {module}")])).is_ok();
    if !has("ensurepip") {
        return Some("Python's venv is missing: apt-get install python3-venv".to_owned());
    }
    let tools = ["maturin", "mypy", "wheel"].into_iter().filter(|module| !has(module)).collect::<Vec<_>>();
    let remedy = || format!("{} is missing: python3 -m pip install -r {TOOLS}", tools.join(" and "));
    (!tools.is_empty()).then(remedy)
}

/// Makes the wheel as it is shipped, in a profile of Cargo's: the library in it is stripped.
fn wheel(profile: &str) -> Result<PathBuf, String> {
    let (built, unpacked, packed) = (empty("python/built")?, empty("python/unpacked")?, empty("python/wheel")?);
    run::finish(
        run::program("python3")
            .args(["-m", "maturin", "build", "--quiet", "--locked", "--profile", profile, "--target-dir"])
            .arg(tree::target())
            .arg("--out")
            .arg(&built)
            .current_dir(tree::at("bindings/python"))
            // The generator reads the library's symbols.
            .env(format!("CARGO_PROFILE_{}_STRIP", profile.to_uppercase()), "none"),
    )?;
    let tool = |words: [&str; 2], what: &Path, to: &Path| {
        run::output(run::program("python3").args(["-m", "wheel", words[0]]).arg(what).arg(words[1]).arg(to)).map(drop)
    };
    tool(["unpack", "--dest"], &only(&built, "whl")?, &unpacked)?;
    run::finish(run::program("strip").arg(only(&unpacked, "so")?))?;
    let folder = only(&unpacked, "METADATA")?;
    let folder = folder.ancestors().nth(2).ok_or("the wheel has no metadata")?;
    tool(["pack", "--dest-dir"], folder, &packed)?;
    only(&packed, "whl")
}

/// Installs a wheel into an environment of its own, and gives that one's Python.
fn installed(wheel: &Path) -> Result<PathBuf, String> {
    let environment = empty("python/environment")?;
    run::finish(run::program("python3").args(["-m", "venv"]).arg(&environment))?;
    let python = environment.join("bin/python");
    run::finish(
        run::program(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"])
            .arg(wheel),
    )?;
    Ok(python)
}

/// The types of the package, as it is installed, of its tests and of the example.
fn types(python: &Path) -> Result<(), String> {
    let examples = tree::at("examples/python");
    run::finish(
        run::program("python3")
            .args(["-m", "mypy", "--strict", "--python-executable"])
            .arg(python)
            .arg("--cache-dir")
            .arg(tree::scratch("python/types")?)
            .args(["--package", "sprag"]),
    )?;
    run::finish(
        run::program("python3")
            .args(["-m", "mypy", "--strict", "--python-executable"])
            .arg(python)
            .arg("--cache-dir")
            .arg(tree::scratch("python/types")?)
            .arg(tree::at("bindings/python/tests"))
            .args(["chat.py", "relay.py"].map(|name| examples.join(name)))
            .env("MYPYPATH", &examples),
    )
}

/// Builds the UniFFI library and says where it is.
pub(crate) fn library() -> Result<PathBuf, String> {
    library_of("sprag-uniffi")
}

/// The same for the UniFFI library of this package.
pub(crate) fn library_of(package: &str) -> Result<PathBuf, String> {
    run::finish(run::cargo().args(["build", "--quiet", "--locked", "--package", package]))?;
    Ok(tree::target().join(format!("debug/lib{}.so", package.replace('-', "_"))))
}

/// Writes the types of the generated module.
pub(crate) fn stub() -> Result<(), String> {
    run::finish(
        run::program("python3")
            .arg("-B")
            .arg(tree::at("bindings/python/stubs.py"))
            .arg(tree::at("bindings/python/generated/sprag.py"))
            .arg(tree::at("bindings/python/sprag/generated/sprag.pyi")),
    )
}

/// Lays a copy of the package out with the library where the generated module looks for it; gives the folder to import
/// from. For the demo and the test kit, which need nothing but Python.
pub(crate) fn package(library: &Path, scratch: &str) -> Result<PathBuf, String> {
    let packages = empty(scratch)?;
    let (package, generated) = (packages.join("sprag"), packages.join("sprag/generated"));
    std::fs::create_dir_all(&generated).map_err(|error| format!("{}: {error}", generated.display()))?;
    let copy = |file: &Path, to: &Path| {
        std::fs::copy(file, to).map(drop).map_err(|error| format!("{}: {error}", file.display()))
    };
    copy(library, &generated.join("libsprag_uniffi.so"))?;
    for (from, to) in [("bindings/python/sprag", &package), ("bindings/python/generated", &generated)] {
        for file in tree::files(&tree::at(from), "py") {
            copy(&file, &to.join(file.file_name().unwrap_or_default()))?;
        }
    }
    Ok(packages)
}

/// A directory of our own in which nothing is.
fn empty(name: &str) -> Result<PathBuf, String> {
    let folder = tree::scratch(name)?;
    std::fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    tree::scratch(name)
}

/// The one file below a directory whose name ends so.
fn only(folder: &Path, end: &str) -> Result<PathBuf, String> {
    let mut found = tree::all_files(folder);
    found.retain(|file| file.to_string_lossy().ends_with(end));
    match &found[..] {
        [file] => Ok(file.clone()),
        _ => Err(format!("{}: {} files are called …{end}, not one", folder.display(), found.len())),
    }
}

fn size(file: &Path) -> Result<u64, String> {
    file.metadata().map(|data| data.len()).map_err(|error| format!("{}: {error}", file.display()))
}
