//! Partitions by topic id, on their way to the cluster and back.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kafka_protocol::messages::consumer_group_heartbeat_request::TopicPartitions as OwnedPartitions;
use kafka_protocol::messages::consumer_group_heartbeat_response::Assignment;
use uuid::Uuid;

use crate::view::ZoneView;

/// What a member owns, by upstream ids. What the zone does not show to the group counts as given up; a topic named
/// twice becomes one.
pub(super) fn to_upstream(zone: &ZoneView, group: &str, owned: Vec<OwnedPartitions>) -> Vec<OwnedPartitions> {
    let mut topics: BTreeMap<[u8; 16], BTreeSet<i32>> = BTreeMap::new();
    for OwnedPartitions { topic_id, partitions, .. } in owned {
        let granted = zone.by_id(topic_id.into_bytes()).filter(|granted| zone.may_use(group, granted));
        if let Some(topic) = granted.and_then(|granted| granted.topic.as_ref()) {
            topics.entry(topic.upstream.id).or_default().extend(partitions);
        }
    }
    let owned = |(id, partitions): (_, BTreeSet<i32>)| {
        OwnedPartitions::default()
            .with_topic_id(Uuid::from_bytes(id))
            .with_partitions(partitions.into_iter().collect())
    };
    topics.into_iter().map(owned).collect()
}

/// What a member gets, by the ids that it knows, and the upstream ids of topics that `zone` cannot show.
pub(super) fn to_partner(
    zone: Option<&ZoneView>,
    group: &str,
    mut assignment: Assignment,
) -> (Assignment, Vec<[u8; 16]>) {
    let shown = zone.map(|zone| shown_ids(zone, group)).unwrap_or_default();
    let mut hidden = Vec::new();
    assignment.topic_partitions.retain_mut(|topic| match shown.get(topic.topic_id.as_bytes()) {
        Some(virtual_id) => {
            topic.topic_id = Uuid::from_bytes(*virtual_id);
            true
        }
        None => {
            hidden.push(topic.topic_id.into_bytes());
            false
        }
    });
    (assignment, hidden)
}

/// Upstream ids with the virtual ids under which `group` knows them.
fn shown_ids(zone: &ZoneView, group: &str) -> HashMap<[u8; 16], [u8; 16]> {
    let topics = zone.topics().iter().filter_map(|granted| Some((granted, granted.topic.as_ref()?)));
    topics
        .filter(|(granted, _)| zone.alias_in_group(group, granted.backing.as_str()) == Some(&granted.alias))
        .map(|(_, topic)| (topic.upstream.id, topic.virtual_id))
        .collect()
}
