//! Answers made by hand, and the pieces that they are.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may stop the test"
)]

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;
use tidegate_link::rewrite::{Limits, RewriteError};
use tidegate_link::source::{Aborted, Answer, ControlError, Data, Piece, Pieces, SourceError, pieces};
use tidegate_wire::stamp::{Guard, StampError, stamp};

mod hand;

use hand::old::{entry, wrapper};
use hand::{Frame, Seen, batch, framed, read};

const LOG_APPEND_TIME: i16 = 1 << 3;
const TRANSACTIONAL: i16 = 1 << 4;
const CONTROL: i16 = 1 << 5;

/// Whose every batch by hand is.
const PRODUCER: i64 = 77;

const GUARD: Guard = Guard { producer_id: 1 << 62, producer_epoch: 0, base_sequence: 0 };

fn frame(base_offset: i64, attributes: i16, last_offset_delta: i32, count: usize) -> Frame {
    Frame {
        base_offset,
        attributes,
        last_offset_delta,
        base_timestamp: 1_000,
        max_timestamp: 1_000,
        count: i32::try_from(count).unwrap(),
    }
}

/// A batch of this range that has records at these distances from its begin.
fn gappy(base_offset: i64, attributes: i16, last_offset_delta: i32, deltas: &[i64]) -> Bytes {
    let record = |delta| {
        let value = Some(Bytes::from(format!("value {delta}")));
        Seen { offset: base_offset + delta, timestamp: 1_000, value, ..Seen::default() }
    };
    let records: Vec<_> = deltas.iter().map(record).collect();
    batch(frame(base_offset, attributes, last_offset_delta, deltas.len()), &records)
}

/// A batch without gaps.
fn whole(base_offset: i64, attributes: i16, count: i32) -> Bytes {
    gappy(base_offset, attributes, count - 1, &(0..count.into()).collect::<Vec<_>>())
}

/// A mark at the end of a transaction.
fn mark(offset: i64, kind: u8) -> Bytes {
    control(offset, 0, Some(&[0, 0, 0, kind]))
}

fn control(offset: i64, codec: i16, key: Option<&[u8]>) -> Bytes {
    let key = key.map(Bytes::copy_from_slice);
    let value = Some(Bytes::from_static(&[0; 6]));
    let record = Seen { offset, timestamp: 1_000, key, value, headers: Vec::new() };
    batch(frame(offset, TRANSACTIONAL | CONTROL | codec, 0, 1), &[record])
}

const ABORT: u8 = 0;
const COMMIT: u8 = 1;

/// The pieces from `from` on, where these transactions, each a producer and a first offset, were aborted.
fn told(batches: &[Bytes], aborted: &[(i64, i64)], from: i64) -> Result<Pieces, SourceError> {
    let aborted = aborted.iter().map(|&(producer_id, first_offset)| Aborted { producer_id, first_offset });
    let answer = Answer { records: batches.concat().into(), aborted: aborted.collect() };
    pieces(answer, from, &Limits::default())
}

/// The offsets of data and of gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    Data(Range<i64>),
    Gap(Range<i64>),
}

use Shape::{Data as D, Gap as G};

fn shape(pieces: &Pieces) -> Vec<Shape> {
    let shape = |piece: &Piece| match piece {
        Piece::Data(data) => D(data.offsets()),
        Piece::Gap(gap) => G(gap.clone()),
    };
    pieces.pieces.iter().map(shape).collect()
}

fn shapes(batches: &[Bytes], aborted: &[(i64, i64)], from: i64) -> Vec<Shape> {
    shape(&told(batches, aborted, from).unwrap())
}

fn data(pieces: &Pieces) -> Vec<&Data> {
    pieces.pieces.iter().filter_map(Piece::data).collect()
}

#[test]
fn what_can_be_copied_stays_the_same_slice() {
    let records = Bytes::from([whole(10, 0, 3), whole(13, TRANSACTIONAL | 4, 2)].concat());
    let answer = Answer { records: records.clone(), aborted: Vec::new() };
    let told = pieces(answer, 10, &Limits::default()).unwrap();
    assert_eq!((shape(&told), told.next, told.wants), (vec![D(10..13), D(13..15)], 15, None));
    let (first, second) = (data(&told)[0], data(&told)[1]);
    assert_eq!(first.run.batch.as_ptr(), records.as_ptr());
    assert_eq!(second.run.batch.as_ptr(), records[first.weight()..].as_ptr());
    assert_eq!(first.weight() + second.weight(), records.len());
    assert_eq!((first.leader_epoch, first.run.count), (12, 3));
}

#[test]
fn what_readers_do_not_see_is_one_gap() {
    let empty = framed(frame(16, 0, 3, 0), b"");
    let batches = [whole(12, 0, 3), mark(15, COMMIT), empty, whole(25, 0, 1), mark(26, ABORT)];
    assert_eq!(shapes(&batches, &[], 10), [G(10..12), D(12..15), G(15..25), D(25..26), G(26..27)]);
    assert_eq!(shapes(&batches[1..3], &[], 10), [G(10..20)]);
    assert_eq!(
        told(&[], &[], 10).unwrap(),
        Pieces { pieces: Vec::new(), next: 10, last_epoch: None, wants: None }
    );
}

#[test]
fn a_batch_keeps_its_range_when_records_are_gone() {
    for codec in 0..=4 {
        let told = told(&[gappy(100, codec, 9, &[1, 2, 5])], &[], 100).unwrap();
        assert_eq!(shape(&told), [G(100..101), D(101..103), G(103..105), D(105..106), G(106..110)]);
        assert!(data(&told).iter().all(|data| data.leader_epoch == 12));
    }
}

#[test]
fn the_time_of_an_append_goes_into_the_records() {
    let stamped = Frame { max_timestamp: 5_000, ..frame(3, LOG_APPEND_TIME, 0, 1) };
    let record = Seen { offset: 3, timestamp: 1_000, ..Seen::default() };
    let told = told(&[batch(stamped, std::slice::from_ref(&record))], &[], 3).unwrap();
    assert_eq!(read(&data(&told)[0].run.batch), [Seen { timestamp: 5_000, ..record }]);
}

#[test]
fn what_lies_before_the_fetch_is_left_out() {
    let batches = [whole(0, 0, 5), whole(5, 0, 5), mark(10, COMMIT)];
    assert_eq!(shapes(&batches, &[], 5), [D(5..10), G(10..11)]);
    let inside = told(&batches, &[], 7).unwrap();
    assert_eq!(shape(&inside), [D(7..10), G(10..11)]);
    let values: Vec<_> =
        read(&data(&inside)[0].run.batch).into_iter().filter_map(|seen| seen.value).collect();
    assert_eq!(values, ["value 2", "value 3", "value 4"]);
    assert_eq!(shapes(&batches, &[(PRODUCER, 0)], 7), [D(7..10), G(10..11)], "no batch of a transaction");
    assert_eq!(shapes(&[whole(5, TRANSACTIONAL, 5)], &[(PRODUCER, 0)], 7), [G(7..10)]);
    assert_eq!(shapes(&[gappy(5, 0, 4, &[0, 1])], &[], 7), [G(7..10)]);
    assert_eq!(shapes(&batches, &[], 10), [G(10..11)]);
    // Nobody looks into what is left out as a whole.
    let unreadable = framed(frame(0, 4, 4, 3), b"no records");
    assert_eq!(shapes(&[unreadable.clone(), whole(5, 0, 5)], &[], 5), [D(5..10)]);
    assert!(matches!(
        told(&[unreadable], &[], 4),
        Err(SourceError::Rewrite(RewriteError::Undecodable { .. }))
    ));
    assert_eq!(
        told(&batches, &[], 11).unwrap(),
        Pieces { pieces: Vec::new(), next: 11, last_epoch: Some(12), wants: None }
    );
}

#[test]
fn a_batch_that_is_cut_off_is_for_the_next_fetch() {
    let (first, second) = (whole(0, 0, 5), whole(5, 4, 5));
    let both = Bytes::from([&first[..], &second].concat());
    for length in 0..=both.len() {
        let told = told(&[both.slice(..length)], &[], 0).unwrap();
        let whole = usize::from(length >= first.len()) + usize::from(length == both.len());
        assert_eq!((told.next, told.pieces.len()), (5 * i64::try_from(whole).unwrap(), whole), "{length}");
        let wants = match length {
            1..17 => Some(61),
            17.. if whole == 0 => Some(first.len()),
            _ => None,
        };
        assert_eq!(told.wants, wants, "{length}");
    }
    // What is before counts for nothing.
    let wants = told(&[both.slice(..both.len() - 1)], &[], 5).unwrap();
    assert_eq!((wants.next, wants.wants), (5, Some(both.len())));
    let old = Bytes::from(entry(9, 0, 0, 0, None));
    assert_eq!(told(&[old.slice(..old.len() - 1)], &[], 0).unwrap().wants, Some(old.len()));
}

#[test]
fn transactions_that_were_aborted_are_passed_over() {
    let log = [
        whole(0, TRANSACTIONAL, 2),
        whole(2, 0, 1),
        whole(3, TRANSACTIONAL, 2),
        mark(5, ABORT),
        whole(6, TRANSACTIONAL, 1),
        mark(7, COMMIT),
        whole(8, TRANSACTIONAL, 3),
        mark(11, ABORT),
    ];
    let committed = [D(0..2), D(2..3), D(3..5), G(5..6), D(6..7), G(7..8), D(8..11), G(11..12)];
    assert_eq!(shapes(&log, &[], 0), committed);
    assert_eq!(shapes(&log, &[(PRODUCER + 1, 0), (-1, 0)], 0), committed, "of somebody else");
    let both = [G(0..2), D(2..3), G(3..6), D(6..7), G(7..12)];
    assert_eq!(shapes(&log, &[(PRODUCER, 8), (PRODUCER, 0)], 0), both, "in any order");
    // It began before the fetch, or within the batch that is read.
    assert_eq!(shapes(&log[2..5], &[(PRODUCER, 0)], 3), [G(3..6), D(6..7)]);
    assert_eq!(shapes(&log[2..5], &[(PRODUCER, 4)], 3), [G(3..6), D(6..7)]);
    assert_eq!(shapes(&log[2..5], &[(PRODUCER, 5)], 3), [D(3..5), G(5..6), D(6..7)]);
    // The mark of a commit ends nothing, and neither does one that compaction has emptied.
    assert_eq!(shapes(&log[4..7], &[(PRODUCER, 6)], 6), [G(6..11)]);
    let emptied = framed(frame(5, TRANSACTIONAL | CONTROL, 0, 0), b"");
    assert_eq!(shapes(&[log[0].clone(), emptied, log[4].clone()], &[(PRODUCER, 0)], 0), [G(0..7)]);
    // A mark before the fetch counts too.
    assert_eq!(shapes(&log[..5], &[(PRODUCER, 0)], 6), [D(6..7)]);
}

#[test]
fn a_mark_that_cannot_be_read_is_told() {
    let wrong = |codec, key: Option<&[u8]>| match told(&[control(4, codec, key)], &[], 0).unwrap_err() {
        SourceError::Control { base_offset: 4, source } => source,
        other => panic!("{other:?}"),
    };
    assert_eq!(wrong(4, Some(&[0; 4])), ControlError::Compressed(4));
    assert_eq!(wrong(0, None), ControlError::NoKey);
    assert_eq!(wrong(0, Some(&[0xff, 0xff, 0, 0])), ControlError::Version(-1));
    assert!(matches!(wrong(0, Some(&[0; 3])), ControlError::Read(_)));
    // Higher versions begin in the same way, other kinds end no transaction.
    let kinds = [control(2, 0, Some(&[0, 9, 0, 7, 1])), whole(3, TRANSACTIONAL, 1)];
    assert_eq!(shapes(&kinds, &[(PRODUCER, 0)], 2), [G(2..4)]);
    let abort = [control(2, 0, Some(&[0, 9, 0, 0, 1])), whole(3, TRANSACTIONAL, 1)];
    assert_eq!(shapes(&abort, &[(PRODUCER, 0)], 2), [G(2..3), D(3..4)]);
}

#[test]
fn entries_of_old_formats_say_where_they_end() {
    let inside: Vec<_> = [0, 1, 4].map(|offset| entry(offset, 1, 0, 1_000, Some(b"v"))).into();
    let set = [
        entry(3, 0, 0, 0, None).into(),
        entry(4, 1, 0, 7, Some(b"")).into(),
        wrapper(14, 1, &inside),
        whole(20, 0, 1),
    ];
    let all = [G(0..3), D(3..4), D(4..5), G(5..10), D(10..12), G(12..14), D(14..15), G(15..20), D(20..21)];
    assert_eq!(shapes(&set, &[], 0), all);
    assert_eq!(shapes(&set, &[], 11), [D(11..12), G(12..14), D(14..15), G(15..20), D(20..21)]);
    assert_eq!(shapes(&set, &[], 15), [G(15..20), D(20..21)]);
    let told = told(&set, &[], 0).unwrap();
    let epochs: Vec<_> = data(&told).iter().map(|data| data.leader_epoch).collect();
    assert_eq!(epochs, [-1, -1, -1, -1, 12]);
    assert_eq!(read(&data(&told)[1].run.batch)[0].timestamp, 7);
}

#[test]
fn a_set_whose_messages_are_elsewhere_is_told() {
    let inside: Vec<_> = [0, 1, 4].map(|offset| entry(offset, 1, 0, 1_000, Some(b"v"))).into();
    let before = told(&[whole(0, 0, 8), wrapper(10, 1, &inside)], &[], 0).unwrap_err();
    assert!(
        matches!(&before, SourceError::Outside { last_offset: 10, offsets } if *offsets == (6..8)),
        "{before}"
    );
    let behind = told(&[wrapper(0, 1, &inside)], &[], 0).unwrap_err();
    assert!(
        matches!(&behind, SourceError::Outside { last_offset: 0, offsets } if *offsets == (0..2)),
        "{behind}"
    );
}

#[test]
fn offsets_that_go_back_or_do_not_exist_are_told() {
    for (base_offset, next) in [(9, whole(9, 0, 1)), (8, entry(8, 0, 0, 0, None).into()), (5, mark(5, 0))] {
        for from in [0, 10, 100] {
            let error = told(&[whole(0, 0, 10), next.clone()], &[], from).unwrap_err();
            let SourceError::Order { base_offset: said, end: 10 } = error else { panic!("{error:?}") };
            assert_eq!(said, base_offset);
        }
    }
    for (base_offset, delta) in [(-1, 3), (i64::MIN, 0), (0, -1), (i64::MAX, 0), (i64::MAX - 4, 4)] {
        let error = told(&[framed(frame(base_offset, 0, delta, 1), b"r")], &[], 0).unwrap_err();
        let SourceError::Offset { base_offset: said, delta: far } = error else { panic!("{error:?}") };
        assert_eq!((said, far), (base_offset, delta));
    }
    assert_eq!(shapes(&[framed(frame(i64::MAX - 5, 0, 4, 0), b"")], &[], 7), [G(7..i64::MAX)]);
}

#[test]
fn bytes_that_are_no_batches_are_told() {
    let bent = |place: Range<usize>, bytes: &[u8]| {
        let mut bent = whole(6, 0, 1).to_vec();
        bent[place].copy_from_slice(bytes);
        told(&[whole(0, 0, 6), bent.into()], &[], 0).unwrap_err()
    };
    for length in [-1, i32::MIN, 0, 48] {
        let error = bent(8..12, &length.to_be_bytes());
        assert!(matches!(error, SourceError::Length { base_offset: 6, length: said } if said == length));
    }
    for magic in [3, 0x7f, 0xff_u8] {
        let error = bent(16..17, &[magic]);
        assert!(
            matches!(error, SourceError::Format { base_offset: 6, magic: said } if said == magic.cast_signed())
        );
    }
    let mut short = entry(6, 1, 0, 0, None);
    short[11] = 21;
    let error = told(&[short.into()], &[], 0).unwrap_err();
    assert!(matches!(error, SourceError::Length { base_offset: 6, length: 21 }), "{error:?}");
}

#[test]
fn only_what_is_copied_may_be_damaged_here() {
    let aborted = [(PRODUCER, 0)];
    let cases: [(Bytes, &[_], i64); 5] = [
        (mark(4, COMMIT), &[], 0),
        (whole(4, TRANSACTIONAL, 3), &aborted, 0),
        (framed(frame(4, 0, 3, 0), b""), &[], 0),
        (whole(4, 0, 3), &[], 5),
        (whole(4, 0, 3), &[], 7),
    ];
    for (batch, aborted, from) in cases {
        let mut bent = batch.to_vec();
        // The producer's epoch.
        bent[52] ^= 1;
        let bent = [bent.into()];
        match told(&bent, aborted, from).unwrap_err() {
            SourceError::Damaged { base_offset: 4 }
            | SourceError::Rewrite(RewriteError::Damaged { base_offset: 4 }) => {}
            other => panic!("{other:?}"),
        }
    }
    let mut bent = whole(4, 0, 3).to_vec();
    bent[52] ^= 1;
    let told = told(&[bent.into()], &[], 4).unwrap();
    let stamped = stamp(&data(&told)[0].run.batch, 4, GUARD);
    assert_eq!(stamped, Err(StampError::Damaged { base_offset: 4 }));
}

#[test]
fn much_that_is_written_anew_is_for_another_fetch() {
    let batches: Vec<_> = (0..9).map(|place| gappy(10 * place, 0, 9, &[0, 2, 4, 6, 8])).collect();
    let answer = Answer { records: batches.concat().into(), aborted: Vec::new() };
    let limits = Limits { written: 1_000, ..Limits::default() };
    let one = pieces(answer.clone(), 0, &limits).unwrap();
    assert_eq!((one.next, one.wants), (20, None));
    let next = pieces(answer, one.next, &limits).unwrap();
    assert_eq!((next.next, next.pieces[0].offsets()), (40, 20..21));
}

/// What holds for pieces of anything.
fn check(told: &Pieces, from: i64) {
    let mut end = from;
    for piece in &told.pieces {
        let offsets = piece.offsets();
        assert!(offsets.start == end && offsets.end > end, "{piece:?} after {end}");
        end = offsets.end;
        if let Some(data) = piece.data() {
            match stamp(&data.run.batch, data.run.base_offset, GUARD) {
                Ok(_) | Err(StampError::Damaged { .. }) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(end, told.next);
    for pair in told.pieces.windows(2) {
        assert!(!matches!(pair, [Piece::Gap(_), Piece::Gap(_)]), "{pair:?}");
    }
    assert!(told.wants.is_none() || told.pieces.is_empty());
}

/// A batch with anything in its header, and a checksum that is right.
fn any_batch() -> impl Strategy<Value = Bytes> {
    let small = || prop_oneof![0..40_i64, any::<i64>()];
    let fields = (
        small(),
        0..64_i16,
        prop_oneof![-1..9_i32, any::<i32>()],
        small(),
        prop_oneof![-1..9_i32, any::<i32>()],
    );
    (fields, vec(any::<u8>(), 0..60)).prop_map(
        |((base_offset, attributes, last_offset_delta, max_timestamp, count), rest)| {
            let frame =
                Frame { base_offset, attributes, last_offset_delta, base_timestamp: 0, max_timestamp, count };
            framed(frame, &rest)
        },
    )
}

fn any_good() -> impl Strategy<Value = Bytes> {
    let attributes =
        prop::sample::select(vec![0, 1, 2, 3, 4, LOG_APPEND_TIME, TRANSACTIONAL, TRANSACTIONAL | 4]);
    prop_oneof![
        (0..40_i64, attributes, 1..5_i32)
            .prop_map(|(base, attributes, count)| whole(base, attributes, count)),
        (0..40_i64, 0..2_u8).prop_map(|(offset, kind)| mark(offset, kind)),
        (0..40_i64).prop_map(|base| gappy(base, 0, 5, &[1, 4])),
        (0..40_i64, 0..2_u8).prop_map(|(offset, magic)| entry(offset, magic, 0, 3, Some(b"v")).into()),
        (0..40_i64).prop_map(|offset| wrapper(
            offset,
            1,
            &[entry(0, 1, 0, 3, None), entry(1, 1, 0, 3, None)]
        )),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_bytes_break_it(
        batches in vec(prop_oneof![3 => any_good(), 1 => any_batch(), 1 => vec(any::<u8>(), 0..80).prop_map(Bytes::from)], 0..5),
        bent in vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        cut: prop::sample::Index,
        aborted in vec((prop_oneof![Just(PRODUCER), any::<i64>()], 0..40_i64), 0..4),
        from in 0..40_i64,
    ) {
        let mut bytes = BytesMut::from(&batches.concat()[..]);
        for (place, byte) in bent {
            if !bytes.is_empty() {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
        }
        bytes.truncate(cut.index(2 * bytes.len() + 1));
        if let Ok(told) = told(&[bytes.freeze()], &aborted, from) {
            check(&told, from);
        }
    }
}
