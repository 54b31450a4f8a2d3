//! Lays out the linker's script, and the core's own tests in a form that needs no std.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What the tests' files take from the prelude of std, and is in `alloc` as well.
const PRELUDE: &str =
    "#[allow(unused_imports)] use alloc::{borrow::ToOwned, format, string::{String, ToString}, vec, vec::Vec};\n";

fn main() -> io::Result<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::copy("memory.x", out.join("memory.x"))?;
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg=-Tlink.x");
    let tests = Path::new("../sprag-core/tests");
    let mut root = String::new();
    for module in ["frozen", "pairs", "people"] {
        let (from, to) = (tests.join(module), out.join(module));
        fs::create_dir_all(&to)?;
        for file in fs::read_dir(&from)? {
            let file = file?;
            fs::write(to.join(file.file_name()), without_std(&fs::read_to_string(file.path())?))?;
        }
        println!("cargo::rerun-if-changed={}", from.display());
        root.push_str(&format!("#[path = {:?}]\npub mod {module};\n", to.join("mod.rs")));
    }
    fs::write(out.join("tests.rs"), root)
}

/// A file with the prelude behind what has to come first.
fn without_std(file: &str) -> String {
    let is_head = |line: &&str| line.starts_with("//!") || line.starts_with("#![") || line.is_empty();
    let head: usize = file.split_inclusive('\n').take_while(|line| is_head(&line.trim_end())).map(str::len).sum();
    let (head, rest) = file.split_at(head);
    [head, PRELUDE, &rest.replace("std::collections::", "alloc::collections::").replace("std::", "core::")].concat()
}
