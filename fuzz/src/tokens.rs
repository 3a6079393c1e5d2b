//! Tokens of identity providers.

use std::time::Duration;

use secrecy::SecretString;
use tidegate_core::records::Moment;
use tidegate_core::token::{Issuer, KeySet, Token};

/// A set of keys, and behind a line break a token.
///
/// Whatever the keys are, only what its provider signed is taken from a token.
pub fn token(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let (keys, text) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Ok(token) = Token::parse(&SecretString::from(text)) else { return };
    let issuer = Issuer {
        issuer: "https://idp.example".to_owned(),
        audiences: vec!["tidegate".to_owned()],
        principal_claim: "sub".to_owned(),
        clock_skew: Duration::ZERO,
    };
    let now = Moment::default().plus_seconds(1_000);
    if let Ok(keys) = KeySet::parse(keys) {
        assert!(!keys.is_empty());
        let _either_way = issuer.check(&token, &keys, now);
    }
    let known = KeySet::parse(KEYS.as_bytes()).expect("the set is good");
    if let Ok(bearer) = issuer.check(&token, &known, now) {
        assert_eq!((signed(text), bearer.principal.as_str()), (signed(TOKEN), "acme"));
    }
}

fn signed(token: &str) -> Option<&str> {
    Some(token.rsplit_once('.')?.0)
}

/// A key of openssl.
pub(crate) const KEYS: &str = r#"{"keys": [{"kty": "RSA", "kid": "rsa", "n": "qf39WtHk33mVUzMU0vl9Gw2TeeRGY0el9mDYXTZ7wgUdn3_fyKFs1snLEbi1gIPbBlw-tvqsbVoRs4gn91HORJPslCm9YE6dYf4w38vHf34NnFR8nI0s8VWPdd7JBoNCUxm5SgnUcdd8uyK0l4ba1pooYEggDsgcbHI0tnoRfiNqO0Q_MiAxC1FWiEEYzJywgVcBYyN5zqzAgjrewJfDKORSS25lg7VqGHj4p457p1leaYZwJP8P8g47gKkJCHInSiaJg4T_PA-8M2nwT2ea5aOCHsbmDhQFdcn4L_SvZTdfDhX-JW9pWU-y1HSAQUOC1efWZ-K3cZk05FoJ3_TDXQ", "e": "AQAB"}]}"#;
/// What it has signed.
pub(crate) const TOKEN: &str = "eyJhbGciOiAiUlMyNTYiLCAia2lkIjogInJzYSJ9.eyJpc3MiOiAiaHR0cHM6Ly9pZHAuZXhhbXBsZSIsICJhdWQiOiAidGlkZWdhdGUiLCAic3ViIjogImFjbWUiLCAiZXhwIjogMjAwMH0.OuhCUGS9Gpn348aV8gVqEdTXvrLdXff9h8QYQF387XGfYoehvRS8DyTMIiv4Bx1N67_igyM8273XX6VgstRRZ1xZVeXmJ-K0sIz9XbLUx8UOMAnGhr7b8jCMsDQlBw99qjQ6Lj3071-DkjZESbxQKwBBpinrss5TKP3-eojnYZ3fXKxM7eP9Pz7P66cdX6tF6L5GhLNbqmEArBhl_CBInu-hCpoDWPbPdecHfg0TxjP_uq3XZAVQMpCy3YPfdQr5XAv2eaxgtMSOMbN7iQ8wBOmTWI-RSjsNkdjEZJ24Svcx1xxFZku8vd8CfeiUmIx3jv_7oyj_uPH0m1l6EILA2A";
