//! The built `tidegate` against a real REST over the memory store, on a loopback socket: every command, both kinds of
//! output, and every exit code.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

mod contexts;
mod credentials;
mod delete;
mod export;
mod gateway;
mod manifests;
mod network;
mod pages;
mod partners;
mod scripted;
mod terminal;
mod together;
mod tokens;
mod world;
mod zones;
