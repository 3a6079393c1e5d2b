//! Record batches that a real broker accepts: format 2, CRC-32C, no producer id.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use bytes::{Bytes, BytesMut};
use clap::ValueEnum;
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, Record, RecordBatchEncoder,
    RecordEncodeOptions, TimestampType,
};
use tidegate_wire::batch::{BatchHeader, HEADER_LENGTH, LENGTH_OVERHEAD};
use tidegate_wire::crc::crc;

/// The size of a producer's batch (`batch.size`) in the bars.
pub const BATCH_BYTES: usize = 128 * 1024;
/// The size of a record's value in the bars.
pub const RECORD_BYTES: usize = 1024;

/// How records are compressed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Codec {
    /// Not at all.
    None,
    /// LZ4, as frames.
    Lz4,
    /// Zstandard.
    Zstd,
}

/// One record batch in its wire form.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The batch, from its base offset to its last record.
    pub bytes: Bytes,
    /// How many offsets it takes.
    pub records: usize,
}

impl Batch {
    /// As many records of 1 KB as fit into 128 KB.
    pub fn large() -> Result<Self> {
        Self::new((BATCH_BYTES - HEADER_BYTES) / (RECORD_BYTES + RECORD_OVERHEAD_BYTES), RECORD_BYTES)
    }

    /// As many records of 1 KB with keys, of words that compress to about a third, as fit into 128 KB before they are compressed.
    pub fn keyed(codec: Codec) -> Result<Self> {
        let mut words = Words(1);
        let records = (BATCH_BYTES - HEADER_BYTES) / (RECORD_BYTES + KEY_BYTES + RECORD_OVERHEAD_BYTES);
        let batch = Self::of(records, |_| (Some(words.text(KEY_BYTES)), words.text(RECORD_BYTES)))?;
        batch.compressed(codec)
    }

    /// One record of 100 B.
    pub fn small() -> Result<Self> {
        Self::new(1, 100)
    }

    /// A batch of `records` records, each with a value of `value_bytes` bytes.
    pub fn new(records: usize, value_bytes: usize) -> Result<Self> {
        let value: Bytes = (b'a'..=b'z').cycle().take(value_bytes).collect();
        Self::of(records, |_| (None, value.clone()))
    }

    fn of(records: usize, mut entry: impl FnMut(i64) -> (Option<Bytes>, Bytes)) -> Result<Self> {
        // A create time of long ago would let a real broker's retention delete the batch at once.
        let timestamp = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
        let records: Vec<Record> =
            (0..).take(records).map(|offset| record(offset, timestamp, entry(offset))).collect();
        let mut bytes = BytesMut::new();
        let options = RecordEncodeOptions { version: 2, compression: Compression::None };
        RecordBatchEncoder::encode(&mut bytes, &records, &options)?;
        Ok(Self { bytes: bytes.freeze(), records: records.len() })
    }

    /// The codec crate leaves compression out, and so only the records are packed here.
    fn compressed(self, codec: Codec) -> Result<Self> {
        let (header, records) =
            BatchHeader::read(&self.bytes).zip(self.bytes.get(HEADER_BYTES..)).context("half a batch")?;
        let (number, packed) = match codec {
            Codec::None => return Ok(self),
            Codec::Lz4 => {
                let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
                encoder.write_all(records)?;
                (3, encoder.finish()?)
            }
            Codec::Zstd => (4, zstd::encode_all(records, zstd::DEFAULT_COMPRESSION_LEVEL)?),
        };
        let length = i32::try_from(HEADER_BYTES - LENGTH_OVERHEAD + packed.len())?;
        let header = BatchHeader { length, attributes: header.attributes | number, ..header };
        let header = header.sealed(crc(&packed), packed.len());
        Ok(Self { bytes: [&header[..], &packed].concat().into(), records: self.records })
    }
}

/// Text of a few hundred words in no order, the same in each run.
struct Words(u64);

impl Words {
    fn text(&mut self, bytes: usize) -> Bytes {
        let text: String = (0..bytes.div_ceil(WORD_BYTES)).map(|_| self.word()).collect();
        Bytes::from(text).slice(..bytes)
    }

    fn word(&mut self) -> String {
        // Knuth's generator; its upper bits are the good ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let word = (self.0 >> 40) % 512;
        format!("{:06x} ", word * 32_749)
    }
}

fn record(offset: i64, timestamp: i64, (key, value): (Option<Bytes>, Bytes)) -> Record {
    Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: NO_PRODUCER_ID,
        producer_epoch: NO_PRODUCER_EPOCH,
        timestamp_type: TimestampType::Creation,
        offset,
        // The encoder starts a new batch where offset minus sequence changes; the first one is -1 (none).
        sequence: i32::try_from(offset).unwrap_or(i32::MAX) - 1,
        timestamp,
        key,
        value: Some(value),
        headers: IndexMap::new(),
    }
}

const HEADER_BYTES: usize = HEADER_LENGTH;
const KEY_BYTES: usize = 16;
const WORD_BYTES: usize = 7;
/// Length, attributes, two deltas, key length, value length and header count, at their longest here.
const RECORD_OVERHEAD_BYTES: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::records::RecordBatchDecoder;
    use tidegate_wire::batch::checked;

    #[test]
    fn large_batch_is_one_batch_just_under_128_kb() {
        let batch = Batch::large().unwrap();
        assert!(batch.bytes.len() <= BATCH_BYTES && batch.bytes.len() > BATCH_BYTES - 2 * RECORD_BYTES);
        let announced = i32::from_be_bytes(batch.bytes[8..12].try_into().unwrap());
        assert_eq!(announced as usize + 12, batch.bytes.len());
    }

    #[test]
    fn no_producer_and_no_sequence_are_announced() {
        let batch = Batch::large().unwrap();
        assert_eq!(batch.bytes[43..57], [0xff; 14]);
    }

    #[test]
    fn codecs_pack_what_would_fill_128_kb() {
        let sizes = [Codec::None, Codec::Lz4, Codec::Zstd].map(|codec| {
            let batch = Batch::keyed(codec).unwrap();
            let header = BatchHeader::read(&batch.bytes).unwrap();
            assert_eq!(header.crc, crc(checked(&batch.bytes)));
            assert_eq!(header.codec(), [0, 3, 4][codec as usize]);
            assert_eq!(usize::try_from(header.record_count).unwrap(), batch.records);
            batch.bytes.len()
        });
        assert!(sizes[0] <= BATCH_BYTES && sizes[0] > BATCH_BYTES - 2 * RECORD_BYTES, "{sizes:?}");
        assert!(sizes[1] < sizes[0] / 2 && sizes[2] < sizes[1], "{sizes:?}");
    }

    #[test]
    fn records_survive_a_decoder_that_checks_the_crc() {
        let batch = Batch::new(3, 100).unwrap();
        let set = RecordBatchDecoder::decode(&mut batch.bytes.clone()).unwrap();
        assert_eq!(set.records.len(), 3);
        assert_eq!(set.records[2].offset, 2);
        assert_eq!(set.records[2].value.as_ref().unwrap().len(), 100);
    }
}
