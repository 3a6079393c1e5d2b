//! Texts that stand sealed in a record.

use secrecy::{ExposeSecret, SecretString};

use super::{RecordError, Sealing};
use crate::store::{Record, RecordKey, SealedAt, Sealer};

/// The sealed form of a text.
pub(super) fn seal(
    key: &RecordKey,
    pointer: &str,
    text: &SecretString,
    sealing: &Sealing<'_>,
) -> Result<String, RecordError> {
    let at = SealedAt { key, pointer };
    Ok(sealing.sealer.seal(at, text.expose_secret().as_bytes(), sealing.random)?)
}

/// The text of a sealed form.
pub(super) fn open(
    record: &Record,
    pointer: &str,
    sealed: &str,
    sealer: &Sealer,
) -> Result<SecretString, RecordError> {
    let bytes = sealer.open(SealedAt { key: &record.key, pointer }, sealed)?;
    match String::from_utf8(bytes.expose_secret().to_vec()) {
        Ok(text) => Ok(SecretString::from(text)),
        // The error holds the secret.
        Err(_) => Err(RecordError::malformed(record, format!("what is sealed at {pointer} is no text"))),
    }
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;

    use super::*;
    use crate::records::testing::sealer;
    use crate::store::{Body, Revision};

    #[test]
    fn only_text_is_read() {
        let record = Record {
            key: RecordKey::parse("link/a").unwrap(),
            revision: Revision(1),
            body: Body::new(1, "{}"),
        };
        let at = SealedAt { key: &record.key, pointer: "/x" };
        let sealed = sealer().seal(at, &[0xff, 0xfe], &SystemRandom::new()).unwrap();
        let error = open(&record, "/x", &sealed, &sealer()).unwrap_err().to_string();
        assert!(error.contains("what is sealed at /x is no text") && !error.contains("254"), "{error}");
    }
}
