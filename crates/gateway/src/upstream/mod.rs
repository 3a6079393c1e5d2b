//! The control connection of each cluster: one picture of it for all partners.
//!
//! All Metadata answers are cut from this picture, so that no partner can load the cluster with Metadata.

mod observe;
mod security;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidegate_client::ConnectOptions;
use tidegate_core::{BackingTopic, ClusterName};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};

use crate::config::ClusterConfig;
use crate::error::UpstreamError;
use crate::snapshot::ClusterSnapshot;

pub use observe::Observer;
pub(crate) use security::{connect_options, mechanism};

/// Least time between two rounds, however many clients meet moved leaders: quicker than a client's own backoff after
/// such an error, and no load for a broker.
const MIN_REFRESH: Duration = Duration::from_millis(250);

/// Age from which a picture is renewed when a client asks for Metadata, which it does after anything unexpected.
const ASKED_REFRESH: Duration = Duration::from_secs(1);

/// Pause after a round that failed.
const RETRY: Duration = Duration::from_secs(1);

/// One configured cluster: how to reach it, and what is known of it.
#[derive(Debug)]
pub struct Upstream {
    /// Its name.
    pub name: ClusterName,
    /// How its brokers are connected to.
    pub options: ConnectOptions,
    refresh: Duration,
    wanted: Notify,
    last_round: Mutex<Instant>,
}

impl Upstream {
    /// A cluster that has not been asked yet.
    #[must_use]
    pub fn new(config: &ClusterConfig, options: ConnectOptions) -> Self {
        Self {
            name: config.name.clone(),
            options,
            refresh: config.metadata_refresh,
            wanted: Notify::new(),
            last_round: Mutex::new(Instant::now()),
        }
    }

    /// Asks for a new picture soon: a client met a leader that has moved.
    pub fn poke(&self) {
        self.wanted.notify_one();
    }

    /// A client asked for Metadata: the next one who asks should see what is true now.
    pub fn asked(&self) {
        let last = *self.last_round.lock().unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() > ASKED_REFRESH {
            self.poke();
        }
    }

    fn round_done(&self) {
        *self.last_round.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// Backing topics of each cluster that zones need to know about.
pub type Wanted = HashMap<ClusterName, Vec<BackingTopic>>;

/// Keeps the picture of one cluster fresh until the receivers are gone.
pub async fn watch_cluster(
    upstream: Arc<Upstream>,
    mut observer: Observer,
    mut wanted: watch::Receiver<Arc<Wanted>>,
    publish: watch::Sender<Arc<ClusterSnapshot>>,
) {
    loop {
        let started = Instant::now();
        let topics = wanted.borrow_and_update().get(&upstream.name).cloned().unwrap_or_default();
        let pause = match observer.observe(&topics).await {
            Ok(seen) => {
                publish.send_if_modified(|known| replace_if_changed(known, seen));
                metrics::gauge!("tidegate_upstream_up", "cluster" => upstream.name.to_string()).set(1.0);
                upstream.refresh
            }
            Err(error) => {
                warn(&upstream.name, &error);
                metrics::gauge!("tidegate_upstream_up", "cluster" => upstream.name.to_string()).set(0.0);
                RETRY
            }
        };
        upstream.round_done();
        if publish.is_closed() {
            return;
        }
        tokio::select! {
            _ = timeout(pause, upstream.wanted.notified()) => {}
            changed = wanted.changed() => if changed.is_err() { return },
        }
        sleep((started + MIN_REFRESH).saturating_duration_since(Instant::now())).await;
    }
}

fn warn(cluster: &ClusterName, error: &UpstreamError) {
    tracing::warn!(%cluster, %error, "cannot refresh the picture of the cluster");
}

fn replace_if_changed(known: &mut Arc<ClusterSnapshot>, seen: ClusterSnapshot) -> bool {
    let same = known.endpoints == seen.endpoints && known.view == seen.view;
    if !same {
        *known = Arc::new(seen);
    }
    !same
}
