//! libFuzzer's program for the target `link`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sprag_fuzz::run("link", bytes));
