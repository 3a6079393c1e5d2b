//! One round of looking at a cluster.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tidegate_authz::ClusterView;
use tidegate_authz::cluster::{Features, PartitionView, TopicView};
use tidegate_client::metadata::{self, ClusterMetadata, PartitionMetadata};
use tidegate_client::{ApiVersions, Connection, Endpoint, connect};
use tidegate_core::BackingTopic;
use tidegate_wire::api::{ApiKey, Versions};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Access;
use crate::error::UpstreamError;
use crate::snapshot::ClusterSnapshot;

/// Age from which brokers are asked anew what they serve: one may come back as another release under its old address.
const VERSIONS_MAX_AGE: Duration = Duration::from_secs(120);

/// Holds the control connection between rounds.
#[derive(Debug, Default)]
pub struct Observer {
    connection: Option<Connection>,
    /// What the connection was made with.
    entered: Option<Arc<Access>>,
    /// What each live broker announced, asked once for each address a broker is seen at and after a change of features.
    versions: HashMap<(i32, Endpoint), ApiVersions>,
    known: Vec<Endpoint>,
    /// When every broker was last asked.
    asked_all: Option<Instant>,
    /// Highest epoch of features told so far.
    features_epoch: Option<i64>,
}

impl Observer {
    /// Asks the cluster for its brokers and for `topics`, over a new connection when `access` is another than before.
    ///
    /// # Errors
    /// [`UpstreamError`] when no broker gives a whole answer.
    pub async fn observe(
        &mut self,
        access: &Arc<Access>,
        topics: &[BackingTopic],
    ) -> Result<ClusterSnapshot, UpstreamError> {
        if !self.entered.as_ref().is_some_and(|entered| Arc::ptr_eq(entered, access)) {
            self.connection = None;
            self.entered = Some(Arc::clone(access));
        }
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.dial(access).await?,
        };
        let names: Vec<&str> = topics.iter().map(BackingTopic::as_str).collect();
        let seen = match metadata::fetch(&mut connection, &names).await {
            Ok(seen) => seen,
            // A connection that was idle for long is often closed by the other side: try a new one once.
            Err(_) => {
                connection = self.dial(access).await?;
                metadata::fetch(&mut connection, &names).await?
            }
        };
        let now = connection.refresh_versions().await?;
        self.learn_versions(access, &seen, now).await?;
        self.known = seen.brokers.iter().map(|broker| broker.endpoint.clone()).collect();
        self.connection = Some(connection);
        Ok(self.snapshot(seen, topics))
    }

    /// Connects to any broker: those last seen first, then the bootstrap servers.
    async fn dial(&self, access: &Access) -> Result<Connection, UpstreamError> {
        let mut last = UpstreamError::NoBootstrap;
        for endpoint in self.known.iter().chain(&access.bootstrap) {
            match connect(endpoint, &access.options).await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = error.into(),
            }
        }
        Err(last)
    }

    /// Asks brokers that are new, have moved or know other features than the one that was asked `now`, what they serve;
    /// all at once, so that one that does not answer delays the round by one deadline at most. It is asked again in the
    /// next round.
    ///
    /// # Errors
    /// The last failure when not one broker could be asked: then nothing could be served either.
    async fn learn_versions(
        &mut self,
        access: &Arc<Access>,
        seen: &ClusterMetadata,
        now: &ApiVersions,
    ) -> Result<(), UpstreamError> {
        let live: Vec<_> = seen.brokers.iter().map(|broker| (broker.id, broker.endpoint.clone())).collect();
        self.versions.retain(|broker, _| live.contains(broker));
        let fresh = self.asked_all.is_some_and(|asked| asked.elapsed() < VERSIONS_MAX_AGE);
        if !fresh {
            self.asked_all = Some(Instant::now());
        }
        let is_known = |broker: &(i32, Endpoint)| {
            fresh && self.versions.get(broker).is_some_and(|known| known.agrees_on_features(now))
        };
        let mut asking = JoinSet::new();
        for broker in live.into_iter().filter(|broker| !is_known(broker)) {
            let access = Arc::clone(access);
            asking.spawn(async move { (connect(&broker.1, &access.options).await, broker) });
        }
        let mut last = None;
        while let Some(asked) = asking.join_next().await {
            match asked {
                Ok((Ok(connection), broker)) => {
                    _ = self.versions.insert(broker, connection.versions().clone());
                }
                Ok((Err(error), broker)) => {
                    tracing::warn!(node = broker.0, %error, "cannot ask a broker what it serves");
                    last = Some(error);
                }
                Err(_) => {}
            }
        }
        // A broker that was ahead may have gone: what clients have been told must not be taken back.
        let told = self.versions.values().filter_map(ApiVersions::features_epoch);
        self.features_epoch = told.chain(self.features_epoch).max();
        match last {
            Some(error) if self.versions.is_empty() => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn snapshot(&self, seen: ClusterMetadata, topics: &[BackingTopic]) -> ClusterSnapshot {
        let mut found = BTreeMap::new();
        for topic in seen.topics.iter().filter(|topic| topic.error.is_none()) {
            let Some(name) = topics.iter().find(|name| name.as_str() == topic.name) else { continue };
            let mut partitions: Vec<_> = topic.partitions.iter().map(partition).collect();
            partitions.sort_by_key(|partition: &PartitionView| partition.index);
            found.insert(name.clone(), Arc::new(TopicView { id: topic.id.into_bytes(), partitions }));
        }
        let nodes: Vec<i32> = seen.brokers.iter().map(|broker| broker.id).collect();
        let view = ClusterView {
            // Brokers name one of them, another one each time (KRaft). What clients send there is refused anyway, and a picture that
            // changes all the time would be handed out all the time.
            controller: nodes.iter().min().copied(),
            nodes,
            versions: common_versions(self.versions.values()),
            features: Features {
                epoch: self.features_epoch,
                ..Features::common(self.versions.values().map(features))
            },
            topics: found,
        };
        let endpoints = seen.brokers.into_iter().map(|broker| (broker.id, broker.endpoint)).collect();
        ClusterSnapshot { view, endpoints, asked: topics.iter().cloned().collect() }
    }
}

fn partition(seen: &PartitionMetadata) -> PartitionView {
    PartitionView {
        index: seen.index,
        error: seen.error,
        leader: seen.leader.unwrap_or(-1),
        leader_epoch: seen.leader_epoch,
        replicas: seen.replicas.clone(),
        in_sync: seen.isr.clone(),
        offline: seen.offline.clone(),
    }
}

fn features(broker: &ApiVersions) -> Features {
    let supported = broker.supported_features();
    Features {
        finalized: broker.features().map(|(name, level)| (name.to_owned(), level)).collect(),
        supported: supported.map(|(name, levels)| (name.to_owned(), levels)).collect(),
        epoch: broker.features_epoch(),
    }
}

/// The versions that every broker serves: during a rolling upgrade a client may be sent to any of them.
fn common_versions<'a>(brokers: impl Iterator<Item = &'a ApiVersions> + Clone) -> HashMap<ApiKey, Versions> {
    let mut common = HashMap::new();
    for key in ApiKey::iter() {
        let mut ranges = brokers.clone().map(|broker| broker.range(key));
        let Some(Some(first)) = ranges.next() else { continue };
        let all = ranges.try_fold(first, |all, range| all.intersect(range?));
        if let Some(all) = all {
            common.insert(key, all);
        }
    }
    common
}
