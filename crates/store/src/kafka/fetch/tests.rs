//! What a reader takes of a log with transactions in it.

use kafka_protocol::records::{
    Compression, Record as Written, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use tidegate_wire::BytesMut;
use tidegate_wire::messages::ProducerId;

use super::*;

/// A batch of one record.
fn batch(offset: i64, producer: i64, transactional: bool, control: bool) -> Bytes {
    let record = Written {
        transactional,
        control,
        delete_horizon: false,
        partition_leader_epoch: 0,
        producer_id: producer,
        producer_epoch: 1,
        timestamp_type: TimestampType::Creation,
        offset,
        sequence: 0,
        timestamp: 0,
        key: Some(Bytes::from(offset.to_string())),
        value: None,
        headers: kafka_protocol::indexmap::IndexMap::new(),
    };
    let mut out = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut out, &[record], &options).unwrap();
    out.freeze()
}

fn data(offset: i64, producer: i64) -> Bytes {
    batch(offset, producer, true, false)
}

fn marker(offset: i64, producer: i64) -> Bytes {
    batch(offset, producer, true, true)
}

fn plain(offset: i64) -> Bytes {
    batch(offset, -1, false, false)
}

fn aborted(producer: i64, first: i64) -> AbortedTransaction {
    AbortedTransaction::default().with_producer_id(ProducerId(producer)).with_first_offset(first)
}

fn taken(offset: i64, batches: &[Bytes], aborted: Vec<AbortedTransaction>) -> (i64, Vec<i64>) {
    let (next, lines) = committed(offset, &Bytes::from(batches.concat()), aborted);
    (next, lines.iter().map(|line| line.offset).collect())
}

#[test]
fn what_was_aborted_is_left_out_up_to_its_marker() {
    let log = [data(0, 7), data(1, 8), marker(2, 7), data(3, 7), marker(4, 8), marker(5, 7)];
    assert_eq!(taken(0, &log, vec![]), (6, vec![0, 1, 3]));
    assert_eq!(taken(0, &log, vec![aborted(7, 0)]), (6, vec![1, 3]));
    assert_eq!(taken(0, &log, vec![aborted(7, 3), aborted(8, 1)]), (6, vec![0]));
    // Read from the middle of an aborted transaction, which the broker tells of.
    assert_eq!(taken(3, &log[3..], vec![aborted(7, 0)]), (6, vec![]));
}

#[test]
fn what_lies_in_no_transaction_is_read_and_told_apart() {
    let bytes = Bytes::from([plain(0), data(1, 7)].concat());
    let (_, lines) = committed(0, &bytes, vec![aborted(-1, 0)]);
    let producers: Vec<_> = lines.iter().map(|line| line.producer).collect();
    assert_eq!(producers, [None, Some(Producer { id: 7, epoch: 1 })]);
}

#[test]
fn what_lies_before_the_position_is_passed_over() {
    assert_eq!(taken(1, &[data(0, 7), data(1, 7)], vec![]), (2, vec![1]));
}

#[test]
fn the_end_is_known_only_when_nothing_can_lie_behind() {
    let told = |records: &[Bytes], stable: i64, end: i64, throttled: bool| {
        let data = PartitionData::default()
            .with_records(Some(Bytes::from(records.concat())))
            .with_last_stable_offset(stable)
            .with_high_watermark(end);
        let fetched = read(Instant::now(), 5, Isolation::Committed, throttled, data);
        (fetched.next, fetched.is_end, fetched.is_blocked)
    };
    assert_eq!(told(&[data(5, 7)], 6, 6, false), (6, true, false));
    assert_eq!(told(&[data(5, 7)], 7, 7, false), (6, false, false), "more is there");
    assert_eq!(told(&[], 5, 5, false), (5, true, false));
    assert_eq!(told(&[], 9, 9, false), (5, true, false), "the rest was compacted away");
    assert_eq!(told(&[], 9, 9, true), (5, false, false), "a throttled answer says nothing");
    assert_eq!(told(&[], 5, 6, false), (5, false, true), "a transaction is open");
    assert_eq!(told(&[data(5, 7)], 6, 7, true), (6, false, true));
}
