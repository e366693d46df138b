//! Target `inspect`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::inspect::run(bytes));
