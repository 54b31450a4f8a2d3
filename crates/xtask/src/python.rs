//! The Python face: `bindings/python`, with the built library laid beside the generated module.

use std::path::{Path, PathBuf};

use crate::test::Ran;
use crate::{run, tree};

pub(crate) fn test() -> Result<Ran, String> {
    let tests = tree::at("bindings/python/tests");
    if tree::files(&tests, "py").is_empty() {
        return Ok(Ran::Absent);
    }
    if run::find("python3").is_none() {
        return Ok(Ran::LeftOut("Python 3 is missing: apt-get install python3".to_owned()));
    }
    let packages = package(&library()?, "python")?;
    run::finish(
        run::program("python3")
            .args([
                "-B",
                "-W",
                "error::ResourceWarning",
                "-m",
                "unittest",
                "discover",
                "--verbose",
                "--start-directory",
            ])
            .arg(&tests)
            .env("PYTHONPATH", &packages),
    )?;
    Ok(Ran::Passed)
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

/// Lays a copy of the package out with the library where the generated module looks for it; gives the folder to import
/// from.
pub(crate) fn package(library: &Path, scratch: &str) -> Result<PathBuf, String> {
    let source = tree::at("bindings/python");
    let packages = tree::scratch(scratch)?;
    for file in tree::files(&source, "py") {
        let Ok(inside) = file.strip_prefix(&source) else {
            continue;
        };
        let copy = packages.join(inside);
        let folder = copy.parent().unwrap_or(&packages).to_path_buf();
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::copy(&file, &copy))
            .and_then(|_| std::fs::copy(library, folder.join("libsprag_uniffi.so")))
            .map_err(|error| format!("{}: {error}", copy.display()))?;
    }
    Ok(packages)
}
