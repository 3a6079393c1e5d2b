//! Probes and metrics for the operator's side; never on a partner's listener.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, StatusCode};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tidegate_core::Facts;
use tidegate_core::facts::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::desired::Desired;
use crate::error::GatewayError;
use crate::life;
use crate::snapshot::Snapshot;
use crate::stored::{Freshness, StoreParts};
use crate::upstream::Upstream;

/// What the probes look at.
#[derive(Clone)]
struct Probes {
    ready: watch::Receiver<bool>,
    facts: Arc<dyn Facts>,
    /// How long the store may take to answer.
    deadline: Duration,
    store: Option<Store>,
    zones: Zones,
    metrics: Option<Arc<PrometheusHandle>>,
}

/// What is wanted, what is enforced, and which clusters are there.
#[derive(Clone)]
pub(crate) struct Zones {
    pub(crate) desired: watch::Receiver<Arc<Desired>>,
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(crate) upstreams: Vec<Arc<Upstream>>,
}

/// Where zones and accounts are kept.
#[derive(Clone)]
pub(crate) struct Store {
    store: Arc<dyn tidegate_core::store::Store>,
    freshness: Arc<Freshness>,
}

impl Store {
    /// What to look at, if there is a store.
    pub(crate) fn of(parts: Option<&StoreParts>, freshness: &Arc<Freshness>) -> Option<Self> {
        let store = Arc::clone(&parts?.store);
        Some(Self { store, freshness: Arc::clone(freshness) })
    }

    /// What is wrong with it.
    fn problem(&self) -> Option<&'static str> {
        match (self.freshness.admits(), self.store.alarms().is_empty()) {
            (false, _) => Some("not ready: the store cannot be reached, nobody logs in\n"),
            (true, false) => Some("not ready: somebody meddles with the store, see the log\n"),
            (true, true) => None,
        }
    }
}

/// Binds the port of the probes.
///
/// # Errors
/// [`GatewayError::Bind`].
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, GatewayError> {
    TcpListener::bind(address).await.map_err(|source| GatewayError::Bind {
        listener: "http".to_owned(),
        address,
        source,
    })
}

/// Serves `/livez`, `/readyz` and `/metrics` until the task is dropped.
pub(crate) async fn serve(
    listener: TcpListener,
    ready: watch::Receiver<bool>,
    facts: Arc<dyn Facts>,
    deadline: Duration,
    store: Option<Store>,
    zones: Zones,
    metrics: Option<Arc<PrometheusHandle>>,
) {
    let router = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(render))
        .route("/zones", get(zones_of))
        .with_state(Probes { ready, facts, deadline, store, zones, metrics });
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "probes and metrics are not served any more");
    }
}

async fn readyz(State(probes): State<Probes>) -> (StatusCode, &'static str) {
    if !*probes.ready.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "not ready\n");
    }
    if let Some(problem) = probes.store.as_ref().and_then(Store::problem) {
        return (StatusCode::SERVICE_UNAVAILABLE, problem);
    }
    // A write that changes nothing: a store that cannot write serves no producer.
    let written = timeout(probes.deadline, probes.facts.expire(Timestamp(0))).await;
    match matches!(written, Ok(Ok(()))) {
        true => (StatusCode::OK, "ready\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready: the state store fails\n"),
    }
}

/// Every zone and where it stands.
async fn zones_of(State(probes): State<Probes>) -> ([(HeaderName, &'static str); 1], String) {
    let Zones { desired, snapshots, upstreams } = &probes.zones;
    let (desired, snapshot) = (Arc::clone(&desired.borrow()), Arc::clone(&snapshots.borrow()));
    let troubles = upstreams.iter().filter_map(|cluster| Some((cluster.name.clone(), cluster.trouble()?)));
    let body = life::list(&desired, &snapshot, &troubles.collect());
    ([(CONTENT_TYPE, "application/json")], body.to_string())
}

async fn render(State(probes): State<Probes>) -> Result<String, StatusCode> {
    probes.metrics.map(|metrics| metrics.render()).ok_or(StatusCode::NOT_FOUND)
}
