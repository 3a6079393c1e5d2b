//! The guard of an idempotent producer (offset-exact, section 1).

use super::asking::{Asking, P, told};
use super::{Row, same};
use crate::draft::Draft;
use crate::offsets::Ask;
use crate::produce::Produce;

pub(super) const ROWS: &[Row] = &[
    same(
        "1: first batch of an unknown producer at any sequence",
        "ok 0, 0 to 3, epoch 0 last 123458 coordinator -1 open -1",
        |ask| {
            ask.produce(&ask.guarded(123_456, 3));
            ask.range();
            ask.producers();
        },
    ),
    same("1: identical repeat, also after a later batch", "ok 0, ok 0, ok 3, ok 0, 0 to 5", |ask| {
        ask.produce(&ask.guarded(0, 3));
        ask.produce(&ask.guarded(0, 3));
        ask.produce(&ask.guarded(3, 2));
        ask.produce(&ask.guarded(0, 3));
        ask.range();
    }),
    same("1: five batches are known again, not six", "ok 0, 45, ok 1, 0 to 6", |ask| {
        (0..5).for_each(|sequence| ask.write(&ask.guarded(sequence, 1)));
        ask.produce(&ask.guarded(0, 1));
        ask.write(&ask.guarded(5, 1));
        ask.produce(&ask.guarded(0, 1));
        ask.produce(&ask.guarded(1, 1));
        ask.range();
    }),
    same("1: same range, other content", "ok 0, ok 0, 0 to 2", |ask| {
        ask.produce(&ask.guarded(0, 2));
        ask.produce(&ask.guarded(0, 2).keyed().zstd());
        ask.range();
    }),
    same("1: same first sequence, fewer or more records", "ok 0, 45, 45, 0 to 3", |ask| {
        ask.produce(&ask.guarded(0, 3));
        ask.produce(&ask.guarded(0, 2));
        ask.produce(&ask.guarded(0, 4));
        ask.range();
    }),
    same("1: gap, repeat of seven back, piece of an older batch", "45, 45, 45, 0 to 16", |ask| {
        (0..8).for_each(|batch| ask.write(&ask.guarded(2 * batch, 2)));
        ask.produce(&ask.guarded(17, 1));
        ask.produce(&ask.guarded(2, 2));
        ask.produce(&ask.guarded(12, 1));
        ask.range();
    }),
    same("1: a higher epoch begins at sequence 0 and fences", "ok 0, 45, ok 1, 47, 0 to 2", |ask| {
        ask.produce(&ask.guarded(9, 1));
        ask.produce(&Draft::of(1, ask.now).by(P, 1, 10));
        ask.produce(&Draft::of(1, ask.now).by(P, 1, 0));
        ask.produce(&ask.guarded(10, 1));
        ask.range();
    }),
    same(
        "1: a first batch of a higher epoch at any sequence",
        "ok 0, epoch 3 last 50 coordinator -1 open -1",
        |ask| {
            ask.produce(&Draft::of(1, ask.now).by(P, 3, 50));
            ask.producers();
        },
    ),
    same("1: real id with sequence -1", "87, 87, ok 0", |ask| {
        ask.produce(&Draft::of(1, ask.now).by(P, 0, -1));
        ask.produce(&Draft::of(1, ask.now).by(i64::MAX, 0, -1));
        ask.produce(&Draft::of(1, ask.now).by(i64::MAX, 0, 0));
    }),
    same(
        "1: real id with epoch -1: any sequence, but a repeat is known",
        "ok 0, ok 1, ok 0, 0 to 2",
        |ask| {
            for sequence in [5, 99, 5] {
                ask.produce(&Draft::of(1, ask.now).by(P, -1, sequence));
            }
            ask.range();
        },
    ),
    same("1: real id with epoch -2", "47, 0 to 0", |ask| {
        ask.produce(&Draft::of(1, ask.now).by(P, -2, 5));
        ask.range();
    }),
    same("1: id -2 or -1 is no guard at all", "ok 0, ok 1, ok 2, ok 3, nobody", |ask| {
        for id in [-1, -1, -2, -2] {
            ask.produce(&Draft::of(1, ask.now).by(id, 0, 7));
        }
        ask.producers();
    }),
    same("1: numbers wrap inside a batch", "ok 0, ok 0, 45, ok 6, ok 6, 0 to 7", |ask| {
        for (sequence, count) in [(i32::MAX - 2, 6), (i32::MAX - 2, 6), (4, 1), (3, 1), (3, 1)] {
            ask.produce(&ask.guarded(sequence, count));
        }
        ask.range();
    }),
    same("1: numbers wrap between batches", "ok 0, ok 2, ok 0, ok 2, 0 to 3", |ask| {
        for (sequence, count) in [(i32::MAX - 1, 2), (0, 1), (i32::MAX - 1, 2), (0, 1)] {
            ask.produce(&ask.guarded(sequence, count));
        }
        ask.range();
    }),
    same("1: a batch that begins at the last number", "ok 0, ok 0, ok 3, 0 to 4", |ask| {
        for (sequence, count) in [(i32::MAX, 3), (i32::MAX, 3), (2, 1)] {
            ask.produce(&ask.guarded(sequence, count));
        }
        ask.range();
    }),
    same("1: three writers, one plan", "40 batches, in place, 0 to 120", three_writers),
    same("1: twenty pipelined requests on one connection", "ok 0 and so on to ok 38, 0 to 40", |ask| {
        let requests: Vec<_> = (0..20).map(|batch| Produce::of(ask.guarded(2 * batch, 2).bytes())).collect();
        let place = ask.place();
        let answers = ask.subject.produce_pipelined(&place, &requests);
        let told: Vec<_> = answers.iter().map(told).collect();
        let expected: Vec<_> = (0..20).map(|batch| format!("ok {}", 2 * batch)).collect();
        ask.see(if told == expected { "ok 0 and so on to ok 38".to_owned() } else { told.join(" ") });
        ask.range();
    }),
];

/// Writers at different places of the same plan, taking turns: whoever is behind meets repeats or refusals, and skips ahead to
/// the end of the log when it is refused.
fn three_writers(ask: &mut Asking<'_>) {
    let mut next = [0_i64, 2, 9];
    for _ in 0..200 {
        for at in &mut next {
            if *at >= 40 {
                continue;
            }
            let sequence = i32::try_from(3 * *at).unwrap_or_default();
            // An empty log takes any sequence: a writer begins where the log ends.
            let end = ask.offset(Ask::LogEnd);
            let answer = match i64::from(sequence) > end {
                true => None,
                false => Some(ask.answer(Produce::of(ask.guarded(sequence, 3).bytes()))),
            };
            *at = match answer.filter(|answer| answer.error_code.is_none()) {
                Some(_) => *at + 1,
                None => end / 3,
            };
        }
    }
    let batches = ask.batches(0);
    ask.see(format!("{} batches", batches.len()));
    let in_place = batches.iter().all(|(header, _)| header.base_offset == i64::from(header.base_sequence));
    ask.see(if in_place { "in place" } else { "out of place" });
    ask.range();
}
