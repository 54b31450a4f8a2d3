//! libFuzzer's program for the target `entry`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sprag_fuzz::run("entry", bytes));
