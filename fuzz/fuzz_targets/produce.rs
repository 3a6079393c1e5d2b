//! A Produce request that is read is written with the same records.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_fuzz::produce(data));
