//! What is written to logs, and read from them.

use std::num::NonZeroUsize;
use std::time::Duration;

use tidegate_client::{AskError, Connection};
use tidegate_mirror::calls::delete_records::{Deletion, delete_records};
use tidegate_mirror::calls::describe_producers::describe_producers;
use tidegate_mirror::calls::fetch::{EpochEnd, Fetch, FetchPartition, Fetched, fetch};
use tidegate_mirror::calls::leader_epoch::{EpochOf, leader_epoch};
use tidegate_mirror::calls::list_offsets::{Spot, list_offsets};
use tidegate_mirror::calls::produce::{self, Appended, Batches, ProduceAnswers, ProduceSender};
use tidegate_mirror::calls::write_markers::{AbortMarkers, write_abort_markers};
use tidegate_mirror::calls::{Isolation, LedPartition, Topic, TopicPartition};
use tidegate_wire::batch::BatchHeader;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::record;
use tidegate_wire::stamp::Stamped;
use uuid::Uuid;

use crate::batches::{COUNT, MARKER, PRODUCER, stamped};
use crate::site::Site;

const WAIT: Duration = Duration::from_secs(5);

/// Large enough that a request of two is not written at once.
const LARGE: usize = 90_000;

/// Small enough to be copied into the request.
const SMALL: usize = 20;

const TRANSACTION_COORDINATOR_FENCED: ErrorCode = ErrorCode(52);

/// What two partitions of a topic hold.
pub(crate) struct Log {
    first: TopicPartition,
    pub(crate) second: TopicPartition,
    written: Vec<Stamped>,
}

impl Log {
    /// How many batches were written to each.
    pub(crate) fn written(&self) -> usize {
        self.written.len()
    }

    pub(crate) fn end(&self) -> i64 {
        i64::from(COUNT) * i64::try_from(self.written.len()).unwrap()
    }
}

pub(crate) async fn batches_are_appended_in_a_pipe(site: &Site, topic: &Topic) -> Log {
    let [first, second] = [0, 1].map(|partition| TopicPartition::new(topic.clone(), partition));
    let (mut sender, mut answers) = open(site).await;
    let written: Vec<Stamped> = (0..)
        .step_by(10)
        .zip([LARGE, SMALL, LARGE])
        .map(|(offset, length)| stamped(offset, length))
        .collect();
    for (tag, batch) in (0..).zip(&written) {
        let mut batches = Batches::new();
        batches.add(second.clone(), batch.clone()).unwrap();
        batches.add(first.clone(), batch.clone()).unwrap();
        sender.send(tag, batches).await.unwrap();
    }
    for tag in 0..3 {
        let (found, answer) = answers.next().await.unwrap();
        assert_eq!(found, tag);
        for appended in answer.unwrap().partitions {
            assert_appended(&appended, i64::from(tag * COUNT));
        }
    }
    drop(sender);
    assert!(answers.next().await.is_none());
    Log { first, second, written }
}

pub(crate) async fn appends_are_guarded(site: &Site, log: &Log) {
    let (mut sender, mut answers) = open(site).await;
    let repeat = append(&mut sender, &mut answers, &log.first, log.written[1].clone()).await;
    assert_eq!((repeat.error, repeat.base_offset), (ErrorCode::NONE, i64::from(COUNT)));
    let first = BatchHeader::read(&log.written[1].header).unwrap();
    assert_eq!(repeat.log_append_time_ms, first.max_timestamp, "that of a batch that came again");
    let gap = append(&mut sender, &mut answers, &log.first, stamped(3 * COUNT + 1, SMALL)).await;
    assert_eq!((gap.error, gap.base_offset), (ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER, -1));
}

pub(crate) async fn batches_are_read_as_they_were_written(site: &Site, log: &Log) {
    let mut connection = site.connection().await;
    for with_id in [true, false] {
        for isolation in [Isolation::ReadCommitted, Isolation::ReadUncommitted] {
            let places = [&log.second, &log.first].map(|at| wanted(&named(at, with_id), 0));
            let request = Fetch { isolation, ..of(places.to_vec()) };
            let answer = fetch(&mut connection, &request).await.unwrap();
            assert_eq!(answer.partitions.len(), 2);
            for fetched in &answer.partitions {
                assert_holds(fetched, log);
            }
        }
    }
    let far = FetchPartition { last_fetched_epoch: Some(0), ..wanted(&log.first, log.end() + 1_000) };
    let answer = fetch(&mut connection, &of(vec![far])).await.unwrap();
    let diverging = answer.partitions[0].diverging;
    assert_eq!(diverging, Some(EpochEnd { epoch: 0, end_offset: log.end() }));
    let answer = fetch(&mut connection, &of(vec![wanted(&log.first, log.end() + 1_000)])).await.unwrap();
    assert_eq!(answer.partitions[0].error, ErrorCode::OFFSET_OUT_OF_RANGE);
}

pub(crate) async fn spots_and_epochs_are_told(site: &Site, log: &Log) {
    let mut connection = site.connection().await;
    let led = |leader_epoch| LedPartition { at: log.first.clone(), leader_epoch };
    let ends = [Spot::HighWatermark, Spot::LastStableOffset, Spot::LogEnd].map(|spot| (spot, log.end()));
    for (spot, expected) in [(Spot::Start, 0)].into_iter().chain(ends) {
        assert_eq!(spot_of(&mut connection, &log.first, spot).await, expected, "{spot:?}");
    }
    let stale = list_offsets(&mut connection, Spot::LogEnd, &[led(Some(500))]).await.unwrap();
    assert_eq!(stale[0].as_ref().unwrap_err().code, ErrorCode::UNKNOWN_LEADER_EPOCH);
    let epochs = [0, 400].map(|epoch| EpochOf { partition: led(Some(0)), epoch });
    let ends = leader_epoch(&mut connection, &epochs[..1]).await.unwrap();
    assert_eq!(ends, [Ok(Some(EpochEnd { epoch: 0, end_offset: log.end() }))]);
    let ends = leader_epoch(&mut connection, &epochs[1..]).await.unwrap();
    assert_eq!(ends, [Ok(None)]);
}

pub(crate) async fn producers_are_described(site: &Site, log: &Log) {
    let mut connection = site.connection().await;
    let asked = [log.first.clone(), TopicPartition::new(log.first.topic.clone(), 99)];
    let answer = describe_producers(&mut connection, &asked).await.unwrap();
    assert_eq!(answer[1].as_ref().unwrap_err().code, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    let [producer] = &answer[0].as_ref().unwrap()[..] else { panic!("{answer:?}") };
    assert_eq!((producer.id, producer.epoch), (PRODUCER, 0));
    assert_eq!(i64::from(producer.last_sequence), log.end() - 1);
    assert_eq!((producer.coordinator_epoch, producer.transaction_start), (-1, None));
    assert!(producer.last_timestamp > 0);
}

pub(crate) async fn markers_take_offsets(site: &Site, log: &Log) {
    const MARKERS: usize = 50;
    let mut connection = site.connection().await;
    let markers = |coordinator_epoch| AbortMarkers {
        at: log.first.clone(),
        producer_id: MARKER,
        producer_epoch: 0,
        coordinator_epoch,
        count: NonZeroUsize::new(MARKERS).unwrap(),
    };
    write_abort_markers(&mut connection, &markers(7)).await.unwrap();
    let end = log.end() + i64::try_from(MARKERS).unwrap();
    assert_eq!(spot_of(&mut connection, &log.first, Spot::LogEnd).await, end);
    let answer = fetch(&mut connection, &of(vec![wanted(&log.first, log.end())])).await.unwrap();
    let found: Vec<_> = record::batches(&answer.partitions[0].records).map(|(header, _)| header).collect();
    assert_eq!(found.len(), MARKERS);
    assert!(found.iter().all(|header| header.is_control() && header.producer_id == MARKER));
    let fenced = write_abort_markers(&mut connection, &markers(6)).await.unwrap_err();
    assert!(matches!(fenced, AskError::Refused { code: TRANSACTION_COORDINATOR_FENCED, .. }), "{fenced}");
    assert_eq!(spot_of(&mut connection, &log.first, Spot::LogEnd).await, end);
}

pub(crate) async fn records_are_deleted(site: &Site, log: &Log) {
    let mut connection = site.connection().await;
    let before = i64::from(COUNT);
    let deletions = [
        Deletion { at: log.second.clone(), before: log.end() + 1 },
        Deletion { at: log.first.clone(), before },
    ];
    let answer = delete_records(&mut connection, &deletions, WAIT).await.unwrap();
    assert_eq!(answer[0].as_ref().unwrap_err().code, ErrorCode::OFFSET_OUT_OF_RANGE);
    assert_eq!(answer[1], Ok(before));
    assert_eq!(spot_of(&mut connection, &log.first, Spot::Start).await, before);
}

/// By name nobody can tell.
pub(crate) async fn another_topic_of_the_name_is_noticed(site: &Site, log: &Log) {
    let other = Topic::new(log.first.topic.name(), Uuid::from_u128(1));
    let other = TopicPartition::new(other, 1);
    let mut connection = site.connection().await;
    let answer = fetch(&mut connection, &of(vec![wanted(&other, 0)])).await.unwrap();
    assert_eq!(answer.partitions[0].error, ErrorCode::UNKNOWN_TOPIC_ID);
    if site.produces_by_id() {
        let (mut sender, mut answers) = open(site).await;
        let appended = append(&mut sender, &mut answers, &other, stamped(3 * COUNT, SMALL)).await;
        assert_eq!(appended.error, ErrorCode::UNKNOWN_TOPIC_ID);
    }
    assert_eq!(spot_of(&mut connection, &log.second, Spot::LogEnd).await, log.end());
}

/// A batch behind those of the log.
pub(crate) async fn append_more(site: &Site, at: &TopicPartition) {
    let (mut sender, mut answers) = open(site).await;
    let appended = append(&mut sender, &mut answers, at, stamped(3 * COUNT, SMALL)).await;
    assert_eq!(appended.error, ErrorCode::NONE);
}

pub(crate) async fn end_of(site: &Site, at: &TopicPartition) -> i64 {
    spot_of(&mut site.connection().await, at, Spot::LogEnd).await
}

async fn open(site: &Site) -> (ProduceSender<i32>, ProduceAnswers<i32>) {
    produce::open(site.connection().await, 3, WAIT).unwrap()
}

async fn append(
    sender: &mut ProduceSender<i32>,
    answers: &mut ProduceAnswers<i32>,
    at: &TopicPartition,
    batch: Stamped,
) -> Appended {
    let mut batches = Batches::new();
    batches.add(at.clone(), batch).unwrap();
    sender.send(0, batches).await.unwrap();
    let (_, answer) = answers.next().await.unwrap();
    answer.unwrap().partitions.pop().unwrap()
}

async fn spot_of(connection: &mut Connection, at: &TopicPartition, spot: Spot) -> i64 {
    let asked = [LedPartition { at: at.clone(), leader_epoch: None }];
    let answer = list_offsets(connection, spot, &asked).await.unwrap();
    answer[0].as_ref().unwrap().offset
}

/// The partition of a topic whose id is known or not.
fn named(at: &TopicPartition, with_id: bool) -> TopicPartition {
    let id = at.topic.id().filter(|_| with_id).unwrap_or_default();
    TopicPartition::new(Topic::new(at.topic.name(), id), at.partition)
}

fn wanted(at: &TopicPartition, offset: i64) -> FetchPartition {
    FetchPartition {
        at: at.clone(),
        offset,
        max_bytes: 8 << 20,
        leader_epoch: None,
        last_fetched_epoch: None,
    }
}

fn of(partitions: Vec<FetchPartition>) -> Fetch {
    Fetch {
        isolation: Isolation::ReadCommitted,
        max_wait: Duration::ZERO,
        min_bytes: 1,
        max_bytes: 32 << 20,
        partitions,
    }
}

fn assert_appended(appended: &Appended, base_offset: i64) {
    assert_eq!((appended.error, appended.base_offset), (ErrorCode::NONE, base_offset), "{appended:?}");
    assert_eq!((appended.log_append_time_ms, appended.log_start_offset), (-1, 0));
    assert!(appended.message.is_empty() && appended.leader.is_none());
}

fn assert_holds(fetched: &Fetched, log: &Log) {
    assert_eq!(fetched.error, ErrorCode::NONE);
    assert_eq!((fetched.high_watermark, fetched.last_stable_offset), (log.end(), log.end()));
    assert_eq!((fetched.log_start_offset, fetched.diverging), (0, None));
    assert!(fetched.aborted.is_empty());
    let found: Vec<_> = record::batches(&fetched.records).collect();
    assert_eq!(found.len(), log.written.len());
    for ((offset, (header, batch)), written) in (0..).step_by(10).zip(&found).zip(&log.written) {
        assert_eq!((header.base_offset, header.producer_id), (offset, PRODUCER));
        assert!(batch.ends_with(&written.records), "the records at {offset} are others");
    }
}
