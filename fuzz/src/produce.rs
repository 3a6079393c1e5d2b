//! Produce requests.

use tidegate_wire::header::Request;
use tidegate_wire::produce::{PartitionData, ProduceRequest, Rewritten};
use tidegate_wire::topic::TopicKey;
use tidegate_wire::{Bytes, codec, messages};

/// The first byte picks the version. What is read is written with the same topics and records, and whatever the codec crate can read behind
/// the guard is read here too.
pub fn produce(data: &[u8]) {
    let Some((version, data)) = data.split_first() else { return };
    let version = 3 + i16::from(version % 11);
    let body = Bytes::copy_from_slice(data);
    let typed = codec::decode::<messages::ProduceRequest>(version, &body);
    let Ok(read) = ProduceRequest::read(&body, version) else {
        assert!(typed.is_err(), "only the codec crate reads it");
        return;
    };
    if let Ok(typed) = typed {
        let of_typed = typed.topic_data.iter().map(|topic| topic.partition_data.len());
        assert!(of_typed.eq(read.topics.iter().map(|topic| topic.partitions.len())));
    }
    let topics = read.topics.iter().map(|topic| (TopicKey::from(topic.topic), topic.partitions.clone()));
    let rewritten = Rewritten {
        correlation_id: 1,
        client_id: "fuzz",
        transactional_id: read.transactional_id,
        acks: read.acks,
        timeout_ms: read.timeout_ms,
        topics: topics.collect(),
    };
    let request = Request::parse(rewritten.write(&body, version).joined()).expect("our own header");
    let again = ProduceRequest::read(&request.body, version).expect("our own request");
    assert_eq!((again.transactional_id, again.acks), (read.transactional_id, read.acks));
    assert_eq!(again.topics.len(), read.topics.len());
    for (again, read) in again.topics.iter().zip(&read.topics) {
        assert_eq!(again.topic, read.topic);
        assert_eq!(records(&request.body, &again.partitions), records(&body, &read.partitions));
    }
}

fn records<'a>(body: &'a [u8], partitions: &'a [PartitionData]) -> Vec<(i32, &'a [u8])> {
    let of = |partition: &PartitionData| &body[partition.records.clone().unwrap_or_default()];
    partitions.iter().map(|partition| (partition.index, of(partition))).collect()
}
