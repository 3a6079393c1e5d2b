//! The request that a run repeats, and the check of its answers.

use anyhow::{Result, bail, ensure};
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{BrokerId, FetchRequest, ProduceRequest, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::session::Topic;
use super::{Args, By, Mode};
use crate::batch::Batch;
use crate::frame;

/// One request, encoded once.
pub(super) struct Work {
    pub(super) request: BytesMut,
    answers: Answers,
}

enum Answers {
    Produce {
        version: i16,
        record_bytes: u64,
    },
    /// Record bytes of an answer by its size: the same question gets the same answer, and decoding each
    /// one would cost more than the proxy.
    Fetch {
        version: i16,
        partitions: usize,
        known: Option<(usize, u64)>,
    },
}

impl Work {
    pub(super) fn new(args: &Args, topic: &Topic) -> Result<Self> {
        match args.mode {
            Mode::Produce => Self::produce(args, topic, &args.keyed.map_or_else(Batch::large, Batch::keyed)?),
            Mode::Small | Mode::Latency => Self::produce(args, topic, &Batch::small()?),
            Mode::Consume | Mode::Hold | Mode::Stall | Mode::Reconnect => Self::fetch(args, topic),
            Mode::Create => bail!("creating a topic is no load"),
        }
    }

    /// Record bytes that the answer (a frame without its size) stands for; an error if it reports one.
    pub(super) fn check(&mut self, answer: &[u8]) -> Result<u64> {
        match &mut self.answers {
            Answers::Produce { version, record_bytes } => {
                check_produce(*version, Bytes::copy_from_slice(answer))?;
                Ok(*record_bytes)
            }
            Answers::Fetch { known: Some((size, record_bytes)), .. } if *size == answer.len() => {
                Ok(*record_bytes)
            }
            Answers::Fetch { version, partitions, known } => {
                let record_bytes = check_fetch(*version, *partitions, Bytes::copy_from_slice(answer))?;
                *known = Some((answer.len(), record_bytes));
                Ok(record_bytes)
            }
        }
    }

    fn produce(args: &Args, topic: &Topic, batch: &Batch) -> Result<Self> {
        let version = if args.by == By::Names { 9 } else { 13 };
        let partition =
            |index| PartitionProduceData::default().with_index(index).with_records(Some(batch.bytes.clone()));
        let data = TopicProduceData::default()
            .with_name(name(args))
            .with_topic_id(topic.id)
            .with_partition_data((0..args.partitions).map(partition).collect());
        let request =
            ProduceRequest::default().with_acks(1).with_timeout_ms(30_000).with_topic_data(vec![data]);
        let record_bytes = u64::try_from(batch.bytes.len())? * u64::try_from(args.partitions)?;
        Ok(Self {
            request: frame::request(version, 0, &request)?,
            answers: Answers::Produce { version, record_bytes },
        })
    }

    fn fetch(args: &Args, topic: &Topic) -> Result<Self> {
        let version = if args.by == By::Names { 12 } else { 17 };
        let partition = |index| {
            FetchPartition::default()
                .with_partition(index)
                .with_fetch_offset(0)
                .with_partition_max_bytes(args.fetch_bytes)
        };
        let asked = FetchTopic::default()
            .with_topic(name(args))
            .with_topic_id(topic.id)
            .with_partitions((0..args.partitions).map(partition).collect());
        let request = FetchRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_max_wait_ms(500)
            .with_min_bytes(1)
            .with_max_bytes(50 * 1024 * 1024)
            .with_session_epoch(-1)
            .with_topics(vec![asked]);
        let partitions = usize::try_from(args.partitions)?;
        Ok(Self {
            request: frame::request(version, 0, &request)?,
            answers: Answers::Fetch { version, partitions, known: None },
        })
    }
}

fn name(args: &Args) -> TopicName {
    match args.by {
        By::Names => TopicName(StrBytes::from_string(args.topic.clone())),
        By::Ids => TopicName::default(),
    }
}

fn check_produce(version: i16, answer: Bytes) -> Result<()> {
    let answer = frame::decode_response::<ProduceRequest>(version, answer)?;
    let mut answered = false;
    for partition in answer.responses.iter().flat_map(|topic| &topic.partition_responses) {
        let error = partition.error_code;
        ensure!(error == 0, "Produce of partition {}: error {error}", partition.index);
        answered = true;
    }
    ensure!(answered, "Produce: no partition in the answer");
    Ok(())
}

fn check_fetch(version: i16, partitions: usize, answer: Bytes) -> Result<u64> {
    let answer = frame::decode_response::<FetchRequest>(version, answer)?;
    ensure!(answer.error_code == 0, "Fetch: error {}", answer.error_code);
    let (mut bytes, mut answered) = (0, 0);
    for partition in answer.responses.iter().flat_map(|topic| &topic.partitions) {
        let error = partition.error_code;
        ensure!(error == 0, "Fetch of partition {}: error {error}", partition.partition_index);
        match partition.records.as_ref().map_or(0, Bytes::len) {
            0 => bail!("Fetch of partition {}: no records at offset 0", partition.partition_index),
            records => bytes += records,
        }
        answered += 1;
    }
    ensure!(answered == partitions, "Fetch: {answered} partitions in the answer, {partitions} asked");
    Ok(u64::try_from(bytes)?)
}
