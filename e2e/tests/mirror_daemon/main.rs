//! The mirror daemon as an operator runs it, between real clusters.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

mod alone;
mod failed;
mod reload;
mod rights;
mod site;
mod together;
mod tokens;
