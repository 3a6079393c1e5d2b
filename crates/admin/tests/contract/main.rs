//! Every request of the contract as the tools send it, and every answer and error of it, over the memory store.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

mod credentials;
mod logins;
mod mistakes;
mod rights;
mod socket;
mod together;
mod tokens;
mod world;
mod zones;
