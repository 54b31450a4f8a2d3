//! libFuzzer's program for the target `bundle`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sprag_fuzz::run("bundle", bytes));
