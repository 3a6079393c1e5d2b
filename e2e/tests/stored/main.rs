//! Zones and accounts from a store: in the state file of one gateway, or in a topic that replicas share.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

mod credentials;
mod cut_off;
mod file;
mod life;
mod many;
mod partner;
mod replicas;
mod rolling;

use std::sync::OnceLock;

use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::Kafka;

/// One broker that most cases share; it dies with the test process.
fn kafka() -> &'static Kafka {
    static KAFKA: OnceLock<Kafka> = OnceLock::new();
    KAFKA.get_or_init(|| Kafka::builder(Version::V4_1_1).start().expect("Kafka starts"))
}
