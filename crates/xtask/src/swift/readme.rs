//! The program in the README, in an empty directory, as a package that depends on ours.

use std::path::Path;

use super::toolchain::Toolchain;
use super::{LIBRARY, PACKAGE};
use crate::{run, tree};

const MANIFEST: &str = r#"// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "hello",
    platforms: [.macOS(.v12)],
    dependencies: [.package(path: "PACKAGE")],
    targets: [.executableTarget(name: "hello", dependencies: [.product(name: "Sprag", package: "swift")])]
)
"#;

/// It says what the README says that it says.
pub(crate) fn runs(swift: &Toolchain) -> Result<(), String> {
    let text = std::fs::read_to_string(tree::at("README.md")).map_err(|error| format!("README.md: {error}"))?;
    let program = snippet(&text).ok_or("README.md has no program in Swift")?;
    let sources = swift.place.join("hello/Sources/hello");
    std::fs::create_dir_all(&sources).map_err(|error| format!("{}: {error}", sources.display()))?;
    write(&sources.join("main.swift"), program)?;
    let package = swift.seen.join(PACKAGE);
    let manifest = MANIFEST.replace("PACKAGE", &package.to_string_lossy());
    write(&swift.place.join("hello/Package.swift"), &manifest)?;
    let said = run::output(&mut swift.swift("run", "hello", LIBRARY))?;
    if said != "alice says hello\n" {
        return Err(format!("the program in the README says {said:?}"));
    }
    Ok(())
}

fn snippet(text: &str) -> Option<&str> {
    text.split("```swift\n").nth(1)?.split("```").next()
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    // What is not changed is not built again.
    if std::fs::read_to_string(file).is_ok_and(|old| old == text) {
        return Ok(());
    }
    std::fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}
