//! The embedded broker. Nothing outside this file knows which crate it comes from.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use tansu_broker::broker::Broker;
use tansu_broker::coordinator::group::administrator::Controller;
use tansu_storage::StorageContainer;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use url::Url;
use uuid::Uuid;

/// A Kafka-compatible broker in this process, in memory; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct EmbeddedBroker {
    address: SocketAddr,
    serving: JoinHandle<tansu_broker::Result<()>>,
}

/// Starts a broker of one node and returns once it accepts connections. Port 0 takes a free port.
pub(crate) async fn start(cluster_id: &str, listen: SocketAddr) -> anyhow::Result<EmbeddedBroker> {
    let address = free_address(listen)?;
    let listener = Url::parse(&format!("tcp://{address}"))?;
    let mut broker = Broker::<Controller<StorageContainer>, StorageContainer>::builder()
        .node_id(NODE_ID)
        .cluster_id(cluster_id)
        .incarnation_id(Uuid::new_v4())
        .listener(listener.clone())
        .advertised_listener(listener)
        .storage(Url::parse("memory://sandbox/")?)
        .silent(true)
        .build()
        .await
        .map_err(|error| anyhow!("cannot build the embedded broker: {error}"))?;
    // Not `Broker::main`: that one takes over the signals of the process.
    let serving = tokio::spawn(async move { broker.serve(Instant::now()).await });
    let mut broker = EmbeddedBroker { address, serving };
    broker.accepting().await?;
    Ok(broker)
}

impl EmbeddedBroker {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the end of the broker, which is always a failure while the sandbox runs.
    pub(crate) async fn ended(&mut self) -> anyhow::Error {
        match (&mut self.serving).await {
            Ok(Ok(())) => anyhow!("the embedded broker at {} stopped", self.address),
            Ok(Err(error)) => anyhow!("the embedded broker at {} failed: {error}", self.address),
            Err(error) => anyhow!("the embedded broker at {} failed: {error}", self.address),
        }
    }

    async fn accepting(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        while TcpStream::connect(self.address).await.is_err() {
            if self.serving.is_finished() {
                return Err(self.ended().await);
            }
            if Instant::now() > deadline {
                bail!("the embedded broker does not listen on {} after {START_LIMIT:?}", self.address);
            }
            sleep(RETRY_PAUSE).await;
        }
        Ok(())
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        // The broker keeps its connections in a set that ends with this task.
        self.serving.abort();
    }
}

/// The broker binds by itself and never tells which port it got, so port 0 is resolved here.
fn free_address(listen: SocketAddr) -> anyhow::Result<SocketAddr> {
    let probe = TcpListener::bind(listen)
        .with_context(|| format!("cannot listen on {listen} for the embedded broker"))?;
    Ok(probe.local_addr()?)
}

const NODE_ID: i32 = 1;
const START_LIMIT: Duration = Duration::from_secs(10);
const RETRY_PAUSE: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_accepts_connections_once_it_is_started() {
        let broker = start("cluster", "127.0.0.1:0".parse().unwrap()).await.unwrap();
        assert_ne!(broker.address().port(), 0);
        TcpStream::connect(broker.address()).await.unwrap();
    }

    #[tokio::test]
    async fn it_stops_listening_when_dropped() {
        let broker = start("cluster", "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = broker.address();
        drop(broker);
        let deadline = Instant::now() + START_LIMIT;
        while TcpStream::connect(address).await.is_ok() {
            assert!(Instant::now() < deadline, "still listening");
            sleep(RETRY_PAUSE).await;
        }
    }

    #[tokio::test]
    async fn a_port_in_use_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let error = start("cluster", address).await.unwrap_err();
        assert_eq!(error.to_string(), format!("cannot listen on {address} for the embedded broker"));
    }
}
