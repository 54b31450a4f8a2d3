//! Where things are: the source tree and the build directory.

use std::env;
use std::path::{Path, PathBuf};

/// The top of the source tree.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// A path inside the source tree.
pub(crate) fn at(path: &str) -> PathBuf {
    root().join(path)
}

/// Cargo's build directory: the one asked for in the environment, or `target` in the tree.
pub(crate) fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(directory) => root().join(directory),
        None => at("target"),
    }
}

/// A directory of our own below the build directory, for what the commands make.
pub(crate) fn scratch(name: &str) -> Result<PathBuf, String> {
    let path = target().join("xtask").join(name);
    std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

/// The files below `directory` whose names end in `.extension`, sorted; none if there is no such directory.
pub(crate) fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = all_files(directory);
    found.retain(|path| path.extension().is_some_and(|end| end == extension));
    found
}

/// All files below `directory`, sorted; none if there is no such directory.
pub(crate) fn all_files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_path_buf()];
    while let Some(next) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&next) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}
