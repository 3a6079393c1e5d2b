//! Running the daemon.

use std::path::{Path, PathBuf};

use anyhow::Context;
use tidegate_daemon::logging;
use tidegate_gateway::audit::TARGET;
use tidegate_gateway::desired::Desired;
use tidegate_gateway::{Gateway, Operators, PrometheusBuilder, Reloader, config};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::admin;
use crate::audit_file::AuditFile;
use crate::first_token;

/// Starts the gateway and serves until SIGTERM or SIGINT; SIGHUP and changed files make it read everything again.
pub(crate) fn run(path: &Path) -> anyhow::Result<()> {
    let config = config::load(path)?;
    let first_token = first_token::of_environment()?;
    let audit = log(config.audit_file.as_deref())?;
    let metrics = PrometheusBuilder::new().install_recorder().context("cannot set up metrics")?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    runtime.block_on(async {
        let gateway = Gateway::start(config, Some(metrics)).await?;
        let (stopping, is_stopping) = watch::channel(false);
        let operators = gateway.operators();
        if let Some(token) = first_token {
            first_token::take_in(&token, operators.as_ref().map(Operators::store)).await?;
        }
        let operators = admin::start(operators, is_stopping).await?.map(tokio::spawn);
        let mut stop = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::spawn(reload_on_hangup(
            gateway.reloader(),
            path.to_owned(),
            audit,
            signal(SignalKind::hangup())?,
        ));
        tokio::spawn(watch_files(gateway.reloader(), path.to_owned()));
        tracing::info!("ready");
        gateway
            .run(async move {
                tokio::select! {
                    _ = stop.recv() => {}
                    _ = interrupt.recv() => {}
                }
                // Nobody changes zones any more while partners are let go.
                stopping.send_replace(true);
            })
            .await;
        if let Some(operators) = operators {
            let _ = operators.await;
        }
        Ok(())
    })
}

/// Reports every mistake without binding or connecting anything.
pub(crate) fn check(path: &Path) -> anyhow::Result<()> {
    let config = config::load(path)?;
    first_token::of_environment()?;
    // What a store holds was checked when it was put there.
    if config.store.is_none() {
        Desired::load(&config)?;
    }
    Ok(())
}

async fn reload_on_hangup(
    reloader: Reloader,
    path: PathBuf,
    audit: Option<AuditFile>,
    mut hangup: tokio::signal::unix::Signal,
) {
    while hangup.recv().await.is_some() {
        if let Some(Err(error)) = audit.as_ref().map(AuditFile::reopen) {
            tracing::error!(%error, "the audit log stays in its old file");
        }
        reloader.reload_and_log(&path);
    }
}

async fn watch_files(reloader: Reloader, path: PathBuf) {
    reloader.watch(&path).await;
}

/// The log; what is for the audit log goes to its file instead, if there is one.
fn log(audit: Option<&Path>) -> anyhow::Result<Option<AuditFile>> {
    let audit = audit.map(AuditFile::open).transpose()?;
    let is_audit = |metadata: &tracing::Metadata<'_>| metadata.target() == TARGET;
    let to_file = audit.clone().map(|file| {
        let layer = fmt::layer().json().flatten_event(true).with_level(false).with_target(false);
        layer.with_writer(file).with_filter(filter_fn(is_audit))
    });
    let apart = audit.is_some();
    let lines = logging::lines().with_filter(filter_fn(move |metadata| !(apart && is_audit(metadata))));
    tracing_subscriber::registry().with(to_file).with(lines).init();
    Ok(audit)
}
