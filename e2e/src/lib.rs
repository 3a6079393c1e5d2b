//! Real Apache Kafka, real clients and the built gateway, for tests and for people at a terminal.
//!
//! The harness is blocking on purpose: a test reads from top to bottom, and every child process is tied to
//! the life of the test process (see [`process`]).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "test support: a failed expectation ends the test, and a person reads the terminal"
)]

pub mod asked;
pub mod clients;
pub mod dice;
pub mod gateway;
pub mod idp;
pub mod jars;
pub mod java;
pub mod kafka;
pub mod markers;
pub mod mirror;
pub mod once;
pub mod paths;
pub mod pki;
pub mod play;
pub mod process;
pub mod random;
pub mod raw;
pub mod recorder;
pub mod requests;
pub mod scale;
pub mod scram;
pub mod site;
pub mod tls;
