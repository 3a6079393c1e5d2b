//! The daemon's configuration: understood, or refused with words.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_fuzz::configuration(data));
