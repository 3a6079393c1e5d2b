//! One immutable picture of everything a request needs, replaced whole on every change.

use std::collections::HashMap;
use std::sync::Arc;

use tidegate_authz::{ClusterView, ZoneState, ZoneView};
use tidegate_client::Endpoint;
use tidegate_core::account::{Account, Revision};
use tidegate_core::{AccountName, ClusterName, Fact, RootKey, Unbound, ZoneId, ZoneName, ZoneSpec};

use crate::desired::Desired;

/// What is known of one cluster.
#[derive(Debug, Clone, Default)]
pub struct ClusterSnapshot {
    /// What rules may see.
    pub view: ClusterView,
    /// Where each node listens.
    pub endpoints: HashMap<i32, Endpoint>,
}

/// The picture.
#[derive(Debug, Default)]
pub struct Snapshot {
    clusters: HashMap<ClusterName, Arc<ClusterSnapshot>>,
    members: HashMap<String, Member>,
}

/// An account together with its zone.
#[derive(Debug, Clone)]
pub struct Member {
    /// What the account proves itself with.
    pub account: Arc<Account>,
    /// Changes with every change of the account's credentials.
    pub revision: Revision,
    /// The cluster of the zone.
    pub cluster: ClusterName,
    /// What the account sees.
    pub zone: Arc<ZoneView>,
}

impl Snapshot {
    /// What is known of a cluster; nothing before it was first reached.
    #[must_use]
    pub fn cluster(&self, name: &ClusterName) -> Option<&Arc<ClusterSnapshot>> {
        self.clusters.get(name)
    }

    /// The account of that name and its zone on `cluster`; the name may be anything.
    #[must_use]
    pub fn member(&self, cluster: &ClusterName, account: &str) -> Option<&Member> {
        self.members.get(account).filter(|member| member.cluster == *cluster)
    }

    /// What a login of the account is bound to as of now.
    #[must_use]
    pub fn standing(&self, cluster: &ClusterName, account: &str) -> Option<Standing> {
        let member = self.member(cluster, account)?;
        Some(Standing { revision: member.revision, zone: member.zone.name().clone() })
    }

    /// Names of the zones served.
    pub fn zones(&self) -> impl Iterator<Item = &ZoneName> {
        self.members.values().map(|member| member.zone.name())
    }
}

/// What a login is bound to: when either changes, the login does not stand any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    revision: Revision,
    zone: ZoneName,
}

/// Makes pictures; keeps what must outlive them.
#[derive(Debug)]
pub struct Compiler {
    root_key: RootKey,
    states: HashMap<ZoneId, Arc<ZoneState>>,
}

/// A picture, and what no longer holds since it was made.
#[derive(Debug)]
pub struct Compiled {
    /// The picture.
    pub snapshot: Snapshot,
    /// Bindings that the store must forget, by zone.
    pub unbound: Vec<(ZoneId, Vec<Unbound>)>,
}

impl Compiler {
    /// A compiler that derives ids and tags from `root_key` and knows the facts that a store kept.
    #[must_use]
    pub fn new(root_key: RootKey, kept: Vec<(ZoneId, Fact)>) -> Self {
        let mut states: HashMap<ZoneId, Arc<ZoneState>> = HashMap::new();
        for (zone, fact) in kept {
            states.entry(zone).or_default().take(&[fact]);
        }
        Self { root_key, states }
    }

    /// Joins what is wanted with what is known.
    pub fn compile(
        &mut self,
        desired: &Desired,
        clusters: HashMap<ClusterName, Arc<ClusterSnapshot>>,
    ) -> Compiled {
        let unbound = self.forget(desired);
        let mut members = HashMap::new();
        for sourced in &desired.zones {
            let spec = &sourced.zone;
            let Some(account) = desired.accounts.find(spec.account().as_str()) else { continue };
            let unknown = Arc::default();
            let cluster = clusters.get(spec.cluster()).unwrap_or(&unknown);
            let keys = self.root_key.zone_keys(&self.id(spec));
            let state = Arc::clone(self.states.entry(keys.zone()).or_default());
            let zone = ZoneView::compile(spec, &keys, &cluster.view, state);
            let member = Member {
                revision: account.revision(),
                account: Arc::new(account.clone()),
                cluster: spec.cluster().clone(),
                zone: Arc::new(zone),
            };
            members.insert(spec.account().as_str().to_owned(), member);
        }
        Compiled { snapshot: Snapshot { clusters, members }, unbound }
    }

    /// Forgets bindings to what is not there any more: another topic may come under the same alias.
    fn forget(&mut self, desired: &Desired) -> Vec<(ZoneId, Vec<Unbound>)> {
        let zones: HashMap<ZoneId, &ZoneSpec> =
            desired.zones.iter().map(|sourced| (self.id(&sourced.zone), &sourced.zone)).collect();
        let mut unbound = Vec::new();
        for (id, state) in &self.states {
            let grants = zones.get(id).map_or(&[][..], |spec| spec.topics());
            let gone = state.retain_bindings(|backing, alias| {
                grants.iter().any(|grant| grant.alias == *alias && grant.backing == *backing)
            });
            if !gone.is_empty() {
                unbound.push((*id, gone));
            }
        }
        self.states.retain(|id, _| zones.contains_key(id));
        unbound
    }

    fn id(&self, spec: &ZoneSpec) -> ZoneId {
        self.root_key.zone_id(spec.name())
    }
}

/// Accounts that a zone names and nobody has made yet; their partners cannot log in.
#[must_use]
pub fn missing_accounts(desired: &Desired) -> Vec<&AccountName> {
    let accounts = desired.zones.iter().map(|zone| zone.zone.account());
    accounts.filter(|account| desired.accounts.find(account.as_str()).is_none()).collect()
}
