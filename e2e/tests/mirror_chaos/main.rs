//! A mirror through everything that may befall it: workers killed, stopped and continued, two at once, the mirror's broker killed, a
//! network that delays, cuts, loses answers and delivers late. After each the mirror is what its source is, record by record.
//!
//! Where the broker guards no append, for its records are old, the mirror is exact or has `FAILED` with an offset; what differs and
//! says nothing fails the test. `cargo xtask soak mirror_chaos` does it all at the size of the bar.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

mod alone;
mod batches;
mod judge;
mod mirrored;
mod old;
mod proxy;
mod round;
mod site;
mod started;
mod tally;
mod together;
mod weather;
mod writer;
