//! A request frame: what the guard accepts, the codec crate reads in the same way.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_fuzz::request(data));
