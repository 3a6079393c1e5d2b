//! What is known of the upstream cluster: one immutable picture, cut into answers for every zone.

use std::collections::{BTreeMap, HashMap};

use tidegate_core::names::BackingTopic;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::error_code::ErrorCode;

/// A picture of the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterView {
    /// Ids of the live brokers.
    pub nodes: Vec<i32>,
    /// The broker that answers as controller.
    pub controller: Option<i32>,
    /// For each API the versions that every live broker serves.
    pub versions: HashMap<ApiKey, Versions>,
    /// Backing topics of all zones that exist, by name.
    pub topics: BTreeMap<BackingTopic, TopicView>,
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
