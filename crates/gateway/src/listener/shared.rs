//! What all connections of a listener share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tidegate_authz::{AddressMap, ClusterView, Policy, RuleTable};
use tidegate_client::Endpoint;
use tidegate_core::account::Account;
use tidegate_core::{ClusterName, Facts};
use tidegate_wire::frame::FrameLimits;
use tidegate_wire::sasl::LoginPolicy;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::admission::Admission;
use crate::budget::Budgets;
use crate::config::{Config, Limits, ListenerConfig, PolicyConfig};
use crate::error::GatewayError;
use crate::logins::Authenticator;
use crate::meters::Meters;
use crate::parts::Parts;
use crate::snapshot::{ClusterSnapshot, Snapshot};
use crate::upstream::Upstream;

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
    pub(crate) budgets: Arc<Budgets>,
    pub(crate) meters: Meters,
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
    ///
    /// # Errors
    /// [`GatewayError::Rules`].
    pub(crate) fn new(
        config: &ListenerConfig,
        whole: &Config,
        upstream: Arc<Upstream>,
        snapshots: watch::Receiver<Arc<Snapshot>>,
        parts: &Parts,
        admission: Arc<Admission>,
        budgets: Arc<Budgets>,
    ) -> Result<Self, GatewayError> {
        let limits = &whole.limits;
        let policy = policy(&whole.policy, limits);
        let table = parts.rules_of(config, RuleTable::with(&policy))?;
        let advertised = config.nodes.iter().map(|(node, address)| {
            (*node, Arc::from(address.advertised.host.as_str()), address.advertised.port)
        });
        let login_policy = LoginPolicy {
            mechanisms: config.mechanisms.iter().copied().map(crate::upstream::mechanism).collect(),
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
            admission,
            budgets,
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
        })
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
