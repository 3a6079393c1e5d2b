//! Makes the topic of a run on a real Kafka.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::{CreateTopicsRequest, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::Args;
use super::session::{Session, Target};
use crate::logs::{End, Place, ends};

/// Creates the topic unless it exists, and waits until all of its partitions can be written to.
pub(super) fn run(args: &Args) -> Result<()> {
    let target = Target::new(args)?;
    let mut session = Session::open(&target, target.address)?;
    let topic = CreatableTopic::default()
        .with_name(TopicName(StrBytes::from_string(args.topic.clone())))
        .with_num_partitions(args.partitions)
        .with_replication_factor(1)
        .with_configs(configs(args)?);
    let answer =
        session.ask(5, &CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000))?;
    for topic in &answer.topics {
        let error = topic.error_code;
        ensure!(error == 0 || error == TOPIC_ALREADY_EXISTS, "CreateTopics of {}: error {error}", args.topic);
    }
    let place = Place { address: args.address, topic: args.topic.clone(), partitions: args.partitions };
    let start = Instant::now();
    while ends(&mut session, &place, End::Last)?.is_none() {
        ensure!(start.elapsed() < LEADER_PATIENCE, "nobody leads {}", args.topic);
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Retention acts on whole segments, so they are small where it is asked for.
fn configs(args: &Args) -> Result<Vec<CreatableTopicConfig>> {
    let mut configs = Vec::new();
    if let Some(retention) = args.retention_bytes {
        configs.push(config("retention.bytes", &retention.to_string()));
        configs.push(config("segment.bytes", &SEGMENT_BYTES.to_string()));
        configs.push(config("file.delete.delay.ms", "1000"));
    }
    for pair in &args.config {
        let (name, value) = pair.split_once('=').context("a config is NAME=VALUE")?;
        configs.push(config(name, value));
    }
    Ok(configs)
}

fn config(name: &str, value: &str) -> CreatableTopicConfig {
    CreatableTopicConfig::default()
        .with_name(StrBytes::from_string(name.to_owned()))
        .with_value(Some(StrBytes::from_string(value.to_owned())))
}

const TOPIC_ALREADY_EXISTS: i16 = 36;
const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
const LEADER_PATIENCE: Duration = Duration::from_secs(60);
