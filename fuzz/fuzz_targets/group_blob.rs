//! Opaque blobs of the classic group protocol are renamed without a loss.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_fuzz::group_blob(data));
