//! A byte stream comes out as the same frames, however it arrives.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: (u8, &[u8])| tidegate_fuzz::deframe(input.0, input.1));
