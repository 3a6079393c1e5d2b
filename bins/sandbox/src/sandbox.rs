//! Brings the parts up in order and takes them down in the opposite one.

use std::collections::BTreeSet;
use std::io::{Write as _, stdout};
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::broker::{self, EmbeddedBroker};
use crate::gateway::{RunningGateway, start_gateway};
use crate::instructions;
use crate::kafka::Connection;
use crate::options::Options;
use crate::ports::Ports;
use crate::seed;
use crate::setup::Setup;

/// Runs the sandbox until Ctrl-C, SIGTERM or the end of one of its parts.
///
/// Ctrl-C during the start drops what is there so far: the broker's task and the folder end with their owner.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    tokio::select! {
        started = start(options) => started?.serve().await,
        interrupted = interrupted() => interrupted,
    }
}

/// Everything that runs; the fields are dropped in this order, so the gateway never outlives its broker.
struct Sandbox {
    gateway: RunningGateway,
    broker: Option<EmbeddedBroker>,
    setup: Setup,
}

async fn start(options: &Options) -> anyhow::Result<Sandbox> {
    let (bootstrap, broker) = cluster(options).await?;
    let (mut connection, nodes) = reach(&bootstrap).await.with_context(|| cluster_hint(options))?;
    let ports = Ports::plan(options.port, nodes)?;
    ports.check_free()?;
    seed::fill(&mut connection).await?;
    let setup = Setup::write(&bootstrap, &ports, options.keep_dir)?;
    let gateway = start_gateway(&setup.config_file()).await?;
    write!(stdout(), "{}", instructions::text(&setup, &ports)).context("cannot print the instructions")?;
    Ok(Sandbox { gateway, broker, setup })
}

/// The address of the cluster behind the gateway, and the embedded broker if that is the cluster.
async fn cluster(options: &Options) -> anyhow::Result<(String, Option<EmbeddedBroker>)> {
    if let Some(upstream) = &options.upstream {
        return Ok((upstream.clone(), None));
    }
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let broker = broker::start(CLUSTER_ID, any_port).await?;
    Ok((broker.address().to_string(), Some(broker)))
}

async fn reach(bootstrap: &str) -> anyhow::Result<(Connection, BTreeSet<i32>)> {
    let mut connection = Connection::open(bootstrap).await?;
    let nodes = seed::nodes(&mut connection).await?;
    Ok((connection, nodes))
}

fn cluster_hint(options: &Options) -> String {
    match &options.upstream {
        Some(upstream) => {
            format!("cannot use {upstream}: --upstream needs HOST:PORT of a Kafka listener with PLAINTEXT")
        }
        None => "cannot use the embedded broker".to_owned(),
    }
}

impl Sandbox {
    async fn serve(mut self) -> anyhow::Result<()> {
        let ended = tokio::select! {
            interrupted = interrupted() => interrupted,
            error = self.gateway.ended() => Err(error),
            error = broker_ended(self.broker.as_mut()) => Err(error),
        };
        self.gateway.stop().await;
        drop(self.broker);
        self.setup.remove()?;
        ended
    }
}

/// Never returns while there is no embedded broker that could end.
async fn broker_ended(broker: Option<&mut EmbeddedBroker>) -> anyhow::Error {
    match broker {
        Some(broker) => broker.ended().await,
        None => std::future::pending().await,
    }
}

async fn interrupted() -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

const CLUSTER_ID: &str = "tidegate-sandbox-00001";
