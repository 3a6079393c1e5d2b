//! Batches that are written anew: whole, without gaps, and the same when they are written anew once more.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_fuzz::rewrite(data));
