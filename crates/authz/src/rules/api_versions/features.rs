//! Which features of the cluster a partner sees (KIP-584).
//!
//! * `transaction.version`: at level 2 clients stop sending AddPartitionsToTxn and AddOffsetsToTxn and leave their work
//!   to Produce 12, TxnOffsetCommit 5 and EndTxn 5 (KIP-890). Java takes those versions for granted, so without all three
//!   the feature stays hidden and the client goes the old way.
//! * `group.version`: no client decides by it. Of finalized features Java 4.1 (TransactionManager) and franz-go look at
//!   `transaction.version` alone, librdkafka 2.15 skips them all; whether the consumer protocol of KIP-848 is there they
//!   tell from ConsumerGroupHeartbeat. It is shown because Admin.describeFeatures tells it to people.
//!
//! Everything else, `metadata.version` before all, is the cluster's own business.

use kafka_protocol::messages::ApiVersionsResponse;
use kafka_protocol::messages::api_versions_response::{FinalizedFeatureKey, SupportedFeatureKey};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};

use crate::cluster::Features;

const GROUP: &str = "group.version";
const TRANSACTION: &str = "transaction.version";

/// Level of `transaction.version` from which the versions of [`SECOND_FLOW`] are taken for granted.
const SECOND_FLOW_SINCE: i16 = 2;
const SECOND_FLOW: [(ApiKey, i16); 3] =
    [(ApiKey::Produce, 12), (ApiKey::TxnOffsetCommit, 5), (ApiKey::EndTxn, 5)];

/// First version that carries features.
const FEATURES_SINCE: i16 = 3;
/// First version whose readers know a supported range that begins at 0.
const LEVEL_ZERO_SINCE: i16 = 4;

/// Puts the features into an answer at `version` that announces `announced`.
pub(super) fn show(
    response: &mut ApiVersionsResponse,
    version: i16,
    announced: &[(ApiKey, Versions)],
    features: &Features,
) {
    if version < FEATURES_SINCE {
        return;
    }
    response.finalized_features_epoch = features.epoch.unwrap_or(-1);
    let level = |name| features.finalized.get(name).copied();
    let second_flow_fails =
        level(TRANSACTION).is_some_and(|level| level >= SECOND_FLOW_SINCE) && !has_second_flow(announced);
    let shown: &[&'static str] = if second_flow_fails { &[GROUP] } else { &[GROUP, TRANSACTION] };
    for name in shown {
        if let Some(level) = level(*name) {
            response.finalized_features.push(finalized(name, level));
        }
        let levels = features.supported.get(*name);
        if let Some(levels) = levels.filter(|levels| levels.min > 0 || version >= LEVEL_ZERO_SINCE) {
            response.supported_features.push(supported(name, *levels));
        }
    }
}

fn has_second_flow(announced: &[(ApiKey, Versions)]) -> bool {
    let has = |(key, version): &(ApiKey, i16)| {
        announced.iter().any(|(shown, versions)| shown == key && versions.contains(*version))
    };
    SECOND_FLOW.iter().all(has)
}

fn finalized(name: &'static str, level: i16) -> FinalizedFeatureKey {
    FinalizedFeatureKey::default()
        .with_name(StrBytes::from_static_str(name))
        .with_min_version_level(level)
        .with_max_version_level(level)
}

fn supported(name: &'static str, levels: Versions) -> SupportedFeatureKey {
    SupportedFeatureKey::default()
        .with_name(StrBytes::from_static_str(name))
        .with_min_version(levels.min)
        .with_max_version(levels.max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ClusterView;
    use crate::table::RuleTable;
    use crate::testing;

    fn shown(version: i16, cluster: &ClusterView) -> ApiVersionsResponse {
        let mut response = ApiVersionsResponse::default();
        let announced = RuleTable::default().announced(cluster);
        show(&mut response, version, &announced, &cluster.features);
        response
    }

    fn levels(response: &ApiVersionsResponse) -> Vec<(&str, i16)> {
        response.finalized_features.iter().map(|f| (f.name.as_str(), f.max_version_level)).collect()
    }

    fn ranges(response: &ApiVersionsResponse) -> Vec<(&str, i16, i16)> {
        let supported = response.supported_features.iter();
        supported.map(|f| (f.name.as_str(), f.min_version, f.max_version)).collect()
    }

    #[test]
    fn two_features_are_shown_and_no_other() {
        let response = shown(4, &testing::cluster());
        assert_eq!(levels(&response), [(GROUP, 1), (TRANSACTION, 2)]);
        assert_eq!(ranges(&response), [(GROUP, 0, 1), (TRANSACTION, 0, 2)]);
        assert_eq!(response.finalized_features_epoch, 1_234);
    }

    #[test]
    fn older_readers_get_no_range_from_zero_and_the_oldest_nothing() {
        let mut cluster = testing::cluster();
        let response = shown(3, &cluster);
        assert_eq!(levels(&response), [(GROUP, 1), (TRANSACTION, 2)]);
        assert_eq!(ranges(&response), []);
        for version in 0..3 {
            assert_eq!(shown(version, &cluster), ApiVersionsResponse::default());
        }
        cluster.features.supported.insert(GROUP.to_owned(), Versions::new(1, 1));
        assert_eq!(ranges(&shown(3, &cluster)), [(GROUP, 1, 1)]);
    }

    #[test]
    fn the_second_transaction_flow_is_hidden_where_one_of_its_apis_is_capped() {
        for (key, min, max) in
            [(ApiKey::Produce, 3, 11), (ApiKey::TxnOffsetCommit, 0, 4), (ApiKey::EndTxn, 0, 4)]
        {
            let mut cluster = testing::cluster();
            cluster.versions.insert(key, Versions::new(min, max));
            let response = shown(4, &cluster);
            assert_eq!(levels(&response), [(GROUP, 1)], "{key:?}");
            assert_eq!(ranges(&response), [(GROUP, 0, 1)], "{key:?}");
            cluster.features.finalized.insert(TRANSACTION.to_owned(), 1);
            assert_eq!(levels(&shown(4, &cluster)), [(GROUP, 1), (TRANSACTION, 1)]);
        }
    }

    #[test]
    fn a_cluster_that_tells_no_features_shows_none() {
        let cluster = ClusterView { features: Features::default(), ..testing::cluster() };
        assert_eq!(shown(4, &cluster), ApiVersionsResponse::default());
    }
}
