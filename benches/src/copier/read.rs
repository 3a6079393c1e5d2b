//! The side that fetches.

use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc::SyncSender;

use anyhow::{Context, Result, ensure};
use bytes::Buf;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::{BrokerId, FetchRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::Bytes;
use tidegate_wire::batch::{BatchHeader, LENGTH_OVERHEAD};

use super::receive;
use crate::frame;

/// Batches of some partitions, those of one in order.
pub(super) type Batches = Vec<(i32, Bytes)>;

pub(super) struct Reading {
    socket: TcpStream,
    topic: TopicName,
    offsets: Vec<i64>,
}

impl Reading {
    pub(super) fn new(socket: TcpStream, topic: &str, partitions: i32) -> Result<Self> {
        let topic = TopicName(StrBytes::from_string(topic.to_owned()));
        Ok(Self { socket, topic, offsets: vec![0; usize::try_from(partitions)?] })
    }

    /// The next request goes out before what has come is handed on.
    pub(super) fn run(mut self, to: SyncSender<Batches>) -> Result<()> {
        self.ask()?;
        loop {
            let answer = receive(&self.socket)?;
            let batches = self.take(answer)?;
            self.ask()?;
            if !batches.is_empty() && to.send(batches).is_err() {
                return Ok(());
            }
        }
    }

    fn ask(&mut self) -> Result<()> {
        let partition = |(index, offset): (i32, &i64)| {
            FetchPartition::default()
                .with_partition(index)
                .with_fetch_offset(*offset)
                .with_partition_max_bytes(PARTITION_BYTES)
        };
        let partitions = (0..).zip(&self.offsets).map(partition).collect();
        let topic = FetchTopic::default().with_topic(self.topic.clone()).with_partitions(partitions);
        let request = FetchRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_max_wait_ms(500)
            .with_min_bytes(1)
            .with_max_bytes(ANSWER_BYTES)
            .with_session_epoch(-1)
            .with_topics(vec![topic]);
        Ok(self.socket.write_all(&frame::request(VERSION, 0, &request)?)?)
    }

    fn take(&mut self, answer: Bytes) -> Result<Batches> {
        let answer = frame::decode_response::<FetchRequest>(VERSION, answer)?;
        ensure!(answer.error_code == 0, "Fetch: error {}", answer.error_code);
        let mut batches = Vec::new();
        for partition in answer.responses.into_iter().flat_map(|topic| topic.partitions) {
            let index = partition.partition_index;
            ensure!(partition.error_code == 0, "Fetch of partition {index}: error {}", partition.error_code);
            let offset = self.offsets.get_mut(usize::try_from(index)?).context("no such partition")?;
            let mut records = partition.records.unwrap_or_default();
            while let Some((next, batch)) = cut(&mut records)? {
                *offset = next;
                batches.push((index, batch));
            }
        }
        Ok(batches)
    }
}

/// Takes a batch that is whole, and tells the offset behind it.
fn cut(records: &mut Bytes) -> Result<Option<(i64, Bytes)>> {
    let Some(header) = BatchHeader::read(records) else { return Ok(None) };
    let size = LENGTH_OVERHEAD + usize::try_from(header.length)?;
    if size > records.remaining() {
        return Ok(None);
    }
    Ok(Some((header.offsets().end, records.split_to(size))))
}

/// By name, without a session.
const VERSION: i16 = 12;
/// The same as the mirror asks for.
const PARTITION_BYTES: i32 = 1 << 20;
const ANSWER_BYTES: i32 = 4 << 20;
