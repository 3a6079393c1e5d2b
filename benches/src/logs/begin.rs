//! A topic whose log begins at a far offset, as logs do that retention has been at for years: filled with empty records, which
//! are deleted then.

use std::collections::VecDeque;

use anyhow::{Context, Result, ensure};
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{DeleteRecordsRequest, ProduceRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::Bytes;
use tidegate_wire::filler::{Fill, Kind, make};
use tidegate_wire::stamp::Guard;

use super::Place;
use crate::batch::{Batch, Codec};
use crate::frame;
use crate::load::session::Session;

/// Where the log is to begin.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
    /// The offset that it begins with; a multiple of a thousand.
    #[arg(long, default_value_t = 100_000_000)]
    offset: u64,
}

/// Fills partition 0 of a topic that is empty, deletes what is in it, and appends a batch of records.
pub(super) fn run(args: &Args) -> Result<()> {
    let Args { place, offset } = args;
    let mut session = place.open()?;
    let mut in_flight = VecDeque::new();
    for entry in Fill::new(Kind::Plain, *offset) {
        let filler = make(entry, 0, now()?, NOBODY);
        send(&mut session, place, [&filler.header[..], &filler.records].concat().into())?;
        in_flight.push_back(());
        if in_flight.len() >= IN_FLIGHT {
            in_flight.pop_front();
            receive(&mut session)?;
        }
    }
    for () in in_flight {
        receive(&mut session)?;
    }
    delete(&mut session, place, i64::try_from(*offset)?)?;
    send(&mut session, place, Batch::keyed(Codec::None)?.bytes)?;
    ensure!(receive(&mut session)? == i64::try_from(*offset)?, "somebody else writes to {}", place.topic);
    Ok(())
}

fn send(session: &mut Session, place: &Place, batch: Bytes) -> Result<()> {
    let partition = PartitionProduceData::default().with_index(0).with_records(Some(batch));
    let topic = TopicProduceData::default().with_name(name(place)).with_partition_data(vec![partition]);
    let request =
        ProduceRequest::default().with_acks(-1).with_timeout_ms(30_000).with_topic_data(vec![topic]);
    session.send(&frame::request(PRODUCE_VERSION, 0, &request)?)
}

/// The offset that the oldest request without an answer got.
fn receive(session: &mut Session) -> Result<i64> {
    let answer = Bytes::copy_from_slice(session.receive()?);
    let answer = frame::decode_response::<ProduceRequest>(PRODUCE_VERSION, answer)?;
    let partition = answer.responses.first().and_then(|topic| topic.partition_responses.first());
    let partition = partition.context("Produce: no partition in the answer")?;
    ensure!(partition.error_code == 0, "Produce: error {}", partition.error_code);
    Ok(partition.base_offset)
}

fn delete(session: &mut Session, place: &Place, before: i64) -> Result<()> {
    let partition = DeleteRecordsPartition::default().with_partition_index(0).with_offset(before);
    let topic = DeleteRecordsTopic::default().with_name(name(place)).with_partitions(vec![partition]);
    let request = DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(30_000);
    let answer = session.ask(1, &request)?;
    let partition = answer.topics.first().and_then(|topic| topic.partitions.first());
    let partition = partition.context("DeleteRecords: no partition in the answer")?;
    ensure!(partition.error_code == 0, "DeleteRecords: error {}", partition.error_code);
    Ok(())
}

fn name(place: &Place) -> TopicName {
    TopicName(StrBytes::from_string(place.topic.clone()))
}

fn now() -> Result<i64> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(i64::try_from(since.as_millis())?)
}

/// No producer id, and so no sequence.
const NOBODY: Guard = Guard { producer_id: -1, producer_epoch: -1, base_sequence: -1 };
const PRODUCE_VERSION: i16 = 9;
const IN_FLIGHT: usize = 4;
