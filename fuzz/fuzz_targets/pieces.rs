//! What a source answers: pieces without holes, of which a mirror can take each, and which it has then.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_fuzz::pieces(data));
