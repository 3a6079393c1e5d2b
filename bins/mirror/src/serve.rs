//! Running the daemon.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use tidegate_daemon::store::StoreParts;
use tidegate_daemon::{DaemonError, logging};
use tidegate_mirror::Records;
use tidegate_mirror::config::{self, Config};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Duration, sleep, timeout};

use crate::fleet::Fleet;
use crate::http;

/// How long what is in flight may take when the daemon is told to stop: an append has an answer within 10 s, or none.
const DRAIN: Duration = Duration::from_secs(25);

/// How often a store is asked for whose brokers are not there: they take some seconds to start.
const STORE_PAUSE: Duration = Duration::from_secs(2);

/// Starts the links and works at them until SIGTERM or SIGINT; SIGHUP makes it read its configuration again.
pub(crate) fn run(path: &Path) -> anyhow::Result<()> {
    let config = config::load(path)?;
    logging::init();
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    runtime.block_on(async {
        let (mut stop, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let mut hangup = signal(SignalKind::hangup())?;
        let listener = http::bind(config.http_bind).await?;
        let opened = tokio::select! {
            opened = open_store(&config) => Some(opened?),
            _ = stop.recv() => None,
            _ = interrupt.recv() => None,
        };
        let Some(parts) = opened else { return Ok(()) };
        let store = Arc::clone(&parts.store);
        let mut fleet = Fleet::new(Records::new(parts.store, parts.sealer))?;
        fleet.follow(config).await?;
        tokio::spawn(http::serve(listener, store, fleet.views()));
        tracing::info!("ready");
        loop {
            tokio::select! {
                _ = stop.recv() => break,
                _ = interrupt.recv() => break,
                () = next(&mut hangup) => reload(&mut fleet, path).await,
            }
        }
        if timeout(DRAIN, fleet.stop()).await.is_err() {
            tracing::warn!("what was in flight has no answer yet; it is looked for at the next start");
        }
        Ok(())
    })
}

/// The store, as soon as its brokers are there: after a power cut everything starts in any order.
async fn open_store(config: &Config) -> Result<StoreParts, DaemonError> {
    loop {
        match config.open_store().await {
            Err(error) if error.may_pass() => {
                tracing::warn!("the store cannot be opened yet; it is tried again: {error}");
                sleep(STORE_PAUSE).await;
            }
            opened => return opened,
        }
    }
}

/// A reload that fails changes nothing.
async fn reload(fleet: &mut Fleet, path: &Path) {
    let outcome = match config::load(path) {
        Ok(config) => fleet.follow(config).await,
        Err(errors) => Err(errors.into()),
    };
    match outcome {
        Ok(()) => tracing::info!("the configuration was read again"),
        Err(error) => tracing::error!("the configuration stays as it was: {error:#}"),
    }
}

async fn next(signal: &mut Signal) {
    if signal.recv().await.is_none() {
        std::future::pending::<()>().await;
    }
}
