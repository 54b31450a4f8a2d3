//! The static library that the Swift package links on Linux: prelinked, so that another library's Rust can be in the same
//! program.

use std::collections::BTreeSet;
use std::path::Path;

use crate::install::dist::{Sqlite, compile, prelink, tells_nothing};
use crate::{run, tree};

/// The name that `Package.swift` asks `PKG_CONFIG_PATH` for.
const PACKAGE: &str = "sprag-swift";

const ARCHIVE: &str = "libsprag_uniffi.a";

/// A library, and the generated headers that say which of its functions are called.
pub(crate) struct Library {
    package: &'static str,
    headers: &'static [&'static str],
}

/// Sprag's.
pub(crate) const SPRAG: Library =
    Library { package: "sprag-uniffi", headers: &["bindings/swift/generated/SpragFFI.h"] };

/// The test kit's, which takes the place of the other.
pub(crate) const KIT: Library = Library {
    package: "sprag-testkit-uniffi",
    headers: &["bindings/swift/generated/SpragFFI.h", "bindings/swift-testkit/generated/SpragTestKitFFI.h"],
};

impl Library {
    /// Lays it in a folder as every other test has it, with the file that tells SwiftPM where that is: for SwiftPM at `seen`.
    pub(crate) fn lay(&self, folder: &Path, seen: &Path) -> Result<(), String> {
        run::finish(run::cargo().args(["build", "--quiet", "--locked", "--package", self.package]))?;
        self.archive(&tree::target().join("debug"), folder, seen)
    }

    /// The same as it is shipped.
    pub(crate) fn ship(&self, folder: &Path) -> Result<(), String> {
        self.archive(&compile(self.package, "staticlib", Sqlite::Bundled)?, folder, folder)?;
        tells_nothing(&folder.join(ARCHIVE))
    }

    fn archive(&self, built: &Path, folder: &Path, seen: &Path) -> Result<(), String> {
        let broken = |error: std::io::Error| format!("{}: {error}", folder.display());
        std::fs::create_dir_all(folder).map_err(broken)?;
        let object = folder.join("sprag.o");
        prelink(&built.join(format!("lib{}.a", self.package.replace('-', "_"))), &self.functions()?, &object)?;
        let archive = folder.join(ARCHIVE);
        let _ = std::fs::remove_file(&archive);
        run::finish(run::program("ar").arg("rcsD").arg(&archive).arg(&object))?;
        std::fs::remove_file(&object).map_err(broken)?;
        std::fs::write(folder.join(format!("{PACKAGE}.pc")), described(seen)).map_err(broken)
    }

    /// The functions that the generated headers declare.
    fn functions(&self) -> Result<BTreeSet<String>, String> {
        let mut names = BTreeSet::new();
        for header in self.headers {
            let text = std::fs::read_to_string(tree::at(header)).map_err(|error| format!("{header}: {error}"))?;
            let before =
                text.split('(').filter_map(|text| text.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next());
            let ours = |name: &&str| name.starts_with("uniffi_") || name.starts_with("ffi_");
            names.extend(before.filter(ours).map(str::to_owned));
        }
        Ok(names)
    }
}

fn described(seen: &Path) -> String {
    let (version, seen) = (env!("CARGO_PKG_VERSION"), seen.display());
    format!(
        "Name: {PACKAGE}\nDescription: Sprag for its Swift package\nVersion: {version}\nLibs: -L{seen} -lsprag_uniffi\n"
    )
}
