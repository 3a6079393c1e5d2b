//! The only list of Kafka APIs: what is announced is what is served; no rule, no service.

mod custom;

use tidegate_wire::api::{ApiKey, Versions};

use crate::cluster::ClusterView;
use crate::policy::Policy;
use crate::rules::{self, Rule, api_versions};

pub use self::custom::RuleMisfit;

impl std::fmt::Debug for RuleTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.keys()).finish()
    }
}

/// Versions of the two APIs of a login, which the connection's login machine serves.
const SASL_HANDSHAKE: Versions = Versions::new(0, 1);
const SASL_AUTHENTICATE: Versions = Versions::new(0, 2);

/// The APIs that [`Policy::delete_groups`] is about.
const DELETES: [ApiKey; 2] = [ApiKey::DeleteGroups, ApiKey::OffsetDelete];

/// Who serves an API.
#[derive(Clone, Copy)]
pub enum Service<'a> {
    /// ApiVersions: [`api_versions::respond`], before and after login.
    ApiVersions,
    /// SaslHandshake and SaslAuthenticate: the login machine.
    Login,
    /// A rule, after login.
    Rule(&'a dyn Rule),
}

/// The rules in force.
pub struct RuleTable {
    entries: Vec<Entry>,
}

/// A rule and what it said of itself when it came into the table: asked once, so that what is announced and what is
/// served cannot drift apart.
struct Entry {
    key: ApiKey,
    versions: Versions,
    announced: Versions,
    rule: Box<dyn Rule>,
}

impl Entry {
    fn of(rule: Box<dyn Rule>) -> Self {
        Self { key: rule.key(), versions: rule.versions(), announced: rule.announced(), rule }
    }
}

impl Default for RuleTable {
    /// Every rule of this crate.
    fn default() -> Self {
        let rules: [Box<dyn Rule>; 25] = [
            Box::new(rules::produce::Produce),
            Box::new(rules::fetch::Fetch),
            Box::new(rules::list_offsets::ListOffsets),
            Box::new(rules::metadata::Metadata),
            Box::new(rules::offset_commit::OffsetCommit),
            Box::new(rules::offset_fetch::OffsetFetch),
            Box::new(rules::find_coordinator::FindCoordinator),
            Box::new(rules::consumer_group_heartbeat::ConsumerGroupHeartbeat),
            Box::new(rules::join_group::JoinGroup),
            Box::new(rules::heartbeat::Heartbeat),
            Box::new(rules::leave_group::LeaveGroup),
            Box::new(rules::sync_group::SyncGroup),
            Box::new(rules::init_producer_id::InitProducerId),
            Box::new(rules::offset_for_leader_epoch::OffsetForLeaderEpoch),
            Box::new(rules::list_groups::ListGroups),
            Box::new(rules::describe_groups::DescribeGroups),
            Box::new(rules::consumer_group_describe::ConsumerGroupDescribe),
            Box::new(rules::delete_groups::DeleteGroups),
            Box::new(rules::offset_delete::OffsetDelete),
            Box::new(rules::describe_configs::DescribeConfigs),
            Box::new(rules::describe_cluster::DescribeCluster),
            Box::new(rules::add_partitions_to_txn::AddPartitionsToTxn),
            Box::new(rules::add_offsets_to_txn::AddOffsetsToTxn),
            Box::new(rules::end_txn::EndTxn),
            Box::new(rules::txn_offset_commit::TxnOffsetCommit),
        ];
        Self { entries: rules.into_iter().map(Entry::of).collect() }
    }
}

impl RuleTable {
    /// The rules that `policy` leaves in force.
    #[must_use]
    pub fn with(policy: &Policy) -> Self {
        let mut table = Self::default();
        table.entries.retain(|entry| policy.delete_groups || !DELETES.contains(&entry.key));
        table
    }

    /// Who serves `key` at `version`; `None`: nobody, close the connection.
    #[must_use]
    pub fn service(&self, key: ApiKey, version: i16) -> Option<Service<'_>> {
        match key {
            // KIP-511: an unknown version of ApiVersions is answered, not refused.
            ApiKey::ApiVersions => Some(Service::ApiVersions),
            ApiKey::SaslHandshake => SASL_HANDSHAKE.contains(version).then_some(Service::Login),
            ApiKey::SaslAuthenticate => SASL_AUTHENTICATE.contains(version).then_some(Service::Login),
            key => {
                let entry = self.entries.iter().find(|entry| entry.key == key)?;
                entry.versions.contains(version).then_some(Service::Rule(entry.rule.as_ref()))
            }
        }
    }

    /// Every API that a rule serves.
    pub fn keys(&self) -> impl Iterator<Item = ApiKey> {
        self.entries.iter().map(|entry| entry.key)
    }

    /// Whether `key` is served at `version`.
    #[must_use]
    pub fn serves(&self, key: ApiKey, version: i16) -> bool {
        match key {
            ApiKey::ApiVersions => api_versions::VERSIONS.contains(version),
            key => self.service(key, version).is_some(),
        }
    }

    /// Every API with the versions announced, cut to what the cluster serves; ordered by key.
    #[must_use]
    pub fn announced(&self, cluster: &ClusterView) -> Vec<(ApiKey, Versions)> {
        let mut announced: Vec<_> = self
            .entries
            .iter()
            .filter_map(|entry| {
                let upstream = *cluster.versions.get(&entry.key)?;
                entry.versions.intersect(upstream)?;
                let max = entry.announced.max.min(upstream.max);
                Some((entry.key, Versions::new(entry.announced.min.max(shown_min(entry, upstream)), max)))
            })
            .chain([
                (ApiKey::ApiVersions, api_versions::VERSIONS),
                (ApiKey::SaslHandshake, SASL_HANDSHAKE),
                (ApiKey::SaslAuthenticate, SASL_AUTHENTICATE),
            ])
            .collect();
        announced.sort_by_key(|(key, _)| *key as i16);
        announced
    }
}

/// The lowest version to announce: the cluster's, unless the rule announces more than it serves on purpose.
fn shown_min(entry: &Entry, upstream: Versions) -> i16 {
    if entry.announced.min < entry.versions.min { entry.announced.min } else { upstream.min }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn what_the_policy_switches_off_is_neither_announced_nor_served() {
        for delete_groups in [true, false] {
            let table = RuleTable::with(&Policy { delete_groups, ..Policy::default() });
            let announced = table.announced(&testing::cluster());
            for key in DELETES {
                assert_eq!(announced.iter().any(|(shown, _)| *shown == key), delete_groups, "{key:?}");
                assert_eq!(table.serves(key, 0), delete_groups, "{key:?}");
            }
            assert!(table.serves(ApiKey::ListGroups, 5));
        }
    }
}
