//! One immutable picture of everything a request needs, replaced whole on every change.

use std::collections::HashMap;
use std::sync::Arc;

use tidegate_authz::{Bindings, ClusterView, ZoneView};
use tidegate_client::Endpoint;
use tidegate_core::account::{Account, Revision};
use tidegate_core::{AccountName, ClusterName, RootKey, ZoneName};

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
    bindings: HashMap<ZoneName, Arc<Bindings>>,
}

impl Compiler {
    /// A compiler that derives ids and tags from `root_key`.
    #[must_use]
    pub fn new(root_key: RootKey) -> Self {
        Self { root_key, bindings: HashMap::new() }
    }

    /// Joins what is wanted with what is known.
    pub fn compile(
        &mut self,
        desired: &Desired,
        clusters: HashMap<ClusterName, Arc<ClusterSnapshot>>,
    ) -> Snapshot {
        self.bindings.retain(|name, _| desired.zones.iter().any(|zone| zone.zone.name() == name));
        let mut members = HashMap::new();
        for sourced in &desired.zones {
            let spec = &sourced.zone;
            let Some(account) = desired.accounts.find(spec.account().as_str()) else { continue };
            let bindings = Arc::clone(self.bindings.entry(spec.name().clone()).or_default());
            bindings.retain(|backing, alias| {
                spec.topics().iter().any(|grant| grant.alias == *alias && grant.backing == *backing)
            });
            let unknown = Arc::default();
            let cluster = clusters.get(spec.cluster()).unwrap_or(&unknown);
            let keys = self.root_key.zone_keys(&self.root_key.zone_id(spec.name()));
            let zone = ZoneView::compile(spec, &keys, &cluster.view, bindings);
            let member = Member {
                revision: account.revision(),
                account: Arc::new(account.clone()),
                cluster: spec.cluster().clone(),
                zone: Arc::new(zone),
            };
            members.insert(spec.account().as_str().to_owned(), member);
        }
        Snapshot { clusters, members }
    }
}

/// Accounts that a zone names and nobody has made yet; their partners cannot log in.
#[must_use]
pub fn missing_accounts(desired: &Desired) -> Vec<&AccountName> {
    let accounts = desired.zones.iter().map(|zone| zone.zone.account());
    accounts.filter(|account| desired.accounts.find(account.as_str()).is_none()).collect()
}
