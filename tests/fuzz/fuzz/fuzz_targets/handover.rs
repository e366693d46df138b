//! Target `handover`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::handover::run(bytes));
