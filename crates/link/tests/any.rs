//! Any records in any packing: what the runs show is what the source shows.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may stop the test"
)]

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use tidegate_link::rewrite::{Limits, rewrite};
use tidegate_wire::batch::BatchHeader;
use tidegate_wire::stamp::{Guard, stamp};

mod hand;

use hand::{Frame, Seen, batch, read};

const GUARD: Guard = Guard { producer_id: 1 << 62, producer_epoch: 0, base_sequence: 0 };
const LOG_APPEND_TIME: i16 = 1 << 3;
const TRANSACTIONAL: i16 = 1 << 4;
const DELETE_HORIZON: i16 = 1 << 6;

fn any_bytes(most: usize) -> impl Strategy<Value = Bytes> {
    // Few different bytes, so that packing finds something.
    vec(prop_oneof![Just(b'a'), Just(b'b'), any::<u8>()], 0..most).prop_map(Bytes::from)
}

/// Records at rising offsets from zero on; most follow the one before.
fn any_records() -> impl Strategy<Value = Vec<Seen>> {
    let offset = prop_oneof![4 => Just(1_i64), 1 => 2..50_i64];
    let headers = vec((any_bytes(5), option::of(any_bytes(5))), 0..5);
    let one = (offset, -1_000..1_000_i64, option::of(any_bytes(9)), option::of(any_bytes(300)), headers);
    vec(one, 1..60).prop_map(|records| {
        let mut next = -1;
        let record = |(step, timestamp, key, value, headers)| {
            next += step;
            Seen { offset: next, timestamp, key, value, headers }
        };
        records.into_iter().map(record).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn runs_show_what_the_source_shows(
        mut records in any_records(),
        codec in 0..=4_i16,
        flags in 0..8_i16,
        base_offset in prop_oneof![Just(0_i64), 0..i64::MAX / 2],
        now in prop_oneof![Just(0), Just(1_700_000_000_000)],
        tail in 0..5_i32,
        place: prop::sample::Index,
    ) {
        let bit = |number: i16, bit: i16| if flags & number != 0 { bit } else { 0 };
        let attributes = codec | bit(1, LOG_APPEND_TIME) | bit(2, TRANSACTIONAL) | bit(4, DELETE_HORIZON);
        let last = i32::try_from(records.last().unwrap().offset).unwrap();
        for record in &mut records {
            record.offset += base_offset;
            record.timestamp += now;
        }
        let greatest = records.iter().map(|record| record.timestamp).max().unwrap();
        let max_timestamp = greatest + if flags & 1 != 0 { 99_999 } else { 0 };
        // The base is nobody's time when it is the horizon.
        let base_timestamp = records[0].timestamp + if flags & 4 != 0 { 86_400_000 } else { 0 };
        let count = i32::try_from(records.len()).unwrap();
        let frame =
            Frame { base_offset, attributes, last_offset_delta: last + tail, base_timestamp, max_timestamp, count };
        let source = batch(frame, &records);
        let runs = rewrite(&source, 0, &Limits::default()).unwrap();
        if flags & 1 != 0 {
            records.iter_mut().for_each(|record| record.timestamp = max_timestamp);
        }
        let shown: Vec<_> = runs.iter().flat_map(|run| read(&run.batch)).collect();
        prop_assert_eq!(&shown, &records);
        prop_assert_eq!(&rewrite(&source, 0, &Limits::default()).unwrap(), &runs, "the same bytes each time");
        for pair in runs.windows(2) {
            prop_assert!(pair[0].base_offset + i64::from(pair[0].count) < pair[1].base_offset, "a gap between runs");
        }
        let begins = place.index(records.len());
        let wanted: Vec<_> = rewrite(&source, records[begins].offset, &Limits::default())
            .unwrap()
            .iter()
            .flat_map(|run| read(&run.batch))
            .collect();
        prop_assert_eq!(&wanted, &records[begins..]);
        let behind = records.last().unwrap().offset + 1;
        prop_assert_eq!(rewrite(&source, behind, &Limits::default()).unwrap(), []);
        for run in &runs {
            let header = BatchHeader::read(&run.batch).unwrap();
            prop_assert_eq!((header.attributes, header.producer_id, header.leader_epoch), (codec, -1, -1));
            prop_assert_eq!((header.base_offset, header.record_count), (run.base_offset, run.count));
            prop_assert!(stamp(&run.batch, run.base_offset, GUARD).is_ok());
            prop_assert_eq!(&rewrite(&run.batch, 0, &Limits::default()).unwrap()[..], std::slice::from_ref(run));
        }
    }

    #[test]
    fn no_bytes_break_it(
        magic in 0..3_u8, codec in 0..8_i16, last_offset_delta: i32, count: i32, tail in vec(any::<u8>(), 0..200),
        since: i64,
    ) {
        let frame =
            Frame { base_offset: 0, attributes: codec, last_offset_delta, base_timestamp: 0, max_timestamp: 0, count };
        let mut bytes = hand::framed(frame, &tail).to_vec();
        bytes[16] = magic;
        let _ = rewrite(&Bytes::from(bytes), since, &Limits { decompressed: 1_000, written: 10_000 });
    }
}
