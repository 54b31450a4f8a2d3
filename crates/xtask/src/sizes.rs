//! `cargo xtask sizes`: how large what is shipped is, and what of it each part costs, into `docs/sizes.md`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use crate::install::dist;
use crate::install::{Libraries, Sqlite};
use crate::{run, tree};

const PAGE: &str = "docs/sizes.md";

/// What the C face may weigh, with the system's SQLite and with the one inside, and UniFFI more.
const LIMITS: (u64, u64, u64) = (950_000, 1_600_000, 100_000);

/// Parts of the code: what each is, and the crates of it. Functions of C are SQLite's.
const PARTS: &[(&str, &[&str])] = &[
    (
        "engine",
        &["sprag", "rusqlite", "fallible_iterator", "fallible_streaming_iterator", "hashlink", "libsqlite3_sys"],
    ),
    ("core", &["sprag_core"]),
    ("ML-KEM", &["libcrux_ml_kem", "libcrux_sha3", "libcrux_intrinsics", "libcrux_secrets", "libcrux_traits"]),
    ("X25519 and Ed25519", &["curve25519_dalek", "ed25519_dalek", "fiat_crypto"]),
    (
        "other ciphers and hashes",
        &["chacha20", "chacha20poly1305", "poly1305", "sha2", "hmac", "digest", "block_buffer"],
    ),
    ("the C face itself", &["sprag_ffi", "sprag_wipe"]),
    ("texts of panics and backtraces", &["gimli", "addr2line", "miniz_oxide", "rustc_demangle", "std::backtrace_rs"]),
];

struct Row {
    name: &'static str,
    bytes: u64,
    exported: usize,
}

pub(crate) fn command(arguments: &[String]) -> Result<(), String> {
    if !arguments.is_empty() {
        return Err("cargo xtask sizes takes nothing".to_owned());
    }
    let mut rows = Vec::new();
    let system = Libraries::build(Sqlite::System)?;
    rows.push(row("C face, with the system's SQLite", &system.shared)?);
    let bundled = Libraries::build(Sqlite::Bundled)?;
    rows.push(row("C face, with SQLite inside", &bundled.shared)?);
    let parts = parts(&tree::target().join("dist/libsprag_ffi.a"))?;
    for (name, sqlite) in [
        ("UniFFI face, with the system's SQLite", Sqlite::System),
        ("UniFFI face, with SQLite inside", Sqlite::Bundled),
    ] {
        rows.push(row(name, &dist::compile("sprag-uniffi", "cdylib", sqlite)?.join("libsprag_uniffi.so"))?);
    }
    let archive = bytes(&bundled.archive)?;
    let page = page(&rows, archive, &parts);
    print!("{page}");
    std::fs::write(tree::at(PAGE), page).map_err(|error| format!("{PAGE}: {error}"))
}

fn row(name: &'static str, library: &Path) -> Result<Row, String> {
    let symbols = run::output(run::program("nm").args(["-D", "--defined-only"]).arg(library))?;
    let exported = symbols.lines().filter(|line| !line.contains(" A ")).count();
    Ok(Row { name, bytes: bytes(library)?, exported })
}

fn bytes(file: &Path) -> Result<u64, String> {
    file.metadata().map(|data| data.len()).map_err(|error| format!("{}: {error}", file.display()))
}

/// How many bytes of code each part has, in an archive that has all its symbols.
fn parts(archive: &Path) -> Result<BTreeMap<&'static str, u64>, String> {
    let symbols = run::output(run::program("nm").args(["--print-size", "--defined-only", "--quiet"]).arg(archive))?;
    let mut parts = BTreeMap::new();
    for line in symbols.lines() {
        let [_, size, "t" | "T", name] = line.split_whitespace().collect::<Vec<_>>()[..] else { continue };
        *parts.entry(part_of(name)).or_default() += u64::from_str_radix(size, 16).unwrap_or(0);
    }
    Ok(parts)
}

fn part_of(symbol: &str) -> &'static str {
    if symbol.starts_with("sprag_") {
        return "the C face itself";
    }
    if !symbol.starts_with("_ZN") && !symbol.starts_with("_R") {
        return "SQLite";
    }
    let whole = format!("::{}", path_of(symbol));
    let is_in = |name: &&str| whole.contains(&format!("::{name}::"));
    let found = PARTS.iter().rev().find(|(_, crates)| crates.iter().any(is_in));
    found.map_or("Rust's own library, and what it becomes for our types", |(part, _)| part)
}

/// The words of a mangled name that tell whose it is: of the old form all, of the new one those of its beginning.
fn path_of(symbol: &str) -> String {
    let mut path = String::new();
    let mut rest = symbol;
    while let Some(at) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let digits: String = rest[at..].chars().take_while(char::is_ascii_digit).collect();
        let begin = at + digits.len();
        let word = digits.parse::<usize>().ok().and_then(|len| rest.get(begin..begin + len));
        let Some(word) = word.filter(|word| word.len() > 2) else {
            rest = &rest[begin..];
            continue;
        };
        let word = word.trim_start_matches('_').replace("$LT$", "").replace("..", "::");
        let _ = write!(path, "{word}::");
        if symbol.starts_with("_ZN") && !path.starts_with("core::") && !path.starts_with("alloc::") {
            break;
        }
        rest = &rest[begin..];
    }
    path
}

fn page(rows: &[Row], archive: u64, parts: &BTreeMap<&'static str, u64>) -> String {
    let mut page = "# Sizes\n\nWritten by `cargo xtask sizes`, for x86-64 Linux. Libraries are stripped, with the unwinding that catches panics at \
        the\nborder. Apple's and Android's linkers make other sizes of the same.\n\n| library | bytes | exported symbols |\n|---|---:|---:|\n"
        .to_owned();
    for row in rows {
        let _ = writeln!(page, "| {} | {} | {} |", row.name, grouped(row.bytes), row.exported);
    }
    let _ = writeln!(page, "| `libsprag.a`, prelinked, with SQLite inside | {} | |\n", grouped(archive));
    let of = |index: usize| rows.get(index).map_or(0, |row| row.bytes);
    let aims = [
        ("C face, with the system's SQLite", of(0), LIMITS.0),
        ("C face, with SQLite inside", of(1), LIMITS.1),
        ("UniFFI, more than the C face", of(3).saturating_sub(of(1)), LIMITS.2),
    ];
    page.push_str("| aim | bytes | at most | |\n|---|---:|---:|---|\n");
    for (name, bytes, limit) in aims {
        let verdict = if bytes <= limit { "met" } else { "**missed**" };
        let _ = writeln!(page, "| {name} | {} | {} | {verdict} |", grouped(bytes), grouped(limit));
    }
    page.push_str(
        "\nWhat each part of the C face with SQLite inside costs, in bytes of code:\n\n| part | bytes |\n|---|---:|\n",
    );
    let mut sorted: Vec<_> = parts.iter().collect();
    sorted.sort_by_key(|(_, bytes)| std::cmp::Reverse(**bytes));
    for (part, bytes) in sorted {
        let _ = writeln!(page, "| {part} | {} |", grouped(*bytes));
    }
    page
}

/// 1234567 as 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
