//! How long a broker remembers a producer (offset-exact, section 1).

use super::asking::{Asking, P};
use super::{QUICK_CHECK_MS, Row, quick, same};
use crate::draft::Draft;
use crate::settings::{DAY_MS, HOUR_MS};
use crate::topics::Place;

pub(super) const ROWS: &[Row] = &[
    quick(same(
        "1: remembered for a day by the time of the records",
        "now kept, 23 h kept, 25 h gone, 20 d gone, 30 d gone, -1 gone",
        |ask| remembered(ask, DAY_MS),
    )),
    quick(same(
        "1: remembered for 24.8 days if the broker is told so",
        "now kept, 23 h kept, 25 h kept, 20 d kept, 30 d gone, -1 gone",
        |ask| remembered(ask, i64::from(i32::MAX)),
    )),
    quick(same(
        "1: a marker of the same producer has the time of the broker",
        "ok 0, ok, ok 0, ok 2, nobody, ok 3",
        |ask| {
            ask.topic(FOR_EVER);
            let old = |ask: &Asking<'_>, sequence| Draft::of(1, ask.now - 30 * DAY_MS).by(P, 0, sequence);
            ask.produce(&old(ask, 0));
            ask.mark(P, 0, 0);
            ask.subject.wait(3 * QUICK_CHECK_MS);
            ask.produce(&old(ask, 0));
            ask.produce(&old(ask, 1));
            ask.subject.wait(3 * QUICK_CHECK_MS);
            ask.producers();
            ask.produce(&old(ask, 1));
        },
    )),
    quick(same("1: one who is forgotten may go on at any sequence", "ok 0, nobody, ok 1", |ask| {
        ask.topic(FOR_EVER);
        ask.produce(&Draft::of(1, ask.now - 2 * DAY_MS).by(P, 3, 7));
        ask.subject.wait(3 * QUICK_CHECK_MS);
        ask.producers();
        ask.produce(&Draft::of(1, ask.now).by(P, 1, 99));
    })),
];

/// Old records stay.
pub(super) const FOR_EVER: &[(&str, &str)] = &[("retention.ms", "-1")];

/// Writes batches of several ages, waits for checks, and repeats them.
fn remembered(ask: &mut Asking<'_>, limit: i64) {
    ask.subject.set_producer_expiration(limit);
    let ages = [
        ("now", Some(0)),
        ("23 h", Some(23 * HOUR_MS)),
        ("25 h", Some(25 * HOUR_MS)),
        ("20 d", Some(20 * DAY_MS)),
        ("30 d", Some(30 * DAY_MS)),
        ("-1", None),
    ];
    let written: Vec<(&str, Place, Draft)> = ages
        .map(|(name, age)| {
            let timestamp = age.map_or(-1, |age| ask.now - age);
            (name, ask.topic(FOR_EVER), Draft::of(2, timestamp).by(P, 0, 10))
        })
        .into();
    for (_, place, draft) in &written {
        ask.at(place).write(draft);
    }
    ask.subject.wait(3 * QUICK_CHECK_MS);
    for (name, place, draft) in &written {
        ask.at(place).write(draft);
        let end = ask.offset(crate::offsets::Ask::LogEnd);
        ask.see(format!("{name} {}", if end == 2 { "kept" } else { "gone" }));
    }
    ask.subject.set_producer_expiration(DAY_MS);
}
