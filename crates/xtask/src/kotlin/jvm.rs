//! `cargo xtask dist jvm`: the jar, with native libraries in the folders in which JNA looks for them.

use std::path::{Path, PathBuf};

use crate::{run, tree};

/// The folder's name for each kind of machine, as JNA has it, and the library's name there.
const PLACES: &[(&str, &str)] = &[
    ("linux-x86-64", "libsprag_uniffi.so"),
    ("linux-aarch64", "libsprag_uniffi.so"),
    ("linux-arm", "libsprag_uniffi.so"),
    ("darwin-x86-64", "libsprag_uniffi.dylib"),
    ("darwin-aarch64", "libsprag_uniffi.dylib"),
    ("win32-x86-64", "sprag_uniffi.dll"),
    ("win32-aarch64", "sprag_uniffi.dll"),
];

/// Builds the shipped library, and the jar around it and around what lies in the folder that is named.
pub(crate) fn command(arguments: &[String]) -> Result<(), String> {
    let others = match arguments {
        [] => None,
        [folder] => Some(PathBuf::from(folder)),
        _ => return Err("cargo xtask dist jvm takes a folder of libraries for other machines, or nothing".to_owned()),
    };
    if let Some(missing) = super::missing() {
        return Err(missing);
    }
    run::finish(run::cargo().args(["build", "--locked", "--profile", "dist", "--package", "sprag-uniffi"]))?;
    let natives = tree::scratch("dist-natives")?;
    clear(&natives)?;
    lay(&tree::target().join("dist/libsprag_uniffi.so"), &natives)?;
    for (place, name) in others.iter().flat_map(|_| PLACES) {
        let file = others.as_deref().unwrap_or(Path::new("")).join(place).join(name);
        if file.exists() {
            copy(&file, &natives.join(place).join(name))?;
        }
    }
    run::finish(super::project(&natives)?.args(["-DskipTests", "package"]))?;
    let dist = tree::target().join("dist");
    let (jar, pom) = (dist.join("sprag-0.1.0.jar"), dist.join("sprag-0.1.0.pom"));
    copy(&tree::scratch("kotlin")?.join("sprag-0.1.0.jar"), &jar)?;
    copy(&tree::at(super::PROJECT), &pom)?;
    println!("{}\n{}", jar.display(), pom.display());
    Ok(())
}

/// Lays this machine's library, without what only a debugger reads, where JNA looks for it.
pub(super) fn lay(library: &Path, natives: &Path) -> Result<(), String> {
    let machine = match std::env::consts::ARCH {
        "x86_64" => "linux-x86-64",
        "aarch64" => "linux-aarch64",
        other => return Err(format!("no name is known by which JNA calls {other}")),
    };
    let place = natives.join(machine).join("libsprag_uniffi.so");
    copy(library, &place)?;
    run::finish(run::program("strip").arg("--strip-unneeded").arg(&place))
}

/// Makes a folder that is empty.
pub(super) fn clear(folder: &Path) -> Result<(), String> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

/// Copies a file, and makes its folder.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), String> {
    std::fs::create_dir_all(to.parent().unwrap_or(to))
        .and_then(|()| std::fs::copy(from, to).map(drop))
        .map_err(|error| format!("{} to {}: {error}", from.display(), to.display()))
}
