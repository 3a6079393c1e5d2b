//! Logins fed with tokens never accept somebody who does not know the password.

#![no_main]

libfuzzer_sys::fuzz_target!(|tokens: Vec<&[u8]>| tidegate_fuzz::login(&tokens));
