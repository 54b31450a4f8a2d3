//! The Swift toolchain: the machine's own, or one in a Debian root of its own.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{run, tree};

/// Where `.ci/run` keeps a Debian root with a Swift toolchain, for machines whose own Debian has none.
const ROOT: &str = "/var/cache/sprag/trixie";

/// The folder inside that root in which packages are built.
const INSIDE: &str = "/sprag";

/// A toolchain, and a folder that it builds in.
pub(crate) struct Toolchain {
    root: Option<PathBuf>,
    /// The folder, as we see it.
    pub(crate) place: PathBuf,
    /// The folder, as the toolchain sees it.
    pub(crate) seen: PathBuf,
}

impl Toolchain {
    /// The one of this machine; none if there is none.
    pub(crate) fn find() -> Result<Option<Self>, String> {
        if run::find("swift").is_some() {
            let place = tree::scratch("swift")?;
            return Ok(Some(Self { root: None, seen: place.clone(), place }));
        }
        let root = env::var_os("SPRAG_SWIFT_ROOT").map_or_else(|| PathBuf::from(ROOT), PathBuf::from);
        if !root.join("usr/libexec/swift/bin/swift").exists() {
            return Ok(None);
        }
        let place = root.join(INSIDE.trim_start_matches('/')).join(whose()?);
        let seen = Path::new(INSIDE).join(whose()?);
        Ok(Some(Self { root: Some(root), place, seen }))
    }

    /// A command of SwiftPM's for a package, which finds our library in a folder.
    pub(crate) fn swift(&self, command: &str, package: &str, library: &str) -> Command {
        let mut swift = self.program("swift");
        swift.args([command, "--package-path"]).arg(self.seen.join(package));
        swift.env("PKG_CONFIG_PATH", self.seen.join(library));
        swift
    }

    /// One of its programs.
    pub(crate) fn program(&self, name: impl AsRef<OsStr>) -> Command {
        let mut command = match &self.root {
            Some(root) => {
                let mut command = run::program("chroot");
                command.arg(root).arg("/usr/bin/env").arg("PATH=/usr/libexec/swift/bin:/usr/bin:/bin").arg(name);
                command
            }
            None => run::program(name),
        };
        if self.root.is_some() {
            command.env("HOME", "/root");
        }
        command
    }
}

/// Trees that are built at the same time each have a folder of their own.
fn whose() -> Result<String, String> {
    let root = tree::root();
    let name = root.file_name().and_then(OsStr::to_str).ok_or("the tree has no name")?;
    Ok(name.to_owned())
}
