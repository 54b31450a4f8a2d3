//! What crosses the borders, read in what is generated from them: nothing calls back, so that no secret is ever handed to
//! code that the library does not know, and both libraries wipe what they free.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::read_to_string;
use std::path::PathBuf;

fn text(file: &str) -> String {
    read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(file)).unwrap()
}

/// The functions of a header whose names begin so, each with its parameters on one line.
fn functions(header: &str, prefix: &str) -> Vec<String> {
    let whole = header.split_whitespace().collect::<Vec<_>>().join(" ");
    let named = whole.split(prefix).skip(1).filter_map(|rest| rest.split_once(')'));
    named.map(|(parameters, _)| format!("{prefix}{parameters}")).collect()
}

#[test]
fn nothing_calls_back() {
    let header = text("bindings/swift/generated/SpragFFI.h");
    let ours = functions(&header, "uniffi_sprag_uniffi_fn_");
    assert!(ours.len() > 30, "the functions are found: {}", ours.len());
    for function in &ours {
        assert!(
            !function.contains("Callback") && !function.contains("vtable") && !function.contains("(*"),
            "{function}"
        );
    }
    // UniFFI declares a poll function for every type, whoever uses it. What is asynchronous would be so in the languages.
    for (file, words) in [
        ("bindings/swift/generated/SpragBindings.swift", ["async throws", "uniffiRustCallAsync", "VTable"]),
        ("bindings/kotlin/generated/dev/sprag/sprag.kt", ["suspend fun", "uniffiRustCallAsync", "VTable"]),
        ("bindings/python/generated/sprag.py", ["async def ", "_uniffi_rust_call_async(", "VTable"]),
    ] {
        let code = text(file);
        for word in words {
            assert!(!code.contains(word), "{word} in {file}");
        }
    }
    let header = text("include/sprag.h");
    let code: Vec<&str> = header.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    assert!(functions(&header, "sprag_status sprag_").len() > 30);
    assert!(!code.iter().any(|line| line.contains("(*")), "a pointer to a function");
}

#[test]
fn both_libraries_wipe_what_they_free() {
    for face in ["crates/sprag-uniffi", "crates/sprag-ffi"] {
        let code = text(&format!("{face}/src/lib.rs"));
        assert!(code.contains("#[global_allocator]\nstatic ALLOCATOR: sprag_wipe::Wiping"), "{face}");
    }
}
