//! The guard and the codec crate on bodies of every API and version that has a table.
//!
//! Bodies are generated from the schema with a seed that a failing case prints. The loops run a number of
//! rounds that suits CI; `TIDEGATE_TEST_SCALE=100` runs a hundred times as many.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test crate: helpers outside of test functions may fail a test as well"
)]

mod cases;
mod differential;
mod generate;
mod malformed;
mod random;
mod round_trip;
