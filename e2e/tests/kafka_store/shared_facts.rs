//! Facts in a topic, of one replica and of several.

use std::sync::Arc;
use std::time::Duration;

use tidegate_core::RootKey;
use tidegate_core::facts::{FactKeys, Facts, Timestamp};
use tidegate_store::KafkaFacts;
use tokio::time::timeout;

use crate::facts::{ONE, are_kept, binding, bindings, producer};
use crate::site::{kafka, new_topic, options};

const RETENTION: Duration = Duration::from_secs(9 * 24 * 3_600);

async fn open(topic: &str) -> KafkaFacts {
    let keys = FactKeys::new(&RootKey::from_bytes([1; 32]));
    KafkaFacts::open(options(kafka(), topic), keys, RETENTION).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_keeps_facts() {
    are_kept(&open(&new_topic()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_replica_was_told_every_other_knows() {
    let topic = new_topic();
    let (one, other) = (open(&topic).await, open(&topic).await);
    for id in 0..50 {
        one.keep(ONE, vec![producer(id, 10)]).await.unwrap();
        // At once, as a client does that goes to another replica.
        assert_eq!(other.producers(ONE, vec![id, 1_000]).await.unwrap(), [(id, Timestamp(10))]);
    }
    let later = open(&topic).await;
    assert_eq!(later.producers(ONE, (0..100).collect()).await.unwrap().len(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_first_uses_at_once_one_stands_for_all() {
    let topic = new_topic();
    let (one, other) = (open(&topic).await, open(&topic).await);
    for round in 0..20 {
        let group = format!("group-{round}");
        let (first, second) = tokio::join!(
            one.keep(ONE, vec![binding(&group, "a", 10)]),
            other.keep(ONE, vec![binding(&group, "b", 10)]),
        );
        // Both are told the same, or the one that came later has not seen it yet only if it was first in the log.
        let (first, second) = (first.unwrap(), second.unwrap());
        let again = one.keep(ONE, first.clone()).await.unwrap();
        assert_eq!(other.keep(ONE, second).await.unwrap(), again);
        assert_eq!(first, again, "what was told once holds");
    }
    let later = open(&topic).await;
    let (mut known, mut fresh) = (bindings(&one).await, bindings(&later).await);
    known.sort_by_key(|(_, fact)| format!("{fact:?}"));
    fresh.sort_by_key(|(_, fact)| format!("{fact:?}"));
    assert_eq!(known, fresh);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_at_once_are_all_served() {
    let facts = Arc::new(open(&new_topic()).await);
    let keep = |id| {
        let facts = Arc::clone(&facts);
        tokio::spawn(async move { facts.keep(ONE, vec![producer(id, 1)]).await })
    };
    for kept in (0..2_000).map(keep).collect::<Vec<_>>() {
        timeout(Duration::from_secs(30), kept).await.unwrap().unwrap().unwrap();
    }
    assert_eq!(facts.producers(ONE, (0..2_000).collect()).await.unwrap().len(), 2_000);
}
