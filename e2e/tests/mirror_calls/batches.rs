//! Batches as a mirror has them.

use bytes::{Bytes, BytesMut};
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType};
use tidegate_e2e::requests::now_ms;
use tidegate_wire::stamp::{Guard, Stamped, stamp};

/// The mirror's producer.
pub(crate) const PRODUCER: i64 = (1 << 62) | 77;

/// The producer of its markers.
pub(crate) const MARKER: i64 = PRODUCER + 1;

/// Records of a batch of the source.
pub(crate) const COUNT: i32 = 10;

/// A batch with `COUNT` records of `length` bytes, stamped with an offset as its sequence. Brokers refuse a base offset that is not 0.
pub(crate) fn stamped(offset: i32, length: usize) -> Stamped {
    let guard = Guard { producer_id: PRODUCER, producer_epoch: 0, base_sequence: offset };
    stamp(&of_source(length), 0, guard).unwrap()
}

fn of_source(length: usize) -> Bytes {
    let record = |place: i32| Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: 3,
        producer_id: 5,
        producer_epoch: 1,
        timestamp_type: TimestampType::Creation,
        offset: i64::from(place),
        sequence: place,
        timestamp: now_ms(),
        key: None,
        value: Some(Bytes::from(vec![b'v'; length])),
        headers: IndexMap::new(),
    };
    let records: Vec<Record> = (0..COUNT).map(record).collect();
    let mut out = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut out, &records, &options).unwrap();
    out.freeze()
}
