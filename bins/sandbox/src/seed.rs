//! The sample topics with a few records, as a company would have them: internal names, JSON values.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, anyhow, bail};
use bytes::{Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::error::ParseResponseErrorCode as _;
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    CreateTopicsRequest, MetadataRequest, MetadataResponse, ProduceRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType};
use tokio::time::{Instant, sleep};

use crate::kafka::Connection;

/// A sample topic: what it is called inside and what the partner sees of it.
#[derive(Debug)]
pub(crate) struct SampleTopic {
    /// The partner's name for it.
    pub(crate) alias: &'static str,
    /// The name in the cluster, which the partner never sees.
    pub(crate) backing: &'static str,
    /// `READ` or `WRITE`, as a zone manifest says it.
    pub(crate) permission: &'static str,
    /// Keys and values, in order.
    pub(crate) records: &'static [(&'static str, &'static str)],
}

/// The topic that the partner may write to.
pub(crate) const ORDERS: SampleTopic = SampleTopic {
    alias: "orders",
    backing: "acme-internal-orders-v3",
    permission: "WRITE",
    records: &[
        ("A-1001", r#"{"order":"A-1001","sku":"TEA-250","quantity":40,"status":"PLACED"}"#),
        ("A-1002", r#"{"order":"A-1002","sku":"COFFEE-500","quantity":12,"status":"PLACED"}"#),
        ("A-1001", r#"{"order":"A-1001","sku":"TEA-250","quantity":40,"status":"SHIPPED"}"#),
    ],
};

/// The topic that the partner may only read.
pub(crate) const PRICES: SampleTopic = SampleTopic {
    alias: "prices",
    backing: "acme-internal-prices-v1",
    permission: "READ",
    records: &[
        ("TEA-250", r#"{"sku":"TEA-250","price":"4.90","currency":"EUR"}"#),
        ("COFFEE-500", r#"{"sku":"COFFEE-500","price":"8.75","currency":"EUR"}"#),
        ("COCOA-400", r#"{"sku":"COCOA-400","price":"6.20","currency":"EUR"}"#),
        ("COFFEE-500", r#"{"sku":"COFFEE-500","price":"8.95","currency":"EUR"}"#),
    ],
};

/// The node ids of the cluster.
pub(crate) async fn nodes(connection: &mut Connection) -> anyhow::Result<BTreeSet<i32>> {
    let metadata = metadata(connection, &[]).await?;
    if metadata.brokers.is_empty() {
        bail!("the cluster shows no broker");
    }
    Ok(metadata.brokers.iter().map(|broker| broker.node_id.0).collect())
}

/// Creates the sample topics that are missing and fills those; a topic that is there keeps its records.
pub(crate) async fn fill(connection: &mut Connection) -> anyhow::Result<()> {
    for topic in [ORDERS, PRICES] {
        if create(connection, topic.backing).await? {
            let leader = leader(connection, topic.backing).await?;
            produce(&leader, &topic).await?;
        }
    }
    Ok(())
}

/// Whether the topic was created now.
async fn create(connection: &mut Connection, name: &'static str) -> anyhow::Result<bool> {
    let topic = CreatableTopic::default()
        .with_name(topic_name(name))
        .with_num_partitions(1)
        .with_replication_factor(BROKER_DEFAULT);
    let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(TIMEOUT_MS);
    let response = connection.call(&request, CREATE_TOPICS_VERSION).await?;
    let result =
        response.topics.first().ok_or_else(|| anyhow!("no answer to the creation of topic {name}"))?;
    match result.error_code.err() {
        None => Ok(true),
        Some(ResponseError::TopicAlreadyExists) => Ok(false),
        Some(error) => Err(refusal(error).context(format!("cannot create topic {name}"))),
    }
}

/// The address of the leader of the only partition; a real cluster needs a moment after the creation.
async fn leader(connection: &mut Connection, name: &'static str) -> anyhow::Result<String> {
    let deadline = Instant::now() + LEADER_LIMIT;
    loop {
        let metadata = metadata(connection, &[name]).await?;
        if let Some(address) = leader_address(&metadata) {
            return Ok(address);
        }
        if Instant::now() > deadline {
            bail!("topic {name} has no leader {LEADER_LIMIT:?} after its creation");
        }
        sleep(RETRY_PAUSE).await;
    }
}

fn leader_address(metadata: &MetadataResponse) -> Option<String> {
    let topic: &MetadataResponseTopic = metadata.topics.first()?;
    let partition = topic.partitions.first()?;
    let leader = metadata.brokers.iter().find(|broker| broker.node_id == partition.leader_id)?;
    Some(format!("{}:{}", leader.host, leader.port))
}

async fn metadata(connection: &mut Connection, topics: &[&'static str]) -> anyhow::Result<MetadataResponse> {
    let topics =
        topics.iter().map(|name| MetadataRequestTopic::default().with_name(Some(topic_name(name)))).collect();
    let request = MetadataRequest::default().with_topics(Some(topics)).with_allow_auto_topic_creation(false);
    connection.call(&request, METADATA_VERSION).await
}

async fn produce(leader: &str, topic: &SampleTopic) -> anyhow::Result<()> {
    let partition = PartitionProduceData::default().with_index(0).with_records(Some(batch(topic.records)?));
    let data =
        TopicProduceData::default().with_name(topic_name(topic.backing)).with_partition_data(vec![partition]);
    let request =
        ProduceRequest::default().with_acks(ALL).with_timeout_ms(TIMEOUT_MS).with_topic_data(vec![data]);
    let response = Connection::open(leader).await?.call(&request, PRODUCE_VERSION).await?;
    let result = response
        .responses
        .first()
        .and_then(|topic| topic.partition_responses.first())
        .ok_or_else(|| anyhow!("no answer to the records of topic {}", topic.backing))?;
    match result.error_code.err() {
        None => Ok(()),
        Some(error) => Err(refusal(error).context(format!("cannot write to topic {}", topic.backing))),
    }
}

/// One uncompressed batch without a producer id.
fn batch(records: &[(&'static str, &'static str)]) -> anyhow::Result<Bytes> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).context("the clock is before 1970")?;
    let timestamp = i64::try_from(now.as_millis())?;
    let records: Vec<Record> =
        (0..).zip(records).map(|(offset, (key, value))| record(offset, timestamp, key, value)).collect();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    let mut batch = BytesMut::new();
    RecordBatchEncoder::encode(&mut batch, &records, &options)?;
    Ok(batch.freeze())
}

fn record(offset: i32, timestamp: i64, key: &'static str, value: &'static str) -> Record {
    Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: -1,
        producer_id: -1,
        producer_epoch: -1,
        timestamp_type: TimestampType::Creation,
        offset: offset.into(),
        // The encoder wants offset and sequence in step; this gives the base sequence -1, which is none.
        sequence: offset - 1,
        timestamp,
        key: Some(Bytes::from_static(key.as_bytes())),
        value: Some(Bytes::from_static(value.as_bytes())),
        headers: IndexMap::new(),
    }
}

fn topic_name(name: &'static str) -> TopicName {
    TopicName(StrBytes::from_static_str(name))
}

fn refusal(error: ResponseError) -> anyhow::Error {
    anyhow!("the cluster refuses: {error}")
}

// Versions that Kafka 3.9, Kafka 4.1 and the embedded broker all have.
const METADATA_VERSION: i16 = 9;
const CREATE_TOPICS_VERSION: i16 = 5;
const PRODUCE_VERSION: i16 = 9;
/// The replication factor that the cluster would choose.
const BROKER_DEFAULT: i16 = -1;
const ALL: i16 = -1;
const TIMEOUT_MS: i32 = 10_000;
const LEADER_LIMIT: Duration = Duration::from_secs(10);
const RETRY_PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use kafka_protocol::records::RecordBatchDecoder;

    use super::*;
    use crate::broker;

    #[test]
    fn a_batch_carries_the_records_in_order_and_no_producer() {
        let mut batch = batch(PRICES.records).unwrap();
        let decoded = RecordBatchDecoder::decode(&mut batch).unwrap().records;
        let values: Vec<_> = decoded.iter().map(|record| record.value.clone().unwrap()).collect();
        let expected: Vec<_> = PRICES.records.iter().map(|(_, value)| value.as_bytes()).collect();
        assert_eq!(values, expected);
        assert!(decoded.iter().all(|record| record.producer_id == -1));
    }

    #[test]
    fn the_sample_values_are_json() {
        for (_, value) in ORDERS.records.iter().chain(PRICES.records) {
            serde_json::from_str::<serde_json::Value>(value).unwrap();
        }
    }

    #[tokio::test]
    async fn a_second_fill_leaves_the_records_alone() {
        let broker = broker::start("cluster", "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let mut connection = Connection::open(&broker.address().to_string()).await.unwrap();
        fill(&mut connection).await.unwrap();
        let before = ends(&mut connection).await;
        fill(&mut connection).await.unwrap();
        assert!(before.0 > 0 && before.1 > 0);
        assert_eq!(ends(&mut connection).await, before);
    }

    /// The embedded broker counts batches here, not records; what matters is that nothing is added.
    async fn ends(connection: &mut Connection) -> (i64, i64) {
        (end_offset(connection, PRICES.backing).await, end_offset(connection, ORDERS.backing).await)
    }

    async fn end_offset(connection: &mut Connection, name: &'static str) -> i64 {
        use kafka_protocol::messages::ListOffsetsRequest;
        use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};

        let latest = ListOffsetsPartition::default().with_partition_index(0).with_timestamp(-1);
        let topic = ListOffsetsTopic::default().with_name(topic_name(name)).with_partitions(vec![latest]);
        let request = ListOffsetsRequest::default().with_topics(vec![topic]);
        let response = connection.call(&request, 6).await.unwrap();
        response.topics[0].partitions[0].offset
    }
}
