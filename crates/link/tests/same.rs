//! Batches of a mirror, compared with what the source has.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may stop the test"
)]

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use tidegate_link::rewrite::{Limits, RewriteError, Run, rewrite, told_otherwise};
use tidegate_link::source::{Answer, Data, Piece, SameError, Verdict, pieces, same as compared};
use tidegate_wire::filler::{Kind, is_filler, make};
use tidegate_wire::stamp::{Guard, stamp};

mod hand;

use hand::{Frame, Seen, batch, framed};

const LOG_APPEND_TIME: i16 = 1 << 3;
const TRANSACTIONAL: i16 = 1 << 4;
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

fn seen(offset: i64) -> Seen {
    let header = (Bytes::from_static(b"name"), Some(Bytes::from_static(b"of")));
    let (key, value) = (Some(Bytes::from_static(b"key")), Some(Bytes::from(format!("value {offset}"))));
    Seen { offset, timestamp: 1_000, key, value, headers: vec![header] }
}

/// A batch from 10 on for five offsets, with these records.
fn five(attributes: i16, records: &[Seen]) -> Bytes {
    batch(frame(10, attributes, 4, records.len()), records)
}

fn all() -> Vec<Seen> {
    (10..15).map(seen).collect()
}

/// What a source is that has these batches.
fn source(batches: &[Bytes], from: i64) -> Vec<Piece> {
    let answer = Answer { records: batches.concat().into(), aborted: Vec::new() };
    pieces(answer, from, &Limits::default()).unwrap().pieces
}

/// As it lies in the mirror.
fn copied(batch: &Bytes) -> Bytes {
    let base_offset = i64::from_be_bytes(*batch.first_chunk().unwrap());
    let stamped = stamp(batch, base_offset, GUARD).unwrap();
    Bytes::from([&stamped.header[..], &stamped.records].concat())
}

fn same(mirror: &Bytes, source: &[Piece]) -> Verdict {
    compared(mirror, source, &Limits::default()).unwrap()
}

#[test]
fn a_copy_is_the_same_and_nobody_looks_into_it() {
    let unreadable = framed(frame(10, TRANSACTIONAL | 4, 4, 5), b"no records");
    let around =
        [batch(frame(9, 0, 0, 1), &[seen(9)]), unreadable.clone(), batch(frame(15, 0, 0, 1), &[seen(15)])];
    assert!(same(&copied(&unreadable), &source(&around, 0)).is_same());
    let other = framed(frame(10, 4, 4, 5), b"no record2");
    let error = compared(&copied(&unreadable), &source(&[other], 10), &Limits::default()).unwrap_err();
    assert!(matches!(error, SameError::Mirror(RewriteError::Undecodable { .. })), "{error:?}");
}

#[test]
fn other_bounds_and_codecs_are_the_same_records() {
    for codec in 0..=4 {
        let whole = five(codec, &all());
        for from in 10..15 {
            let cut = &rewrite(&whole, from, &Limits::default()).unwrap()[0].batch;
            assert!(same(&copied(cut), &source(std::slice::from_ref(&whole), 10)).is_same());
            assert!(same(&copied(cut), &source(std::slice::from_ref(&whole), from)).is_same());
            assert!(same(&copied(cut), &source(&[five(codec % 4 + 1, &all())], 10)).is_same());
        }
        let single: Vec<_> = all()
            .iter()
            .map(|record| batch(frame(record.offset, codec, 0, 1), std::slice::from_ref(record)))
            .collect();
        assert!(same(&copied(&whole), &source(&single, 10)).is_same());
    }
    // The source stamps its records; in the mirror they have that time themselves.
    let stamped = batch(Frame { max_timestamp: 7_000, ..frame(10, LOG_APPEND_TIME, 4, 5) }, &all());
    let written = &rewrite(&stamped, 10, &Limits::default()).unwrap()[0].batch;
    assert!(same(&copied(written), &source(std::slice::from_ref(&stamped), 10)).is_same());
    let kept = Verdict { changed: Some(10), ..Verdict::default() };
    assert_eq!(same(&five(0, &all()), &source(&[stamped], 10)), kept);
}

#[test]
fn records_that_are_the_bytes_of_a_filler_are_copied_in_others() {
    let is_own = |producer_id| producer_id == GUARD.producer_id;
    for entry in Kind::Plain.entries().iter().chain(Kind::Keyed.entries()) {
        let made = make(entry, 10, 1_000, Guard { producer_id: 7, ..GUARD });
        let batch = Bytes::from([&made.header[..], &made.records].concat());
        assert!(is_filler(&copied(&batch), &is_own), "as it is");
        let written = copied(&told_otherwise(&batch, &Limits::default()).unwrap());
        assert!(!is_filler(&written, &is_own));
        assert!(same(&written, &source(&[batch], 10)).is_same(), "{} records", entry.count());
    }
}

#[test]
fn any_part_of_a_record_that_is_another_is_told() {
    let changes: [fn(&mut Seen); 6] = [
        |record| record.timestamp += 1,
        |record| record.key = None,
        |record| record.value = Some(Bytes::from_static(b"other 12")),
        |record| record.headers.clear(),
        |record| record.headers[0].0 = Bytes::from_static(b"nome"),
        |record| record.headers[0].1 = None,
    ];
    for codec in 0..=4 {
        for change in changes {
            let mut other = all();
            change(&mut other[2]);
            let verdict = same(&copied(&five(codec, &other)), &source(&[five(codec, &all())], 10));
            assert_eq!(verdict, Verdict { changed: Some(12), ..Verdict::default() });
        }
    }
}

#[test]
fn records_that_one_of_them_has_not_are_told() {
    let some = |deltas: &[usize]| five(0, &deltas.iter().map(|at| all()[*at].clone()).collect::<Vec<_>>());
    let mirror = |mirror: &[usize], pieces: &[usize]| same(&some(mirror), &source(&[some(pieces)], 10));
    assert_eq!(mirror(&[1, 3], &[1, 3]), Verdict::default());
    assert_eq!(mirror(&[0, 1, 2, 3, 4], &[0, 3]), Verdict { only_mirror: Some(11), ..Verdict::default() });
    assert_eq!(mirror(&[0, 3], &[0, 1, 2, 3, 4]), Verdict { only_source: Some(11), ..Verdict::default() });
    let both = Verdict { only_source: Some(10), only_mirror: Some(14), ..Verdict::default() };
    assert_eq!(mirror(&[1, 4], &[0, 1]), both);
    // A batch with gaps that somebody passes on as it is.
    let run = Run { base_offset: 10, batch: some(&[0, 3]), count: 5 };
    let gappy = [Piece::Data(Data { run, leader_epoch: -1 })];
    let verdict = same(&some(&[0, 1, 3]), &gappy);
    assert_eq!(verdict, Verdict { only_mirror: Some(11), ..Verdict::default() });
    let empty = framed(frame(10, 0, 4, 0), b"");
    assert_eq!(
        same(&some(&[2]), &source(std::slice::from_ref(&empty), 10)),
        Verdict { only_mirror: Some(12), ..Verdict::default() }
    );
    assert_eq!(
        same(&empty, &source(&[some(&[2])], 10)),
        Verdict { only_source: Some(12), ..Verdict::default() }
    );
    assert_eq!(same(&empty, &source(std::slice::from_ref(&empty), 10)), Verdict::default());
}

#[test]
fn what_is_in_no_piece_is_not_known() {
    let single: Vec<_> = all()
        .iter()
        .map(|record| batch(frame(record.offset, 0, 0, 1), std::slice::from_ref(record)))
        .collect();
    let mirror = copied(&five(0, &all()));
    let pieces = source(&single, 10);
    let unknown = |unknown| Verdict { unknown: Some(unknown), ..Verdict::default() };
    assert_eq!(same(&mirror, &[]), unknown(10));
    assert_eq!(same(&mirror, &pieces[1..]), unknown(10));
    assert_eq!(same(&mirror, &pieces[..3]), unknown(13));
    assert_eq!(same(&mirror, &[pieces[0].clone(), pieces[2].clone()]), unknown(11));
    assert_eq!(same(&mirror, &source(&[batch(frame(15, 0, 0, 1), &[seen(15)])], 15)), unknown(10));
    assert!(!unknown(10).is_same());
}

#[test]
fn who_is_at_fault_is_told() {
    let bent = |batch: &Bytes, place: usize| {
        let mut bent = batch.to_vec();
        bent[place] ^= 1;
        Bytes::from(bent)
    };
    let good = five(0, &all());
    let outcome = |mirror: &Bytes, of_source: &Bytes| {
        compared(mirror, &source(std::slice::from_ref(of_source), 10), &Limits::default())
    };
    let last = good.len() - 1;
    let mirror = outcome(&bent(&good, last), &good);
    assert!(matches!(mirror, Err(SameError::Mirror(RewriteError::Damaged { base_offset: 10 }))));
    let of_source = outcome(&good, &bent(&good, last));
    assert!(matches!(of_source, Err(SameError::Source(RewriteError::Damaged { base_offset: 10 }))));
    assert!(matches!(
        outcome(&good.slice(..60), &good),
        Err(SameError::Mirror(RewriteError::NotOneBatch { .. }))
    ));
    assert!(matches!(
        outcome(&Bytes::new(), &good),
        Err(SameError::Mirror(RewriteError::NotOneBatch { .. }))
    ));
    let nowhere = framed(frame(10, 0, -1, 0), b"");
    assert!(matches!(outcome(&nowhere, &good), Err(SameError::Mirror(RewriteError::Malformed { .. }))));
    let limits = Limits { decompressed: 10, ..Limits::default() };
    let packed = compared(&five(1, &all()), &source(&[good], 10), &limits);
    assert!(matches!(packed, Err(SameError::Mirror(RewriteError::TooLarge { .. }))));
}

/// Records at some of twenty offsets, with one of two values.
fn any_records() -> impl Strategy<Value = BTreeMap<i64, bool>> {
    btree_map(0..20_i64, prop::bool::weighted(0.1), 0..40)
}

fn record(offset: i64, other: bool) -> Seen {
    let value = Some(Bytes::from(if other { "other" } else { "one" }));
    Seen { offset, timestamp: 1_000, value, ..Seen::default() }
}

/// A batch of the range, with those of the records that are in it.
fn part(records: &BTreeMap<i64, bool>, begin: i64, end: i64, codec: i16) -> Bytes {
    let records: Vec<_> = records.range(begin..end).map(|(offset, other)| record(*offset, *other)).collect();
    let attributes = if records.is_empty() { 0 } else { codec };
    let frame = frame(begin, attributes, i32::try_from(end - begin - 1).unwrap(), records.len());
    if records.is_empty() { framed(frame, b"") } else { batch(frame, &records) }
}

proptest! {
    #[test]
    fn the_verdict_is_what_two_lists_tell(
        ours in any_records(), theirs in any_records(), alike: bool,
        mut cuts in vec(1..20_i64, 0..4), mut range in [0..=20_i64, 0..=20_i64], codecs in [0..=4_i16, 0..=4_i16],
        from in 0..3_i64,
    ) {
        let theirs = if alike { ours.clone() } else { theirs };
        range.sort_unstable();
        let [begin, end] = if range[0] == range[1] { [0, 20] } else { range };
        cuts.extend([0, 20]);
        cuts.sort_unstable();
        cuts.dedup();
        let batches: Vec<_> = cuts.windows(2).map(|cut| part(&theirs, cut[0], cut[1], codecs[0])).collect();
        let verdict = same(&part(&ours, begin, end, codecs[1]), &source(&batches, from));
        let first = |is: fn(Option<&bool>, Option<&bool>) -> bool| {
            (begin.max(from)..end).find(|offset| is(ours.get(offset), theirs.get(offset)))
        };
        prop_assert_eq!(verdict, Verdict {
            changed: first(|ours, theirs| ours.is_some() && theirs.is_some() && ours != theirs),
            only_mirror: first(|ours, theirs| ours.is_some() && theirs.is_none()),
            only_source: first(|ours, theirs| ours.is_none() && theirs.is_some()),
            unknown: (begin < from).then_some(begin),
        });
    }
}
