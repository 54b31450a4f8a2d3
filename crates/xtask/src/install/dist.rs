//! The libraries as they are shipped: one prelinked object, of which only `sprag_…` is to be seen, as an archive and as a
//! shared library. Nothing in them tells where they were built.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::c::declared;
use crate::{run, tree};

/// The name by which programs find the shared library. It changes if something that is declared changes or goes.
pub(crate) const SONAME: &str = "libsprag.so.1";

/// The version that every exported symbol has.
pub(crate) const SYMBOLS: &str = "SPRAG_1";

/// Which SQLite is linked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sqlite {
    /// One inside, without what Sprag never calls.
    Bundled,
    /// The system's.
    System,
}

/// What a program that links the archive needs besides.
impl Sqlite {
    pub(crate) const fn libraries(self) -> &'static [&'static str] {
        match self {
            Self::Bundled => &["-lpthread", "-ldl", "-lm"],
            Self::System => &["-lsqlite3", "-lpthread", "-ldl", "-lm"],
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bundled => "bundled",
            Self::System => "system",
        }
    }
}

/// The two libraries of one build.
pub(crate) struct Libraries {
    pub(crate) sqlite: Sqlite,
    pub(crate) archive: PathBuf,
    pub(crate) shared: PathBuf,
}

/// What SQLite can do and Sprag never asks for: off, in what is shipped.
const SQLITE_WITHOUT: &[&str] = &[
    "-USQLITE_ENABLE_API_ARMOR",
    "-USQLITE_ENABLE_COLUMN_METADATA",
    "-USQLITE_ENABLE_DBSTAT_VTAB",
    "-USQLITE_ENABLE_FTS3",
    "-USQLITE_ENABLE_FTS3_PARENTHESIS",
    "-USQLITE_ENABLE_FTS5",
    "-USQLITE_ENABLE_LOAD_EXTENSION",
    "-USQLITE_ENABLE_RTREE",
    "-USQLITE_ENABLE_STAT4",
    "-USQLITE_SOUNDEX",
    "-USQLITE_USE_URI",
    "-DSQLITE_DEFAULT_MEMSTATUS=0",
    "-DSQLITE_DQS=0",
    "-DSQLITE_MAX_ATTACHED=0",
    "-DSQLITE_OMIT_AUTHORIZATION",
    "-DSQLITE_OMIT_AUTOMATIC_INDEX",
    "-DSQLITE_OMIT_AUTOVACUUM",
    "-DSQLITE_OMIT_BETWEEN_OPTIMIZATION",
    "-DSQLITE_OMIT_COMPILEOPTION_DIAGS",
    "-DSQLITE_OMIT_COMPLETE",
    "-DSQLITE_OMIT_DATETIME_FUNCS",
    "-DSQLITE_OMIT_DECLTYPE",
    "-DSQLITE_OMIT_DEPRECATED",
    "-DSQLITE_OMIT_DESERIALIZE",
    "-DSQLITE_OMIT_FOREIGN_KEY",
    "-DSQLITE_OMIT_GET_TABLE",
    "-DSQLITE_OMIT_INCRBLOB",
    "-DSQLITE_OMIT_INTROSPECTION_PRAGMAS",
    "-DSQLITE_OMIT_JSON",
    "-DSQLITE_OMIT_LIKE_OPTIMIZATION",
    "-DSQLITE_OMIT_LOAD_EXTENSION",
    "-DSQLITE_OMIT_PROGRESS_CALLBACK",
    "-DSQLITE_OMIT_SHARED_CACHE",
    "-DSQLITE_OMIT_TCL_VARIABLE",
    "-DSQLITE_OMIT_TRACE",
    "-DSQLITE_OMIT_UTF16",
];

impl Libraries {
    /// Builds them; quick, if nothing has changed.
    pub(crate) fn build(sqlite: Sqlite) -> Result<Self, String> {
        let scratch = tree::scratch(&format!("dist/{}", sqlite.name()))?;
        let names = declared::functions(&tree::at("include/sprag.h"))?;
        let made = compile("sprag-ffi", "staticlib", sqlite)?.join("libsprag_ffi.a");
        let object = scratch.join("sprag.o");
        prelink(&made, &names, &object)?;
        let libraries = Self { sqlite, archive: scratch.join("libsprag.a"), shared: scratch.join(SONAME) };
        let _ = std::fs::remove_file(&libraries.archive);
        run::finish(run::program("ar").arg("rcsD").arg(&libraries.archive).arg(&object))?;
        share(&object, &scratch.join("sprag.map"), &libraries)?;
        for library in [&libraries.archive, &libraries.shared] {
            tells_nothing(library)?;
        }
        Ok(libraries)
    }
}

/// Builds one kind of library of a crate in the profile that is shipped, and says in which directory it is.
pub(crate) fn compile(package: &str, kind: &str, sqlite: Sqlite) -> Result<PathBuf, String> {
    let mut cargo = run::cargo();
    cargo.args(["rustc", "--quiet", "--locked", "--lib", "--profile", "dist", "--package", package]);
    cargo.args(["--crate-type", kind]);
    if sqlite == Sqlite::System {
        cargo.arg("--no-default-features");
    }
    paths_away(&mut cargo);
    cargo.env("LIBSQLITE3_FLAGS", SQLITE_WITHOUT.join(" ")).env("CARGO_INCREMENTAL", "0");
    run::finish(&mut cargo)?;
    Ok(tree::target().join("dist"))
}

/// Panic texts name source files: by their place in the crate, not by where the builder has it.
fn paths_away(cargo: &mut Command) {
    let mut flags: Vec<OsString> = std::env::var("RUSTFLAGS")
        .map(|flags| flags.split_whitespace().map(OsString::from).collect())
        .unwrap_or_default();
    for (from, to) in places() {
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(&from);
        flag.push("=");
        flag.push(to);
        flags.push(flag);
    }
    cargo.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", flags.join(std::ffi::OsStr::new("\x1f")));
}

/// The places on this machine that source files are in, and what they are called instead; of two that fit the last counts.
fn places() -> Vec<(PathBuf, &'static str)> {
    let mut places = vec![(tree::target(), "target"), (tree::root(), "sprag")];
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(home?.join(".cargo")));
    if let Some(cargo) = cargo {
        let sources = cargo.join("registry/src");
        places.push((cargo, "cargo"));
        let registries = std::fs::read_dir(sources).into_iter().flatten().flatten();
        places.extend(registries.map(|registry| (registry.path(), "crates")));
    }
    places
}

/// Nothing in a shipped library names a place on the machine that built it.
pub(crate) fn tells_nothing(library: &Path) -> Result<(), String> {
    let bytes = std::fs::read(library).map_err(|error| format!("{}: {error}", library.display()))?;
    for (place, _) in places() {
        let needle = place.as_os_str().as_encoded_bytes();
        if bytes.windows(needle.len()).any(|window| window == needle) {
            return Err(format!("{} names {}, where it was built", library.display(), place.display()));
        }
    }
    Ok(())
}

/// One object of everything that the declared functions need. All else becomes local, so that another library's Rust or
/// SQLite can be in the same program.
pub(crate) fn prelink(archive: &Path, names: &BTreeSet<String>, object: &Path) -> Result<(), String> {
    let mut linker = run::program("ld");
    linker.args(["--relocatable", "--gc-sections", "--force-group-allocation", "-o"]).arg(object);
    linker.args(names.iter().flat_map(|name| ["--undefined", name])).arg(archive);
    run::finish(&mut linker)?;
    let mut keep = run::program("objcopy");
    keep.args(names.iter().map(|name| format!("--keep-global-symbol={name}")));
    // Bitcode that rustc leaves is of no use to who links, and tools with a plug-in of another LLVM fail on it.
    let removed = [".comment", ".llvmbc", ".llvmcmd"].map(|section| format!("--remove-section={section}"));
    run::finish(keep.arg("--strip-debug").args(removed).arg(object))?;
    run::finish(run::program("strip").args(["--strip-unneeded"]).arg(object))
}

fn share(object: &Path, map: &Path, libraries: &Libraries) -> Result<(), String> {
    let text = format!("{SYMBOLS} {{\n  global: sprag_*;\n  local: *;\n}};\n");
    std::fs::write(map, text).map_err(|error| format!("{}: {error}", map.display()))?;
    let mut script = OsString::from("-Wl,--version-script=");
    script.push(map);
    let mut linker = run::program("gcc");
    linker.args(["-shared", "-s", "-Wl,-O1,--gc-sections,--as-needed,-z,relro,-z,now,--build-id=sha1"]);
    if libraries.sqlite == Sqlite::Bundled {
        linker.arg("-Wl,-z,defs");
    }
    linker.arg(format!("-Wl,-soname,{SONAME}")).arg(script).arg(object).args(libraries.sqlite.libraries());
    run::finish(linker.arg("-o").arg(&libraries.shared))
}
