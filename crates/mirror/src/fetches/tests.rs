//! Fetches from a broker of a few lines.

use std::num::NonZeroU64;
use std::sync::Mutex;

use tidegate_link::copy::{Attempt, Event};
use tidegate_wire::codec;
use tidegate_wire::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use tidegate_wire::messages::{FetchRequest, FetchResponse};
use tidegate_wire::{Bytes, StrBytes};
use tokio::time::{Duration, Instant};

use super::lane::PARTITION_BYTES;
use super::*;
use crate::calls::testing::at;
use crate::reply::{Owed, Told};
use crate::testing::{Broker, options, written};

fn want(partition: i32, told: &mpsc::UnboundedSender<Told>) -> Want {
    // The attempt says which partition an answer is for.
    let reply = Reply::new(Attempt(partition.unsigned_abs().into()), Owed::Fetched, told.clone());
    Want { at: at("t", partition), offset: 3, last_epoch: None, wants: None, end: None, reply }
}

/// Answers nothing but that it wants to be left alone for so long, as brokers do once a quota is used up.
fn silenced(throttle_ms: i32) -> FetchResponse {
    FetchResponse::default().with_throttle_time_ms(throttle_ms)
}

/// Answers with these records for each partition, and that it wants to be left alone for so long.
fn fetched(request: &FetchRequest, records: &Bytes, throttle_ms: i32) -> FetchResponse {
    let partition = |index| {
        let partition = PartitionData::default().with_partition_index(index).with_last_stable_offset(9);
        partition.with_records(Some(records.clone()))
    };
    let asked = request.topics.iter().flat_map(|topic| &topic.partitions);
    let topic = FetchableTopicResponse::default()
        .with_topic(StrBytes::from_static_str("t").into())
        .with_partitions(asked.map(|asked| partition(asked.partition)).collect());
    FetchResponse::default().with_responses(vec![topic]).with_throttle_time_ms(throttle_ms)
}

#[tokio::test]
async fn a_broker_that_wants_to_be_left_alone_is() {
    let came = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&came);
    let broker = Broker::start(move |_, request| {
        let seen = Arc::clone(&seen);
        async move {
            seen.lock().unwrap().push(Instant::now());
            let asked: FetchRequest = codec::decode(request.version, &request.body).unwrap();
            Some(written(&fetched(&asked, &Bytes::from_static(b"records"), 400), request.version))
        }
    })
    .await;
    let cluster = Arc::new(Cluster::new(vec![broker.endpoint.clone()], options()));
    let fetches = start(cluster, broker.endpoint.clone(), Budget::new(64 << 20), Rate::new(None));
    let (told, mut events) = mpsc::unbounded_channel();
    for _ in 0..3 {
        fetches.send(want(0, &told)).unwrap();
        let (_, event) = events.recv().await.unwrap();
        let Event::Fetched(Ok(fetched)) = event else { panic!("{event:?}") };
        assert_eq!(&fetched.records[..], b"records");
    }
    let came = came.lock().unwrap();
    let gaps: Vec<_> = came.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!((gaps.len(), broker.connections()), (2, 1));
    let silence = Duration::from_millis(395)..Duration::from_millis(1_500);
    assert!(gaps.iter().all(|gap| silence.contains(gap)), "{gaps:?}");
}

#[tokio::test]
async fn a_request_that_was_throttled_is_put_again_and_nobody_hears_of_it() {
    let count = Arc::new(Mutex::new(0));
    let broker = Broker::start(move |_, request| {
        let count = Arc::clone(&count);
        async move {
            let asked: FetchRequest = codec::decode(request.version, &request.body).unwrap();
            let mut count = count.lock().unwrap();
            *count += 1;
            let records = Bytes::from_static(b"records");
            let answer = if *count <= 2 { silenced(200) } else { fetched(&asked, &records, 0) };
            Some(written(&answer, request.version))
        }
    })
    .await;
    let cluster = Arc::new(Cluster::new(vec![broker.endpoint.clone()], options()));
    let fetches = start(cluster, broker.endpoint.clone(), Budget::new(64 << 20), Rate::new(None));
    let (told, mut events) = mpsc::unbounded_channel();
    let begun = Instant::now();
    fetches.send(want(0, &told)).unwrap();
    let (_, event) = events.recv().await.unwrap();
    assert!(matches!(&event, Event::Fetched(Ok(fetched)) if !fetched.records.is_empty()), "{event:?}");
    assert!(begun.elapsed() >= Duration::from_millis(400), "{:?}", begun.elapsed());
    assert_eq!((broker.requests(), broker.connections()), (3, 1));
}

/// What the second connection of one broker hears: the first asks once, and hears of nothing new.
#[tokio::test]
async fn a_session_outlasts_a_throttle_and_whoever_has_something_is_told_though_the_answer_is_full() {
    let came = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&came);
    let broker = Broker::start(move |_, request| {
        let seen = Arc::clone(&seen);
        async move {
            let asked: FetchRequest = codec::decode(request.version, &request.body).unwrap();
            let named: usize = asked.topics.iter().map(|topic| topic.partitions.len()).sum();
            seen.lock().unwrap().push((asked.session_epoch, named, Instant::now()));
            let answer = match asked.session_epoch {
                -1 => ends([(0, 3, ""), (1, 3, "")]),
                0 => ends([(0, 3, ""), (1, 3, "")]).with_session_id(7),
                1 => silenced(300).with_session_id(7),
                _ => ends([(0, 9, "records"), (1, 9, "")]).with_session_id(7),
            };
            Some(written(&answer, request.version))
        }
    })
    .await;
    let cluster = Arc::new(Cluster::new(vec![broker.endpoint.clone()], options()));
    let fetches = start(cluster, broker.endpoint.clone(), Budget::new(64 << 20), Rate::new(None));
    let (told, mut events) = mpsc::unbounded_channel();
    (0..2).for_each(|partition| fetches.send(Want { end: Some(3), ..want(partition, &told) }).unwrap());
    for (partition, records) in [(0, "records"), (1, "")] {
        let (attempt, event) = events.recv().await.unwrap();
        let Event::Fetched(Ok(fetched)) = event else { panic!("{event:?}") };
        assert_eq!(
            (attempt, fetched.stable_end, &fetched.records[..]),
            (Attempt(partition), 9, records.as_bytes())
        );
    }
    let came = came.lock().unwrap();
    let requests: Vec<_> = came.iter().map(|(epoch, named, _)| (*epoch, *named)).collect();
    assert_eq!(requests, [(-1, 2), (0, 2), (1, 0), (2, 0)]);
    assert!(came[3].2 - came[2].2 >= Duration::from_millis(295));
}

/// Where each partition ends, and its records.
fn ends(partitions: [(i32, i64, &'static str); 2]) -> FetchResponse {
    let partition = |(index, end, records): (i32, i64, &'static str)| {
        let partition = PartitionData::default().with_partition_index(index).with_last_stable_offset(end);
        partition.with_records(Some(Bytes::from_static(records.as_bytes())))
    };
    let topic = FetchableTopicResponse::default()
        .with_topic(StrBytes::from_static_str("t").into())
        .with_partitions(partitions.map(partition).to_vec());
    FetchResponse::default().with_responses(vec![topic])
}

/// Answers as brokers do: partitions in the order in which they were asked for, each up to its limit, until all is full; and the first of
/// them one batch at least.
fn full(request: &FetchRequest, batch: usize) -> FetchResponse {
    let mut left = usize::try_from(request.max_bytes).unwrap();
    let (mut partitions, mut is_first) = (Vec::new(), true);
    for asked in request.topics.iter().flat_map(|topic| &topic.partitions) {
        let limit = left.min(usize::try_from(asked.partition_max_bytes).unwrap());
        let bytes = if is_first { limit.max(batch) } else { limit } / batch * batch;
        (left, is_first) = (left.saturating_sub(bytes), is_first && bytes == 0);
        let partition = PartitionData::default().with_partition_index(asked.partition);
        partitions.push(
            partition.with_last_stable_offset(1_000_000).with_records(Some(Bytes::from(vec![7; bytes]))),
        );
    }
    let topic = FetchableTopicResponse::default()
        .with_topic(StrBytes::from_static_str("t").into())
        .with_partitions(partitions);
    FetchResponse::default().with_responses(vec![topic])
}

/// Reads partitions that have records without end, for so long; what came of each.
async fn read(partitions: i32, batch: usize, rate: Option<u64>, length: Duration) -> Vec<usize> {
    let broker = Broker::start(move |_, request| async move {
        let asked: FetchRequest = codec::decode(request.version, &request.body).unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
        Some(written(&full(&asked, batch), request.version))
    })
    .await;
    let cluster = Arc::new(Cluster::new(vec![broker.endpoint.clone()], options()));
    let rate = Rate::new(rate.and_then(NonZeroU64::new));
    let fetches = start(cluster, broker.endpoint.clone(), Budget::new(24 << 20), rate);
    let (told, mut events) = mpsc::unbounded_channel();
    (0..partitions).for_each(|partition| fetches.send(want(partition, &told)).unwrap());
    let mut came = vec![0; usize::try_from(partitions).unwrap()];
    let until = Instant::now() + length;
    while let Ok(Some((Attempt(partition), event))) = tokio::time::timeout_at(until, events.recv()).await {
        let Event::Fetched(Ok(fetched)) = event else { panic!("{event:?}") };
        came[usize::try_from(partition).unwrap()] += fetched.records.len();
        fetches.send(want(i32::try_from(partition).unwrap(), &told)).unwrap();
    }
    came
}

#[tokio::test]
async fn a_rate_is_kept_and_all_partitions_have_their_part_of_it() {
    const RATE: usize = 2 << 20;
    let seconds = 5;
    for (partitions, batch) in [(10, 10_000), (40, 3_000), (5, 100_000)] {
        let length = Duration::from_secs(seconds.try_into().unwrap());
        let came = read(partitions, batch, Some(RATE as u64), length).await;
        let all: usize = came.iter().sum();
        // A burst at the beginning, and one answer at the end.
        assert!((RATE * seconds * 8 / 10..RATE * seconds * 12 / 10).contains(&all), "{all} bytes: {came:?}");
        let (least, most) = (came.iter().min().unwrap(), came.iter().max().unwrap());
        assert!(most - least <= 2 * batch.max(64 << 10), "{least} to {most} bytes: {came:?}");
    }
}

#[tokio::test]
async fn without_a_rate_all_partitions_have_the_same_too() {
    let came = read(40, 10_000, None, Duration::from_secs(3)).await;
    let (least, most) = (came.iter().min().unwrap(), came.iter().max().unwrap());
    assert!(
        most - least <= 2 * PARTITION_BYTES && *least > PARTITION_BYTES,
        "{least} to {most} bytes: {came:?}"
    );
}
