//! A token stands for nobody whom its provider did not sign for.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tidegate_fuzz::token(bytes));
