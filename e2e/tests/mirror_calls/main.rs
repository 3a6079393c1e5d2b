//! Every request of a mirror, answered by real brokers.
//!
//! The newer Kafka is met over TLS and names topics by id, the older one in plaintext and by name where its versions end there: what is written in
//! pieces takes both ways.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

mod admin;
mod batches;
mod logs;
mod sessions;
mod site;

use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::Protocol;

use site::Site;

#[tokio::test]
async fn kafka_4_1_answers_every_call() {
    every_call(&mut Site::start(Version::V4_1_1, Protocol::Ssl)).await;
}

#[tokio::test]
async fn kafka_3_9_answers_every_call() {
    every_call(&mut Site::start(Version::V3_9_1, Protocol::Plaintext)).await;
}

async fn every_call(site: &mut Site) {
    let topic = admin::topics_are_made(site).await;
    let log = logs::batches_are_appended_in_a_pipe(site, &topic).await;
    logs::appends_are_guarded(site, &log).await;
    logs::batches_are_read_as_they_were_written(site, &log).await;
    logs::spots_and_epochs_are_told(site, &log).await;
    logs::producers_are_described(site, &log).await;
    logs::markers_take_offsets(site, &log).await;
    logs::records_are_deleted(site, &log).await;
    logs::another_topic_of_the_name_is_noticed(site, &log).await;
    admin::configs_are_changed_and_read(site, &topic).await;
    admin::partitions_are_added(site, &topic).await;
    sessions::sessions_tell_what_is_new(site, &log).await;
}
