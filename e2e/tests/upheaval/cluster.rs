//! What an operator does to a cluster, and how it is seen to be whole again.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use kafka_protocol::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use kafka_protocol::messages::metadata_response::{MetadataResponsePartition, MetadataResponseTopic};
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, ElectLeadersRequest, MetadataRequest, TopicName,
};
use tidegate_e2e::kafka::Kafka;

/// A machine that is busy with other things needs a while.
const PATIENCE: Duration = Duration::from_secs(150);
const NOBODY_TO_MOVE_TO: i16 = 80;
const ELECTION_NOT_NEEDED: i16 = 84;
const PREFERRED: i8 = 0;
const BROKERS: usize = 3;

/// Waits until each partition has a leader and all its replicas in sync, as every broker sees it.
pub(crate) fn whole(kafka: &Kafka) -> Result<()> {
    eventually("the cluster is not whole", || {
        for id in 1..=3 {
            for topic in topics(kafka, id)? {
                let partitions = &topic.partitions;
                let whole = |partition: &MetadataResponsePartition| {
                    partition.leader_id.0 >= 0 && partition.isr_nodes.len() == BROKERS
                };
                ensure!(topic.error_code == 0 && partitions.iter().all(whole), "broker {id}: {topic:?}");
            }
        }
        Ok(())
    })
}

/// Makes the next replica of every partition the preferred one and elects it, coordinators' topics included:
/// what kafka-reassign-partitions and kafka-leader-election send. Gives the number of leaders that moved.
pub(crate) fn move_leaders(kafka: &Kafka) -> Result<usize> {
    whole(kafka)?;
    let before = topics(kafka, 1)?;
    reassign(kafka, &before)?;
    eventually("leaders have not moved", || {
        let elect = ElectLeadersRequest::default()
            .with_election_type(PREFERRED)
            .with_topic_partitions(None)
            .with_timeout_ms(20_000);
        let answer = kafka.internal(1)?.call(2, &elect)?;
        ensure!(answer.error_code == 0, "{answer:?}");
        for partition in answer.replica_election_results.iter().flat_map(|topic| &topic.partition_result) {
            let expected = [0, NOBODY_TO_MOVE_TO, ELECTION_NOT_NEEDED].contains(&partition.error_code);
            ensure!(expected, "{partition:?}");
        }
        for id in 1..=3 {
            for topic in topics(kafka, id)? {
                let preferred = |partition: &MetadataResponsePartition| {
                    partition.replica_nodes.first() == Some(&partition.leader_id)
                };
                ensure!(topic.partitions.iter().all(preferred), "broker {id}: {topic:?}");
            }
        }
        Ok(())
    })?;
    let after = topics(kafka, 1)?;
    let leaders = |topics: &[MetadataResponseTopic]| -> Vec<_> {
        topics.iter().flat_map(|topic| topic.partitions.iter().map(|p| p.leader_id)).collect()
    };
    let moved = leaders(&before).iter().zip(leaders(&after)).filter(|(old, new)| *old != new).count();
    ensure!(moved > 0, "no leader moved");
    Ok(moved)
}

fn reassign(kafka: &Kafka, topics: &[MetadataResponseTopic]) -> Result<()> {
    let partition = |partition: &MetadataResponsePartition| {
        let mut replicas = partition.replica_nodes.clone();
        // Whoever leads goes to the end, so that each leader does move.
        let leader = replicas.iter().position(|id| *id == partition.leader_id).unwrap_or(0);
        replicas.rotate_left((leader + 1) % BROKERS);
        ReassignablePartition::default()
            .with_partition_index(partition.partition_index)
            .with_replicas(Some(replicas))
    };
    let topic = |topic: &MetadataResponseTopic| {
        ReassignableTopic::default()
            .with_name(name(topic))
            .with_partitions(topic.partitions.iter().map(partition).collect())
    };
    let request = AlterPartitionReassignmentsRequest::default()
        .with_timeout_ms(20_000)
        .with_topics(topics.iter().map(topic).collect());
    let answer = kafka.internal(1)?.call(0, &request)?;
    let codes = answer.responses.iter().flat_map(|topic| &topic.partitions).map(|p| p.error_code);
    ensure!(answer.error_code == 0 && codes.into_iter().all(|code| code == 0), "{answer:?}");
    Ok(())
}

/// Every topic, sorted, its partitions too.
fn topics(kafka: &Kafka, asked: u16) -> Result<Vec<MetadataResponseTopic>> {
    let request = MetadataRequest::default().with_topics(None);
    let mut topics = kafka.internal(asked)?.call(12, &request)?.topics;
    topics.sort_by_key(name);
    topics.iter_mut().for_each(|topic| topic.partitions.sort_by_key(|partition| partition.partition_index));
    Ok(topics)
}

fn name(topic: &MetadataResponseTopic) -> TopicName {
    topic.name.clone().unwrap_or_default()
}

/// Tries until it succeeds.
pub(crate) fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
    let until = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Err(why) if Instant::now() > until => bail!("{what} after {PATIENCE:?}: {why:#}"),
            Err(_) => thread::sleep(Duration::from_millis(200)),
            done => return done,
        }
    }
}
