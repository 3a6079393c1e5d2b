//! How long a new record takes from the source to the mirror: one at a time, each to some partition.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{BrokerId, FetchRequest, ProduceRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::Bytes;

use super::{End, Pair, ends};
use crate::batch::Batch;
use crate::frame;
use crate::load::outcome::Outcome;
use crate::load::session::Session;

/// How many records, and how often.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    pair: Pair,
    /// Records in all.
    #[arg(long, default_value_t = 600)]
    records: u32,
    /// Milliseconds from one to the next.
    #[arg(long, default_value_t = 100)]
    interval: u64,
}

pub(super) fn run(args: &Args, report: &mut dyn FnMut(&str)) -> Result<()> {
    let (source, copy) = (args.pair.of_source(), args.pair.of_copy());
    let (mut writer, mut reader) = (source.open()?, copy.open()?);
    let mut next = ends(&mut reader, &copy, End::Last)?.context("there is no copy yet")?;
    let record = Batch::small()?.bytes;
    let mut outcome = Outcome::default();
    report("ready");
    crate::load::wait_for_line()?;
    let begin = Instant::now();
    for number in 0..args.records {
        thread::sleep(
            (begin + Duration::from_millis(args.interval) * number).saturating_duration_since(Instant::now()),
        );
        // Some step that comes to every partition before it comes to one again, in no order that a broker would know.
        let partition = (i64::from(number) * 7_919).rem_euclid(args.pair.partitions.into());
        let offset = next.get_mut(usize::try_from(partition)?).context("no such partition")?;
        let partition = i32::try_from(partition)?;
        reader.send(&fetch(&args.pair.copy, partition, *offset)?)?;
        let sent = Instant::now();
        append(&mut writer, &args.pair.topic, partition, record.clone())?;
        while !has_come(&mut reader)? {
            ensure!(sent.elapsed() < PATIENCE, "a record of partition {partition} has not come");
            reader.send(&fetch(&args.pair.copy, partition, *offset)?)?;
        }
        outcome.latencies.push(sent.elapsed());
        outcome.requests += 1;
        *offset += 1;
    }
    outcome.seconds = begin.elapsed().as_secs_f64();
    report(&outcome.to_json());
    crate::load::wait_for_line()
}

fn append(writer: &mut Session, topic: &str, partition: i32, record: Bytes) -> Result<()> {
    let partition = PartitionProduceData::default().with_index(partition).with_records(Some(record));
    let topic = TopicProduceData::default().with_name(name(topic)).with_partition_data(vec![partition]);
    let request =
        ProduceRequest::default().with_acks(-1).with_timeout_ms(30_000).with_topic_data(vec![topic]);
    let answer = writer.ask(9, &request)?;
    let partition = answer.responses.first().and_then(|topic| topic.partition_responses.first());
    let error = partition.context("Produce: no partition in the answer")?.error_code;
    ensure!(error == 0, "Produce: error {error}");
    Ok(())
}

/// A request that the broker answers as soon as there is something.
fn fetch(topic: &str, partition: i32, offset: i64) -> Result<bytes::BytesMut> {
    let partition = FetchPartition::default()
        .with_partition(partition)
        .with_fetch_offset(offset)
        .with_partition_max_bytes(1 << 20);
    let topic = FetchTopic::default().with_topic(name(topic)).with_partitions(vec![partition]);
    let request = FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_wait_ms(500)
        .with_min_bytes(1)
        .with_max_bytes(1 << 20)
        .with_session_epoch(-1)
        .with_topics(vec![topic]);
    frame::request(FETCH_VERSION, 0, &request)
}

fn has_come(reader: &mut Session) -> Result<bool> {
    let answer = Bytes::copy_from_slice(reader.receive()?);
    let answer = frame::decode_response::<FetchRequest>(FETCH_VERSION, answer)?;
    let partition = answer.responses.first().and_then(|topic| topic.partitions.first());
    let partition = partition.context("Fetch: no partition in the answer")?;
    ensure!(partition.error_code == 0, "Fetch: error {}", partition.error_code);
    Ok(partition.records.as_ref().is_some_and(|records| !records.is_empty()))
}

fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}

const FETCH_VERSION: i16 = 12;
const PATIENCE: Duration = Duration::from_secs(30);
