//! Every rule between a partner and a broker that say whatever they like.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_fuzz::rules(data));
