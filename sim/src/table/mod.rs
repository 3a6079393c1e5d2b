//! Questions with the answers of real brokers: what was measured, row by row, for a simulated broker and for real ones.
//!
//! A row asks a [`Subject`] something and notes what it sees. What it should see stands beside it, as text. Whoever is asked
//! must say exactly that: a difference is an error of the simulation, or news about Kafka.
//!
//! Left out, with the reason:
//!
//! - a leader that is killed with a follower to take over; ListOffsets and Produce while a follower is stopped: two brokers
//!   (the simulated one is asked by its own unit tests);
//! - writers through three kills for minutes; fillers by the hundred million, their speed, the heap: hours, or a machine of their own;
//! - batches of librdkafka in five codecs, 122,008 markers before readers, hiding fillers, rights: clients or an authorizer;
//! - 100,000 markers or 10,000 producer ids: the same as 1,000 and 100, only longer;
//! - power loss.

mod asking;
mod compacted;
mod expiry;
mod fillers;
mod guard;
mod markers;
mod positions;
mod restarts;
mod retention;
mod rules;
mod simulated;
mod subject;
mod transactions;
mod walk;

pub use asking::{Asking, P};
pub use subject::{Described, Subject};
pub use walk::walk;

use crate::settings::Version;

/// A question.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// What it is about.
    pub name: &'static str,
    /// What broker it is for.
    pub checks: Checks,
    /// What is seen.
    pub expected: Expected,
    /// Asks it.
    pub ask: fn(&mut Asking<'_>),
}

/// How often the broker looks for what is old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checks {
    /// By default: not while a row runs.
    Usual,
    /// Every [`QUICK_CHECK_MS`].
    Quick,
}

/// `producer.id.expiration.check.interval.ms` and `log.retention.check.interval.ms` for [`Checks::Quick`].
pub const QUICK_CHECK_MS: i64 = 1_000;

/// What is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The same on each release.
    Same(&'static str),
    /// Not the same.
    Differs {
        /// On 4.1.
        v4_1: &'static str,
        /// On 3.9.
        v3_9: &'static str,
    },
}

impl Expected {
    /// On a release.
    #[must_use]
    pub const fn on(&self, version: Version) -> &'static str {
        match (self, version) {
            (Self::Same(seen), _)
            | (Self::Differs { v4_1: seen, .. }, Version::V4_1)
            | (Self::Differs { v3_9: seen, .. }, Version::V3_9) => seen,
        }
    }
}

/// Every row.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    [
        guard::ROWS,
        expiry::ROWS,
        restarts::ROWS,
        retention::ROWS,
        rules::ROWS,
        fillers::ROWS,
        markers::ROWS,
        compacted::ROWS,
        positions::ROWS,
        transactions::ROWS,
    ]
    .into_iter()
    .flatten()
}

/// Asks a subject every row for such a broker; what it said that it should not have, one line a row.
pub fn differences(subject: &mut dyn Subject, checks: Checks) -> Vec<String> {
    let version = subject.version();
    let mut differences = Vec::new();
    for row in rows().filter(|row| row.checks == checks) {
        let mut asking = Asking::new(subject);
        (row.ask)(&mut asking);
        let (seen, expected) = (asking.seen(), row.expected.on(version));
        if seen != expected {
            differences.push(format!("{}: seen \"{seen}\", expected \"{expected}\"", row.name));
        }
    }
    differences
}

const fn same(name: &'static str, expected: &'static str, ask: fn(&mut Asking<'_>)) -> Row {
    Row { name, checks: Checks::Usual, expected: Expected::Same(expected), ask }
}

const fn differs(
    name: &'static str,
    v4_1: &'static str,
    v3_9: &'static str,
    ask: fn(&mut Asking<'_>),
) -> Row {
    Row { name, checks: Checks::Usual, expected: Expected::Differs { v4_1, v3_9 }, ask }
}

const fn quick(row: Row) -> Row {
    Row { checks: Checks::Quick, ..row }
}
