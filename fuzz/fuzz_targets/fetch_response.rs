//! A Fetch answer that is rewritten shows the codec crate only what its plan shows.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: (u8, &[u8])| tidegate_fuzz::fetch_response(input.0, input.1));
