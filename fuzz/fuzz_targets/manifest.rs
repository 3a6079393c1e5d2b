//! Zone manifests and account files: parsed or refused, and rendered accounts parse again.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_fuzz::manifest(data));
