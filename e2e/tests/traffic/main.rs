//! Traffic policies of a zone (KIP-219): what is over a rate goes through and is paid for with silence, whether the
//! client obeys or not.
//!
//! Times are bounded from below by what the rate allows, and from above only by what a busy machine may take.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

mod commits;
mod consume;
mod produce;
mod stock;

use std::sync::OnceLock;

use anyhow::{Context, Result};
use tidegate_e2e::gateway::{Alias, Home};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::Kafka;
use tidegate_e2e::site::{Handled, Site};

/// One broker that all cases share; it dies with the test process.
fn kafka() -> &'static Kafka {
    static KAFKA: OnceLock<Kafka> = OnceLock::new();
    KAFKA.get_or_init(|| Kafka::builder(Version::V4_1_1).start().expect("Kafka starts"))
}

/// A site whose zone has `policies`, a YAML flow mapping.
fn site(aliases: &[Alias], policies: &str) -> Result<Site> {
    Site::start_with(kafka(), aliases, |home| limit(home, policies))
}

/// Gives the zone, edited already or not, other policies.
fn change(site: &Site, aliases: &[Alias], policies: &str) -> Result<Handled> {
    site.edit_files(|home| {
        site.rewrite(aliases)?;
        limit(home, policies)
    })
}

fn limit(home: &Home, policies: &str) -> Result<()> {
    let spec = format!("spec:\n  trafficControlPolicies: {policies}\n");
    home.replace("zones/acme.yaml", "spec:\n", &spec).context("limiting the zone")
}
