//! What the shipped libraries link: one version of each crate, and no licence that binds who embeds them.

use std::collections::BTreeMap;

use crate::test::Ran;
use crate::{run, tree};

/// The crates that end up in an app.
const SHIPPED: &[&str] = &["sprag-core", "sprag", "sprag-ffi", "sprag-uniffi"];

/// What is for tests alone: whoever knows the seed knows every key.
const NEVER: &[&str] = &["sprag-testkit", "sprag-testkit-uniffi", "sprag-malice", "sprag-sim", "sprag-bindgen"];

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
        let listing = run::output(run::cargo().args([
            "tree",
            "--locked",
            "--package",
            package,
            "--edges",
            "normal",
            "--prefix",
            "depth",
            "--no-dedupe",
            "--format",
            " {p}|{l}",
        ]))?;
        let linked = linked(&listing).map_err(|fault| format!("{package} {fault}"))?;
        println!("{package}: {linked} crates linked, licences and versions as they should be");
    }
    Ok(Ran::Passed)
}

/// How many crates a tree links, if their licences and versions are as they should be. A procedural macro runs in the
/// compiler: it and what lies beneath it are not linked, and only their licences count.
fn linked(listing: &str) -> Result<usize, String> {
    let mut versions: BTreeMap<&str, &str> = BTreeMap::new();
    let mut within_macro: Option<usize> = None;
    for line in listing.lines() {
        let (depth, rest) = line.split_once(' ').unwrap_or((line, ""));
        let depth: usize = depth.parse().map_err(|_| format!("has a line that is not understood: {line}"))?;
        let (crate_, licence) = rest.split_once('|').unwrap_or((rest, ""));
        if let Some(name) = crate_.split(' ').next().filter(|name| NEVER.contains(name)) {
            return Err(format!("links {name}, which is for tests alone"));
        }
        if !allowed(licence) {
            return Err(format!("needs {crate_}, whose licence is \"{licence}\""));
        }
        if within_macro.is_some_and(|outer| depth > outer) {
            continue;
        }
        within_macro = crate_.contains("(proc-macro)").then_some(depth);
        if within_macro.is_some() {
            continue;
        }
        let mut words = crate_.split(' ');
        let (name, version) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if versions.insert(name, version).is_some_and(|other| other != version) {
            return Err(format!("links {name} twice, and one of them is {version}"));
        }
    }
    Ok(versions.len())
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
    use super::{allowed, linked};

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

    #[test]
    fn what_runs_in_the_compiler_is_not_linked() {
        let tree =
            "0 ours v1|MIT\n1 one v1|MIT\n1 derive v1 (proc-macro)|MIT\n2 syn v2|MIT\n3 one v2|MIT\n1 two v1|MIT\n";
        assert_eq!(linked(tree), Ok(3));
        assert!(linked(&format!("{tree}2 one v2|MIT\n")).is_err(), "a second version that is linked");
        assert!(linked(&format!("{tree}1 three v1|GPL-3.0-only\n")).is_err());
        assert!(linked(&format!("{tree}2 sprag-testkit v1 (/a/path)|MIT\n")).is_err(), "what is for tests");
        assert!(linked("0 ours v1|MIT\n1 derive v1 (proc-macro)|MIT\n2 syn v2|GPL-3.0-only\n").is_err());
    }
}
