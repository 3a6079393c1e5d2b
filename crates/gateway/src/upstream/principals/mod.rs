//! Each zone as a user of its own upstream: its SCRAM credential and its ACLs, kept as the zones say.
//!
//! A second wall: what a mistake of the gateway would let through, the broker refuses. [`plan`] compares what should be
//! with what is and knows no sockets; [`execute`] asks the cluster and does what the plan says. Nothing is remembered
//! that a crash could lose: the next pass finds the cluster as it is.

mod acl;
mod execute;
mod plan;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tidegate_core::{RootKey, ZoneId, ZoneName, ZoneSpec};
use tokio::sync::watch;
use tokio::time::timeout;

use self::execute::PrincipalError;
use self::plan::Rights;
use super::{Access, Upstream};
use crate::config::{AclPolicy, ZonePasswords};
use crate::desired::Desired;

/// Pause after a pass that failed, for want of a broker or of a right.
const RETRY: Duration = Duration::from_secs(15);

/// The users of the zones of one cluster.
#[derive(Debug)]
pub(crate) struct Principals {
    upstream: Arc<Upstream>,
    root_key: RootKey,
    delete_groups: bool,
    /// Whose credentials are made, and under which access: another may mean another mechanism.
    made: BTreeMap<ZoneName, ZoneId>,
    made_under: Option<Arc<Access>>,
    /// Ids of zones that are or were there: with them ACLs of a zone that is gone are known as ours.
    known: BTreeMap<ZoneName, ZoneId>,
    /// What was complained of last.
    told: Option<String>,
}

impl Principals {
    pub(crate) fn new(upstream: Arc<Upstream>, root_key: RootKey, delete_groups: bool) -> Self {
        let (made, known) = (BTreeMap::new(), BTreeMap::new());
        Self { upstream, root_key, delete_groups, made, made_under: None, known, told: None }
    }

    /// Brings the cluster in step with the zones, and says once what hinders that. Whether it is in step.
    pub(crate) async fn follow(&mut self, desired: &Desired) -> bool {
        let cluster = self.upstream.name.clone();
        match self.pass(desired).await {
            Ok(()) => {
                if self.told.take().is_some() {
                    tracing::info!(%cluster, "users and ACLs of the zones are in step again");
                }
                true
            }
            Err(error) => {
                let text = error.to_string();
                if self.told.as_ref() != Some(&text) {
                    tracing::error!(%cluster, %error, "users or ACLs of the zones are not as they should be");
                    self.told = Some(text);
                }
                false
            }
        }
    }

    async fn pass(&mut self, desired: &Desired) -> Result<(), PrincipalError> {
        let access = self.upstream.access();
        let Some(logins) = &access.zones else { return Ok(()) };
        let zones: BTreeMap<ZoneName, (ZoneId, &ZoneSpec)> = desired
            .zones
            .iter()
            .filter(|sourced| *sourced.zone.cluster() == self.upstream.name)
            .map(|sourced| {
                let name = sourced.zone.name();
                let id = sourced.id.unwrap_or_else(|| self.root_key.zone_id(name));
                (name.clone(), (id, &sourced.zone))
            })
            .collect();
        self.known.extend(zones.iter().map(|(name, (id, _))| (name.clone(), *id)));
        let derived = matches!(logins.config.passwords, ZonePasswords::Derived);
        if !derived && access.acls == AclPolicy::Leave {
            return Ok(());
        }
        let mut connection = execute::connect(&access).await?;
        if derived {
            if !self.made_under.as_ref().is_some_and(|under| Arc::ptr_eq(under, &access)) {
                self.made.clear();
                self.made_under = Some(Arc::clone(&access));
            }
            let mut ids: BTreeMap<_, _> = zones.iter().map(|(name, (id, _))| (name.clone(), *id)).collect();
            if desired.is_partial {
                // Other replicas may serve what this one does not.
                let others = self.made.iter().filter(|(name, _)| !zones.contains_key(*name));
                ids.extend(others.map(|(name, id)| (name.clone(), *id)));
            }
            execute::credentials(&mut connection, logins, &self.root_key, &self.made, &ids).await?;
            self.made = ids;
        }
        if access.acls == AclPolicy::Manage {
            let pattern = &logins.config.username;
            let rights: Vec<Rights> = zones
                .values()
                .map(|(id, zone)| Rights::of(zone, &self.root_key.zone_keys(id), pattern, self.delete_groups))
                .collect();
            let existing = execute::existing(&mut connection).await?;
            let mut plan = plan::plan(&rights, &existing, |principal| self.prefix_of(principal, &access));
            if desired.is_partial {
                plan.delete.clear();
            }
            if !plan.is_empty() {
                tracing::info!(
                    cluster = %self.upstream.name, created = plan.create.len(), deleted = plan.delete.len(),
                    "ACLs of the zones' users follow the zones"
                );
            }
            execute::apply(&mut connection, &plan).await?;
        }
        Ok(())
    }

    /// The prefix that a zone of this installation would have, if the principal could be the zone's.
    fn prefix_of(&self, principal: &str, access: &Access) -> Option<String> {
        let user = principal.strip_prefix(acl::USER)?;
        let zone = access.zones.as_ref()?.config.username.zone(user)?;
        let id = self.known.get(&zone).copied().unwrap_or_else(|| self.root_key.zone_id(&zone));
        let keys = self.root_key.zone_keys(&id);
        Some(keys.tag().prefix().to_owned())
    }
}

/// Follows every change of the zones and of the way in, and tries again what failed.
pub(crate) async fn keep(
    mut principals: Principals,
    mut in_step: bool,
    mut desired: watch::Receiver<Arc<Desired>>,
) {
    let mut access = principals.upstream.access.subscribe();
    loop {
        let changed = async {
            tokio::select! {
                changed = desired.changed() => changed.is_ok(),
                changed = access.changed() => changed.is_ok(),
            }
        };
        let go_on = match in_step {
            true => changed.await,
            false => timeout(RETRY, changed).await.unwrap_or(true),
        };
        if !go_on {
            return;
        }
        let now = Arc::clone(&desired.borrow_and_update());
        access.borrow_and_update();
        in_step = principals.follow(&now).await;
    }
}
