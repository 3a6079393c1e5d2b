//! Appends to a broker of a few lines.

use std::sync::Mutex;

use tidegate_link::copy::Attempt;
use tidegate_wire::codec;
use tidegate_wire::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use tidegate_wire::messages::{ProduceRequest, ProduceResponse};
use tidegate_wire::{Bytes, StrBytes};
use tokio::time::{Duration, Instant};

use super::*;
use crate::calls::testing::at;
use crate::reply::{Owed, Told};
use crate::testing::{Broker, options, written};

fn job(partition: i32, told: &mpsc::UnboundedSender<Told>) -> Job {
    let reply = Reply::new(Attempt(0), Owed::Appended { base_offset: 7 }, told.clone());
    let batch = Stamped { header: [0; 61], records: Bytes::from_static(b"records") };
    let (lease, guarding) = (Lease::forever(), Guarding::Sequence);
    Job { at: at("t", partition), batch, base_offset: 7, guarding, lease, reply }
}

/// Answers that all batches are at offset 7, and that it wants to be left alone for so long.
fn appended(request: &ProduceRequest, throttle_ms: i32) -> ProduceResponse {
    let partition = |index| PartitionProduceResponse::default().with_index(index).with_base_offset(7);
    let partitions = request.topic_data.iter().flat_map(|topic| &topic.partition_data);
    let topic = TopicProduceResponse::default()
        .with_name(StrBytes::from_static_str("t").into())
        .with_partition_responses(partitions.map(|asked| partition(asked.index)).collect());
    ProduceResponse::default().with_responses(vec![topic]).with_throttle_time_ms(throttle_ms)
}

#[tokio::test]
async fn a_broker_that_wants_to_be_left_alone_is() {
    let came = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&came);
    let broker = Broker::start(move |_, request| {
        let seen = Arc::clone(&seen);
        async move {
            seen.lock().unwrap().push(Instant::now());
            let asked: ProduceRequest = codec::decode(request.version, &request.body).unwrap();
            Some(written(&appended(&asked, 400), request.version))
        }
    })
    .await;
    let cluster = Arc::new(Cluster::new(vec![broker.endpoint.clone()], options()));
    let appends = start(cluster, broker.endpoint.clone());
    let (told, mut events) = mpsc::unbounded_channel();
    for partition in 0..3 {
        appends.send(job(partition, &told)).await.unwrap();
        let (_, event) = events.recv().await.unwrap();
        assert_eq!(event, Event::Appended { base_offset: 7, answer: Ok(7) });
    }
    let came = came.lock().unwrap();
    let gaps: Vec<_> = came.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!((gaps.len(), broker.connections()), (2, 1));
    let silence = Duration::from_millis(395)..Duration::from_millis(1_500);
    assert!(gaps.iter().all(|gap| silence.contains(gap)), "{gaps:?}");
}

#[tokio::test]
async fn whoever_waits_for_a_broker_that_cannot_be_reached_is_told_at_once() {
    let gone = Broker::silent().await;
    let mut options = options();
    options.request_timeout = Duration::from_millis(500);
    let appends = start(Arc::new(Cluster::new(Vec::new(), options)), gone.endpoint.clone());
    let (told, mut events) = mpsc::unbounded_channel();
    let begun = Instant::now();
    for partition in 0..50 {
        appends.send(job(partition, &told)).await.unwrap();
    }
    for _ in 0..50 {
        let (_, event) = events.recv().await.unwrap();
        assert_eq!(event, Event::Appended { base_offset: 7, answer: Err(Trouble::NotSent) });
    }
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert!(gone.connections() <= 2, "{}", gone.connections());
}
