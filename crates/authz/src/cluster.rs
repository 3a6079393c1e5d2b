//! What is known of the upstream cluster: one immutable picture, cut into answers for every zone.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tidegate_core::names::BackingTopic;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::error_code::ErrorCode;

/// A picture of the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterView {
    /// Ids of the live brokers.
    pub nodes: Vec<i32>,
    /// The broker that is shown as controller.
    pub controller: Option<i32>,
    /// For each API the versions that every live broker serves.
    pub versions: HashMap<ApiKey, Versions>,
    /// What the cluster has switched on.
    pub features: Features,
    /// Backing topics of all zones that exist, by name.
    pub topics: BTreeMap<BackingTopic, Arc<TopicView>>,
}

/// Features of a broker, or of all together (KIP-584).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Features {
    /// The level in force of each feature that is switched on.
    pub finalized: BTreeMap<String, i16>,
    /// The levels that the software supports.
    pub supported: BTreeMap<String, Versions>,
    /// Grows with every change of `finalized`, and without one; `None` when brokers tell none.
    pub epoch: Option<i64>,
}

impl Features {
    /// What holds at every broker, at the level of the one that has heard of the last change last, and the highest epoch
    /// told: a client takes no news from an epoch that is not higher than the one it knows.
    #[must_use]
    pub fn common(brokers: impl IntoIterator<Item = Self>) -> Self {
        brokers.into_iter().reduce(Self::join).unwrap_or_default()
    }

    fn join(self, other: Self) -> Self {
        let finalized = self.finalized.into_iter().filter_map(|(name, level)| {
            let lowest = level.min(*other.finalized.get(&name)?);
            Some((name, lowest))
        });
        let supported = self.supported.into_iter().filter_map(|(name, levels)| {
            let both = levels.intersect(*other.supported.get(&name)?)?;
            Some((name, both))
        });
        Self {
            finalized: finalized.collect(),
            supported: supported.collect(),
            epoch: self.epoch.max(other.epoch),
        }
    }
}

/// One topic of the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicView {
    /// The real topic id; never shown.
    pub id: [u8; 16],
    /// Its partitions.
    pub partitions: Vec<PartitionView>,
}

/// One partition of the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionView {
    /// The partition.
    pub index: i32,
    /// What the cluster says of it.
    pub error: ErrorCode,
    /// Its leader, or -1.
    pub leader: i32,
    /// Epoch of the leader, or -1.
    pub leader_epoch: i32,
    /// Nodes that hold it.
    pub replicas: Vec<i32>,
    /// Nodes that are in step.
    pub in_sync: Vec<i32>,
    /// Nodes that hold it but are down.
    pub offline: Vec<i32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broker(finalized: &[(&str, i16)], supported: &[(&str, i16, i16)], epoch: Option<i64>) -> Features {
        let supported =
            supported.iter().map(|(name, min, max)| ((*name).to_owned(), Versions::new(*min, *max)));
        Features {
            finalized: finalized.iter().map(|(name, level)| ((*name).to_owned(), *level)).collect(),
            supported: supported.collect(),
            epoch,
        }
    }

    #[test]
    fn what_one_broker_lacks_or_has_lower_counts_for_all() {
        let brokers = [
            broker(&[("a", 2), ("b", 1)], &[("a", 0, 2), ("b", 0, 1)], Some(40)),
            broker(&[("a", 1)], &[("a", 1, 3), ("c", 0, 1)], Some(39)),
        ];
        assert_eq!(Features::common(brokers), broker(&[("a", 1)], &[("a", 1, 2)], Some(40)));
    }

    #[test]
    fn one_broker_speaks_for_itself_and_none_for_nothing() {
        let one = broker(&[("a", 2)], &[("a", 0, 2)], None);
        assert_eq!(Features::common([one.clone()]), one);
        assert_eq!(Features::common([]), Features::default());
    }
}
