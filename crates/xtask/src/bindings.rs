//! `cargo xtask bindings`: the Swift, Kotlin and Python code that UniFFI generates from the built library.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::test::Ran;
use crate::{python, run, tree};

/// What says how each language names things, of both libraries.
const CONFIG: &str = "crates/sprag-uniffi/uniffi.toml";

/// The crate of a library, the language, and the folder that holds its generated code and nothing else.
const FACES: &[(&str, &str, &str)] = &[
    ("sprag-uniffi", "swift", "bindings/swift/generated"),
    ("sprag-uniffi", "kotlin", "bindings/kotlin/generated"),
    ("sprag-uniffi", "python", "bindings/python/generated"),
    ("sprag-testkit-uniffi", "swift", "bindings/swift-testkit/generated"),
    ("sprag-testkit-uniffi", "kotlin", "bindings/kotlin-testkit/generated"),
    ("sprag-testkit-uniffi", "python", "bindings/python-testkit/sprag/generated"),
];

pub(crate) fn command(arguments: &[String]) -> Result<(), String> {
    let check = match arguments {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => return Err("cargo xtask bindings takes --check and nothing else".to_owned()),
    };
    // A language whose folder is not there has no face yet: there is nothing of it to be outdated.
    for (package, language, folder) in FACES.iter().filter(|(.., folder)| !check || tree::at(folder).exists()) {
        let library = python::library_of(package)?;
        let fresh = generated(package, &library, language)?;
        let committed = tree::at(folder);
        if check {
            same(&fresh, &committed).map_err(|file| format!("{folder}/{file} is not current: cargo xtask bindings"))?;
        } else {
            replace(&fresh, &committed).map_err(|error| format!("{folder}: {error}"))?;
        }
    }
    // That the stub is current is tested by the package itself.
    if check { Ok(()) } else { python::stub() }
}

/// The step of `cargo xtask test`.
pub(crate) fn current() -> Result<Ran, String> {
    if FACES.iter().all(|(.., folder)| !tree::at(folder).exists()) {
        return Ok(Ran::Absent);
    }
    command(&["--check".to_owned()])?;
    Ok(Ran::Passed)
}

/// Generates one language into a folder of its own.
fn generated(package: &str, library: &Path, language: &str) -> Result<PathBuf, String> {
    let folder = tree::scratch("bindings")?.join(package).join(language);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    run::finish(
        run::cargo()
            .args(["run", "--quiet", "--locked", "--package", "sprag-bindgen", "--features", "generate"])
            .args(["--", "generate", "--no-format", "--language", language])
            // The library of the test kit has the other one's face in it as well.
            .args(["--crate", &package.replace('-', "_")])
            .arg("--config")
            .arg(tree::at(CONFIG))
            .arg("--out-dir")
            .arg(&folder)
            .arg(library),
    )?;
    name_face(&folder)?;
    Ok(folder)
}

/// The kit's Swift code is a module of its own, and names things of the face: UniFFI, which expects one module, does not import
/// them.
fn name_face(folder: &Path) -> Result<(), String> {
    let file = folder.join("SpragTestKitBindings.swift");
    let Ok(code) = std::fs::read_to_string(&file) else { return Ok(()) };
    let code = code.replacen("import Foundation\n", "import Foundation\nimport SpragBindings\n", 1);
    std::fs::write(&file, code).map_err(|error| format!("{}: {error}", file.display()))
}

/// The files of a folder, by their paths inside it.
fn listing(folder: &Path) -> Vec<PathBuf> {
    let all = tree::all_files(folder);
    all.iter().filter_map(|file| file.strip_prefix(folder).ok()).map(Path::to_path_buf).collect()
}

/// The files of a folder that hold generated code: not what Python keeps of what it ran.
fn code(folder: &Path) -> Vec<PathBuf> {
    let is_code = |file: &PathBuf| file.extension().is_none_or(|end| end != "pyc");
    listing(folder).into_iter().filter(is_code).collect()
}

/// Whether a folder holds the generated files with the same contents, and no other; the error names the first that is
/// not so.
fn same(fresh: &Path, committed: &Path) -> Result<(), String> {
    let files: BTreeSet<PathBuf> = listing(fresh).into_iter().chain(code(committed)).collect();
    for file in files {
        let (generated, found) = (std::fs::read(fresh.join(&file)).ok(), std::fs::read(committed.join(&file)).ok());
        if generated.is_none() || generated != found {
            return Err(file.display().to_string());
        }
    }
    Ok(())
}

/// Copies the generated files, and takes away what was generated once and is not any more.
fn replace(fresh: &Path, committed: &Path) -> std::io::Result<()> {
    let files = listing(fresh);
    for stale in code(committed).iter().filter(|file| !files.contains(file)) {
        std::fs::remove_file(committed.join(stale))?;
    }
    for file in files {
        let place = committed.join(&file);
        std::fs::create_dir_all(place.parent().unwrap_or(committed))?;
        std::fs::copy(fresh.join(&file), place)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{replace, same};

    #[test]
    fn a_file_more_less_or_other_is_noticed_and_put_right() {
        let place = std::env::temp_dir().join(format!("sprag-bindings-{}", std::process::id()));
        let (fresh, committed) = (place.join("fresh"), place.join("committed"));
        let write = |file: PathBuf, text: &str| {
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
            std::fs::write(file, text).expect("written");
        };
        write(fresh.join("a"), "1");
        write(fresh.join("inner/b"), "2");
        for (file, text) in [("a", "1"), ("inner/b", "3"), ("inner/stale", "4")] {
            assert!(same(&fresh, &committed).is_err());
            write(committed.join(file), text);
        }
        assert_eq!(same(&fresh, &committed), Err("inner/b".to_owned()));
        write(committed.join("inner/b"), "2");
        assert_eq!(same(&fresh, &committed), Err("inner/stale".to_owned()));
        replace(&fresh, &committed).expect("replaced");
        assert_eq!(same(&fresh, &committed), Ok(()));
        std::fs::remove_dir_all(place).expect("removed");
    }
}
