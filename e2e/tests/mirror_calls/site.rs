//! A broker, and connections to it.

use std::fs;
use std::time::{Duration, Instant};

use tidegate_client::{ConnectOptions, Connection, Endpoint, Security, TlsOptions, connect};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::{Kafka, Protocol};

/// Longer than anything takes that comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Site {
    pub(crate) kafka: Kafka,
    endpoint: Endpoint,
    options: ConnectOptions,
}

impl Site {
    pub(crate) fn start(version: Version, protocol: Protocol) -> Self {
        let kafka = Kafka::builder(version).protocol(protocol).start().expect("Kafka starts");
        let security = match protocol {
            Protocol::Ssl => {
                let authority = fs::read(kafka.ca()).unwrap();
                Security::tls(TlsOptions::new().authorities(authority).build().unwrap())
            }
            _ => Security::plaintext(),
        };
        let endpoint = kafka.bootstrap().parse().unwrap();
        Self { kafka, endpoint, options: ConnectOptions::new("mirror", security) }
    }

    pub(crate) async fn connection(&self) -> Connection {
        connect(&self.endpoint, &self.options).await.expect("the broker is up")
    }

    /// Whether Produce takes topic ids (KIP-516).
    pub(crate) fn produces_by_id(&self) -> bool {
        self.kafka.version() == Version::V4_1_1
    }
}

/// Asks until there is an answer.
pub(crate) async fn until<T>(what: &str, mut answer: impl AsyncFnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(answer) = answer().await {
            return answer;
        }
        assert!(begin.elapsed() < PATIENCE, "waited for {:?} until {what}", begin.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
