//! What commits of offsets have in common, in a transaction or not: own topics, each partition once, and of two
//! aliases of one topic the one that the group uses.

use std::collections::{BTreeMap, HashMap};

use kafka_protocol::messages::TopicName;
use tidegate_core::facts::Fact;
use tidegate_wire::error_code::ErrorCode;

use super::layers::{LayerTopic, Layers, RefusedPartition, backing_name, topic_name};
use crate::context::RequestContext;
use crate::view::{Granted, ZoneView};

/// What goes upstream and what is refused here; `P` is a partition of the request.
pub(super) struct Commits<P> {
    pub(super) topics: Vec<LayerTopic<P>>,
    pub(super) refused: Vec<RefusedPartition>,
    index: fn(&P) -> i32,
}

impl<P> Commits<P> {
    /// Sorts the topics of a request by what the zone says of them.
    pub(super) fn of(
        zone: &ZoneView,
        topics: impl IntoIterator<Item = (TopicName, Vec<P>)>,
        index: fn(&P) -> i32,
    ) -> Self {
        let Layers { layers, refused } = Layers::of(zone, topics, index);
        Self { topics: layers.into_iter().flatten().collect(), refused, index }
    }

    /// Refuses everything, own and foreign alike.
    pub(super) fn none(
        topics: impl IntoIterator<Item = (TopicName, Vec<P>)>,
        index: fn(&P) -> i32,
        error: ErrorCode,
    ) -> Self {
        let mut refused = Vec::new();
        for (topic, partitions) in topics {
            let partitions = partitions.iter().map(index);
            refused.extend(partitions.map(|partition| RefusedPartition {
                topic: topic.clone(),
                partition,
                error,
            }));
        }
        Self { topics: Vec::new(), refused, index }
    }

    /// Leaves of two aliases of one topic the one that the group uses: they would overwrite each other's offsets. Gives
    /// what must be kept before that holds.
    pub(super) fn bind(&mut self, context: &RequestContext<'_>, group: &str) -> Vec<Fact> {
        let grants: Vec<&Granted> = self.topics.iter().map(|topic| &topic.granted).collect();
        let (bound, facts) = context.zone.bind_some(group, &grants, context.now);
        let mut bound = bound.into_iter();
        self.refuse_unless(ErrorCode::TOPIC_AUTHORIZATION_FAILED, || bound.next().unwrap_or(false));
        facts
    }

    /// Refuses the own topics for which `keep`, asked once for each, says no.
    pub(super) fn refuse_unless(&mut self, error: ErrorCode, mut keep: impl FnMut() -> bool) {
        for topic in std::mem::take(&mut self.topics) {
            if keep() {
                self.topics.push(topic);
                continue;
            }
            let alias = topic_name(&topic.granted.alias);
            let partitions = topic.partitions.iter().map(self.index);
            self.refused.extend(partitions.map(|partition| RefusedPartition {
                topic: alias.clone(),
                partition,
                error,
            }));
        }
    }

    /// The alias of each topic that goes upstream, by its backing name.
    pub(super) fn names(&self) -> HashMap<TopicName, TopicName> {
        let topics = self.topics.iter().map(|topic| &topic.granted);
        topics.map(|granted| (backing_name(granted), topic_name(&granted.alias))).collect()
    }

    /// The refused partitions with their errors, by topic.
    pub(super) fn refused(&self) -> BTreeMap<TopicName, Vec<(i32, ErrorCode)>> {
        let mut topics: BTreeMap<TopicName, Vec<(i32, ErrorCode)>> = BTreeMap::new();
        for RefusedPartition { topic, partition, error } in &self.refused {
            topics.entry(topic.clone()).or_default().push((*partition, *error));
        }
        topics
    }
}
