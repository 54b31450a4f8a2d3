//! `cargo xtask dist apple`: the XCFramework that the Swift package links on Apple's systems.

use std::path::{Path, PathBuf};

use crate::{run, tree};

/// A slice of the XCFramework: the targets whose libraries it has, and the oldest system that it runs on.
struct Slice {
    name: &'static str,
    targets: &'static [&'static str],
    oldest: (&'static str, &'static str),
}

const SLICES: &[Slice] = &[
    Slice { name: "ios", targets: &["aarch64-apple-ios"], oldest: ("IPHONEOS_DEPLOYMENT_TARGET", "15.0") },
    Slice {
        name: "ios-simulator",
        targets: &["aarch64-apple-ios-sim", "x86_64-apple-ios"],
        oldest: ("IPHONEOS_DEPLOYMENT_TARGET", "15.0"),
    },
    Slice {
        name: "macos",
        targets: &["aarch64-apple-darwin", "x86_64-apple-darwin"],
        oldest: ("MACOSX_DEPLOYMENT_TARGET", "12.0"),
    },
];

/// Where `Package.swift` looks for it.
const PLACE: &str = "bindings/swift/SpragFFI.xcframework";
const GENERATED: &str = "bindings/swift/generated";
const PRIVACY: &str = "bindings/swift/Sources/Sprag/PrivacyInfo.xcprivacy";

pub(crate) fn command() -> Result<(), String> {
    if let Some(remedy) = missing()? {
        return Err(remedy);
    }
    let headers = headers()?;
    let mut make = run::program("xcodebuild");
    make.arg("-create-xcframework");
    for slice in SLICES {
        make.arg("-library").arg(slice.library()?).arg("-headers").arg(&headers);
    }
    let place = tree::at(PLACE);
    if place.exists() {
        std::fs::remove_dir_all(&place).map_err(|error| format!("{PLACE}: {error}"))?;
    }
    run::finish(make.arg("-output").arg(&place))?;
    // For who takes the XCFramework without the package: the package has it among its resources.
    copy(&tree::at(PRIVACY), &place.join("PrivacyInfo.xcprivacy"))?;
    println!("{PLACE}: for {}", SLICES.iter().map(|slice| slice.name).collect::<Vec<_>>().join(", "));
    Ok(())
}

impl Slice {
    /// Builds its libraries, with the system's SQLite, and makes one of them.
    fn library(&self) -> Result<PathBuf, String> {
        let mut libraries = Vec::new();
        for target in self.targets {
            let mut cargo = run::cargo();
            cargo.args(["rustc", "--quiet", "--locked", "--package", "sprag-uniffi", "--lib", "--profile", "dist"]);
            cargo.args(["--crate-type", "staticlib", "--no-default-features", "--target", target]);
            run::finish(cargo.env(self.oldest.0, self.oldest.1))?;
            libraries.push(tree::target().join(target).join("dist/libsprag_uniffi.a"));
        }
        let whole = tree::scratch("dist/apple")?.join(self.name).join("libsprag_uniffi.a");
        let folder = whole.parent().unwrap_or(&whole);
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        run::finish(run::program("lipo").arg("-create").args(&libraries).arg("-output").arg(&whole))?;
        Ok(whole)
    }
}

/// The header, in a folder of its own name: the module maps of two libraries then do not meet.
fn headers() -> Result<PathBuf, String> {
    let headers = tree::scratch("dist/apple/headers")?;
    let (folder, generated) = (headers.join("SpragFFI"), tree::at(GENERATED));
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    copy(&generated.join("SpragFFI.h"), &folder.join("SpragFFI.h"))?;
    let map = folder.join("module.modulemap");
    let text = "module SpragFFI {\n    header \"SpragFFI.h\"\n    link \"sqlite3\"\n    export *\n}\n";
    std::fs::write(&map, text).map_err(|error| format!("{}: {error}", map.display()))?;
    Ok(headers)
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    std::fs::copy(from, to).map(drop).map_err(|error| format!("{}: {error}", to.display()))
}

/// Why it cannot be made here, and what is needed.
fn missing() -> Result<Option<String>, String> {
    let targets: Vec<&str> = SLICES.iter().flat_map(|slice| slice.targets).copied().collect();
    if !cfg!(target_os = "macos") {
        return Ok(Some(format!(
            "an XCFramework is made on macOS alone: it needs Xcode 16 or newer (xcodebuild, lipo) and, from rustup, the targets {}",
            targets.join(", ")
        )));
    }
    if let Some(tool) = ["xcodebuild", "lipo"].into_iter().find(|tool| run::find(tool).is_none()) {
        return Ok(Some(format!("{tool} is missing: install Xcode 16 or newer, then xcode-select --switch to it")));
    }
    let sysroot = run::output(run::program("rustc").args(["--print", "sysroot"]))?;
    let libraries = Path::new(sysroot.trim()).join("lib/rustlib");
    let absent = |target: &&str| !libraries.join(target).join("lib").is_dir();
    let absent: Vec<&str> = targets.into_iter().filter(absent).collect();
    let remedy = || format!("the libraries of targets are missing: rustup target add {}", absent.join(" "));
    Ok((!absent.is_empty()).then(remedy))
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(not(target_os = "macos"))]
    fn elsewhere_it_says_what_is_needed() {
        let refusal = super::command().expect_err("refused");
        for word in ["macOS", "Xcode", "aarch64-apple-ios,", "aarch64-apple-darwin"] {
            assert!(refusal.contains(word), "{refusal}");
        }
    }
}
