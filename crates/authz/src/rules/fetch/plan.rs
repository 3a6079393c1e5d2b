//! What of a Fetch goes upstream, and how its answer is taken apart again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{
    ErrorCode, FetchPartition, FetchTopic, Granted, Mirror, Partitions, RefusedTopic, StrBytes, Target,
    TopicKey, TopicMap, TopicName, TopicRef, Uuid, ZoneView,
};

pub(super) struct Plan {
    pub(super) upstream: Vec<FetchTopic>,
    /// How each upstream topic of the answer appears.
    pub(super) shown: TopicMap<Appearances>,
    pub(super) refused: Vec<RefusedTopic>,
}

/// One upstream topic under one alias or more.
#[derive(Default)]
pub(super) struct Appearances {
    pub(super) targets: Vec<Target>,
    /// The grant behind each target, in the same order.
    pub(super) granted: Vec<Granted>,
    /// Whose fillers are hidden in the answer, as of when it came.
    pub(super) mirror: Option<Arc<Mirror>>,
}

impl Plan {
    /// Sorts the topics of a request. `round` decides which of two aliases of one topic gets its records
    /// this time when both ask for the same partition.
    pub(super) fn of(zone: &ZoneView, topics: Vec<FetchTopic>, by_id: bool, round: usize) -> Self {
        let mut asked = Sorted::default();
        let mut refused = Vec::new();
        for topic in topics {
            match zone.resolve(reference(&topic, by_id)) {
                Some(granted) => asked.add(granted, topic.partitions),
                None => refused.push(RefusedTopic {
                    shown: TopicKey::from(reference(&topic, by_id)),
                    partitions: topic.partitions.iter().map(|partition| partition.partition).collect(),
                    error: if by_id {
                        ErrorCode::UNKNOWN_TOPIC_ID
                    } else {
                        ErrorCode::TOPIC_AUTHORIZATION_FAILED
                    },
                }),
            }
        }
        let mut plan = Self { upstream: Vec::new(), shown: TopicMap::default(), refused };
        asked.groups.into_iter().for_each(|aliases| plan.add(aliases, by_id, round));
        plan
    }

    /// Adds one backing topic that is asked for under one alias or more.
    fn add(&mut self, mut aliases: Vec<Asked<'_>>, by_id: bool, round: usize) {
        let turn = round % aliases.len().max(1);
        aliases.rotate_left(turn);
        let Some(key) = aliases.first().map(|first| first.granted.upstream_key(by_id)) else { return };
        let alone = aliases.len() == 1;
        let mut appearances = Appearances::default();
        let mut taken = HashSet::new();
        let mut partitions = Vec::new();
        for asked in aliases {
            let (mut whole, mut bare) = (Vec::new(), Vec::new());
            for partition in asked.partitions {
                if taken.insert(partition.partition) {
                    whole.push(partition.partition);
                    partitions.push(partition);
                } else {
                    bare.push(partition.partition);
                }
            }
            whole.sort_unstable();
            bare.sort_unstable();
            let shown = if alone { Partitions::All } else { Partitions::Some { whole, bare } };
            let target = Target {
                shown: asked.granted.shown_key(by_id),
                partitions: shown,
                refuse: None,
                hides_fillers: asked.granted.mirror.is_some(),
            };
            appearances.targets.push(target);
            appearances.granted.push(asked.granted.clone());
        }
        self.shown.insert(key.clone(), appearances);
        let topic = FetchTopic::default().with_partitions(partitions);
        self.upstream.push(match key {
            TopicKey::Id(id) => topic.with_topic_id(Uuid::from_bytes(id)),
            TopicKey::Name(name) => topic.with_topic(TopicName(StrBytes::from_string(name.to_string()))),
        });
    }
}

/// The partitions that a client wants under one alias.
struct Asked<'a> {
    granted: &'a Granted,
    partitions: Vec<FetchPartition>,
}

/// What is asked for, the aliases of one backing topic side by side.
#[derive(Default)]
struct Sorted<'a> {
    groups: Vec<Vec<Asked<'a>>>,
    /// The group of each backing topic.
    by_backing: HashMap<&'a str, usize>,
    /// The place of each alias in its group.
    by_alias: HashMap<&'a str, usize>,
}

impl<'a> Sorted<'a> {
    /// A topic named twice is one topic.
    fn add(&mut self, granted: &'a Granted, partitions: Vec<FetchPartition>) {
        let next = self.groups.len();
        let group = *self.by_backing.entry(granted.backing.as_str()).or_insert(next);
        if group == next {
            self.groups.push(Vec::new());
        }
        let Some(aliases) = self.groups.get_mut(group) else { return };
        let place = *self.by_alias.entry(granted.alias.as_str()).or_insert(aliases.len());
        match aliases.get_mut(place) {
            Some(asked) => asked.partitions.extend(partitions),
            None => aliases.push(Asked { granted, partitions }),
        }
    }
}

fn reference(topic: &FetchTopic, by_id: bool) -> TopicRef<'_> {
    if by_id { TopicRef::Id(topic.topic_id.into_bytes()) } else { TopicRef::Name(&topic.topic) }
}
