//! Wiping is a feature of our dependencies that a careless line in a manifest turns off without a word. Two proofs that
//! it is on: the types say so, and so does the resolved build.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::process::Command;

use zeroize::{Zeroize, ZeroizeOnDrop};

fn wiped_on_drop<T: ZeroizeOnDrop>() {}

fn wipeable<T: Zeroize>() {}

#[test]
fn the_types_say_so() {
    wiped_on_drop::<chacha20poly1305::ChaCha20Poly1305>();
    wiped_on_drop::<chacha20poly1305::XChaCha20Poly1305>();
    wiped_on_drop::<ed25519_dalek::SigningKey>();
    // This covers the MAC as well, which is two states of its hash and says nothing of its own.
    wiped_on_drop::<sha2::Sha256>();
    wiped_on_drop::<sha2::Sha512>();
    wipeable::<curve25519_dalek::MontgomeryPoint>();
    wipeable::<curve25519_dalek::Scalar>();
}

/// Every crate that holds secret state and can wipe it, as this crate's own manifest (no other's) resolves it.
#[test]
fn the_resolved_build_says_so() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", "sprag-core", "--edges", "normal", "--prefix", "none", "--format", "{p}|{f}"])
        .args(["--locked", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    for name in [
        "block-buffer",
        "chacha20",
        "chacha20poly1305",
        "curve25519-dalek",
        "digest",
        "ed25519-dalek",
        "hmac",
        "poly1305",
        "sha2",
    ] {
        let line = tree.lines().find(|line| line.split(' ').next() == Some(name));
        let line = line.unwrap_or_else(|| panic!("{name} is not among the dependencies:\n{tree}"));
        let features = line.rsplit('|').next().unwrap().trim_end_matches(" (*)");
        assert!(features.split(',').any(|feature| feature == "zeroize"), "{line}: wiping is off");
    }
}
