//! Clusters of which some brokers do not answer.

use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use tidegate_wire::codec;
use tidegate_wire::header::Request;
use tidegate_wire::messages::{MetadataRequest, MetadataResponse};
use tidegate_wire::{Bytes, StrBytes};
use tokio::time::{Duration, Instant, timeout};

use super::refresh::REFRESH;
use super::*;
use crate::calls::testing::at;
use crate::testing::{Broker, options, written};

const PARTITIONS: i32 = 100;

/// Longer than it takes to look something up that is known, and much less than any broker is waited for.
const AT_ONCE: Duration = Duration::from_millis(200);

/// A broker that leads all that it is asked for, and takes its time.
async fn leader() -> Broker {
    Broker::start(|here, request| async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Some(metadata(&here, &request))
    })
    .await
}

fn metadata(here: &Endpoint, request: &Request) -> Bytes {
    let asked: MetadataRequest = codec::decode(request.version, &request.body).unwrap();
    let partition = |index: i32| MetadataResponsePartition::default().with_partition_index(index);
    let topic = |name: &str| {
        MetadataResponseTopic::default()
            .with_name(Some(StrBytes::from_string(name.to_owned()).into()))
            .with_topic_id(at(name, 0).topic.id().unwrap())
            .with_partitions((0..PARTITIONS).map(partition).collect())
    };
    let topics = asked.topics.unwrap().into_iter();
    let broker = MetadataResponseBroker::default()
        .with_host(StrBytes::from_string(here.host.clone()))
        .with_port(here.port.into());
    let answer = MetadataResponse::default()
        .with_brokers(vec![broker])
        .with_topics(topics.map(|asked| topic(&asked.name.unwrap())).collect());
    written(&answer, request.version)
}

fn cluster(brokers: &[&Broker]) -> Arc<Cluster> {
    let bootstrap = brokers.iter().map(|broker| broker.endpoint.clone()).collect();
    Arc::new(Cluster::new(bootstrap, options()))
}

#[tokio::test]
async fn what_is_known_is_told_while_a_broker_does_not_answer() {
    let broker = leader().await;
    let cluster = cluster(&[&broker]);
    assert_eq!(cluster.leader(&at("t", 0)).await.unwrap(), broker.endpoint);
    broker.be_silent(true);
    let asked = Arc::clone(&cluster);
    let waiting = tokio::spawn(async move { asked.leader(&at("other", 0)).await });
    let asked = Arc::clone(&cluster);
    let fresh = tokio::spawn(async move { asked.topic("t").await });
    tokio::time::sleep(AT_ONCE + REFRESH).await;
    for partition in 0..PARTITIONS {
        let leader = timeout(AT_ONCE, cluster.leader(&at("t", partition))).await.expect("it is known");
        assert_eq!(leader.unwrap(), broker.endpoint);
    }
    assert_eq!(timeout(AT_ONCE, cluster.any()).await.unwrap().unwrap(), broker.endpoint);
    assert!(!waiting.is_finished() && !fresh.is_finished(), "what is not known is waited for");
}

#[tokio::test]
async fn who_is_silent_is_overtaken_and_not_asked_first_again() {
    let (silent, broker) = (Broker::silent().await, leader().await);
    let cluster = cluster(&[&silent, &broker]);
    let begun = Instant::now();
    assert_eq!(cluster.leader(&at("t", 0)).await.unwrap(), broker.endpoint);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    for topic in ["u", "v"] {
        let begun = Instant::now();
        assert_eq!(cluster.topic(topic).await.unwrap().name, topic);
        assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
    }
    assert_eq!((silent.connections(), broker.connections()), (1, 3));
}

#[tokio::test]
async fn all_who_look_something_up_at_once_have_one_answer() {
    let broker = leader().await;
    let cluster = cluster(&[&broker]);
    let looked_up = (0..PARTITIONS).map(|partition| {
        let cluster = Arc::clone(&cluster);
        tokio::spawn(async move { cluster.leader(&at("t", partition)).await })
    });
    for leader in looked_up.collect::<Vec<_>>() {
        assert_eq!(leader.await.unwrap().unwrap(), broker.endpoint);
    }
    assert_eq!((broker.connections(), broker.requests()), (1, 1));
}

#[tokio::test]
async fn all_who_wait_in_vain_have_one_reason() {
    let gone = Broker::silent().await;
    let mut options = options();
    options.request_timeout = Duration::from_millis(500);
    let cluster = Arc::new(Cluster::new(vec![gone.endpoint.clone()], options));
    let looked_up = (0..PARTITIONS).map(|partition| {
        let cluster = Arc::clone(&cluster);
        tokio::spawn(async move { cluster.leader(&at("t", partition)).await })
    });
    let begun = Instant::now();
    for leader in looked_up.collect::<Vec<_>>() {
        let error = leader.await.unwrap().unwrap_err();
        assert!(matches!(&error, ClusterError::Unreachable(Some(_))), "{error}");
    }
    // Once for all, or once more for who came while the first had begun.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(gone.connections() <= 2, "{}", gone.connections());
    // Whoever comes later has it tried again.
    let before = gone.connections();
    cluster.leader(&at("t", 0)).await.unwrap_err();
    assert_eq!(gone.connections(), before + 1);
}

#[tokio::test]
async fn one_who_gives_up_while_asking_keeps_the_answer_from_nobody() {
    let broker = leader().await;
    broker.be_silent(true);
    let cluster = cluster(&[&broker]);
    timeout(Duration::from_millis(100), cluster.leader(&at("t", 0))).await.unwrap_err();
    broker.be_silent(false);
    let leader = timeout(Duration::from_secs(5), cluster.leader(&at("t", 0))).await;
    assert_eq!(leader.expect("somebody else asks").unwrap(), broker.endpoint);
}

#[tokio::test]
async fn a_leader_that_is_gone_is_looked_up_anew() {
    let (gone, broker) = (leader().await, leader().await);
    let cluster = cluster(&[&gone, &broker]);
    assert_eq!(cluster.leader(&at("t", 0)).await.unwrap(), gone.endpoint);
    let endpoint = gone.endpoint.clone();
    drop(gone);
    cluster.connect(&endpoint).await.unwrap_err();
    assert_eq!(cluster.leader(&at("t", 0)).await.unwrap(), broker.endpoint);
}

#[tokio::test]
async fn questions_that_waited_for_a_broker_in_vain_are_told_at_once() {
    let gone = Broker::silent().await;
    let mut options = options();
    options.request_timeout = Duration::from_millis(500);
    let cluster = Arc::new(Cluster::new(vec![gone.endpoint.clone()], options));
    let line = cluster.line(&gone.endpoint);
    let turns = (0..PARTITIONS).map(|_| {
        let (cluster, line) = (Arc::clone(&cluster), Arc::clone(&line));
        tokio::spawn(async move { line.turn(&cluster).await.is_some() })
    });
    let begun = Instant::now();
    for turn in turns.collect::<Vec<_>>() {
        assert!(!turn.await.unwrap());
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(gone.connections(), 1);
}
