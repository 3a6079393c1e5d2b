//! Every rule with requests and answers that add up.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_fuzz::exchange(data));
