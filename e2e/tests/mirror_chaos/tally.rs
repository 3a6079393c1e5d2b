//! How often what has happened.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use crate::site::Site;

#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) workers_killed: Count,
    /// While they had a share and copied it.
    pub(crate) killed_at_work: Count,
    /// By who manages services: the cluster of their store was down when they began.
    pub(crate) started_again: Count,
    pub(crate) workers_stopped: Count,
    /// For longer than their session.
    pub(crate) stopped_for_long: Count,
    pub(crate) brokers_killed: Count,
    /// Partitions that were held against their source.
    pub(crate) compared: Count,
    pub(crate) records: Count,
    /// Records that another client was shown on both sides.
    pub(crate) shown: Count,
    pub(crate) exact: Count,
    /// Mirrors that said so, with an offset, and did differ.
    pub(crate) failed: Count,
    pub(crate) starts_undone: Count,
    pub(crate) starts_repeated: Count,
}

impl Count {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::SeqCst);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// One line for people and for `cargo xtask soak`.
pub(crate) fn report(title: &str, site: &Site) {
    let (tally, way) = (&site.tally, site.proxy.counts());
    let figures = json!({
        "title": title,
        "seed": site.dice.seed(),
        "figures": [
            ["workers killed", tally.workers_killed.get()],
            ["of these while copying", tally.killed_at_work.get()],
            ["workers that ended for want of their store, and were started again", tally.started_again.get()],
            ["workers stopped and continued", tally.workers_stopped.get()],
            ["of these for longer than their session", tally.stopped_for_long.get()],
            ["brokers of the mirror killed", tally.brokers_killed.get()],
            ["requests delayed", way.slow.get()],
            ["requests cut in the middle", way.cut.get()],
            ["requests done without an answer", way.unanswered.get()],
            ["requests done after their connection had ended", way.late.get()],
            ["deletions undone by a kill", tally.starts_undone.get()],
            ["deletions repeated", tally.starts_repeated.get()],
            ["partitions compared", tally.compared.get()],
            ["exact", tally.exact.get()],
            ["FAILED with an offset", tally.failed.get()],
            ["different and silent", 0],
            ["records compared by verify", tally.records.get()],
            ["records compared by kcat", tally.shown.get()],
        ],
    });
    println!("measured: {figures}");
}
