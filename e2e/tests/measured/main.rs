//! What real brokers answer to the table that the simulated one is held to: any difference fails, by the name of its row.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

mod walks;

use tidegate_e2e::asked::Asked;
use tidegate_e2e::jars::Version;
use tidegate_sim::table::{Checks, QUICK_CHECK_MS, differences};

/// How often brokers look whether something is to be compacted; 15 seconds by default.
const CLEANER_BACKOFF_MS: i64 = 500;

#[test]
fn kafka_4_1_answers_as_measured() {
    ask(Version::V4_1_1, Checks::Usual);
}

#[test]
fn kafka_4_1_forgets_as_measured() {
    ask(Version::V4_1_1, Checks::Quick);
}

#[test]
fn kafka_3_9_answers_as_measured() {
    ask(Version::V3_9_1, Checks::Usual);
}

#[test]
fn kafka_3_9_forgets_as_measured() {
    ask(Version::V3_9_1, Checks::Quick);
}

fn ask(version: Version, checks: Checks) {
    let settings: &[(&str, i64)] = match checks {
        Checks::Usual => &[("log.cleaner.backoff.ms", CLEANER_BACKOFF_MS)],
        Checks::Quick => &[
            ("producer.id.expiration.check.interval.ms", QUICK_CHECK_MS),
            ("log.retention.check.interval.ms", QUICK_CHECK_MS),
            // As soon as a broker runs, not half a minute later.
            ("log.initial.task.delay.ms", QUICK_CHECK_MS),
        ],
    };
    let found = differences(&mut Asked::start(version, settings), checks);
    assert!(found.is_empty(), "Kafka {version} {checks:?}:\n{}", found.join("\n"));
}
