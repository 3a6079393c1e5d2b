//! Batches by another hand: the codecs of the codec crate, and records written one field after the other.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(unreachable_pub, reason = "a module of several test binaries")]

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::compression::{Compressor, Decompressor, Gzip, Lz4, Snappy, Zstd};
use tidegate_wire::batch::{BatchHeader, HEADER_LENGTH};
use tidegate_wire::crc::crc;
use tidegate_wire::record;

pub mod old;

/// A record as a consumer has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    pub offset: i64,
    pub timestamp: i64,
    pub key: Option<Bytes>,
    pub value: Option<Bytes>,
    pub headers: Vec<(Bytes, Option<Bytes>)>,
}

/// What is in the header of a batch that is written.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    pub base_offset: i64,
    pub attributes: i16,
    pub last_offset_delta: i32,
    pub base_timestamp: i64,
    pub max_timestamp: i64,
    pub count: i32,
}

/// A whole batch of these records, packed with the codec of its attributes.
pub fn batch(frame: Frame, records: &[Seen]) -> Bytes {
    let mut plain = BytesMut::new();
    for record in records {
        let delta = record.offset - frame.base_offset;
        put_record(&mut plain, record, delta, record.timestamp - frame.base_timestamp);
    }
    framed(frame, &packed(frame.attributes & 7, &plain))
}

/// A whole batch of whatever bytes.
pub fn framed(frame: Frame, packed: &[u8]) -> Bytes {
    let mut checked = BytesMut::new();
    checked.put_i16(frame.attributes);
    checked.put_i32(frame.last_offset_delta);
    checked.put_i64(frame.base_timestamp);
    checked.put_i64(frame.max_timestamp);
    // Some producer in some transaction.
    checked.put_i64(77);
    checked.put_i16(3);
    checked.put_i32(1_000);
    checked.put_i32(frame.count);
    checked.put_slice(packed);
    let mut batch = BytesMut::new();
    batch.put_i64(frame.base_offset);
    batch.put_i32(i32::try_from(checked.len() + 9).unwrap());
    batch.put_i32(12);
    batch.put_i8(2);
    batch.put_u32(crc(&checked));
    batch.put_slice(&checked);
    batch.freeze()
}

pub fn put_record(out: &mut BytesMut, record: &Seen, offset_delta: i64, timestamp_delta: i64) {
    let mut body = BytesMut::new();
    body.put_i8(0);
    put_varint(&mut body, timestamp_delta);
    put_varint(&mut body, offset_delta);
    put_nullable(&mut body, record.key.as_ref());
    put_nullable(&mut body, record.value.as_ref());
    put_varint(&mut body, i64::try_from(record.headers.len()).unwrap());
    for (name, value) in &record.headers {
        put_nullable(&mut body, Some(name));
        put_nullable(&mut body, value.as_ref());
    }
    put_varint(out, i64::try_from(body.len()).unwrap());
    out.put_slice(&body);
}

fn put_nullable(out: &mut BytesMut, bytes: Option<&Bytes>) {
    put_varint(out, bytes.map_or(-1, |bytes| i64::try_from(bytes.len()).unwrap()));
    out.put_slice(bytes.map_or(&[], |bytes| &bytes[..]));
}

fn put_varint(out: &mut BytesMut, value: i64) {
    let mut left = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while left >= 0x80 {
        out.put_u8(u8::try_from(left & 0x7f).unwrap() | 0x80);
        left >>= 7;
    }
    out.put_u8(u8::try_from(left).unwrap());
}

pub fn packed(codec: i16, plain: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    let fill = |out: &mut BytesMut| {
        out.put_slice(plain);
        Ok(())
    };
    match codec {
        1 => Gzip::compress(&mut out, fill).unwrap(),
        2 => Snappy::compress(&mut out, fill).unwrap(),
        3 => Lz4::compress(&mut out, fill).unwrap(),
        4 => Zstd::compress(&mut out, fill).unwrap(),
        _ => out.put_slice(plain),
    }
    out.freeze()
}

fn unpacked(codec: u8, mut packed: Bytes) -> Bytes {
    let all = |plain: &mut Bytes| Ok(plain.clone());
    match codec {
        0 => packed,
        1 => Gzip::decompress(&mut packed, all).unwrap(),
        2 => Snappy::decompress(&mut packed, all).unwrap(),
        3 => Lz4::decompress(&mut packed, all).unwrap(),
        4 => Zstd::decompress(&mut packed, all).unwrap(),
        _ => panic!("codec {codec}"),
    }
}

/// What a consumer sees of one batch whose times are those of its records.
pub fn read(batch: &Bytes) -> Vec<Seen> {
    let header = BatchHeader::read(batch).unwrap();
    assert_eq!(usize::try_from(header.length).unwrap() + 12, batch.len());
    assert_eq!(header.crc, crc(&batch[21..]));
    let plain = unpacked(header.codec(), batch.slice(HEADER_LENGTH..));
    let whole = Bytes::from([&batch[..HEADER_LENGTH], &plain].concat());
    let header = BatchHeader { attributes: 0, ..header };
    let records = record::records(&header, &whole).unwrap();
    assert_eq!(records.iter().map(|record| record.timestamp).max(), Some(header.max_timestamp));
    let seen = |record: record::Record| Seen {
        offset: record.offset,
        timestamp: record.timestamp,
        key: record.key,
        value: record.value,
        headers: record.headers,
    };
    records.into_iter().map(seen).collect()
}

/// Cuts what a broker sent into batches, or into entries of old formats.
pub fn batches(bytes: &Bytes) -> Vec<Bytes> {
    let mut rest = bytes.clone();
    let mut batches = Vec::new();
    while !rest.is_empty() {
        let length = i32::from_be_bytes(rest[8..12].try_into().unwrap());
        batches.push(rest.split_to(12 + usize::try_from(length).unwrap()));
    }
    batches
}
