//! What every store of records must hold to, whatever it is made of.
//!
//! Each case gets a store without records and runs against every implementation; what only some can do (be opened again)
//! is asked of those. The store in Kafka is held to them in `e2e/tests/kafka_store`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

#[macro_use]
mod list;
mod cases;
mod model;
mod subject;

use subject::{Memory, Sqlite};

conformance!(memory, Memory);
conformance!(sqlite, Sqlite);
