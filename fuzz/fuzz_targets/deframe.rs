//! A byte stream comes out as the same frames, however it arrives.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_fuzz::deframe(data));
