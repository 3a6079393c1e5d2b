//! Brokers that all cases share, and stores on them.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tidegate_client::Security;
use tidegate_core::RootKey;
use tidegate_core::store::{Store, StoreKeys};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::Kafka;
use tidegate_e2e::random;
use tidegate_store::{KafkaStore, KafkaStoreError, KafkaStoreOptions};
use tokio::time::sleep;

use crate::cases::Subject;

/// Longer than anything takes that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn keys() -> StoreKeys {
    StoreKeys::new(&RootKey::from_bytes([1; 32]))
}

/// One broker of 4.1.1; it dies with the test process.
pub(crate) fn kafka() -> &'static Kafka {
    static KAFKA: OnceLock<Kafka> = OnceLock::new();
    KAFKA.get_or_init(|| Kafka::builder(Version::V4_1_1).start().expect("Kafka starts"))
}

fn old_kafka() -> &'static Kafka {
    static KAFKA: OnceLock<Kafka> = OnceLock::new();
    KAFKA.get_or_init(|| Kafka::builder(Version::V3_9_1).start().expect("Kafka starts"))
}

/// A topic that is not there yet.
pub(crate) fn new_topic() -> String {
    random::name("store.")
}

pub(crate) fn options(kafka: &Kafka, topic: &str) -> KafkaStoreOptions {
    let bootstrap =
        kafka.bootstrap().split(',').map(|host| host.parse().expect("it is an endpoint")).collect();
    KafkaStoreOptions::new(bootstrap, Security::plaintext(), topic)
}

pub(crate) async fn open(topic: &str) -> Result<KafkaStore, KafkaStoreError> {
    KafkaStore::open(options(kafka(), topic), keys()).await
}

/// Until something is so.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "waited {PATIENCE:?} until {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) struct V4_1(String);

impl Subject for V4_1 {
    const LASTS: bool = true;

    async fn new() -> Self {
        Self(new_topic())
    }

    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(open(&self.0).await.unwrap())
    }
}

pub(crate) struct V3_9(String);

impl Subject for V3_9 {
    const LASTS: bool = true;

    async fn new() -> Self {
        Self(new_topic())
    }

    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(KafkaStore::open(options(old_kafka(), &self.0), keys()).await.unwrap())
    }
}
