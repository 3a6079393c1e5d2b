//! What tests of all kinds of records do.

use ring::rand::SystemRandom;

use super::{Recorded, Sealing};
use crate::store::{Body, Record, Revision, Sealer, SealingKey};

pub(super) fn sealing_key(byte: u8) -> SealingKey {
    SealingKey::from_bytes(&[byte; 32]).unwrap()
}

pub(super) fn sealer() -> Sealer {
    Sealer::new(sealing_key(1))
}

/// The record that something is kept as, sealed with [`sealer`].
pub(super) fn kept<T: Recorded>(value: &T) -> Record {
    let (sealer, random) = (sealer(), SystemRandom::new());
    let body = value.to_body(&Sealing { sealer: &sealer, random: &random }).unwrap();
    Record { key: value.key().unwrap(), revision: Revision(1), body }
}

/// What it is read as.
pub(super) fn read<T: Recorded>(record: &Record) -> T {
    T::from_record(record, &sealer()).unwrap()
}

/// The record with another text.
pub(super) fn saying(record: &Record, text: &str) -> Record {
    Record { body: Body::new(record.body.schema(), text), ..record.clone() }
}

/// A field of a later version is still there after this version changed the record.
pub(super) fn keeps_later_fields<T: Recorded>(value: &T, change: impl FnOnce(T) -> T) {
    const LATER: &str = r#""later":{"x":[1,null]}"#;
    let record = kept(value);
    let text = record.body.text().replacen('{', &format!("{{{LATER},"), 1);
    let changed = kept(&change(read(&saying(&record, &text))));
    assert!(changed.body.text().contains(LATER), "{}", changed.body.text());
}

/// The body with its sealed texts, which are never twice the same, made one.
pub(super) fn without_nonces(record: &Record) -> String {
    let mut parts = record.body.text().split("sealed:v1:");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| text + "sealed:v1:..." + &part[part.find('"').unwrap()..])
}
