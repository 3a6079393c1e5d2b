//! Running the daemon.

use std::path::{Path, PathBuf};

use anyhow::Context;
use tidegate_gateway::desired::Desired;
use tidegate_gateway::{Gateway, GatewayError, PrometheusBuilder, Reloader, config};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Starts the gateway and serves until SIGTERM or SIGINT; SIGHUP and changed files make it read everything again.
pub(crate) fn run(path: &Path) -> anyhow::Result<()> {
    log();
    let config = config::load(path)?;
    let metrics = PrometheusBuilder::new().install_recorder().context("cannot set up metrics")?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    runtime.block_on(async {
        let gateway = Gateway::start(config, Some(metrics)).await?;
        let mut stop = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::spawn(reload_on_hangup(gateway.reloader(), path.to_owned(), signal(SignalKind::hangup())?));
        tokio::spawn(watch_files(gateway.reloader(), path.to_owned()));
        tracing::info!("ready");
        gateway
            .run(async move {
                tokio::select! {
                    _ = stop.recv() => {}
                    _ = interrupt.recv() => {}
                }
            })
            .await;
        Ok(())
    })
}

/// Reports every mistake without binding or connecting anything.
pub(crate) fn check(path: &Path) -> anyhow::Result<()> {
    let config = config::load(path)?;
    Desired::load(&config)?;
    Ok(())
}

async fn reload_on_hangup(reloader: Reloader, path: PathBuf, mut hangup: tokio::signal::unix::Signal) {
    while hangup.recv().await.is_some() {
        reloader.reload_and_log(&path);
    }
}

async fn watch_files(reloader: Reloader, path: PathBuf) {
    reloader.watch(&path).await;
}

/// Lines of text on a terminal, JSON for machines; `RUST_LOG` chooses what.
fn log() {
    use std::io::IsTerminal;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        builder.init();
    } else {
        builder.json().init();
    }
}
