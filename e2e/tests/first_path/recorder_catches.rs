//! The recorder before a bare broker: what a broken rule would let through is found.

use std::time::Duration;

use anyhow::Result;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{MetadataRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use tidegate_e2e::jars::Version;
use tidegate_e2e::raw::Connection;
use tidegate_e2e::recorder::Recorder;

use crate::partner::{cluster_markers, shared_kafka};

pub(crate) fn the_recorder_catches_a_broker_that_speaks_openly(version: Version) -> Result<()> {
    let kafka = shared_kafka(version);
    let topic = kafka.create_topic(1)?;
    let recorder = Recorder::default();
    let broker = kafka.bootstrap().split(',').next().unwrap_or_default().parse()?;
    let door = recorder.open_any(broker)?;

    let mut connection = Connection::open(door, Duration::from_secs(20))?;
    connection.log_in(&kafka.admin().name, &kafka.admin().password)?;
    let name = TopicName(StrBytes::from_string(topic.name.clone()));
    let asked = MetadataRequestTopic::default().with_name(Some(name));
    connection.call(12, &MetadataRequest::default().with_topics(Some(vec![asked])))?;

    let mut markers = cluster_markers(kafka);
    markers.text("backing topic", &topic.name);
    markers.id("topic id", topic.id);
    let found: Vec<String> = recorder.search(&markers).into_iter().map(|hit| hit.what).collect();
    for what in ["upstream host", "upstream rack", "cluster id", "backing topic", "topic id"] {
        assert!(found.iter().any(|name| name == what), "{what} was not caught: {found:?}");
    }
    Ok(())
}
