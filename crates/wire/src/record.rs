//! Records of uncompressed batches v2 (KIP-98), read from bytes that anybody may have written.
//!
//! Nothing in a batch sizes an allocation: counts are walked, never reserved.

use bytes::Bytes;
use thiserror::Error;

use crate::batch::{BatchHeader, HEADER_LENGTH, LENGTH_OVERHEAD, MAGIC};
use crate::reader::{ReadError, Reader};

/// Most headers of one record that are read; ours have four, and each of two bytes takes thirty times as much here.
const MAX_HEADERS: i32 = 16;

/// A record; its bytes are slices of the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it lies.
    pub offset: i64,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// The key.
    pub key: Option<Bytes>,
    /// The value; `None` asks compaction to drop the key.
    pub value: Option<Bytes>,
    /// Names and values, in their order.
    pub headers: Vec<(Bytes, Option<Bytes>)>,
}

/// Why a batch cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// A format before v2.
    #[error("record format {0} cannot be read, only v2")]
    OldFormat(i8),
    /// Compressed, which whoever asks does not expect.
    #[error("the batch is compressed with codec {0}")]
    Compressed(u8),
    /// Bytes that are no record.
    #[error("malformed record: {0}")]
    Malformed(#[from] ReadError),
    /// More headers than anybody needs.
    #[error("a record has {0} headers")]
    Headers(i32),
    /// Bytes after the last field of a record, or after the last record.
    #[error("{0} bytes are left over")]
    Leftover(usize),
}

/// Cuts what a Fetch answer holds into batches; one that is not whole at the end is left out, as brokers may cut it.
pub fn batches(records: &Bytes) -> impl Iterator<Item = (BatchHeader, Bytes)> {
    let mut rest = records.clone();
    std::iter::from_fn(move || {
        let header = BatchHeader::read(&rest)?;
        let length = usize::try_from(header.length).ok()?.checked_add(LENGTH_OVERHEAD)?;
        (HEADER_LENGTH..=rest.len()).contains(&length).then(|| (header, rest.split_to(length)))
    })
}

/// Reads every record of one whole batch.
///
/// # Errors
/// [`RecordError`]; whoever wrote it is at fault, and it will never be readable.
pub fn records(header: &BatchHeader, batch: &Bytes) -> Result<Vec<Record>, RecordError> {
    if header.magic != MAGIC {
        return Err(RecordError::OldFormat(header.magic));
    }
    if header.codec() != 0 {
        return Err(RecordError::Compressed(header.codec()));
    }
    let mut reader = Reader::at(batch, HEADER_LENGTH);
    let mut records = Vec::new();
    for _ in 0..header.record_count {
        records.push(record(header, batch, &mut reader)?);
    }
    match reader.remaining() {
        0 => Ok(records),
        left => Err(RecordError::Leftover(left)),
    }
}

fn record(header: &BatchHeader, batch: &Bytes, reader: &mut Reader<'_>) -> Result<Record, RecordError> {
    let at = reader.position();
    let length = reader.varint()?;
    let length =
        usize::try_from(length).map_err(|_| ReadError::IllegalLength { at, length: i64::from(length) })?;
    let end = reader.position().saturating_add(length);
    let _attributes = reader.int8()?;
    let timestamp = header.base_timestamp.wrapping_add(reader.varlong()?);
    let offset = header.base_offset.wrapping_add(i64::from(reader.varint()?));
    let key = nullable(batch, reader)?;
    let value = nullable(batch, reader)?;
    let headers = headers(batch, reader)?;
    match end.checked_sub(reader.position()) {
        Some(0) => Ok(Record { offset, timestamp, key, value, headers }),
        Some(left) => Err(RecordError::Leftover(left)),
        None => Err(ReadError::Truncated { at, wanted: reader.position() - end }.into()),
    }
}

fn headers(batch: &Bytes, reader: &mut Reader<'_>) -> Result<Vec<(Bytes, Option<Bytes>)>, RecordError> {
    let count = reader.varint()?;
    if !(0..=MAX_HEADERS).contains(&count) {
        return Err(RecordError::Headers(count));
    }
    let mut headers = Vec::new();
    for _ in 0..count {
        let at = reader.position();
        let name = nullable(batch, reader)?.ok_or(ReadError::IllegalLength { at, length: -1 })?;
        headers.push((name, nullable(batch, reader)?));
    }
    Ok(headers)
}

/// Bytes behind their length; -1 is null.
fn nullable(batch: &Bytes, reader: &mut Reader<'_>) -> Result<Option<Bytes>, ReadError> {
    let at = reader.position();
    match reader.varint()? {
        -1 => Ok(None),
        length => {
            let length = usize::try_from(length)
                .map_err(|_| ReadError::IllegalLength { at, length: i64::from(length) })?;
            Ok(Some(batch.slice_ref(reader.bytes(length)?)))
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use kafka_protocol::indexmap::IndexMap;
    use kafka_protocol::protocol::StrBytes;
    use kafka_protocol::records::{
        Compression, Record as Written, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
    };
    use proptest::prelude::*;

    use super::*;

    fn written(
        offset: i64,
        key: Option<&str>,
        value: Option<&str>,
        headers: &[(&str, Option<&str>)],
    ) -> Written {
        let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
        let headers: IndexMap<_, _> = headers
            .iter()
            .map(|(name, value)| (StrBytes::from_string((*name).to_owned()), value.map(bytes)))
            .collect();
        Written {
            transactional: true,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: 0,
            producer_id: 7,
            producer_epoch: 3,
            timestamp_type: TimestampType::Creation,
            offset,
            sequence: i32::try_from(offset).unwrap(),
            timestamp: 1_000 - offset,
            key: key.map(bytes),
            value: value.map(bytes),
            headers,
        }
    }

    fn encoded(records: &[Written]) -> Bytes {
        let mut out = BytesMut::new();
        let options = RecordEncodeOptions { version: 2, compression: Compression::None };
        RecordBatchEncoder::encode(&mut out, records, &options).unwrap();
        out.freeze()
    }

    #[test]
    fn what_another_encoder_wrote_is_read() {
        let wrote = [
            written(0, Some("k"), Some("v"), &[("a", Some("1")), ("b", None)]),
            written(1, None, None, &[]),
            written(2, Some(""), Some(&"x".repeat(300)), &[]),
        ];
        let bytes = encoded(&wrote);
        // Half a batch behind it, as a broker may cut.
        let cut = Bytes::from([&bytes[..], &bytes[..bytes.len() - 1]].concat());
        let [(header, batch)] = &batches(&cut).collect::<Vec<_>>()[..] else { panic!("one is whole") };
        let read = records(header, batch).unwrap();
        assert_eq!(read.len(), wrote.len());
        for (read, wrote) in read.iter().zip(&wrote) {
            assert_eq!((read.offset, read.timestamp), (wrote.offset, wrote.timestamp));
            assert_eq!((&read.key, &read.value), (&wrote.key, &wrote.value));
            let headers: Vec<_> = wrote
                .headers
                .iter()
                .map(|(name, value)| (Bytes::copy_from_slice(name.as_bytes()), value.clone()))
                .collect();
            assert_eq!(read.headers, headers);
        }
    }

    #[test]
    fn a_count_that_lies_is_refused_and_reserves_nothing() {
        let mut bytes = BytesMut::from(&encoded(&[written(0, Some("k"), None, &[])])[..]);
        bytes[57..61].copy_from_slice(&i32::MAX.to_be_bytes());
        let bytes = bytes.freeze();
        let (header, batch) = batches(&bytes).next().unwrap();
        assert!(matches!(records(&header, &batch), Err(RecordError::Malformed(_))));
        let fewer = BatchHeader { record_count: 0, ..header };
        assert!(matches!(records(&fewer, &batch), Err(RecordError::Leftover(_))));
        // The last byte of the record is its count of headers.
        let mut bytes = BytesMut::from(&encoded(&[written(0, Some("k"), None, &[])])[..]);
        *bytes.last_mut().unwrap() = 2;
        let bytes = bytes.freeze();
        let (header, batch) = batches(&bytes).next().unwrap();
        assert!(matches!(records(&header, &batch), Err(RecordError::Malformed(_))));
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(tail in prop::collection::vec(any::<u8>(), 0..200), count in any::<i32>()) {
            let mut bytes = BytesMut::from(&encoded(&[written(0, Some("k"), Some("v"), &[])])[..]);
            bytes.truncate(HEADER_LENGTH);
            bytes.extend_from_slice(&tail);
            let length = i32::try_from(bytes.len() - LENGTH_OVERHEAD).unwrap();
            bytes[8..12].copy_from_slice(&length.to_be_bytes());
            bytes[57..61].copy_from_slice(&count.to_be_bytes());
            let bytes = bytes.freeze();
            for (header, batch) in batches(&bytes) {
                let _ = records(&header, &batch);
            }
        }
    }
}
