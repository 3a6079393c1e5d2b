//! Message sets of formats 0 and 1 that Kafka does not write any more, or never should have.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may stop the test"
)]

use bytes::Bytes;
use proptest::prelude::*;
use tidegate_link::rewrite::{Limits, Malformed, RewriteError, Run, rewrite};

mod hand;

use hand::old::{entry, wrapper};
use hand::{packed, read};

const LOG_APPEND_TIME: u8 = 1 << 3;

/// Messages of format 1 at these offsets, with times that count with them.
fn inside(offsets: &[i64]) -> Vec<Vec<u8>> {
    offsets.iter().map(|offset| entry(*offset, 1, 0, 1_000 + offset, Some(b"v"))).collect()
}

fn runs(set: &Bytes) -> Result<Vec<Run>, RewriteError> {
    rewrite(set, 0, &Limits::default())
}

fn shown(runs: &[Run]) -> Vec<(i64, i64)> {
    let records = runs.iter().flat_map(|run| read(&run.batch));
    records.map(|record| (record.offset, record.timestamp)).collect()
}

fn malformed(set: &Bytes) -> Malformed {
    match runs(set).unwrap_err() {
        RewriteError::Malformed { source, .. } => source,
        other => panic!("{other:?}"),
    }
}

#[test]
fn offsets_inside_a_wrapper_end_at_its_own() {
    let runs = runs(&wrapper(109, 1, &inside(&[0, 1, 4, 9]))).unwrap();
    assert_eq!(shown(&runs), [(100, 1_000), (101, 1_001), (104, 1_004), (109, 1_009)]);
    assert_eq!(runs.iter().map(|run| run.count).collect::<Vec<_>>(), [2, 1, 1]);
    assert_eq!(runs[0].batch[22], 1, "the codec of the wrapper");
}

#[test]
fn a_wrapper_at_zero_has_messages_where_they_say() {
    // As some versions of librdkafka wrote it, and as AbstractLegacyRecordBatch reads it.
    assert_eq!(shown(&runs(&wrapper(0, 1, &inside(&[0, 1]))).unwrap()), [(0, 1_000), (1, 1_001)]);
}

#[test]
fn the_time_of_an_append_is_the_wrappers() {
    let stamped = wrapper(1, 2 | LOG_APPEND_TIME, &inside(&[0, 1]));
    assert_eq!(shown(&runs(&stamped).unwrap()), [(0, 5_000), (1, 5_000)]);
    // Format 0 has no time, wherever it is.
    let mixed = [entry(0, 0, 0, 0, Some(b"v")), entry(1, 1, 0, 1_001, None)];
    let stamped = wrapper(11, 3 | LOG_APPEND_TIME, &mixed);
    assert_eq!(shown(&runs(&stamped).unwrap()), [(10, -1), (11, 5_000)]);
}

#[test]
fn sets_of_several_kinds_are_cut_where_the_codec_changes() {
    let set = [
        entry(7, 0, 0, 0, None),
        entry(8, 1, 0, 300, Some(b"")),
        wrapper(10, 1, &inside(&[0, 1])).to_vec(),
        wrapper(12, 1, &inside(&[0, 1])).to_vec(),
    ];
    let runs = runs(&Bytes::from(set.concat())).unwrap();
    assert_eq!(runs.iter().map(|run| (run.base_offset, run.count)).collect::<Vec<_>>(), [(7, 2), (9, 4)]);
    let records: Vec<_> = runs.iter().flat_map(|run| read(&run.batch)).collect();
    assert_eq!((records[0].value.as_deref(), records[1].value.as_deref()), (None, Some(&b""[..])));
    assert_eq!((records[0].timestamp, records[1].timestamp), (-1, 300));
}

#[test]
fn what_lies_before_is_left_out_inside_of_a_wrapper_too() {
    let set =
        Bytes::from([&entry(99, 1, 0, 999, None)[..], &wrapper(109, 1, &inside(&[0, 1, 4, 9]))].concat());
    let since = |offset| shown(&rewrite(&set, offset, &Limits::default()).unwrap());
    assert_eq!(since(99).len(), 5);
    assert_eq!(since(101), [(101, 1_001), (104, 1_004), (109, 1_009)]);
    assert_eq!(since(105), [(109, 1_009)]);
    assert_eq!(since(110), []);
}

#[test]
fn a_wrapper_that_is_none_is_told() {
    assert_eq!(malformed(&wrapper(5, 1, &[])), Malformed::NoSet);
    assert_eq!(malformed(&entry(5, 1, 1, 0, None).into()), Malformed::NoSet);
    let nested = [wrapper(0, 1, &inside(&[0])).to_vec()];
    assert_eq!(malformed(&wrapper(5, 1, &nested)), Malformed::Nested);
    assert_eq!(malformed(&wrapper(5, 1, &inside(&[6]))), Malformed::Offset { base: 5, relative: -6 });
    assert_eq!(malformed(&wrapper(9, 1, &inside(&[1, 1]))), Malformed::Order { previous: 9, offset: 9 });
    let half = packed(1, &inside(&[0, 1]).concat()[..50]);
    assert!(matches!(malformed(&entry(5, 1, 1, 0, Some(&half)).into()), Malformed::Read(_)));
    let no_zstd = entry(5, 1, 4, 0, Some(b"v"));
    assert!(matches!(runs(&no_zstd.into()), Err(RewriteError::Codec { base_offset: 5, codec: 4 })));
    let later = [entry(0, 2, 0, 0, None)];
    assert!(matches!(runs(&wrapper(5, 1, &later)), Err(RewriteError::Format { base_offset: 5, magic: 2 })));
}

#[test]
fn a_message_with_the_wrong_checksum_is_told_inside_too() {
    let mut bent = inside(&[0, 1]);
    *bent[1].last_mut().unwrap() ^= 1;
    assert!(matches!(runs(&wrapper(5, 1, &bent)), Err(RewriteError::Damaged { base_offset: 5 })));
}

#[test]
fn the_limit_is_for_all_wrappers_of_a_set() {
    let one = wrapper(1, 1, &inside(&[0, 1]));
    let both = Bytes::from([&one[..], &wrapper(3, 1, &inside(&[0, 1]))[..]].concat());
    let size = inside(&[0, 1]).concat().len();
    let with = |decompressed| rewrite(&both, 0, &Limits { decompressed, ..Limits::default() });
    assert_eq!(with(2 * size).unwrap().len(), 1);
    assert!(matches!(with(2 * size - 1), Err(RewriteError::TooLarge { base_offset: 3, .. })));
}

#[test]
fn a_set_that_is_cut_anywhere_is_not_whole() {
    let set = inside(&[0, 1]).concat();
    let first = inside(&[0])[0].len();
    for length in (0..set.len()).filter(|length| *length != first) {
        let error = runs(&Bytes::from(set[..length].to_vec())).unwrap_err();
        assert!(matches!(error, RewriteError::NotOneBatch { .. }), "{length}: {error:?}");
    }
}

proptest! {
    #[test]
    fn any_bit_that_is_wrong_is_noticed(magic in 0..=1_u8, place: prop::sample::Index, bit in 0..8_u8) {
        let mut bent = entry(5, magic, 0, 0, Some(b"value"));
        // Nothing covers offset and length.
        let place = 12 + place.index(bent.len() - 12);
        bent[place] ^= 1_u8 << bit;
        let error = runs(&Bytes::from(bent)).unwrap_err();
        // Or it is of another format.
        prop_assert!(place == 16 || matches!(error, RewriteError::Damaged { base_offset: 5 }), "{:?}", error);
    }
}
