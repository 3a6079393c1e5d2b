//! What becomes of a copy of old records (offset-exact, section 0).

use super::asking::Asking;
use super::{QUICK_CHECK_MS, Row, quick, same};
use crate::draft::Draft;
use crate::settings::DAY_MS;

pub(super) const ROWS: &[Row] = &[
    quick(same("0: retention eats a copy of old records at once", "2 to 2, ok 2", |ask| {
        days_old(ask, &[], &[30, 29]);
        ask.produce(&Draft::of(1, ask.now));
    })),
    quick(same("0: but not where it is off", "0 to 2", |ask| {
        days_old(ask, &[("retention.ms", "-1")], &[30, 29]);
    })),
    quick(same("0: a young record keeps the old ones of its segment", "0 to 2", |ask| {
        days_old(ask, &[], &[8, 2]);
    })),
    quick(same("0: a record that is a week younger begins another segment", "2 to 3", |ask| {
        days_old(ask, &[], &[30, 29, 1]);
    })),
    quick(same("0: records without a time are young", "0 to 1", |ask| {
        ask.write(&Draft::of(1, -1));
        ask.subject.wait(3 * QUICK_CHECK_MS);
        ask.range();
    })),
];

fn days_old(ask: &mut Asking<'_>, configs: &[(&str, &str)], days: &[i64]) {
    ask.topic(configs);
    days.iter().for_each(|days| ask.write(&Draft::of(1, ask.now - days * DAY_MS)));
    ask.subject.wait(3 * QUICK_CHECK_MS);
    ask.range();
}
