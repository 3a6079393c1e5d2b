//! Writing: records into batches, and a batch into the topic.

use bytes::Bytes;
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record,
    RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use tidegate_client::Connection;
use tidegate_wire::BytesMut;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::messages::produce_request::{PartitionProduceData, TopicProduceData};
use tidegate_wire::messages::{ProduceRequest, TransactionalId};

use super::cluster::{PARTITION, version};
use super::error::KafkaStoreError;
use super::fetch::{name, refused};
use super::format::Producer;

/// Transactions need 3; from 12 on a Produce adds its partitions itself, under another contract.
const PRODUCE: Versions = Versions::new(3, 11);

const ALL_REPLICAS: i16 = -1;

/// How long the replicas of the topic may take.
const TIMEOUT_MS: i32 = 10_000;

/// Most bytes of records in one batch: brokers take 1 MiB by default, and one record may have 768 KiB.
const BATCH_BYTES: usize = 900 * 1024;

/// What a record has besides its key and value: headers and lengths.
const OVERHEAD: usize = 160;

/// How many records fit into one batch, by the bytes of their keys and values; at least one.
pub(super) fn fitting(sizes: impl Iterator<Item = usize>) -> usize {
    let mut bytes = 0;
    let fits = |size: &usize| {
        bytes += size + OVERHEAD;
        bytes <= BATCH_BYTES
    };
    sizes.take_while(fits).count().max(1)
}

/// What a record says.
pub(super) struct Said {
    pub(super) key: Bytes,
    pub(super) value: Option<Bytes>,
    pub(super) headers: IndexMap<StrBytes, Option<Bytes>>,
}

/// One batch of records, in a transaction of `producer` from its sequence on, or in none.
pub(super) fn batch(
    said: impl Iterator<Item = Said>,
    producer: Option<(Producer, i32)>,
    now_ms: i64,
) -> Result<Bytes, KafkaStoreError> {
    let (id, epoch, first) = match producer {
        Some((producer, first)) => (producer.id, producer.epoch, first),
        None => (NO_PRODUCER_ID, NO_PRODUCER_EPOCH, NO_SEQUENCE),
    };
    let records: Vec<Record> = (0_i32..)
        .zip(said)
        .map(|(place, Said { key, value, headers })| Record {
            transactional: producer.is_some(),
            control: false,
            delete_horizon: false,
            partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
            producer_id: id,
            producer_epoch: epoch,
            timestamp_type: TimestampType::Creation,
            offset: i64::from(place),
            // Also without a producer: the encoder makes one batch of what is counted on.
            sequence: first.wrapping_add(place),
            timestamp: now_ms,
            key: Some(key),
            value,
            headers,
        })
        .collect();
    let mut out = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut out, &records, &options)
        .map_err(|error| KafkaStoreError::Batch(error.to_string()))?;
    Ok(out.freeze())
}

/// Writes a batch, for all replicas.
pub(super) async fn produce(
    leader: &mut Connection,
    topic: &str,
    transaction: Option<TransactionalId>,
    batch: Bytes,
) -> Result<(), KafkaStoreError> {
    let version = version(leader, ApiKey::Produce, PRODUCE)?;
    let partition = PartitionProduceData::default().with_index(PARTITION).with_records(Some(batch));
    let data = TopicProduceData::default().with_name(name(topic)).with_partition_data(vec![partition]);
    let request = ProduceRequest::default()
        .with_transactional_id(transaction)
        .with_acks(ALL_REPLICAS)
        .with_timeout_ms(TIMEOUT_MS)
        .with_topic_data(vec![data]);
    let answer = leader.call(version, &request).await?;
    let partition = answer.responses.iter().flat_map(|topic| &topic.partition_responses).next();
    match partition.map(|partition| partition.error_code) {
        Some(0) => Ok(()),
        Some(code) => Err(refused(ApiKey::Produce, topic, code)),
        None => Err(KafkaStoreError::Malformed {
            api: ApiKey::Produce,
            what: "the partition asked for is missing",
        }),
    }
}
