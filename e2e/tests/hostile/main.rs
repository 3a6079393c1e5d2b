//! What a hostile partner sends, before and after its login. Nothing of it may hurt anybody else: every case
//! ends with a healthy client on another connection, and a look at the gateway's memory.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

mod before_login;
mod data;
mod floods;
mod groups;
mod hidden;
mod large;
mod requests;
mod sasl;
mod site;

use site::{PARTNER, PASSWORD, Site};
