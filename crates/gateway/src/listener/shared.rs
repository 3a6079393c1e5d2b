//! What all connections of a listener share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tidegate_authz::{AddressMap, ClusterView, Policy, RuleTable};
use tidegate_client::Endpoint;
use tidegate_core::account::Account;
use tidegate_core::{AuthenticationMode, ClusterName, Facts, ZoneName};
use tidegate_wire::frame::FrameLimits;
use tidegate_wire::sasl::LoginPolicy;
use tokio::sync::watch;
use tokio::time::Instant;

use super::advertised::Advertised;
use crate::admission::Admission;
use crate::audit::{Audit, Entry, Event};
use crate::budget::Budgets;
use crate::config::{Config, Limits, ListenerConfig, PolicyConfig, ProxyProtocol};
use crate::error::GatewayError;
use crate::logins::{Authenticator, LastUsed};
use crate::meters::{Meters, ZoneRegistry};
use crate::parts::Parts;
use crate::snapshot::{ClusterSnapshot, Snapshot};
use crate::stored::Freshness;
use crate::tls::{Introduced, ListenerTlsState, can_be_host};
use crate::tokens::Tokens;
use crate::upstream::Upstream;

/// What the connections of all listeners share.
#[derive(Debug, Clone)]
pub(crate) struct Common {
    pub(crate) admission: Arc<Admission>,
    pub(crate) budgets: Arc<Budgets>,
    pub(crate) zones: Arc<ZoneRegistry>,
    pub(crate) audit: Arc<Audit>,
    pub(crate) freshness: Arc<Freshness>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) last_used: Arc<LastUsed>,
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
    pub(crate) common: Common,
    pub(crate) name: String,
    pub(crate) meters: Meters,
    pub(crate) deadlines: Limits,
    pub(crate) frame_limits: FrameLimits,
    pub(crate) max_pre_auth_frame_bytes: usize,
    pub(crate) max_response_bytes: usize,
    pub(crate) max_in_flight: usize,
    /// How often a connection looks at its deadlines.
    pub(crate) tick: Duration,
    /// The load balancers that connections come through.
    pub(crate) proxy_protocol: Option<ProxyProtocol>,
    /// TLS towards partners.
    pub(crate) tls: Option<Arc<ListenerTlsState>>,
    advertised: Advertised,
    started: Instant,
    next_node: AtomicUsize,
}

impl ListenerShared {
    /// What connections of the listener `config` need, one of `whole`'s.
    ///
    /// # Errors
    /// [`GatewayError::Rules`].
    pub(crate) fn new(
        config: &ListenerConfig,
        whole: &Config,
        upstream: Arc<Upstream>,
        snapshots: watch::Receiver<Arc<Snapshot>>,
        parts: &Parts,
        common: Common,
        tls: Option<ListenerTlsState>,
    ) -> Result<Self, GatewayError> {
        let limits = &whole.limits;
        let policy = policy(&whole.policy, limits);
        let table = parts.rules_of(config, RuleTable::with(&policy))?;
        let login_policy = LoginPolicy {
            mechanisms: config.mechanisms.iter().copied().map(Into::into).collect(),
            max_session: (!limits.session_max.is_zero()).then_some(limits.session_max),
            allow_raw_tokens: false,
        };
        Ok(Self {
            cluster: config.cluster.clone(),
            max_response_bytes: upstream.access().options.max_response_bytes,
            upstream,
            snapshots,
            policy,
            logins: Arc::clone(&parts.authenticator),
            facts: Arc::clone(&parts.facts),
            login_policy: Arc::new(login_policy),
            common,
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
            proxy_protocol: config.proxy_protocol.clone(),
            tls: tls.map(Arc::new),
            advertised: Advertised::new(config),
            started: Instant::now(),
            next_node: AtomicUsize::new(0),
        })
    }

    /// The listener as newly configured; what counts across connections goes on.
    ///
    /// # Errors
    /// As [`ListenerShared::new`].
    pub(crate) fn renewed(
        &self,
        config: &ListenerConfig,
        whole: &Config,
        parts: &Parts,
        tls: Option<ListenerTlsState>,
    ) -> Result<Self, GatewayError> {
        let (upstream, common) = (Arc::clone(&self.upstream), self.common.clone());
        Self::new(config, whole, upstream, self.snapshots.clone(), parts, common, tls)
    }

    /// Whether a certificate alone logs in, without SASL.
    pub(crate) fn is_certificate_only(&self) -> bool {
        self.login_policy.mechanisms.is_empty()
    }

    /// Whether all that the handshake told leads to the zone of `account`.
    pub(crate) fn agrees(&self, introduced: &Introduced, account: &str) -> bool {
        let snapshot = self.snapshot();
        let zone =
            |account: &str| snapshot.member(&self.cluster, account).map(|member| member.zone.name().clone());
        let entered = zone(account);
        let by_certificate = introduced.certificate.as_ref().is_none_or(|certificate| {
            entered.is_some() && certificate.principal.as_deref().and_then(zone) == entered
        });
        let by_name = introduced.target.as_ref().is_none_or(|target| Some(&target.zone) == entered.as_ref());
        by_certificate && by_name
    }

    /// The picture as of now.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }

    /// Whether that is the picture as of now.
    pub(crate) fn is_current(&self, snapshot: &Arc<Snapshot>) -> bool {
        Arc::ptr_eq(&self.snapshots.borrow(), snapshot)
    }

    /// The addresses, as `zone` is told them, of the nodes that are alive.
    pub(crate) fn addresses(&self, cluster: &ClusterView, zone: &ZoneName) -> Arc<AddressMap> {
        self.advertised.of(&cluster.nodes, zone)
    }

    /// Nodes that are alive and have no advertised address: no partner can reach what they lead.
    pub(crate) fn unreachable_nodes(&self, cluster: &ClusterView) -> Vec<i32> {
        cluster.nodes.iter().copied().filter(|node| !self.advertised.knows(*node)).collect()
    }

    /// Zones that clients cannot name in the handshake, where they have to.
    pub(crate) fn nameless_zones(&self) -> Vec<ZoneName> {
        match self.advertised {
            Advertised::Ports(_) => Vec::new(),
            Advertised::Names { .. } => {
                self.snapshot().zones(&self.cluster).filter(|zone| !can_be_host(zone)).cloned().collect()
            }
        }
    }

    /// The account that logs in with a password, if it has a zone here.
    pub(crate) fn account(&self, snapshot: &Snapshot, user: &str) -> Option<Arc<Account>> {
        let member = snapshot.member(&self.cluster, user)?;
        (member.authentication == AuthenticationMode::Plain).then(|| Arc::clone(&member.account))
    }

    /// Whether the account logs in with tokens, and has a zone here.
    pub(crate) fn takes_tokens_of(&self, account: &str) -> bool {
        let snapshot = self.snapshot();
        let member = snapshot.member(&self.cluster, account);
        member.is_some_and(|member| member.authentication == AuthenticationMode::OauthBearer)
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
        groups_per_zone: limits.groups_per_zone,
        members_per_group: limits.members_per_group,
        member_bytes_per_zone: limits.member_bytes_per_zone,
        transactional_ids_per_zone: limits.transactional_ids_per_zone,
        delete_groups: config.delete_groups,
    }
}

/// A quarter of the shortest deadline: late by no more than that, and cheap for idle connections.
fn tick(limits: &Limits) -> Duration {
    limits.frame_deadline.min(limits.write_deadline).min(limits.idle) / 4
}
