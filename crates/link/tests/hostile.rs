//! Batches of format 2 that are not what they say.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may stop the test"
)]

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use tidegate_link::rewrite::{Limits, Malformed, RewriteError, Run, rewrite};

mod hand;

use hand::{Frame, Seen, framed, packed, put_record};

const CODECS: std::ops::RangeInclusive<i16> = 0..=4;
const CONTROL: i16 = 1 << 5;

fn frame(codec: i16, last_offset_delta: i32, count: i32) -> Frame {
    Frame {
        base_offset: 100,
        attributes: codec,
        last_offset_delta,
        base_timestamp: 1_000,
        max_timestamp: 1_000,
        count,
    }
}

/// Records at these deltas.
fn plain(deltas: &[i64]) -> BytesMut {
    let mut plain = BytesMut::new();
    for delta in deltas {
        let key = Some(Bytes::from_static(b"key"));
        let record = Seen { offset: 100 + delta, timestamp: 1_000, key, value: None, headers: Vec::new() };
        put_record(&mut plain, &record, *delta, 0);
    }
    plain
}

fn made(codec: i16, last_offset_delta: i32, count: i32, deltas: &[i64]) -> Bytes {
    framed(frame(codec, last_offset_delta, count), &packed(codec, &plain(deltas)))
}

fn runs(batch: &Bytes) -> Result<Vec<Run>, RewriteError> {
    rewrite(batch, 0, &Limits::default())
}

/// What is wrong with the records of a batch.
fn malformed(batch: &Bytes) -> Malformed {
    match runs(batch).unwrap_err() {
        RewriteError::Malformed { base_offset: 100, source } => source,
        other => panic!("{other:?}"),
    }
}

#[test]
fn gaps_split_it_and_nothing_else_does() {
    for codec in CODECS {
        let split = runs(&made(codec, 9, 5, &[1, 2, 5, 7, 8])).unwrap();
        let at: Vec<_> = split.iter().map(|run| (run.base_offset, run.count)).collect();
        assert_eq!(at, [(101, 2), (105, 1), (107, 2)], "codec {codec}");
        assert_eq!(runs(&made(codec, 2, 3, &[0, 1, 2])).unwrap().len(), 1);
    }
}

#[test]
fn what_has_no_records_has_no_runs() {
    assert_eq!(runs(&made(CONTROL, 0, 1, &[0])).unwrap(), []);
    for codec in CODECS {
        assert_eq!(runs(&framed(frame(codec, 4, 0), b"")).unwrap(), []);
    }
}

#[test]
fn a_count_that_lies_is_told() {
    for codec in CODECS {
        for count in [4, 5, i32::MAX] {
            assert!(matches!(malformed(&made(codec, i32::MAX, count, &[0, 1, 2])), Malformed::Read(_)));
        }
        let one = plain(&[2]).len();
        assert_eq!(malformed(&made(codec, 2, 2, &[0, 1, 2])), Malformed::Leftover(one));
        assert!(matches!(malformed(&made(codec, 2, 0, &[0])), Malformed::Leftover(_)));
        assert_eq!(malformed(&made(codec, 2, -1, &[0])), Malformed::Count(-1));
    }
}

#[test]
fn records_that_do_not_follow_each_other_are_told() {
    for codec in CODECS {
        let order = |previous, offset| Malformed::Order { previous, offset };
        assert_eq!(malformed(&made(codec, 9, 3, &[0, 2, 1])), order(102, 101));
        assert_eq!(malformed(&made(codec, 9, 3, &[0, 2, 2])), order(102, 102));
        // A broker stores this one as it is sent when it is not packed (shared/offset-exact.md, section 2).
        assert_eq!(malformed(&made(codec, 2, 3, &[0, 2, 5])), Malformed::Delta { delta: 5, last: 2 });
        assert_eq!(malformed(&made(codec, 2, 1, &[-1])), Malformed::Delta { delta: -1, last: 2 });
        assert_eq!(malformed(&made(codec, -1, 1, &[0])), Malformed::Delta { delta: 0, last: -1 });
    }
    let end = Frame { base_offset: i64::MAX, ..frame(0, 1, 1) };
    let beyond = framed(end, &plain(&[1]));
    assert!(matches!(
        runs(&beyond),
        Err(RewriteError::Malformed { source: Malformed::Offset { base: i64::MAX, relative: 1 }, .. })
    ));
}

#[test]
fn what_lies_before_is_left_out_and_checked_all_the_same() {
    for codec in CODECS {
        let since = |batch: &Bytes, since| rewrite(batch, since, &Limits::default());
        let batch = made(codec, 9, 5, &[1, 2, 5, 7, 8]);
        let at = |offset| {
            let runs = since(&batch, offset).unwrap();
            runs.iter().map(|run| (run.base_offset, run.count)).collect::<Vec<_>>()
        };
        assert_eq!(at(102), [(102, 1), (105, 1), (107, 2)], "codec {codec}");
        assert_eq!(at(103), [(105, 1), (107, 2)]);
        assert_eq!(at(108), [(108, 1)]);
        assert_eq!((at(109), at(i64::MAX)), (vec![], vec![]));
        let order = since(&made(codec, 9, 3, &[0, 2, 1]), 200).unwrap_err();
        assert!(matches!(
            order,
            RewriteError::Malformed { source: Malformed::Order { previous: 102, offset: 101 }, .. }
        ));
    }
}

#[test]
fn a_batch_that_is_cut_anywhere_is_no_batch() {
    let whole = made(4, 2, 3, &[0, 1, 2]);
    for length in 0..whole.len() {
        let error = runs(&whole.slice(..length)).unwrap_err();
        assert!(matches!(error, RewriteError::NotOneBatch { found, .. } if found == length), "{error:?}");
    }
    let two = Bytes::from([&whole[..], &whole[..]].concat());
    assert!(matches!(runs(&two), Err(RewriteError::NotOneBatch { base_offset: 100, .. })));
}

#[test]
fn packed_bytes_that_are_cut_or_of_another_codec_are_told() {
    for codec in 1..=4 {
        let packed = packed(codec, &plain(&[0, 1, 2]));
        for length in 0..packed.len() {
            match runs(&framed(frame(codec, 2, 3), &packed[..length])) {
                Err(RewriteError::Undecodable { base_offset: 100, codec: said, .. }) => {
                    assert_eq!(i16::from(said), codec);
                }
                Err(RewriteError::Malformed { source: Malformed::Read(_), .. }) => {}
                // The mark at the end of an LZ4 frame, before a checksum of the content.
                Ok(runs) => assert!(codec == 3 && length + 8 >= packed.len() && runs[0].count == 3),
                Err(other) => panic!("codec {codec} cut at {length}: {other:?}"),
            }
        }
        let other = codec % 4 + 1;
        assert!(runs(&framed(frame(other, 2, 3), &packed)).is_err());
    }
}

#[test]
fn what_is_not_known_is_told() {
    for codec in 5..8_u8 {
        let error = runs(&framed(frame(codec.into(), 0, 1), b"whatever")).unwrap_err();
        assert!(matches!(error, RewriteError::Codec { base_offset: 100, codec: said } if said == codec));
    }
    let mut later = made(0, 0, 1, &[0]).to_vec();
    later[16] = 3;
    assert!(matches!(runs(&Bytes::from(later)), Err(RewriteError::Format { base_offset: 100, magic: 3 })));
}

#[test]
fn a_record_may_have_any_number_of_headers() {
    let headers = vec![(Bytes::from_static(b"h"), None); 10_000];
    let record = Seen { offset: 100, timestamp: 0, key: None, value: None, headers };
    let mut plain = BytesMut::new();
    put_record(&mut plain, &record, 0, 0);
    let runs = runs(&framed(frame(0, 0, 1), &plain)).unwrap();
    assert_eq!(runs[0].batch[61..], plain[..]);
}

proptest! {
    #[test]
    fn any_bit_that_is_wrong_is_noticed(codec in CODECS, place: prop::sample::Index, bit in 0..8_u8) {
        let mut bent = made(codec, 2, 3, &[0, 1, 2]).to_vec();
        // From the checksum on: what is before it, a broker changes without a new one.
        let place = 17 + place.index(bent.len() - 17);
        bent[place] ^= 1_u8 << bit;
        let error = runs(&Bytes::from(bent)).unwrap_err();
        prop_assert!(matches!(error, RewriteError::Damaged { base_offset: 100 }), "{:?}", error);
    }
}
