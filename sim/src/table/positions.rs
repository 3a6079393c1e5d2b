//! Positions and epochs (offset-exact, section 6).

use super::asking::{Asking, P, named};
use super::{Row, same};
use crate::draft::Draft;
use crate::epochs::EpochEnd;
use crate::fetch::Fetch;
use crate::offsets::Ask;
use crate::restart::Restart;

pub(super) const ROWS: &[Row] = &[
    same("6: ListOffsets on one node: clients and replica -2 are told the same", "0 5 5 5", |ask| {
        ask.write(&ask.guarded(0, 5));
        let all = [Ask::Start, Ask::HighWatermark, Ask::StableEnd, Ask::LogEnd];
        let told: Vec<_> = all.iter().map(|asked| ask.offset(*asked).to_string()).collect();
        ask.see(told.join(" "));
    }),
    same("6: out of range without an epoch", "ok 0 bytes, 1, 1", |ask| {
        ask.write(&ask.guarded(0, 5));
        for offset in [5, 6, -1] {
            let fetched = ask.fetch(&Fetch::from(offset));
            let bytes = fetched.records.len();
            ask.see(if fetched.error_code.is_none() {
                format!("ok {bytes} bytes")
            } else {
                named(fetched.error_code)
            });
        }
    }),
    same("6: at and past the end with the right epoch", "ok, ok diverging +0 at 5", |ask| {
        ask.write(&ask.guarded(0, 5));
        let epoch = ask.leader_epoch();
        diverging(ask, 5, epoch, epoch);
        diverging(ask, 9, epoch, epoch);
    }),
    same("6: an epoch that is higher than known", "1, 1", |ask| {
        ask.write(&ask.guarded(0, 5));
        let epoch = ask.leader_epoch();
        diverging(ask, 3, epoch + 9, epoch);
        diverging(ask, 9, epoch + 9, epoch);
    }),
    same(
        "6: an epoch that is older than the log at the offset, or that the log skipped",
        "ok, ok, ok diverging +0 at 3, ok diverging +0 at 3, ok diverging +0 at 3, ok diverging +0 at 3",
        |ask| {
            ask.write(&ask.guarded(0, 3));
            let epoch = ask.leader_epoch();
            ask.subject.restart(Restart::Clean);
            ask.subject.restart(Restart::Clean);
            ask.write(&ask.guarded(3, 2));
            (2..6).for_each(|offset| diverging(ask, offset, epoch, epoch));
            diverging(ask, 4, epoch + 1, epoch);
            diverging(ask, 2, epoch + 1, epoch);
        },
    ),
    same("6: below the start with an epoch", "starts at 4, 1", |ask| {
        ask.write(&ask.guarded(0, 5));
        ask.delete(4);
        let epoch = ask.leader_epoch();
        diverging(ask, 2, epoch, epoch);
    }),
    same("6: CurrentLeaderEpoch too high, right, too low", "75, ok, 74", |ask| {
        let before = two_leaders(ask);
        let epoch = ask.leader_epoch();
        for led in [epoch + 1, epoch, before] {
            let fetched = ask.fetch(&Fetch { leader_epoch: Some(led), ..Fetch::from(0) });
            ask.see(named(fetched.error_code));
        }
    }),
    same(
        "6: OffsetForLeaderEpoch as -1, -2 and 1: the old, the new, none such, a leader that is not there",
        "ok +0 at 3, ok last at 5, ok unknown, 75, ok +0 at 3, ok last at 5, ok unknown, 75, \
         ok +0 at 3, ok last at 5, ok unknown, 75",
        |ask| {
            let epoch = two_leaders(ask);
            let (place, last) = (ask.place(), ask.leader_epoch());
            for replica in [-1, -2, 1] {
                for (asked, led) in [(epoch, None), (last, None), (last + 9, None), (epoch, Some(last + 1))] {
                    let (code, end) = ask.subject.leader_epoch_end(&place, replica, asked, led);
                    let end = match end {
                        _ if !code.is_none() => String::new(),
                        EpochEnd::UNKNOWN => " unknown".to_owned(),
                        EpochEnd { epoch: found, end_offset } if found == epoch => {
                            format!(" +0 at {end_offset}")
                        }
                        EpochEnd { epoch: found, end_offset } if found == last => {
                            format!(" last at {end_offset}")
                        }
                        EpochEnd { epoch, end_offset } => format!(" {epoch} at {end_offset}"),
                    };
                    ask.see(format!("{}{end}", named(code)));
                }
            }
        },
    ),
    same(
        "6: an epoch whose records are deleted ends at the start",
        "starts at 4, ok +0 at 4, ok, ok diverging +0 at 4",
        |ask| {
            let epoch = two_leaders(ask);
            ask.delete(4);
            let place = ask.place();
            let (code, end) = ask.subject.leader_epoch_end(&place, -1, epoch, None);
            ask.see(format!("{} +{} at {}", named(code), end.epoch - epoch, end.end_offset));
            diverging(ask, 4, epoch, epoch);
            diverging(ask, 5, epoch, epoch);
        },
    ),
    same(
        "6: the epochs that batches have, and ListOffsets tells with the start and the end",
        "start old end old, batch old, batch new, start old end new, starts at 5, start new end new",
        |ask| {
            let epoch = ask.leader_epoch();
            epochs(ask, epoch);
            two_leaders(ask);
            for (header, _) in ask.batches(0) {
                ask.see(format!("batch {}", age(header.leader_epoch, epoch)));
            }
            epochs(ask, epoch);
            ask.delete(-1);
            epochs(ask, epoch);
        },
    ),
    same("6: an answer ends where a segment does", "[0..0], [1..1], 0 to 2", |ask| {
        ask.topic(&[("segment.ms", "5000")]);
        ask.write(&Draft::of(1, ask.now - 10_000));
        ask.write(&Draft::of(1, ask.now));
        for offset in [0, 1] {
            let records = ask.fetch(&Fetch::from(offset)).records;
            let all = tidegate_wire::record::batches(&records);
            let all: Vec<_> = all.map(|(header, _)| format!("[{0}..{0}]", header.base_offset)).collect();
            ask.see(all.join(" "));
        }
        ask.range();
    }),
    same("6: a repeat that is younger ends a segment", "ok 0, ok 0, ok 1, [0..0]", |ask| {
        ask.topic(&[("segment.ms", "5000")]);
        let of = |ask: &Asking<'_>, sequence, age| Draft::of(1, ask.now - age).by(P, 0, sequence);
        ask.produce(&of(ask, 0, 10_000));
        ask.produce(&of(ask, 0, 0));
        ask.produce(&of(ask, 1, 10_000));
        let records = ask.fetch(&Fetch::from(0)).records;
        for (header, _) in tidegate_wire::record::batches(&records) {
            ask.see(format!("[{0}..{0}]", header.base_offset));
        }
    }),
    same("6: at most so many bytes, but one batch", "first whole, cut at 100", |ask| {
        ask.write(&ask.guarded(0, 5));
        ask.write(&ask.guarded(5, 5));
        let first = ask.batches(0).first().map_or(0, |(_, batch)| batch.len());
        let little = ask.fetch(&Fetch { max_bytes: 10, ..Fetch::from(0) }).records.len();
        ask.see(if little == first { "first whole".to_owned() } else { format!("{little} bytes") });
        let more = ask.fetch(&Fetch { max_bytes: first + 20, ..Fetch::from(0) }).records.len();
        ask.see(if more == first + 20 { "cut at 100".to_owned() } else { format!("{more} bytes") });
    }),
];

/// Three records of one leader, two of another; the epoch of the first.
fn two_leaders(ask: &mut Asking<'_>) -> i32 {
    ask.write(&ask.guarded(0, 3));
    let epoch = ask.leader_epoch();
    ask.subject.restart(Restart::Clean);
    ask.write(&ask.guarded(3, 2));
    epoch
}

fn epochs(ask: &mut Asking<'_>, relative: i32) {
    let place = ask.place();
    let [start, end] = [Ask::Start, Ask::LogEnd]
        .map(|asked| age(ask.subject.list_offsets(&place, asked).leader_epoch, relative));
    ask.see(format!("start {start} end {end}"));
}

fn age(epoch: i32, old: i32) -> &'static str {
    match epoch {
        -1 => "unknown",
        epoch if epoch == old => "old",
        epoch if epoch > old => "new",
        _ => "older",
    }
}

/// Fetches with a last epoch, and notes what comes, epochs relative to another.
fn diverging(ask: &mut Asking<'_>, offset: i64, last_epoch: i32, relative: i32) {
    let fetched = ask.fetch(&Fetch { last_epoch: Some(last_epoch), ..Fetch::from(offset) });
    let end =
        fetched.diverging.map(|end| format!(" diverging +{} at {}", end.epoch - relative, end.end_offset));
    let records =
        if fetched.diverging.is_some() && !fetched.records.is_empty() { " with records" } else { "" };
    ask.see(format!("{}{}{records}", named(fetched.error_code), end.unwrap_or_default()));
}
