//! What a broker knows after it started again (offset-exact, sections 1, 3 and 6).

use super::asking::{Asking, P};
use super::expiry::FOR_EVER;
use super::{Row, differs, same};
use crate::draft::Draft;
use crate::restart::Restart;
use crate::settings::DAY_MS;

pub(super) const ROWS: &[Row] = &[
    same(
        "1: after a kill the producers of young records are known",
        "epoch 0 last 2 coordinator -1 open -1, ok 0, 45, ok 3, 0 to 4",
        |ask| {
            ask.write(&ask.guarded(0, 3));
            ask.subject.restart(Restart::Killed);
            ask.producers();
            ask.produce(&ask.guarded(0, 3));
            ask.produce(&ask.guarded(7, 1));
            ask.produce(&ask.guarded(3, 1));
            ask.range();
        },
    ),
    same(
        "1: after a restart the producers of old records are forgotten, without a check",
        "ok 0, ok 0, nobody, ok 1, ok 1, nobody, ok 2",
        |ask| {
            ask.topic(FOR_EVER);
            let old = Draft::of(1, ask.now - 2 * DAY_MS).by(P, 0, 5);
            for how in [Restart::Killed, Restart::Clean] {
                ask.produce(&old);
                ask.produce(&old);
                ask.subject.restart(how);
                ask.producers();
            }
            ask.produce(&old);
        },
    ),
    same(
        "3: a start that was moved is lost by a kill, and the end is not",
        "starts at 4, 0 to 6, [0..3] count 4 codec 0, [4..5] count 2 codec 0",
        |ask| {
            moved_start(ask, Restart::Killed);
            ask.shapes(0);
        },
    ),
    same("3: a start that was moved stays after a clean stop", "starts at 4, 4 to 6", |ask| {
        moved_start(ask, Restart::Clean);
    }),
    same(
        "3: after DeleteRecords a producer whose records have no time is known until a restart",
        "ok 0, starts at 2, epoch 0 last 1 coordinator -1 open -1, ok 0, nobody, 2 to 2",
        |ask| {
            let untimed = Draft::of(2, -1).by(P, 0, 0);
            ask.produce(&untimed);
            ask.delete(-1);
            ask.producers();
            ask.produce(&untimed);
            ask.subject.restart(Restart::Clean);
            ask.producers();
            ask.range();
        },
    ),
    differs("6: a kill raises the leader's epoch", "rises", "stays", |ask| raised(ask, Restart::Killed)),
    same("6: a clean stop raises the leader's epoch", "rises", |ask| raised(ask, Restart::Clean)),
];

fn moved_start(ask: &mut Asking<'_>, how: Restart) {
    ask.write(&ask.guarded(0, 4));
    ask.write(&ask.guarded(4, 2));
    ask.delete(4);
    ask.subject.wait(2_000);
    ask.subject.restart(how);
    ask.range();
}

/// It is taken from the partition and given back, mostly each with an epoch; once in a while both are one.
fn raised(ask: &mut Asking<'_>, how: Restart) {
    let before = ask.leader_epoch();
    ask.subject.restart(how);
    let after = ask.leader_epoch();
    ask.see(match after - before {
        0 => "stays",
        rise if rise > 0 => "rises",
        _ => "falls",
    });
}
