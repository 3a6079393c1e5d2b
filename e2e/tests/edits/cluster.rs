//! What the owner does to the topics behind the aliases.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tidegate_e2e::jars::Version;
use tidegate_e2e::raw::Connection;
use tidegate_e2e::requests::{Topic, described, fetch, fetch_errors, fetched_values, listed, produce};
use tidegate_e2e::site::{Site, wait_for, write};

use crate::{UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION, hide, kafka, running, topics};

/// The picture of the cluster is a second old at most when a client has asked for Metadata; then the round itself.
const SEEN: Duration = Duration::from_secs(3);

pub(crate) fn a_topic_made_anew_has_a_new_id(version: Version) -> Result<()> {
    let (kafka, _running) = (kafka(version), running());
    let [orders, returns] = topics(kafka)?;
    let site = Site::start(kafka, &[write("orders", &orders), write("returns", &returns)])?;
    hide(&site, &[orders.clone(), returns]);
    let (mut connection, named) = (site.connect()?, Topic::Name("orders"));
    assert_eq!(produce(&mut connection, named, 0, "of the first topic")?, 0);
    let old = Topic::Id(described(&mut connection, named)?.topic_id);

    kafka.delete_topic(&orders)?;
    let deleted = Instant::now();
    wait_for("a deleted topic is unknown", || {
        Ok(described(&mut connection, named)?.error_code == UNKNOWN_TOPIC_OR_PARTITION)
    })?;
    ensure!(deleted.elapsed() < SEEN, "unknown after {:?}", deleted.elapsed());
    assert_eq!(produce(&mut connection, named, 0, "lost")?, UNKNOWN_TOPIC_OR_PARTITION);
    assert_eq!(fetch_errors(&fetch(&mut connection, named, 0, 100)?), [UNKNOWN_TOPIC_OR_PARTITION]);
    the_id_is_unknown(&mut connection, version, old)?;
    assert_eq!(listed(&mut connection)?, ["returns"]);

    let anew = kafka.create_named(std::slice::from_ref(&orders.name), &[1])?.remove(0);
    site.hide(&anew);
    let created = Instant::now();
    wait_for("the new topic is shown", || Ok(described(&mut connection, named)?.error_code == 0))?;
    ensure!(created.elapsed() < SEEN, "shown after {:?}", created.elapsed());
    let new = Topic::Id(described(&mut connection, named)?.topic_id);
    assert_ne!(new, old);
    assert_eq!(produce(&mut connection, named, 0, "of the new topic")?, 0);
    for topic in [named, new] {
        assert_eq!(fetched_values(&fetch(&mut connection, topic, 0, 1_000)?)?, ["of the new topic"]);
    }
    the_id_is_unknown(&mut connection, version, old)?;
    site.finish(kafka)
}

pub(crate) fn new_partitions_are_shown(version: Version) -> Result<()> {
    let (kafka, _running) = (kafka(version), running());
    let [orders] = topics(kafka)?;
    let site = Site::start(kafka, &[write("orders", &orders)])?;
    hide(&site, std::slice::from_ref(&orders));
    let (mut connection, named) = (site.connect()?, Topic::Name("orders"));
    let before = described(&mut connection, named)?;
    assert_eq!(before.partitions.len(), 1);
    // No request meets the change: that somebody asks for Metadata has to be enough.
    kafka.add_partitions(&orders, 3)?;
    let added = Instant::now();
    wait_for("the new partitions have leaders", || {
        let partitions = described(&mut connection, named)?.partitions;
        Ok(partitions.len() == 3 && partitions.iter().all(|partition| partition.leader_id.0 == 1))
    })?;
    ensure!(added.elapsed() < SEEN, "shown after {:?}", added.elapsed());
    assert_eq!(described(&mut connection, named)?.topic_id, before.topic_id);
    assert_eq!(produce(&mut connection, named, 2, "in time")?, 0);
    site.finish(kafka)
}

fn the_id_is_unknown(connection: &mut Connection, version: Version, id: Topic<'_>) -> Result<()> {
    assert_eq!(described(connection, id)?.error_code, UNKNOWN_TOPIC_ID);
    assert_eq!(fetch_errors(&fetch(connection, id, 0, 100)?), [UNKNOWN_TOPIC_ID]);
    if version == Version::V4_1_1 {
        assert_eq!(produce(connection, id, 0, "lost")?, UNKNOWN_TOPIC_ID);
    }
    Ok(())
}
