//! The doors for partners: one port to begin with, and one for each node of the cluster.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tidegate_authz::{AddressMap, ClusterView, Policy, RuleTable};
use tidegate_client::Endpoint;
use tidegate_core::account::Account;
use tidegate_core::{ClusterName, Facts};
use tidegate_wire::frame::FrameLimits;
use tidegate_wire::sasl::LoginPolicy;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::admission::{Admission, Place};
use crate::audit::{Audit, Entry, Event};
use crate::config::{Config, Limits, ListenerConfig, PolicyConfig};
use crate::connection::{End, serve};
use crate::error::GatewayError;
use crate::gateway::Parts;
use crate::logins::Authenticator;
use crate::meters::{Meters, ZoneRegistry};
use crate::snapshot::{ClusterSnapshot, Snapshot};
use crate::upstream::Upstream;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// Pause when the system has no sockets left.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// The port that a client came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// The port to begin with: any broker will do.
    Bootstrap,
    /// The port of one node.
    Node(i32),
}

/// What all connections of a listener share.
#[derive(Debug)]
pub(crate) struct ListenerShared {
    pub(crate) cluster: ClusterName,
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(crate) table: RuleTable,
    pub(crate) policy: Policy,
    pub(crate) logins: Arc<dyn Authenticator>,
    pub(crate) facts: Arc<dyn Facts>,
    pub(crate) login_policy: Arc<LoginPolicy>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) meters: Meters,
    pub(crate) zones: Arc<ZoneRegistry>,
    pub(crate) audit: Arc<Audit>,
    pub(crate) name: String,
    pub(crate) deadlines: Limits,
    pub(crate) frame_limits: FrameLimits,
    pub(crate) max_pre_auth_frame_bytes: usize,
    pub(crate) max_response_bytes: usize,
    pub(crate) max_in_flight: usize,
    /// How often a connection looks at its deadlines.
    pub(crate) tick: Duration,
    advertised: AddressMap,
    started: Instant,
    next_node: AtomicUsize,
}

impl ListenerShared {
    /// What connections of the listener `config` need, one of `whole`'s.
    #[must_use]
    pub(crate) fn new(
        config: &ListenerConfig,
        whole: &Config,
        upstream: Arc<Upstream>,
        snapshots: watch::Receiver<Arc<Snapshot>>,
        parts: &Parts,
        admission: Arc<Admission>,
        zones: Arc<ZoneRegistry>,
        audit: Arc<Audit>,
    ) -> Self {
        let limits = &whole.limits;
        let policy = policy(&whole.policy, limits);
        let table = RuleTable::with(&policy);
        let advertised = config.nodes.iter().map(|(node, address)| {
            (*node, Arc::from(address.advertised.host.as_str()), address.advertised.port)
        });
        let login_policy = LoginPolicy {
            mechanisms: config.mechanisms.iter().copied().map(crate::upstream::mechanism).collect(),
            max_session: None,
            allow_raw_tokens: false,
        };
        Self {
            cluster: config.cluster.clone(),
            max_response_bytes: upstream.access().options.max_response_bytes,
            upstream,
            snapshots,
            policy,
            logins: Arc::clone(&parts.authenticator),
            facts: Arc::clone(&parts.facts),
            login_policy: Arc::new(login_policy),
            admission,
            zones,
            audit,
            name: config.name.to_string(),
            meters: Meters::new(config.name.as_str(), table.keys()),
            table,
            frame_limits: FrameLimits {
                request: limits.max_frame_bytes,
                produce: limits.max_produce_frame_bytes,
            },
            max_pre_auth_frame_bytes: limits.max_pre_auth_frame_bytes,
            max_in_flight: limits.max_in_flight,
            tick: tick(limits),
            deadlines: limits.clone(),
            advertised: advertised.collect(),
            started: Instant::now(),
            next_node: AtomicUsize::new(0),
        }
    }

    /// The picture as of now.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }

    /// The advertised addresses of the nodes that are alive.
    pub(crate) fn addresses(&self, cluster: &ClusterView) -> Arc<AddressMap> {
        let live = cluster.nodes.iter().filter_map(|node| {
            let (host, port) = self.advertised.of(*node)?;
            Some((*node, Arc::from(host), port))
        });
        Arc::new(live.collect())
    }

    /// Nodes that are alive and have no advertised address: no partner can reach what they lead.
    pub(crate) fn unreachable_nodes(&self, cluster: &ClusterView) -> Vec<i32> {
        cluster.nodes.iter().copied().filter(|node| !self.advertised.knows(*node)).collect()
    }

    /// The account that logs in, if it has a zone here.
    pub(crate) fn account(&self, user: &str) -> Option<Arc<Account>> {
        self.snapshot().member(&self.cluster, user).map(|member| Arc::clone(&member.account))
    }

    /// Time since the listener began, for the login machine.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// An entry of the audit log of this listener.
    pub(crate) fn entry<'a>(&'a self, event: Event, client: SocketAddr, reason: &'a str) -> Entry<'a> {
        let listener = &self.name;
        Entry { event, listener, zone: None, account: None, client, api: None, name: None, reason }
    }

    /// Some node, each time another.
    pub(crate) fn any_node<'a>(&self, cluster: &'a ClusterSnapshot) -> Option<&'a Endpoint> {
        let turn = self.next_node.fetch_add(1, Ordering::Relaxed);
        let node = cluster.view.nodes.get(turn.checked_rem(cluster.view.nodes.len())?)?;
        cluster.endpoints.get(node)
    }
}

fn policy(config: &PolicyConfig, limits: &Limits) -> Policy {
    let millis = |duration: Duration| i32::try_from(duration.as_millis()).unwrap_or(i32::MAX);
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let bytes = |bytes: usize| i32::try_from(bytes).unwrap_or(i32::MAX);
    Policy {
        fetch_max_wait_ms: millis(limits.fetch_max_wait),
        fetch_max_bytes: bytes(limits.fetch_max_bytes),
        fetch_max_partition_bytes: bytes(limits.fetch_max_partition_bytes),
        transaction_timeout_max_ms: millis(limits.transaction_timeout_max),
        producer_ids_burst: count(limits.producer_ids_burst),
        producer_ids_per_minute: count(limits.producer_ids_per_minute),
        producer_id_retention_s: limits.producer_id_retention.as_secs(),
        delete_groups: config.delete_groups,
    }
}

/// A quarter of the shortest deadline: late by no more than that, and cheap for idle connections.
fn tick(limits: &Limits) -> Duration {
    limits.frame_deadline.min(limits.write_deadline).min(limits.idle) / 4
}

/// A port that is bound and not served yet.
pub(crate) struct Bound {
    listener: TcpListener,
    door: Door,
}

/// Binds every port of a listener, or none.
///
/// # Errors
/// [`GatewayError::Bind`] for the first that cannot be bound.
pub(crate) fn bind(config: &ListenerConfig) -> Result<Vec<Bound>, GatewayError> {
    let nodes = config.nodes.iter().map(|(node, address)| (Door::Node(*node), address.bind));
    std::iter::once((Door::Bootstrap, config.bootstrap.bind))
        .chain(nodes)
        .map(|(door, address)| {
            let listener = listen(address).map_err(|source| GatewayError::Bind {
                listener: config.name.to_string(),
                address,
                source,
            })?;
            Ok(Bound { listener, door })
        })
        .collect()
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket =
        if address.is_ipv4() { tokio::net::TcpSocket::new_v4() } else { tokio::net::TcpSocket::new_v6() }?;
    // A restarted gateway must get its ports back at once.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves one port until `shutdown`, then waits for its connections to end.
pub(crate) async fn accept(
    bound: Bound,
    shared: Arc<ListenerShared>,
    tls: Option<TlsAcceptor>,
    mut shutdown: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = shutdown.wait_for(|stop| *stop) => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = bound.listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_RETRY).await;
                continue;
            }
        };
        let limits = &shared.deadlines;
        let place = Place::take(
            &shared.admission,
            peer.ip(),
            limits.max_connections,
            limits.max_connections_per_address,
        );
        let Some(place) = place else {
            shared.meters.refused.increment(1);
            shared.audit.tell(shared.entry(
                Event::ConnectionLimit,
                peer,
                "too many connections, in all or of this address",
            ));
            continue;
        };
        let one =
            connection(stream, peer, bound.door, Arc::clone(&shared), tls.clone(), shutdown.clone(), place);
        connections.spawn(one);
    }
    drop(bound);
    while connections.join_next().await.is_some() {}
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    door: Door,
    shared: Arc<ListenerShared>,
    tls: Option<TlsAcceptor>,
    mut shutdown: watch::Receiver<bool>,
    _place: Place,
) {
    shared.meters.accepted.increment(1);
    shared.meters.open.increment(1.0);
    let _ = stream.set_nodelay(true);
    let end = match tls {
        None => serve(stream, peer, door, Arc::clone(&shared), shutdown).await,
        Some(acceptor) => {
            let accepted = tokio::select! {
                accepted = timeout(shared.deadlines.tls_deadline, acceptor.accept(stream)) => Some(accepted),
                _ = shutdown.wait_for(|stop| *stop) => None,
            };
            match accepted {
                Some(Ok(Ok(stream))) => {
                    Box::pin(serve(stream, peer, door, Arc::clone(&shared), shutdown)).await
                }
                Some(Ok(Err(error))) => End::Tls(error),
                Some(Err(_)) => End::TlsDeadline,
                None => End::Stopping,
            }
        }
    };
    shared.meters.open.decrement(1.0);
    shared.meters.closed(end.label());
    end.audit(&shared, peer);
    match &end {
        End::Login(_) => shared.meters.failed_logins.increment(1),
        End::Revoked => shared.meters.revoked.increment(1),
        _ => {}
    }
    tracing::debug!(%peer, ?door, reason = %end, "connection ended");
}
