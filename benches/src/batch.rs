//! Record batches that a real broker accepts: format 2, CRC-32C, no compression, no producer id.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use bytes::{Bytes, BytesMut};
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, Record, RecordBatchEncoder,
    RecordEncodeOptions, TimestampType,
};

/// The size of a producer's batch (`batch.size`) in the bars.
pub const BATCH_BYTES: usize = 128 * 1024;
/// The size of a record's value in the bars.
pub const RECORD_BYTES: usize = 1024;

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

    /// One record of 100 B.
    pub fn small() -> Result<Self> {
        Self::new(1, 100)
    }

    /// A batch of `records` records, each with a value of `value_bytes` bytes.
    pub fn new(records: usize, value_bytes: usize) -> Result<Self> {
        // A create time of long ago would let a real broker's retention delete the batch at once.
        let timestamp = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
        let value: Bytes = (b'a'..=b'z').cycle().take(value_bytes).collect();
        let records: Vec<Record> =
            (0..).take(records).map(|offset| record(offset, timestamp, value.clone())).collect();
        let mut bytes = BytesMut::new();
        let options = RecordEncodeOptions { version: 2, compression: Compression::None };
        RecordBatchEncoder::encode(&mut bytes, &records, &options)?;
        Ok(Self { bytes: bytes.freeze(), records: records.len() })
    }
}

fn record(offset: i64, timestamp: i64, value: Bytes) -> Record {
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
        key: None,
        value: Some(value),
        headers: IndexMap::new(),
    }
}

const HEADER_BYTES: usize = 61;
/// Length, attributes, two deltas, key length, value length and header count, at their longest here.
const RECORD_OVERHEAD_BYTES: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::records::RecordBatchDecoder;

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
    fn records_survive_a_decoder_that_checks_the_crc() {
        let batch = Batch::new(3, 100).unwrap();
        let set = RecordBatchDecoder::decode(&mut batch.bytes.clone()).unwrap();
        assert_eq!(set.records.len(), 3);
        assert_eq!(set.records[2].offset, 2);
        assert_eq!(set.records[2].value.as_ref().unwrap().len(), 100);
    }
}
