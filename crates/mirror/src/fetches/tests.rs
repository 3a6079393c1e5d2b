//! Fetches from a broker of a few lines.

use std::sync::Mutex;

use tidegate_link::copy::Attempt;
use tidegate_wire::codec;
use tidegate_wire::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use tidegate_wire::messages::{FetchRequest, FetchResponse};
use tidegate_wire::{Bytes, StrBytes};
use tokio::time::{Duration, Instant};

use super::*;
use crate::calls::testing::at;
use crate::reply::{Owed, Told};
use crate::testing::{Broker, options, written};

fn want(partition: i32, told: &mpsc::UnboundedSender<Told>) -> Want {
    let reply = Reply::new(Attempt(0), Owed::Fetched, told.clone());
    Want { at: at("t", partition), offset: 3, last_epoch: None, wants: None, end: None, reply }
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
    let fetches = start(cluster, broker.endpoint.clone(), Budget::new(64 << 20));
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
