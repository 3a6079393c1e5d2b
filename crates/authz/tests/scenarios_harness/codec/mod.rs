//! A generic codec by the digest: an independent reading of the wire format beside the codec crate.
//!
//! Bytes are `hex:...`, ids are 32 hex digits, blobs of groups are
//! `{ConsumerProtocol...: {Version: 1, ...}}`.

mod reader;
mod writer;

use serde_json::{Value, json};

use super::schema::{self, Message};
use reader::Reader;
use writer::Writer;

/// The body of `message`; a field that is left out has its default.
pub(crate) fn encode(message: &Message, version: i16, value: &Value) -> Vec<u8> {
    let mut writer = Writer::new(version, message.is_flexible(version));
    writer.fields(&message.fields, value);
    writer.finish()
}

/// All fields of a body, which must end where the message ends.
pub(crate) fn decode(message: &Message, version: i16, body: &[u8]) -> Result<Value, String> {
    let mut reader = Reader::new(version, message.is_flexible(version), body);
    let value = reader.fields(&message.fields)?;
    match reader.rest() {
        [] => Ok(value),
        rest => Err(format!("{} bytes behind the end of {}", rest.len(), message.name)),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hex digits");
    (0..text.len()).step_by(2).map(digit).collect()
}

/// The version inside a blob.
pub(crate) const BLOB_VERSION: &str = "Version";

fn encode_blob(inside: &str, value: &Value) -> Vec<u8> {
    let version = i16::try_from(value[BLOB_VERSION].as_i64().unwrap_or(0)).unwrap();
    let body = encode(schema::message(inside), version, value);
    [&version.to_be_bytes()[..], &body].concat()
}

/// The message inside a blob; `None` when the bytes are something else.
fn decode_blob(inside: &str, value: &Value) -> Option<Value> {
    let bytes = unhex(value.as_str()?.strip_prefix("hex:")?);
    let (version, body) = bytes.split_first_chunk::<2>()?;
    let version = i16::from_be_bytes(*version);
    let mut message = decode(schema::message(inside), version, body).ok()?;
    message[BLOB_VERSION] = json!(version);
    Some(json!({ inside: message }))
}
