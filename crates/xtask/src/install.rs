//! `cargo xtask install`: what a C or C++ program needs, where a Unix system has it.

pub(crate) mod dist;
mod package;

use std::path::{Path, PathBuf};

pub(crate) use dist::{Libraries, Sqlite};

const USAGE: &str = "cargo xtask install [--prefix DIR] [--destdir DIR] [--system-sqlite]

  --prefix DIR      where the library will be: /usr/local, if nothing is said
  --destdir DIR     put in front of every path that is written (or DESTDIR in the environment)
  --system-sqlite   links the system's SQLite; without it a small one is inside";

/// The first SQLite that has all that is called.
const SQLITE: &str = "3.44";

fn has_sqlite() -> bool {
    let mut command = crate::run::program("pkg-config");
    let found = command.arg(format!("--atleast-version={SQLITE}")).arg("sqlite3").status();
    found.is_ok_and(|status| status.success())
}

/// What was asked for.
struct Options {
    prefix: PathBuf,
    destdir: Option<PathBuf>,
    sqlite: Sqlite,
}

pub(crate) fn command(arguments: &[String]) -> Result<(), String> {
    let options = parse(arguments)?;
    if !cfg!(target_os = "linux") {
        return Err(
            "cargo xtask install makes ELF libraries, and that on Linux alone; for Apple see bindings/swift".to_owned()
        );
    }
    if options.sqlite == Sqlite::System && !has_sqlite() {
        return Err(format!(
            "pkg-config finds no SQLite {SQLITE} or later here: install it, or leave --system-sqlite out"
        ));
    }
    let libraries = Libraries::build(options.sqlite)?;
    let root = under(options.destdir.as_deref(), &options.prefix);
    package::lay(&libraries, &options.prefix, &root)?;
    println!("installed below {}", root.display());
    Ok(())
}

/// Lays everything below a directory that is also its prefix.
pub(crate) fn into(libraries: &Libraries, prefix: &Path) -> Result<(), String> {
    if prefix.exists() {
        std::fs::remove_dir_all(prefix).map_err(|error| format!("{}: {error}", prefix.display()))?;
    }
    package::lay(libraries, prefix, prefix)
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options {
        prefix: "/usr/local".into(),
        destdir: std::env::var_os("DESTDIR").filter(|directory| !directory.is_empty()).map(PathBuf::from),
        sqlite: Sqlite::Bundled,
    };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--prefix" => options.prefix = words.next().ok_or(USAGE)?.into(),
            "--destdir" => options.destdir = Some(words.next().ok_or(USAGE)?.into()),
            "--system-sqlite" => options.sqlite = Sqlite::System,
            _ => return Err(USAGE.to_owned()),
        }
    }
    let whole = |path: &Path| std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()));
    options.prefix = whole(&options.prefix)?;
    options.destdir = options.destdir.as_deref().map(whole).transpose()?;
    Ok(options)
}

fn under(destdir: Option<&Path>, prefix: &Path) -> PathBuf {
    match destdir {
        Some(destdir) => destdir.join(prefix.strip_prefix("/").unwrap_or(prefix)),
        None => prefix.to_path_buf(),
    }
}
