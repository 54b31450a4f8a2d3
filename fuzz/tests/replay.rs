//! The committed corpora, and whatever a fuzzer once found, through the same targets on stable.

#![allow(clippy::unwrap_used, reason = "a test says no by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sprag_fuzz::TARGETS;

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn names(directory: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(at(directory)).unwrap();
    entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn every_committed_input_is_handled() {
    for (name, body) in TARGETS {
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(at("corpus").join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert!(!files.is_empty(), "{name} has no corpus");
        for file in files {
            let bytes = std::fs::read(&file).unwrap();
            // The name is what is needed when one of them panics.
            println!("{}", file.display());
            body(&bytes);
        }
        body(&[]);
    }
}

#[test]
fn every_target_has_a_program_and_a_corpus_and_nothing_else_has() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("corpus"), targets);
    assert_eq!(names("fuzz_targets"), targets);
}
