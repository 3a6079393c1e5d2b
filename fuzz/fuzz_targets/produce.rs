//! A Produce request that is read is written with the same records.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: (u8, &[u8])| tidegate_fuzz::produce(input.0, input.1));
