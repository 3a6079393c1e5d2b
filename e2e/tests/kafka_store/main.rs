//! The store in Kafka, on real brokers: held to the same cases as every other, shared by replicas, and attacked by somebody
//! who may write its topic.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

#[macro_use]
#[path = "../../../crates/store/tests/conformance/list.rs"]
mod list;
#[path = "../../../crates/store/tests/conformance/cases.rs"]
mod cases;
#[path = "../../../crates/store/tests/conformance/facts.rs"]
mod facts;
mod hostile;
#[path = "../../../crates/store/tests/conformance/model.rs"]
mod model;
mod replicas;
mod shared_facts;
mod site;
mod topic;

use site::{V3_9, V4_1};

conformance!(kafka_4_1, V4_1);
conformance!(kafka_3_9, V3_9);
