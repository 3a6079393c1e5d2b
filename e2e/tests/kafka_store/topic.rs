//! Topics that cannot hold a store, and brokers that let others write it.

use std::time::Duration;

use tidegate_core::store::Store;
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::{Kafka, Right};
use tidegate_store::KafkaStore;
use tokio::time::sleep;

use crate::site::{kafka, keys, new_topic, open, options};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ordinary_topic_is_refused() {
    let topic = new_topic();
    kafka().create_named(std::slice::from_ref(&topic), &[1]).unwrap();
    let error = open(&topic).await.unwrap_err().to_string();
    assert!(error.contains("its cleanup.policy is \"delete\""), "{error}");
    let wide = new_topic();
    kafka().create_named(std::slice::from_ref(&wide), &[2]).unwrap();
    let error = open(&wide).await.unwrap_err().to_string();
    assert!(error.contains("it has 2 partitions"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_make_the_topic_at_once_share_it() {
    let topic = new_topic();
    let (one, two, three) = tokio::join!(open(&topic), open(&topic), open(&topic));
    for store in [one, two, three] {
        assert!(store.unwrap().image().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_to_connect_to_is_told() {
    let mut settings = options(kafka(), &new_topic());
    settings.bootstrap.clear();
    let error = KafkaStore::open(settings, keys()).await.unwrap_err();
    assert_eq!(error.to_string(), "no bootstrap server is given for the store");
}

/// Whoever else the authorizer lets write is named, and the store stays closed until that is mended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_others_may_write_is_refused() {
    let kafka = Kafka::builder(Version::V4_1_1).authorizer().start().unwrap();
    let topic = new_topic();
    let settings = options(&kafka, &topic);
    let store = KafkaStore::open(settings.clone(), keys()).await.unwrap();
    drop(store);
    kafka.allow("User:mallory", Right { kind: 2, name: &topic, operation: 4 }).unwrap();
    // The broker learns of it a moment later.
    sleep(Duration::from_millis(500)).await;
    let error = KafkaStore::open(settings.clone(), keys()).await.unwrap_err().to_string();
    assert!(error.contains("User:mallory may write it"), "{error}");
    let mut trusting = settings;
    trusting.writers.push("User:mallory".to_owned());
    KafkaStore::open(trusting, keys()).await.unwrap();
}
