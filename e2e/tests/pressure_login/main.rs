//! Logins and admission under pressure: who floods, guesses or stalls costs others nothing, and the honest client
//! hardly notices. One address of 127.0.0.0/8 plays the attacker, another the partner.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

mod cost;
mod floods;
mod guessing;
mod sessions;
mod site;
mod slow;

use site::{ATTACKER, HONEST, PARTNER, PASSWORD, RIVAL, Site};
