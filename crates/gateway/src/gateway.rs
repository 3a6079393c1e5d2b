//! Putting the gateway together, starting it whole or not at all, and stopping it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tidegate_core::{BackingTopic, ClusterName, Facts, ListenerName};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::admission::Admission;
use crate::audit::Audit;
use crate::budget::Budgets;
use crate::config::{ClusterConfig, Config};
use crate::desired::Desired;
use crate::error::GatewayError;
use crate::listener::{self, Bound, Common, ListenerShared};
use crate::logins::Logins;
use crate::operators::Operators;
use crate::parts::Parts;
use crate::reload::Reloader;
use crate::snapshot::{ClusterSnapshot, Compiler, Snapshot, missing_accounts};
use crate::source::{self, Source};
use crate::stored::{self, Freshness, Stored};
use crate::tls::ListenerTlsState;
use crate::tokens::{Pace, Tokens};
use crate::upstream::principals::{self, Principals};
use crate::upstream::{Observer, Upstream, Wanted, watch_cluster};
use crate::{http, state, unreachable};

/// A gateway that is bound and connected and serves nobody yet.
pub struct Gateway {
    listeners: Vec<Listener>,
    http: TcpListener,
    clusters: Vec<Cluster>,
    compiler: Compiler,
    reloader: Reloader,
    snapshots: watch::Sender<Arc<Snapshot>>,
    metrics: Option<Arc<PrometheusHandle>>,
    facts: Arc<dyn Facts>,
    source: Option<Source>,
    stored: Option<Stored>,
    probes: Option<http::Store>,
    tokens: Arc<Tokens>,
}

struct Listener {
    name: ListenerName,
    ports: Vec<Bound>,
    shared: watch::Sender<Arc<ListenerShared>>,
}

struct Cluster {
    upstream: Arc<Upstream>,
    principals: Principals,
    in_step: bool,
    observer: Observer,
    seen: ClusterSnapshot,
}

impl Gateway {
    /// Reads zones and accounts, reaches every cluster, binds every port.
    ///
    /// # Errors
    /// [`GatewayError`]: nothing is left bound or half started.
    pub async fn start(config: Config, metrics: Option<PrometheusHandle>) -> Result<Self, GatewayError> {
        let (facts, store) = stored::open_all(&config).await?;
        let mut parts = Parts::new(Arc::new(Logins::new(&config.root_key)), facts);
        parts.store = store;
        Self::start_with(config, parts, metrics).await
    }

    /// As [`Gateway::start`], with parts of the embedding program.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn start_with(
        config: Config,
        mut parts: Parts,
        metrics: Option<PrometheusHandle>,
    ) -> Result<Self, GatewayError> {
        crate::meters::describe();
        let (stored, freshness) = match &parts.store {
            None => (None, Arc::new(Freshness::always())),
            Some(store) => {
                let freshness =
                    Arc::new(Freshness::new(config.limits.store_staleness_max, store.store.behind()));
                let clusters = config.clusters.iter().map(|cluster| cluster.name.clone()).collect();
                let close_after = config.limits.store_close_after;
                let (stored, desired) =
                    Stored::new(store.clone(), clusters, Arc::clone(&freshness), close_after);
                parts.desired = Some(desired);
                (Some(stored), freshness)
            }
        };
        let desired = source::first(&config, parts.desired.as_mut())?;
        if parts.desired.is_none() {
            warn_of_missing_accounts(&desired);
        }
        // Certificates before sockets: what can be checked without a side effect comes first.
        let (snapshots, seeing) = watch::channel(Arc::default());
        let tls: Vec<Option<ListenerTlsState>> = config
            .listeners
            .iter()
            .map(|listener| ListenerTlsState::of(listener, &seeing))
            .collect::<Result<_, _>>()?;
        let tokens = Arc::new(Tokens::new(&config)?);
        let wanted = wanted(&desired);
        let mut clusters = Vec::new();
        for cluster in &config.clusters {
            clusters.push(reach(cluster, &config, &wanted, &desired).await?);
        }
        let ports = config.listeners.iter().map(listener::bind).collect::<Result<Vec<_>, _>>()?;
        let http = http::bind(config.http_bind).await?;
        let mut compiler = Compiler::new(config.root_key.clone(), parts.facts.bindings().await?);
        let seen = clusters.iter().map(|c| (c.upstream.name.clone(), Arc::new(c.seen.clone()))).collect();
        let compiled = compiler.compile(&desired, seen, state::moment());
        state::forget(&*parts.facts, compiled.unbound);
        snapshots.send_replace(Arc::new(compiled.snapshot));
        let per_minute = u64::try_from(config.limits.audit_events_per_minute).unwrap_or(u64::MAX);
        let common = Common {
            admission: Arc::new(Admission::new(&config.limits)),
            budgets: Arc::new(Budgets::new(&config.limits)),
            zones: Arc::default(),
            audit: Arc::new(Audit::new(per_minute)),
            freshness,
            tokens: Arc::clone(&tokens),
            last_used: Arc::default(),
        };
        let listeners: Vec<Listener> = config
            .listeners
            .iter()
            .zip(ports)
            .zip(tls)
            .filter_map(|((listener, ports), tls)| {
                let cluster = clusters.iter().find(|cluster| cluster.upstream.name == listener.cluster)?;
                let shared = ListenerShared::new(
                    listener,
                    &config,
                    Arc::clone(&cluster.upstream),
                    snapshots.subscribe(),
                    &parts,
                    common.clone(),
                    tls,
                );
                let name = listener.name.clone();
                Some(shared.map(|shared| Listener {
                    name,
                    ports,
                    shared: watch::channel(Arc::new(shared)).0,
                }))
            })
            .collect::<Result<_, _>>()?;
        let (desired, _) = watch::channel(desired);
        let doors = listeners.iter().map(|listener| (listener.name.clone(), listener.shared.clone()));
        let upstreams = clusters.iter().map(|cluster| Arc::clone(&cluster.upstream)).collect();
        let probes = http::Store::of(parts.store.as_ref(), &common.freshness);
        let reloader =
            Reloader::new(config, &parts, desired, doors.collect(), upstreams, Arc::clone(&tokens), seeing)?;
        Ok(Self {
            listeners,
            http,
            clusters,
            compiler,
            reloader,
            snapshots,
            metrics: metrics.map(Arc::new),
            facts: parts.facts,
            source: parts.desired,
            stored,
            probes,
            tokens,
        })
    }

    /// A handle to read configuration, zones and accounts again.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        self.reloader.clone()
    }

    /// What the operators' REST needs of this gateway, if its configuration has `admin` and it has a store.
    #[must_use]
    pub fn operators(&self) -> Option<Operators> {
        Operators::of(&self.reloader)
    }

    /// Serves until `shutdown` resolves, then lets open requests finish within the drain deadline.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { listeners, http, clusters, compiler, reloader, snapshots, metrics, facts, .. } = self;
        let (source, stored, probes, tokens) = (self.source, self.stored, self.probes, self.tokens);
        let (config, desired) = (reloader.config(), reloader.desired());
        let (stop, stopping) = watch::channel(false);
        let (ready, is_ready) = watch::channel(true);
        let mut background = JoinSet::new();
        background.spawn(http::serve(
            http,
            is_ready,
            Arc::clone(&facts),
            config.limits.state_deadline,
            probes,
            http::Zones {
                desired: desired.clone(),
                snapshots: snapshots.subscribe(),
                upstreams: clusters.iter().map(|cluster| Arc::clone(&cluster.upstream)).collect(),
            },
            metrics,
        ));
        let (want, wants) = watch::channel(Arc::new(wanted(&desired.borrow())));
        let mut seen = HashMap::new();
        for cluster in clusters {
            let name = cluster.upstream.name.clone();
            let (publish, receive) = watch::channel(Arc::new(cluster.seen));
            background.spawn(principals::keep(cluster.principals, cluster.in_step, desired.clone()));
            background.spawn(watch_cluster(cluster.upstream, cluster.observer, wants.clone(), publish));
            seen.insert(name, receive);
        }
        if let Some(source) = source {
            background.spawn(source::follow(source, config.clone(), reloader.desired_sender()));
        }
        if let Some(stored) = stored {
            background.spawn(stored.follow(snapshots.subscribe()));
        }
        let paced = reloader.clone();
        background.spawn(tokens.keep(move || Pace::of(&paced.config().limits)));
        background.spawn(state::expire(Arc::clone(&facts), config.limits.clone()));
        background.spawn(keep_compiling(compiler, desired, seen, want, snapshots, facts));
        let mut doors = JoinSet::new();
        for listener in listeners {
            background.spawn(unreachable::watch(listener.name, listener.shared.subscribe()));
            for port in listener.ports {
                doors.spawn(listener::accept(port, listener.shared.subscribe(), stopping.clone()));
            }
        }
        shutdown.await;
        tracing::info!("draining");
        ready.send_replace(false);
        stop.send_replace(true);
        let deadline = reloader.config().limits.drain_deadline;
        let drained = timeout(deadline, async { while doors.join_next().await.is_some() {} });
        if drained.await.is_err() {
            tracing::warn!("connections were still busy at the drain deadline and are cut");
        }
    }
}

pub(crate) fn warn_of_missing_accounts(desired: &Desired) {
    for account in missing_accounts(desired) {
        tracing::warn!(%account, "a zone names an account that does not exist: make it with `tidegate-gateway account add`");
    }
}

/// Looks at a cluster for the first time.
async fn reach(
    cluster: &ClusterConfig,
    config: &Config,
    wanted: &Wanted,
    desired: &Desired,
) -> Result<Cluster, GatewayError> {
    let upstream = Arc::new(Upstream::new(cluster, &config.limits, &config.root_key)?);
    let mut observer = Observer::default();
    let topics = wanted.get(&cluster.name).map_or(&[][..], Vec::as_slice);
    let seen = observer.observe(&upstream.access(), topics).await.map_err(|source| {
        GatewayError::Unreachable { cluster: cluster.name.to_string(), source: Box::new(source) }
    })?;
    let mut principals =
        Principals::new(Arc::clone(&upstream), config.root_key.clone(), config.policy.delete_groups);
    // Before anybody is served: zones whose users do not exist yet would only meet refusals.
    let in_step = principals.follow(desired).await;
    Ok(Cluster { upstream, principals, in_step, observer, seen })
}

/// The backing topics of each cluster.
fn wanted(desired: &Desired) -> Wanted {
    let mut wanted: HashMap<ClusterName, Vec<BackingTopic>> = HashMap::new();
    for zone in &desired.zones {
        let topics = wanted.entry(zone.zone.cluster().clone()).or_default();
        topics.extend(zone.zone.topics().iter().map(|grant| grant.backing.clone()));
    }
    for topics in wanted.values_mut() {
        topics.sort();
        topics.dedup();
    }
    wanted
}

/// The wall clock is looked at again after as long.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Makes a new picture whenever what is wanted or what is known changes.
async fn keep_compiling(
    mut compiler: Compiler,
    mut desired: watch::Receiver<Arc<Desired>>,
    mut clusters: HashMap<ClusterName, watch::Receiver<Arc<ClusterSnapshot>>>,
    want: watch::Sender<Arc<Wanted>>,
    publish: watch::Sender<Arc<Snapshot>>,
    facts: Arc<dyn Facts>,
) {
    loop {
        let now = Arc::clone(&desired.borrow_and_update());
        want.send_if_modified(|wants| {
            let new = wanted(&now);
            let changed = **wants != new;
            *wants = Arc::new(new);
            changed
        });
        let seen = clusters
            .iter_mut()
            .map(|(name, seen)| (name.clone(), Arc::clone(&seen.borrow_and_update())))
            .collect();
        let compiled = compiler.compile(&now, seen, state::moment());
        // Before partners see the edit: what they bind from then on must come after.
        state::forget(&*facts, compiled.unbound);
        publish.send_replace(Arc::new(compiled.snapshot));
        let expiry = compiled.until.map(|end| Duration::from_micros(end.0.saturating_sub(state::moment().0)));
        tokio::select! {
            changed = desired.changed() => if changed.is_err() { return },
            () = any_changed(&mut clusters) => {}
            // Not for longer than a clock may be trusted not to have been set.
            () = sleep(expiry.unwrap_or_default().min(LONGEST_WAIT)), if expiry.is_some() => {}
        }
    }
}

/// Resolves when any cluster has a new picture.
async fn any_changed(clusters: &mut HashMap<ClusterName, watch::Receiver<Arc<ClusterSnapshot>>>) {
    let mut waiting = JoinSet::new();
    for receiver in clusters.values() {
        let mut receiver = receiver.clone();
        waiting.spawn(async move { receiver.changed().await.is_ok() });
    }
    while let Some(changed) = waiting.join_next().await {
        if matches!(changed, Ok(true)) {
            return;
        }
    }
    std::future::pending::<()>().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Embedding programs spawn it, so it must not stop being `Send`.
    #[test]
    fn a_running_gateway_can_be_spawned() {
        fn spawnable<F: Future<Output = ()> + Send + 'static>(_: impl Fn(Gateway) -> F) {}
        spawnable(|gateway| gateway.run(std::future::pending()));
    }
}
