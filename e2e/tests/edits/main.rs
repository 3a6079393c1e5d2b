//! Zones are edited while clients are connected: every edit is enforced within a second, and what clients see is
//! what a broker would say had an operator done the same to it.
//!
//! Times are taken from the moment at which the gateway logs that it has read its zones again. Accounts and zones
//! that go away are in `revoke.rs`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

mod aliases;
mod cluster;
mod in_flight;
mod pointing;
mod rights;
mod stock;
mod twins;

use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use anyhow::Result;
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::{Kafka, Topic};
use tidegate_e2e::raw::Connection;
use tidegate_e2e::requests::has_coordinator;
use tidegate_e2e::site::{Site, wait_for};

const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const TOPIC_AUTHORIZATION_FAILED: i16 = 29;
const CLUSTER_AUTHORIZATION_FAILED: i16 = 31;
const UNKNOWN_TOPIC_ID: i16 = 100;

/// The same cases once per Kafka release.
macro_rules! before_kafka {
    ($module:ident, $version:expr, [$($path:ident::$case:ident),* $(,)?]) => {
        mod $module {
            $(#[test]
            fn $case() -> anyhow::Result<()> {
                super::$path::$case($version)
            })*
        }
    };
    ([$($path:ident::$case:ident),* $(,)?]) => {
        before_kafka!(kafka_4_1_1, tidegate_e2e::jars::Version::V4_1_1, [$($path::$case),*]);
        before_kafka!(kafka_3_9_1, tidegate_e2e::jars::Version::V3_9_1, [$($path::$case),*]);
    };
}

before_kafka!([
    aliases::an_added_alias_is_shown_and_served,
    aliases::a_removed_alias_ends_what_waits_and_is_hidden,
    pointing::an_alias_pointed_elsewhere_closes_the_zones_connections,
    rights::a_right_is_lowered_and_raised,
    cluster::a_topic_made_anew_has_a_new_id,
    cluster::new_partitions_are_shown,
]);

/// One broker that all cases share; it dies with the test process.
fn kafka(version: Version) -> &'static Kafka {
    static CLUSTERS: [OnceLock<Kafka>; 2] = [const { OnceLock::new() }; 2];
    let cluster = match version {
        Version::V4_1_1 => &CLUSTERS[0],
        Version::V3_9_1 => &CLUSTERS[1],
    };
    cluster.get_or_init(|| Kafka::builder(version).start().expect("Kafka starts"))
}

/// Held by cases that need the broker to answer.
fn running() -> RwLockReadGuard<'static, ()> {
    paused_or_not().read().unwrap_or_else(PoisonError::into_inner)
}

/// Held by a case that pauses the broker.
fn pausing() -> RwLockWriteGuard<'static, ()> {
    paused_or_not().write().unwrap_or_else(PoisonError::into_inner)
}

fn paused_or_not() -> &'static RwLock<()> {
    static LOCK: RwLock<()> = RwLock::new(());
    &LOCK
}

/// New topics of one partition that a site must not show.
fn topics<const N: usize>(kafka: &Kafka) -> Result<[Topic; N]> {
    Ok(kafka.create_topics(&[1; N])?.try_into().expect("as many as asked for"))
}

fn hide(site: &Site, topics: &[Topic]) {
    topics.iter().for_each(|topic| site.hide(topic));
}

fn wait_for_coordinator(connection: &mut Connection, group: &str) -> Result<()> {
    wait_for("the group has a coordinator", || has_coordinator(connection, group))
}
