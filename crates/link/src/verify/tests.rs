//! Two logs, compared.

use bytes::{Bytes, BytesMut};
use tidegate_sim::Draft;
use tidegate_wire::filler::{self, Kind};
use tidegate_wire::stamp::Guard;

use super::*;

const NOW: i64 = 1_700_000_000_000;
const LINK: i64 = (1 << 62) + 4;

/// A batch of records with these numbers as values, one behind the other from an offset on.
fn batch(offset: i64, values: Range<i64>) -> Bytes {
    let records = values.map(|value| (None, Some(Bytes::from(format!("value {value}")))));
    Draft::holding(records, NOW).by(LINK, 0, 0).saying(|header| header.base_offset = offset).bytes()
}

fn filler(offset: i64) -> Bytes {
    let guard = Guard { producer_id: LINK, producer_epoch: 0, base_sequence: 0 };
    let stamped = filler::make(&Kind::Plain.entries()[4], offset, NOW, guard);
    Bytes::from([&stamped.header[..], &stamped.records].concat())
}

fn log(batches: &[Bytes]) -> Bytes {
    batches
        .iter()
        .fold(BytesMut::new(), |mut log, batch| {
            log.extend_from_slice(batch);
            log
        })
        .freeze()
}

fn compared(source: &[Bytes], mirror: &[Bytes], end: i64, compacted: bool) -> Report {
    let spec = Spec { offsets: 0..end, producer_id: LINK, compacted, limits: Limits::default() };
    let mut verifier = Verifier::new(spec);
    for _ in 0..10 {
        match verifier.next() {
            Next::Source(_) => {
                verifier.source(Answer { records: log(source), aborted: Vec::new() }).unwrap();
            }
            Next::Mirror(_) => verifier.mirror(&log(mirror)).unwrap(),
            Next::Done => {
                assert_eq!(verifier.position(), end);
                return verifier.finish();
            }
        }
    }
    panic!("it wants more: {verifier:?}");
}

#[test]
fn the_same_records_are_exact_however_they_are_cut() {
    let whole = [batch(0, 0..5), batch(5, 5..9)];
    let other = [batch(0, 0..2), batch(2, 2..9)];
    for mirror in [&whole, &other] {
        let report = compared(&whole, mirror, 9, false);
        assert_eq!((report.verdict, report.same), (Verdict::Exact, 9));
        assert_eq!(report.source_digest, report.mirror_digest);
    }
}

#[test]
fn fillers_are_counted_and_are_no_records() {
    assert_eq!(Kind::Plain.entries()[4].count(), 10);
    let source = [batch(0, 0..5), batch(15, 5..9)];
    let mirror = [batch(0, 0..5), filler(5), batch(15, 5..9)];
    let report = compared(&source, &mirror, 19, false);
    assert_eq!(report.verdict, Verdict::ExactWithFillers(10));
    assert_eq!((report.same, report.verdict.to_string().as_str()), (9, "exact with 10 visible fillers"));
    assert_eq!(report.source_digest, report.mirror_digest);
}

#[test]
fn what_lies_further_on_is_shifted() {
    let source = [batch(0, 0..5), batch(5, 5..9), batch(9, 9..13)];
    let mirror = [batch(0, 0..5), batch(7, 5..9), batch(11, 9..11)];
    let report = compared(&source, &mirror, 13, false);
    assert_eq!(report.verdict, Verdict::Shifted(2));
    assert_eq!(report.verdict.to_string(), "shifted by 2");
    assert_ne!(report.source_digest, report.mirror_digest);
}

#[test]
fn what_is_another_or_missing_or_too_much_is_told_by_its_range() {
    let source = [batch(0, 0..4), batch(4, 4..8)];
    let changed = [batch(0, 0..4), batch(4, 4..5), batch(5, 90..92), batch(7, 7..8)];
    assert_eq!(compared(&source, &changed, 8, false).verdict, Verdict::Diverged(5..7));
    let missing = [batch(0, 0..4), batch(5, 5..8)];
    assert_eq!(compared(&source, &missing, 8, false).verdict, Verdict::Diverged(4..5));
    let twice = [batch(0, 0..4), batch(4, 0..4)];
    assert_eq!(compared(&source, &twice, 8, false).verdict, Verdict::Diverged(4..8));
    let gap = [batch(0, 0..4), batch(5, 5..8)];
    let invented = [batch(0, 0..4), batch(4, 4..8)];
    assert_eq!(compared(&gap, &invented, 8, false).verdict, Verdict::Diverged(4..5));
}

#[test]
fn what_a_cleaner_took_is_no_difference() {
    let whole = [batch(0, 0..4), batch(4, 4..8)];
    let cleaned = [batch(0, 0..3), batch(4, 4..8)];
    let report = compared(&cleaned, &whole, 8, true);
    assert_eq!((report.verdict, report.cleaned_source, report.same), (Verdict::Exact, 1, 7));
    let report = compared(&whole, &cleaned, 8, true);
    assert_eq!((report.verdict, report.cleaned_mirror), (Verdict::Exact, 1));
    let changed = [batch(0, 0..4), batch(4, 90..94)];
    assert_eq!(compared(&whole, &changed, 8, true).verdict, Verdict::Diverged(4..8));
}
