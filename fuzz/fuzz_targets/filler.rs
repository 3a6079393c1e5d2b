//! Fillers are hidden, and nothing else is.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_fuzz::filler(data));
