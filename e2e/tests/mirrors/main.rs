//! Topics into which a link has written: readers in a zone see its data at their offsets and none of its fillers.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

mod live;
mod log;
mod markers;
mod record;
mod stock;

use std::sync::OnceLock;

use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::Kafka;

/// One broker that all cases share; it dies with the test process.
fn kafka() -> &'static Kafka {
    static KAFKA: OnceLock<Kafka> = OnceLock::new();
    KAFKA.get_or_init(|| Kafka::builder(Version::V4_1_1).start().expect("Kafka starts"))
}
