//! Putting the gateway together, starting it whole or not at all, and stopping it.

use std::collections::HashMap;
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use tidegate_core::{BackingTopic, ClusterName, Facts, ListenerName};
use tidegate_store::SqliteFacts;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::admission::Admission;
use crate::budget::Budgets;
use crate::config::{ClusterConfig, Config};
use crate::desired::Desired;
use crate::error::GatewayError;
use crate::listener::{self, Bound, ListenerShared};
use crate::logins::Logins;
use crate::parts::Parts;
use crate::snapshot::{ClusterSnapshot, Compiler, Snapshot, missing_accounts};
use crate::source::{self, Source};
use crate::upstream::principals::{self, Principals};
use crate::upstream::{Observer, Upstream, Wanted, watch_cluster};
use crate::{http, state, tls, unreachable};

/// A gateway that is bound and connected and serves nobody yet.
pub struct Gateway {
    config: Config,
    listeners: Vec<Listener>,
    http: TcpListener,
    clusters: Vec<Cluster>,
    compiler: Compiler,
    desired: watch::Sender<Arc<Desired>>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    metrics: Option<Arc<PrometheusHandle>>,
    facts: Arc<dyn Facts>,
    source: Option<Source>,
}

struct Listener {
    name: ListenerName,
    ports: Vec<Bound>,
    shared: Arc<ListenerShared>,
    tls: Option<TlsAcceptor>,
}

struct Cluster {
    upstream: Arc<Upstream>,
    principals: Principals,
    in_step: bool,
    observer: Observer,
    seen: ClusterSnapshot,
}

/// Reads zones and accounts again while the gateway runs.
#[derive(Clone)]
pub struct Reloader {
    config: Config,
    desired: watch::Sender<Arc<Desired>>,
    upstreams: Vec<Arc<Upstream>>,
    /// Whether zones and accounts are files; those of a program come by themselves.
    from_files: bool,
}

impl Reloader {
    /// Takes over changed zones and accounts; live connections follow at once. Nothing is read when the embedding
    /// program brings its own.
    ///
    /// # Errors
    /// [`GatewayError::Desired`] with every mistake; then nothing changes.
    pub fn reload(&self) -> Result<(), GatewayError> {
        if !self.from_files {
            return Ok(());
        }
        let desired = Desired::load_again(&self.config, &self.desired.borrow())?;
        warn_of_missing_accounts(&desired);
        self.desired.send_replace(Arc::new(desired));
        Ok(())
    }

    /// Takes over the credentials, certificates and bootstrap servers of `config` for clusters that are served already.
    ///
    /// # Errors
    /// [`GatewayError::ClusterTls`]; then nothing changes.
    pub fn enter_anew(&self, config: &Config) -> Result<(), GatewayError> {
        let mut made = Vec::new();
        for upstream in &self.upstreams {
            if let Some(cluster) = config.cluster(&upstream.name) {
                made.push((upstream, upstream.prepare(cluster, &config.limits)?));
            }
        }
        made.into_iter().for_each(|(upstream, access)| upstream.enter(access));
        Ok(())
    }
}

impl Gateway {
    /// Reads zones and accounts, reaches every cluster, binds every port.
    ///
    /// # Errors
    /// [`GatewayError`]: nothing is left bound or half started.
    pub async fn start(config: Config, metrics: Option<PrometheusHandle>) -> Result<Self, GatewayError> {
        let facts = Arc::new(SqliteFacts::open(&config.state_file)?);
        let parts = Parts::new(Arc::new(Logins::new(&config.root_key)), facts);
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
        let desired = source::first(&config, parts.desired.as_mut())?;
        if parts.desired.is_none() {
            warn_of_missing_accounts(&desired);
        }
        // Certificates before sockets: what can be checked without a side effect comes first.
        let acceptors: Vec<Option<TlsAcceptor>> = config
            .listeners
            .iter()
            .map(|listener| listener.tls.as_ref().map(|tls| tls::acceptor(&listener.name, tls)).transpose())
            .collect::<Result<_, _>>()?;
        let wanted = wanted(&desired);
        let mut clusters = Vec::new();
        for cluster in &config.clusters {
            clusters.push(reach(cluster, &config, &wanted, &desired).await?);
        }
        let ports = config.listeners.iter().map(listener::bind).collect::<Result<Vec<_>, _>>()?;
        let http = http::bind(config.http_bind).await?;
        let mut compiler = Compiler::new(config.root_key.clone(), parts.facts.bindings().await?);
        let seen = clusters.iter().map(|c| (c.upstream.name.clone(), Arc::new(c.seen.clone()))).collect();
        let compiled = compiler.compile(&desired, seen);
        state::forget(&*parts.facts, compiled.unbound);
        let (snapshots, _) = watch::channel(Arc::new(compiled.snapshot));
        let admission = Arc::new(Admission::new(&config.limits));
        let budgets = Arc::new(Budgets::new(&config.limits));
        let listeners = config
            .listeners
            .iter()
            .zip(ports)
            .zip(acceptors)
            .filter_map(|((listener, ports), tls)| {
                let cluster = clusters.iter().find(|cluster| cluster.upstream.name == listener.cluster)?;
                let shared = ListenerShared::new(
                    listener,
                    &config,
                    Arc::clone(&cluster.upstream),
                    snapshots.subscribe(),
                    &parts,
                    Arc::clone(&admission),
                    Arc::clone(&budgets),
                );
                let name = listener.name.clone();
                Some(shared.map(|shared| Listener { name, ports, shared: Arc::new(shared), tls }))
            })
            .collect::<Result<_, _>>()?;
        let (desired, _) = watch::channel(desired);
        Ok(Self {
            config,
            listeners,
            http,
            clusters,
            compiler,
            desired,
            snapshots,
            metrics: metrics.map(Arc::new),
            facts: parts.facts,
            source: parts.desired,
        })
    }

    /// A handle to read zones and accounts again.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        Reloader {
            config: self.config.clone(),
            desired: self.desired.clone(),
            upstreams: self.clusters.iter().map(|cluster| Arc::clone(&cluster.upstream)).collect(),
            from_files: self.source.is_none(),
        }
    }

    /// Serves until `shutdown` resolves, then lets open requests finish within the drain deadline.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { config, listeners, http, clusters, compiler, desired, snapshots, metrics, facts, source } =
            self;
        let (stop, stopping) = watch::channel(false);
        let (ready, is_ready) = watch::channel(true);
        let mut background = JoinSet::new();
        background.spawn(http::serve(http, is_ready, metrics));
        let (want, wants) = watch::channel(Arc::new(wanted(&desired.borrow())));
        let mut seen = HashMap::new();
        for cluster in clusters {
            let name = cluster.upstream.name.clone();
            let (publish, receive) = watch::channel(Arc::new(cluster.seen));
            background.spawn(principals::keep(cluster.principals, cluster.in_step, desired.subscribe()));
            background.spawn(watch_cluster(cluster.upstream, cluster.observer, wants.clone(), publish));
            seen.insert(name, receive);
        }
        if let Some(source) = source {
            background.spawn(source::follow(source, config.clone(), desired.clone()));
        }
        background.spawn(state::expire(Arc::clone(&facts), config.limits.clone()));
        background.spawn(keep_compiling(compiler, desired.subscribe(), seen, want, snapshots, facts));
        let mut doors = JoinSet::new();
        for listener in listeners {
            background.spawn(unreachable::watch(listener.name, Arc::clone(&listener.shared)));
            for port in listener.ports {
                let shared = Arc::clone(&listener.shared);
                doors.spawn(listener::accept(port, shared, listener.tls.clone(), stopping.clone()));
            }
        }
        shutdown.await;
        tracing::info!("draining");
        ready.send_replace(false);
        stop.send_replace(true);
        let drained =
            timeout(config.limits.drain_deadline, async { while doors.join_next().await.is_some() {} });
        if drained.await.is_err() {
            tracing::warn!("connections were still busy at the drain deadline and are cut");
        }
    }
}

fn warn_of_missing_accounts(desired: &Desired) {
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
        let compiled = compiler.compile(&now, seen);
        // Before partners see the edit: what they bind from then on must come after.
        state::forget(&*facts, compiled.unbound);
        publish.send_replace(Arc::new(compiled.snapshot));
        tokio::select! {
            changed = desired.changed() => if changed.is_err() { return },
            () = any_changed(&mut clusters) => {}
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
