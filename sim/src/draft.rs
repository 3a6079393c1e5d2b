//! Batches made by hand: right ones, and those that are wrong in one place.

use bytes::{BufMut, Bytes, BytesMut};
use tidegate_wire::batch::{BatchHeader, HEADER_LENGTH, LENGTH_OVERHEAD, MAGIC, checked};
pub(crate) use tidegate_wire::batch::{CONTROL, LOG_APPEND_TIME, TRANSACTIONAL};
use tidegate_wire::crc::crc;

/// The codec of zstd, the only one that is simulated.
pub(crate) const ZSTD: i16 = 4;

/// A batch that is not written yet: whoever bends a field of it gets a batch that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What it says; length and checksum are made for it.
    pub header: BatchHeader,
    /// What it holds.
    pub items: Vec<Item>,
}

/// A record of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its offset, relative to that of the batch.
    pub offset_delta: i32,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// The key.
    pub key: Option<Bytes>,
    /// The value.
    pub value: Option<Bytes>,
}

impl Draft {
    /// So many records of one time with values of their own and without keys, of no producer.
    #[must_use]
    pub fn of(count: usize, timestamp: i64) -> Self {
        let values = (0..count).map(|place| (None, Some(Bytes::from(format!("value {place}")))));
        Self::holding(values, timestamp)
    }

    /// Records of one time with these keys and values, of no producer.
    #[must_use]
    pub fn holding(
        records: impl IntoIterator<Item = (Option<Bytes>, Option<Bytes>)>,
        timestamp: i64,
    ) -> Self {
        let items: Vec<_> = (0..)
            .zip(records)
            .map(|(offset_delta, (key, value))| Item { offset_delta, timestamp, key, value })
            .collect();
        let count = i32::try_from(items.len()).unwrap_or(i32::MAX);
        Self { header: header(count, timestamp), items }
    }

    /// With a key in each record.
    #[must_use]
    pub fn keyed(mut self) -> Self {
        for item in &mut self.items {
            item.key = Some(Bytes::from(format!("key {}", item.offset_delta)));
        }
        self
    }

    /// Of a producer, and of this sequence.
    #[must_use]
    pub fn by(mut self, producer_id: i64, producer_epoch: i16, base_sequence: i32) -> Self {
        self.header = BatchHeader { producer_id, producer_epoch, base_sequence, ..self.header };
        self
    }

    /// Compressed with zstd.
    #[must_use]
    pub fn zstd(mut self) -> Self {
        self.header.attributes |= ZSTD;
        self
    }

    /// As part of a transaction.
    #[must_use]
    pub fn transactional(mut self) -> Self {
        self.header.attributes |= TRANSACTIONAL;
        self
    }

    /// As if written by a broker that puts its own time on records.
    #[must_use]
    pub fn log_append_time(mut self) -> Self {
        self.header.attributes |= LOG_APPEND_TIME;
        self
    }

    /// With whatever else the header is to say.
    #[must_use]
    pub fn saying(mut self, bend: impl FnOnce(&mut BatchHeader)) -> Self {
        bend(&mut self.header);
        self
    }

    /// Written.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        encode(&self.header, &self.section())
    }

    /// Its records, compressed if it says so.
    #[must_use]
    pub fn section(&self) -> Bytes {
        let mut section = BytesMut::new();
        for item in &self.items {
            write_item(&mut section, self.header.base_timestamp, item);
        }
        match i16::from(self.header.codec()) {
            ZSTD => zstd_of(&section),
            _ => section.freeze(),
        }
    }
}

/// A batch with this header and these records; length and checksum are made for it.
pub(crate) fn encode(header: &BatchHeader, records: &[u8]) -> Bytes {
    let length = i32::try_from(HEADER_LENGTH - LENGTH_OVERHEAD + records.len()).unwrap_or(i32::MAX);
    let header = BatchHeader { length, ..*header }.sealed(crc(records), records.len());
    Bytes::from([&header, records].concat())
}

/// What the checksum of a batch has to be.
pub(crate) fn checksum(batch: &[u8]) -> u32 {
    crc(checked(batch))
}

/// Compressed with zstd; memory alone can be in the way of it.
pub(crate) fn zstd_of(bytes: &[u8]) -> Bytes {
    zstd::bulk::compress(bytes, zstd::DEFAULT_COMPRESSION_LEVEL).map(Bytes::from).unwrap_or_default()
}

fn header(count: i32, timestamp: i64) -> BatchHeader {
    BatchHeader {
        base_offset: 0,
        length: 0,
        leader_epoch: -1,
        magic: MAGIC,
        crc: 0,
        attributes: 0,
        last_offset_delta: count - 1,
        base_timestamp: timestamp,
        max_timestamp: timestamp,
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: -1,
        record_count: count,
    }
}

fn write_item(out: &mut BytesMut, base_timestamp: i64, item: &Item) {
    let mut body = BytesMut::new();
    body.put_i8(0);
    put_varlong(&mut body, item.timestamp.wrapping_sub(base_timestamp));
    put_varlong(&mut body, i64::from(item.offset_delta));
    put_nullable(&mut body, item.key.as_deref());
    put_nullable(&mut body, item.value.as_deref());
    put_varlong(&mut body, 0);
    put_varlong(out, i64::try_from(body.len()).unwrap_or(i64::MAX));
    out.put_slice(&body);
}

fn put_nullable(out: &mut BytesMut, bytes: Option<&[u8]>) {
    let length = bytes.map_or(-1, |bytes| i64::try_from(bytes.len()).unwrap_or(i64::MAX));
    put_varlong(out, length);
    out.put_slice(bytes.unwrap_or_default());
}

/// In zigzag, seven bits in a byte.
pub(crate) fn put_varlong(out: &mut BytesMut, value: i64) {
    let mut left = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while left >= 0x80 {
        out.put_u8((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    out.put_u8(left as u8);
}

#[cfg(test)]
mod tests {
    use tidegate_wire::record::{batches, records};

    use super::*;

    #[test]
    fn what_is_written_is_read_by_others() {
        let mut draft = Draft::of(3, 1_000).keyed().by(7, 2, 9);
        draft.items[1].timestamp = 900;
        draft.items[2].value = None;
        let bytes = draft.bytes();
        let (header, batch) = batches(&bytes).next().unwrap();
        assert_eq!(header.crc, checksum(&bytes));
        assert_eq!((header.producer_id, header.producer_epoch, header.base_sequence), (7, 2, 9));
        let read = records(&header, &batch).unwrap();
        let read: Vec<_> =
            read.into_iter().map(|record| (record.offset, record.timestamp, record.value)).collect();
        let value = |text: &'static str| Some(Bytes::from_static(text.as_bytes()));
        assert_eq!(read, [(0, 1_000, value("value 0")), (1, 900, value("value 1")), (2, 1_000, None)]);
    }

    #[test]
    fn compressed_records_are_smaller() {
        let plain = Draft::of(1_000, 0);
        assert!(plain.clone().zstd().bytes().len() < plain.bytes().len() / 2);
    }
}
