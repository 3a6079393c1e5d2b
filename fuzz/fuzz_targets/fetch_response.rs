//! A Fetch answer that is rewritten shows the codec crate only what its plan shows.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_fuzz::fetch_response(data));
