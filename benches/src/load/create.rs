//! Makes the topic of a run on a real Kafka.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::{CreateTopicsRequest, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::Args;
use super::session::{Session, Target};

/// Creates the topic unless it exists, and waits until it has a leader.
pub(super) fn run(args: &Args) -> Result<()> {
    let target = Target::new(args)?;
    let mut session = Session::open(&target, target.address)?;
    let topic = CreatableTopic::default()
        .with_name(TopicName(StrBytes::from_string(args.topic.clone())))
        .with_num_partitions(args.partitions)
        .with_replication_factor(1)
        .with_configs(configs(args));
    let answer =
        session.ask(5, &CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000))?;
    for topic in &answer.topics {
        let error = topic.error_code;
        ensure!(error == 0 || error == TOPIC_ALREADY_EXISTS, "CreateTopics of {}: error {error}", args.topic);
    }
    let start = Instant::now();
    while let Err(error) = session.topic(&args.topic) {
        if start.elapsed() > LEADER_PATIENCE {
            return Err(error);
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Retention acts on whole segments, so they are small where it is asked for.
fn configs(args: &Args) -> Vec<CreatableTopicConfig> {
    let Some(retention) = args.retention_bytes else { return Vec::new() };
    let config = |name, value: u64| {
        CreatableTopicConfig::default()
            .with_name(StrBytes::from_static_str(name))
            .with_value(Some(StrBytes::from_string(value.to_string())))
    };
    vec![
        config("retention.bytes", retention),
        config("segment.bytes", SEGMENT_BYTES),
        config("file.delete.delay.ms", 1000),
    ]
}

const TOPIC_ALREADY_EXISTS: i16 = 36;
const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
const LEADER_PATIENCE: Duration = Duration::from_secs(10);
