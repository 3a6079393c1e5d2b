//! What may be produced is one batch of format 2.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_fuzz::batch(data));
