//! Probes and status, for the operator's side.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, StatusCode};
use axum::routing::get;
use tidegate_core::store::Store;
use tidegate_mirror::{LinkStatus, LinkView};
use tokio::net::TcpListener;

use crate::fleet::Views;

/// A store whose end is not known for so long is not there.
const MAX_STALENESS: Duration = Duration::from_secs(30);

#[derive(Clone)]
struct Probes {
    store: Arc<dyn Store>,
    views: Views,
}

pub(crate) async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address} for probes; free the port, or write another `http.bind`")
    })
}

/// Serves `/livez`, `/readyz` and `/links` until the task is dropped.
pub(crate) async fn serve(listener: TcpListener, store: Arc<dyn Store>, views: Views) {
    let router = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/links", get(links))
        .with_state(Probes { store, views });
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "probes and status are not served any more");
    }
}

/// Ready is whoever can do what its links want. That one of them has failed is for `/links` to say: a new start mends nothing.
async fn readyz(State(probes): State<Probes>) -> (StatusCode, &'static str) {
    let problem = if probes.store.behind() > MAX_STALENESS {
        "not ready: the store cannot be reached\n"
    } else if !probes.store.alarms().is_empty() {
        "not ready: somebody meddles with the store, see the log\n"
    } else if probes.statuses().iter().any(|link| link.id.is_none() || link.problem.is_some()) {
        "not ready: a link is not as it is wanted, see /links\n"
    } else {
        return (StatusCode::OK, "ready\n");
    };
    (StatusCode::SERVICE_UNAVAILABLE, problem)
}

/// Every link, what this worker has of it, and where it stands.
async fn links(State(probes): State<Probes>) -> ([(HeaderName, &'static str); 1], String) {
    let body = serde_json::to_string(&probes.statuses()).unwrap_or_default();
    ([(CONTENT_TYPE, "application/json")], body)
}

impl Probes {
    fn statuses(&self) -> Vec<LinkStatus> {
        let views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        views.values().map(LinkView::status).collect()
    }
}
