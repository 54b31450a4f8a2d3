//! libFuzzer's program for the target `card`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sprag_fuzz::run("card", bytes));
