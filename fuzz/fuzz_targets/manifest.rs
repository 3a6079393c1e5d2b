//! Zone manifests and account files: parsed or refused, and rendered accounts parse again.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| tidegate_fuzz::manifest(text));
