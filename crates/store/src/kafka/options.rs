//! Where the store's topic is.

use std::time::Duration;

use tidegate_client::{ConnectOptions, Endpoint, SaslLogin, Security};

/// A request to the store; the store's records are small, and whoever waits for a change should not wait for long.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Longer than a broker that died keeps the topic or the transaction without a leader, some ten seconds each.
const COMMIT_DEADLINE: Duration = Duration::from_secs(30);

/// Long enough for a probe to be seen red, and far shorter than brokers take to compact.
const MEND_AFTER: Duration = Duration::from_secs(60);

/// Where the store's topic is, and how it is made.
#[derive(Debug, Clone)]
pub struct KafkaStoreOptions {
    /// Brokers to ask first; one that answers is enough.
    pub bootstrap: Vec<Endpoint>,
    /// TLS, SASL and limits of every connection.
    pub connect: ConnectOptions,
    /// The topic: one partition, compacted.
    pub topic: String,
    /// Replicas of the topic if it has to be made; `None` is what the brokers give every topic.
    pub replication: Option<i16>,
    /// Principals that may write the topic, such as `User:tidegate`, besides the user whose password `connect` proves; whom a token
    /// stands for only brokers know. If the brokers have an authorizer and it lets anybody else write, the store does not open.
    pub writers: Vec<String>,
    /// How long a record that others wrote may lie under a key of the store before the good one is written again in front of
    /// it: compaction keeps the last of each key, and whoever starts then must find the good one.
    pub mend_after: Duration,
    /// The longest that a change may take; beyond it the caller is told that it failed, or that nobody knows.
    pub commit_deadline: Duration,
}

impl KafkaStoreOptions {
    /// Options with the usual limits.
    #[must_use]
    pub fn new(bootstrap: Vec<Endpoint>, security: Security, topic: impl Into<String>) -> Self {
        let connect = ConnectOptions {
            request_timeout: REQUEST_TIMEOUT,
            ..ConnectOptions::new("tidegate-store", security)
        };
        Self {
            bootstrap,
            connect,
            topic: topic.into(),
            replication: None,
            writers: Vec::new(),
            mend_after: MEND_AFTER,
            commit_deadline: COMMIT_DEADLINE,
        }
    }

    /// The transactional id that all writers of the topic share: whoever takes it fences the one before.
    pub(super) fn transactional_id(&self) -> String {
        format!("tidegate-store-{}", self.topic)
    }

    /// The principals that may write.
    pub(super) fn trusted(&self) -> Vec<String> {
        let own = self.connect.security.login.as_ref().and_then(SaslLogin::user);
        self.writers.iter().cloned().chain(own.map(|user| format!("User:{user}"))).collect()
    }
}
