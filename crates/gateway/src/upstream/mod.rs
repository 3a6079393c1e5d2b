//! The control connection of each cluster: one picture of it for all partners.
//!
//! All Metadata answers are cut from this picture, so that no partner can load the cluster with Metadata.

mod access;
mod connect;
mod observe;
pub(crate) mod principals;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidegate_core::{BackingTopic, ClusterName, RootKey};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};

use crate::config::{ClusterConfig, Limits};
use crate::error::{GatewayError, UpstreamError};
use crate::snapshot::ClusterSnapshot;

pub use access::{Access, ZoneLogins};
pub use observe::Observer;

/// Least time between two rounds, however many clients meet moved leaders: quicker than a client's own backoff after
/// such an error, and no load for a broker.
const MIN_REFRESH: Duration = Duration::from_millis(250);

/// Age from which a picture is renewed when a client asks for Metadata, which it does after anything unexpected.
const ASKED_REFRESH: Duration = Duration::from_secs(1);

/// Pause after a round that failed.
const RETRY: Duration = Duration::from_secs(1);

/// One configured cluster: how to reach it, and what is known of it.
pub struct Upstream {
    /// Its name.
    pub name: ClusterName,
    access: watch::Sender<Arc<Access>>,
    root_key: RootKey,
    dials: metrics::Counter,
    failed_dials: metrics::Counter,
    refresh: Duration,
    wanted: Notify,
    last_round: Mutex<Instant>,
    /// Why it could not be asked the last time.
    trouble: Mutex<Option<String>>,
}

impl Upstream {
    /// A cluster that has not been asked yet.
    ///
    /// # Errors
    /// As [`Access::new`].
    pub fn new(config: &ClusterConfig, limits: &Limits, root_key: &RootKey) -> Result<Self, GatewayError> {
        let (access, _) = watch::channel(Arc::new(Access::new(config, limits, root_key)?));
        Ok(Self {
            name: config.name.clone(),
            access,
            root_key: root_key.clone(),
            dials: metrics::counter!("tidegate_upstream_dials_total", "cluster" => config.name.to_string()),
            failed_dials: metrics::counter!("tidegate_upstream_dial_failures_total", "cluster" => config.name.to_string()),
            refresh: config.metadata_refresh,
            wanted: Notify::new(),
            last_round: Mutex::new(Instant::now()),
            trouble: Mutex::new(None),
        })
    }

    /// How its brokers are entered as of now.
    #[must_use]
    pub fn access(&self) -> Arc<Access> {
        Arc::clone(&self.access.borrow())
    }

    /// Takes over new servers, credentials and certificates: the control connection at once, partners' connections with
    /// the next dial. Connections that are open go on.
    ///
    /// # Errors
    /// As [`Access::new`]; then nothing changes. To replace all clusters or none, [prepare](Self::prepare) each and
    /// [enter](Self::enter) then.
    pub fn replace(&self, config: &ClusterConfig, limits: &Limits) -> Result<(), GatewayError> {
        self.enter(self.prepare(config, limits)?);
        Ok(())
    }

    /// Makes what [`Upstream::enter`] takes over.
    ///
    /// # Errors
    /// As [`Access::new`].
    pub fn prepare(&self, config: &ClusterConfig, limits: &Limits) -> Result<Access, GatewayError> {
        Access::new(config, limits, &self.root_key)
    }

    /// Takes over what was prepared.
    pub fn enter(&self, access: Access) {
        self.access.send_replace(Arc::new(access));
    }

    /// Counts a connection made for a partner, or one that failed.
    pub(crate) fn dialled(&self, done: bool) {
        self.dials.increment(1);
        if !done {
            self.failed_dials.increment(1);
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

    /// Why it could not be asked the last time; `None` if it could.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn round_done(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
        *self.last_round.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstream").field("name", &self.name).finish_non_exhaustive()
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
    let mut access = upstream.access.subscribe();
    let mut trouble = Trouble::default();
    loop {
        let started = Instant::now();
        let topics = wanted.borrow_and_update().get(&upstream.name).cloned().unwrap_or_default();
        let entered = Arc::clone(&access.borrow_and_update());
        let (pause, failed) = match observer.observe(&entered, &topics).await {
            Ok(seen) => {
                publish.send_if_modified(|known| replace_if_changed(known, seen));
                metrics::gauge!("tidegate_upstream_up", "cluster" => upstream.name.to_string()).set(1.0);
                trouble.ended(&upstream.name);
                (upstream.refresh, None)
            }
            Err(error) => {
                trouble.tell(&upstream.name, &error);
                metrics::gauge!("tidegate_upstream_up", "cluster" => upstream.name.to_string()).set(0.0);
                (RETRY, Some(error.to_string()))
            }
        };
        upstream.round_done(failed);
        if publish.is_closed() {
            return;
        }
        tokio::select! {
            _ = timeout(pause, upstream.wanted.notified()) => {}
            changed = wanted.changed() => if changed.is_err() { return },
            changed = access.changed() => if changed.is_err() { return },
        }
        sleep((started + MIN_REFRESH).saturating_duration_since(Instant::now())).await;
    }
}

/// What has been said about a cluster that cannot be asked: once for each cause, not every second.
#[derive(Debug, Default)]
struct Trouble(Option<String>);

impl Trouble {
    fn tell(&mut self, cluster: &ClusterName, error: &UpstreamError) {
        let text = error.to_string();
        if self.0.as_ref() == Some(&text) {
            tracing::debug!(%cluster, %error, "still cannot refresh the picture of the cluster");
        } else {
            tracing::warn!(%cluster, %error, "cannot refresh the picture of the cluster: what was known of it stays");
            self.0 = Some(text);
        }
    }

    fn ended(&mut self, cluster: &ClusterName) {
        if self.0.take().is_some() {
            tracing::info!(%cluster, "the picture of the cluster is fresh again");
        }
    }
}

fn replace_if_changed(known: &mut Arc<ClusterSnapshot>, seen: ClusterSnapshot) -> bool {
    let same = known.endpoints == seen.endpoints && known.view == seen.view && known.asked == seen.asked;
    if !same {
        *known = Arc::new(seen);
    }
    !same
}
