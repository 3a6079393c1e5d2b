//! Several replicas on one topic.

use std::time::{Duration, Instant};

use tidegate_core::store::{Body, Change, ChangeError, CommitError, Record, Revision, Store};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::Kafka;
use tidegate_store::KafkaStore;
use tokio::time::{sleep, timeout};

use crate::cases::{body, key};
use crate::site::{keys, new_topic, open, options, until};

fn record(store: &KafkaStore, name: &str) -> Record {
    store.image().get(&key(name)).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_through_one_is_seen_by_all() {
    let topic = new_topic();
    let (one, two, three) =
        (open(&topic).await.unwrap(), open(&topic).await.unwrap(), open(&topic).await.unwrap());
    let mut longest = Duration::ZERO;
    for n in 0..20 {
        let begin = Instant::now();
        let writer = [&one, &two, &three][n % 3];
        let revision =
            writer.commit(Change::new().create(key(&format!("zone/{n}")), body("1"))).await.unwrap();
        for store in [&one, &two, &three] {
            let image = timeout(Duration::from_secs(30), store.later(Revision(revision.0 - 1)))
                .await
                .unwrap()
                .unwrap();
            assert!(image.get(&key(&format!("zone/{n}"))).is_some());
        }
        longest = longest.max(begin.elapsed());
    }
    println!("the slowest of 20 changes was everywhere after {longest:?}");
    assert_eq!(one.image(), two.image());
    assert_eq!(one.image(), three.image());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_replicas_that_write_at_once_one_wins() {
    let topic = new_topic();
    let (one, two) = (open(&topic).await.unwrap(), open(&topic).await.unwrap());
    one.commit(Change::new().create(key("zone/a"), body("0"))).await.unwrap();
    until("both know it", || two.image().revision() == Revision(1)).await;
    for round in 0..10 {
        let seen = record(&one, "zone/a");
        assert_eq!(record(&two, "zone/a"), seen);
        let (first, second) = tokio::join!(
            one.commit(Change::new().update(&seen, body(&format!("one {round}")))),
            two.commit(Change::new().update(&seen, body(&format!("two {round}")))),
        );
        let (winner, error) = match (first, second) {
            (Ok(_), Err(error)) => ("one", error),
            (Err(error), Ok(_)) => ("two", error),
            other => panic!("{other:?}"),
        };
        let CommitError::Change(ChangeError::Conflict(conflict)) = error else { panic!("{error}") };
        let found = conflict.0[0].found.clone().unwrap();
        assert_eq!(found.body.text(), format!("{winner} {round}"), "who loses is told what is there");
        until("both know it", || one.image().revision() == two.image().revision()).await;
        assert_eq!(record(&one, "zone/a"), found);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_was_fenced_writes_on() {
    let topic = new_topic();
    let (one, two) = (open(&topic).await.unwrap(), open(&topic).await.unwrap());
    for n in 0..10 {
        for (store, name) in [(&one, "one"), (&two, "two")] {
            store.commit(Change::new().create(key(&format!("zone/{name}-{n}")), body("1"))).await.unwrap();
        }
    }
    assert_eq!(two.image().len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_starts_finds_everything() {
    let topic = new_topic();
    let one = open(&topic).await.unwrap();
    one.commit(Change::new().create(key("zone/a"), body("1")).create(key("zone/b"), body("1")))
        .await
        .unwrap();
    one.commit(
        Change::new().delete(&record(&one, "zone/a")).update(&record(&one, "zone/b"), Body::new(2, "2")),
    )
    .await
    .unwrap();
    let two = open(&topic).await.unwrap();
    assert_eq!(two.image(), one.image());
    assert!(two.alarms().is_empty(), "{:?}", two.alarms());
}

/// The brokers stand still for a while: no replica says that it knows the end meanwhile, and all go on afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_cut_off_grows_old_and_catches_up() {
    let kafka = Kafka::builder(Version::V4_1_1).start().unwrap();
    let topic = new_topic();
    let mut impatient = options(&kafka, &topic);
    impatient.commit_deadline = Duration::from_secs(3);
    let store = KafkaStore::open(impatient, keys()).await.unwrap();
    store.commit(Change::new().create(key("zone/a"), body("1"))).await.unwrap();
    until("it is fresh", || store.behind() < Duration::from_secs(1)).await;
    kafka.pause(1).unwrap();
    sleep(Duration::from_secs(3)).await;
    assert!(store.behind() > Duration::from_secs(2), "behind by {:?}", store.behind());
    let revision = store.image().revision();
    let cut = store.commit(Change::new().create(key("zone/b"), body("1"))).await;
    assert!(matches!(cut, Err(CommitError::Failed(_) | CommitError::Unknown(_))), "{cut:?}");
    assert_eq!(store.image().revision(), revision);
    kafka.resume(1).unwrap();
    until("it is fresh again", || store.behind() < Duration::from_secs(1)).await;
    // Made or not, it is whole, and the next is made.
    let after = store.commit(Change::new().create(key("zone/c"), body("1"))).await.unwrap();
    assert_eq!(store.image().get(&key("zone/c")).unwrap().revision, after);
}

/// Writers on three replicas, while the broker that leads the topic is killed and comes back: nothing acknowledged is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_dies_undoes_nothing() {
    let mut kafka = Kafka::builder(Version::V4_1_1).brokers(3).start().unwrap();
    let topic = new_topic();
    let mut settings = options(&kafka, &topic);
    settings.replication = Some(3);
    let store = KafkaStore::open(settings.clone(), keys()).await.unwrap();
    let other = KafkaStore::open(settings, keys()).await.unwrap();
    let (mut made, mut unknown) = (Vec::new(), 0);
    for n in 0..30 {
        if n % 10 == 3 {
            kafka.kill9(1 + n / 10).unwrap();
        }
        if n % 10 == 8 {
            kafka.restart(1 + n / 10).unwrap();
        }
        let name = format!("zone/{n}");
        let writer = if n % 2 == 0 { &store } else { &other };
        let begin = Instant::now();
        match writer.commit(Change::new().create(key(&name), body("1"))).await {
            Ok(revision) => made.push((name, revision)),
            Err(CommitError::Change(error)) => panic!("{error}"),
            Err(error) => {
                println!("{name} after {:?}: {error}", begin.elapsed());
                unknown += 1;
            }
        }
    }
    println!("{} changes made, {unknown} given up", made.len());
    assert!(made.len() >= 20, "{} changes made", made.len());
    until("both know the same", || store.image().revision() == other.image().revision()).await;
    let third = KafkaStore::open(options(&kafka, &topic), keys()).await.unwrap();
    assert_eq!(third.image(), store.image());
    for (name, revision) in made {
        assert_eq!(third.image().get(&key(&name)).unwrap().revision, revision);
    }
}
