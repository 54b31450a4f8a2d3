//! `cargo xtask bindings`: the Swift, Kotlin and Python code that UniFFI generates from the built library.

use std::path::{Path, PathBuf};

use crate::test::Ran;
use crate::{python, run, tree};

const CRATE: &str = "crates/sprag-uniffi";

/// Language, and the folder that holds its generated code and nothing else.
const LANGUAGES: &[(&str, &str)] = &[
    ("swift", "bindings/swift/generated"),
    ("kotlin", "bindings/kotlin/generated"),
    ("python", "bindings/python/sprag/generated"),
];

pub(crate) fn command(arguments: &[String]) -> Result<(), String> {
    let check = match arguments {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => return Err("cargo xtask bindings takes --check and nothing else".to_owned()),
    };
    let library = python::library()?;
    // A language whose folder is not there has no face yet: there is nothing of it to be outdated.
    for (language, folder) in LANGUAGES.iter().filter(|(_, folder)| !check || tree::at(folder).exists()) {
        let fresh = generated(&library, language)?;
        let committed = tree::at(folder);
        if check {
            same(&fresh, &committed).map_err(|file| format!("{folder}/{file} is not current: cargo xtask bindings"))?;
        } else {
            replace(&fresh, &committed).map_err(|error| format!("{folder}: {error}"))?;
        }
    }
    Ok(())
}

/// The step of `cargo xtask test`.
pub(crate) fn current() -> Result<Ran, String> {
    if LANGUAGES.iter().all(|(_, folder)| !tree::at(folder).exists()) {
        return Ok(Ran::Absent);
    }
    command(&["--check".to_owned()])?;
    Ok(Ran::Passed)
}

/// Generates one language into a folder of its own.
fn generated(library: &Path, language: &str) -> Result<PathBuf, String> {
    let folder = tree::scratch("bindings")?.join(language);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    run::finish(
        run::cargo()
            .args(["run", "--quiet", "--locked", "--package", "sprag-uniffi", "--features", "generate"])
            // Built elsewhere: the generator's features shall not end up in the library that is tested.
            .arg("--target-dir")
            .arg(tree::scratch("bindgen")?)
            .args(["--bin", "uniffi-bindgen", "--", "generate", "--no-format", "--language", language])
            .arg("--config")
            .arg(tree::at(CRATE).join("uniffi.toml"))
            .arg("--out-dir")
            .arg(&folder)
            .arg(library),
    )?;
    Ok(folder)
}

/// The files of a folder, by their paths inside it.
fn listing(folder: &Path) -> Vec<PathBuf> {
    let all = tree::all_files(folder);
    all.iter().filter_map(|file| file.strip_prefix(folder).ok()).map(Path::to_path_buf).collect()
}

/// Whether the generated files are there with the same contents; the error names the first that is not.
fn same(fresh: &Path, committed: &Path) -> Result<(), String> {
    for file in listing(fresh) {
        if std::fs::read(fresh.join(&file)).ok() != std::fs::read(committed.join(&file)).ok() {
            return Err(file.display().to_string());
        }
    }
    Ok(())
}

fn replace(fresh: &Path, committed: &Path) -> std::io::Result<()> {
    for file in listing(fresh) {
        let place = committed.join(&file);
        std::fs::create_dir_all(place.parent().unwrap_or(committed))?;
        std::fs::copy(fresh.join(&file), place)?;
    }
    Ok(())
}
