//! The static library that the Swift package links: prelinked, so that another library's Rust can be in the same program.

use std::collections::BTreeSet;
use std::path::Path;

use crate::{run, tree};

/// What of the generated face says which functions the package calls.
const HEADER: &str = "bindings/swift/generated/SpragFFI.h";

/// The name that `Package.swift` asks `PKG_CONFIG_PATH` for.
const PACKAGE: &str = "sprag-swift";

/// In which way Cargo builds it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As for every other test.
    Dev,
    /// As it is shipped.
    Dist,
}

/// Builds the library into a folder, with the file that tells SwiftPM, in which that folder is `seen`, where it is.
pub(crate) fn lay(profile: Profile, folder: &Path, seen: &Path) -> Result<(), String> {
    let name = if profile == Profile::Dist { "dist" } else { "dev" };
    let mut cargo = run::cargo();
    run::finish(cargo.args(["build", "--quiet", "--locked", "--package", "sprag-uniffi", "--profile", name]))?;
    let built = tree::target().join(if profile == Profile::Dist { "dist" } else { "debug" }).join("libsprag_uniffi.a");
    let object = tree::scratch("swift")?.join(format!("{name}.o"));
    prelink(&built, &functions()?, &object)?;
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let archive = folder.join("libsprag_uniffi.a");
    let _ = std::fs::remove_file(&archive);
    run::finish(run::program("ar").arg("rcsD").arg(&archive).arg(&object))?;
    std::fs::remove_file(&object).map_err(|error| format!("{}: {error}", object.display()))?;
    let about = folder.join(format!("{PACKAGE}.pc"));
    std::fs::write(&about, described(seen)).map_err(|error| format!("{}: {error}", about.display()))
}

fn described(seen: &Path) -> String {
    let (version, seen) = (env!("CARGO_PKG_VERSION"), seen.display());
    format!(
        "Name: {PACKAGE}\nDescription: Sprag for its Swift package\nVersion: {version}\nLibs: -L{seen} -lsprag_uniffi\n"
    )
}

/// The functions that the generated header declares.
fn functions() -> Result<BTreeSet<String>, String> {
    let header = std::fs::read_to_string(tree::at(HEADER)).map_err(|error| format!("{HEADER}: {error}"))?;
    let before = header.split('(').filter_map(|text| text.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next());
    Ok(before.filter(|name| name.starts_with("uniffi_") || name.starts_with("ffi_")).map(str::to_owned).collect())
}

/// One object of everything that those functions need; all else in it becomes local.
fn prelink(archive: &Path, names: &BTreeSet<String>, object: &Path) -> Result<(), String> {
    let mut linker = run::program("ld");
    linker.args(["--relocatable", "--gc-sections", "--force-group-allocation", "-o"]).arg(object);
    run::finish(linker.args(names.iter().flat_map(|name| ["--undefined", name])).arg(archive))?;
    let mut keep = run::program("objcopy");
    keep.args(names.iter().map(|name| format!("--keep-global-symbol={name}")));
    // The standard library's code for link-time optimisation: in one object it is none any more.
    keep.args([".llvmbc", ".llvmcmd"].map(|section| format!("--remove-section={section}")));
    run::finish(keep.arg("--strip-debug").arg(object))
}
