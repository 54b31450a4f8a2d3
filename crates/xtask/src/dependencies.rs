//! What the shipped libraries link: one version of each crate, and no licence that binds who embeds them.

use std::collections::BTreeMap;

use crate::test::Ran;
use crate::{run, tree};

/// The crates that end up in an app.
const SHIPPED: &[&str] = &["sprag-core", "sprag", "sprag-ffi", "sprag-uniffi"];

/// Of these, the ones that may link no crate in two versions. (UniFFI's build-time half brings its own.)
const SINGLE: &[&str] = &["sprag-core", "sprag", "sprag-ffi"];

/// The licences that deny.toml allows as well: keep the two lists alike.
const LICENCES: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "0BSD",
];

pub(crate) fn test() -> Result<Ran, String> {
    for package in SHIPPED.iter().filter(|name| tree::at(&format!("crates/{name}/Cargo.toml")).exists()) {
        let mut versions: BTreeMap<String, String> = BTreeMap::new();
        let listing = run::output(run::cargo().args([
            "tree",
            "--locked",
            "--package",
            package,
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--no-dedupe",
            "--format",
            "{p}|{l}",
        ]))?;
        for line in listing.lines() {
            let (crate_, licence) = line.split_once('|').unwrap_or((line, ""));
            if !allowed(licence) {
                return Err(format!("{package} links {crate_}, whose licence is \"{licence}\""));
            }
            let mut words = crate_.split(' ');
            let (name, version) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            // A procedural macro runs in the compiler: it is not linked, and two of them do no harm.
            let linked = !crate_.contains("(proc-macro)");
            if let Some(other) = versions.insert(name.to_owned(), version.to_owned())
                && other != version
                && linked
                && SINGLE.contains(package)
            {
                return Err(format!("{package} links {name} twice: {other} and {version}"));
            }
        }
        println!("{package}: {} crates, licences and versions as they should be", versions.len());
    }
    Ok(Ran::Passed)
}

/// Whether an SPDX expression can be met with the licences above: each part joined by AND, one of those joined by OR.
fn allowed(expression: &str) -> bool {
    let plain = expression.replace(['(', ')'], " ").replace('/', " OR ");
    plain.split(" AND ").all(|part| {
        part.split(" OR ").any(|name| LICENCES.contains(&name.trim().trim_end_matches(" WITH LLVM-exception")))
    })
}

#[cfg(test)]
mod tests {
    use super::allowed;

    #[test]
    fn licences() {
        for good in ["MIT", "MIT OR Apache-2.0", "MIT/Apache-2.0", "(MIT OR Apache-2.0) AND Unicode-3.0"] {
            assert!(allowed(good), "{good}");
        }
        assert!(allowed("GPL-3.0-only OR MIT"), "the other choice is taken");
        for bad in ["", "GPL-3.0-or-later", "AGPL-3.0", "MIT AND GPL-2.0-only"] {
            assert!(!allowed(bad), "{bad}");
        }
    }
}
