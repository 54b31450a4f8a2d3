//! libFuzzer's program for the target `armor`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sprag_fuzz::run("armor", bytes));
