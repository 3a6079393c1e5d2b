//! Logins fed with tokens never accept somebody who does not know the password.

#![no_main]

libfuzzer_sys::fuzz_target!(|lines: &[u8]| tidegate_fuzz::login(lines));
