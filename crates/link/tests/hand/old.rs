//! Entries of message sets of formats 0 and 1.

use bytes::{BufMut, Bytes, BytesMut};

use super::packed;

/// An entry of a set.
pub fn entry(offset: i64, magic: u8, attributes: u8, timestamp: i64, value: Option<&[u8]>) -> Vec<u8> {
    let mut message = BytesMut::new();
    message.put_u8(magic);
    message.put_u8(attributes);
    if magic > 0 {
        message.put_i64(timestamp);
    }
    message.put_i32(1);
    message.put_slice(b"k");
    message.put_i32(value.map_or(-1, |value| i32::try_from(value.len()).unwrap()));
    message.put_slice(value.unwrap_or_default());
    let mut entry = BytesMut::new();
    entry.put_i64(offset);
    entry.put_i32(i32::try_from(message.len() + 4).unwrap());
    entry.put_u32(crc32fast::hash(&message));
    entry.put_slice(&message);
    entry.to_vec()
}

/// A message of format 1 whose value is a packed set.
pub fn wrapper(offset: i64, attributes: u8, inside: &[Vec<u8>]) -> Bytes {
    let value = packed(i16::from(attributes & 7), &inside.concat());
    entry(offset, 1, attributes, 5_000, Some(&value)).into()
}
