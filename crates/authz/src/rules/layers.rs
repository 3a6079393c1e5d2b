//! Splitting a request so that no upstream request names a backing partition twice.
//!
//! Two aliases of one backing topic may stand in one request. A broker would answer such a pair with one
//! entry or an error, so each further alias of a topic goes into a further request, a layer.

use std::collections::{HashMap, HashSet};

use kafka_protocol::messages::TopicName;
use kafka_protocol::protocol::StrBytes;
use tidegate_core::names::Alias;
use tidegate_wire::error_code::ErrorCode;

use crate::view::{Granted, ZoneView};

/// Partitions of one topic that may go upstream together.
pub(crate) struct LayerTopic<P> {
    pub(crate) granted: Granted,
    pub(crate) partitions: Vec<P>,
}

/// What is asked and what is refused.
pub(crate) struct Layers<P> {
    pub(crate) layers: Vec<Vec<LayerTopic<P>>>,
    pub(crate) refused: Vec<RefusedPartition>,
}

/// Where topics stand in the layers.
#[derive(Default)]
struct Places<'a> {
    /// Layer and place of each alias.
    by_alias: HashMap<&'a str, (usize, usize)>,
    /// How many aliases of each backing topic there are: the first is in the first layer, the second in the second.
    by_backing: HashMap<&'a str, usize>,
}

/// A partition that is answered here.
pub(crate) struct RefusedPartition {
    pub(crate) topic: TopicName,
    pub(crate) partition: i32,
    pub(crate) error: ErrorCode,
}

impl<P> Layers<P> {
    /// Sorts `topics` by what the zone says of them.
    ///
    /// A name outside the zone is refused with TOPIC_AUTHORIZATION_FAILED, a partition named twice under one
    /// alias with INVALID_REQUEST, as a broker does.
    pub(crate) fn of(
        zone: &ZoneView,
        topics: impl IntoIterator<Item = (TopicName, Vec<P>)>,
        index: impl Fn(&P) -> i32,
    ) -> Self {
        let mut all = Self { layers: Vec::new(), refused: Vec::new() };
        let mut seen: HashMap<&str, HashSet<i32>> = HashMap::new();
        let mut places = Places::default();
        for (name, partitions) in topics {
            let Some(granted) = zone.by_name(&name) else {
                let foreign = partitions.iter().map(&index);
                foreign.for_each(|number| all.refuse(&name, number, ErrorCode::TOPIC_AUTHORIZATION_FAILED));
                continue;
            };
            let of_alias = seen.entry(granted.alias.as_str()).or_default();
            let mut kept = Vec::with_capacity(partitions.len());
            for partition in partitions {
                let number = index(&partition);
                if of_alias.insert(number) {
                    kept.push(partition);
                } else {
                    all.refuse(&name, number, ErrorCode::INVALID_REQUEST);
                }
            }
            all.accept(&mut places, granted, kept);
        }
        all
    }

    fn refuse(&mut self, topic: &TopicName, partition: i32, error: ErrorCode) {
        self.refused.push(RefusedPartition { topic: topic.clone(), partition, error });
    }

    /// Puts partitions into the first layer that does not hold their topic under another alias.
    fn accept<'a>(&mut self, places: &mut Places<'a>, granted: &'a Granted, partitions: Vec<P>) {
        if partitions.is_empty() {
            return;
        }
        let known = places.by_alias.get(granted.alias.as_str()).copied();
        let topic = known
            .and_then(|(layer, place)| self.layers.get_mut(layer).and_then(|layer| layer.get_mut(place)));
        if let Some(topic) = topic {
            topic.partitions.extend(partitions);
            return;
        }
        let layer = places.by_backing.entry(granted.backing.as_str()).or_default();
        if *layer == self.layers.len() {
            self.layers.push(Vec::new());
        }
        if let Some(topics) = self.layers.get_mut(*layer) {
            places.by_alias.insert(granted.alias.as_str(), (*layer, topics.len()));
            topics.push(LayerTopic { granted: granted.clone(), partitions });
            *layer += 1;
        }
    }
}

/// The aliases of each layer, to name the topics of its answer.
pub(crate) struct Names(Vec<HashMap<String, Granted>>);

impl Names {
    pub(crate) fn of<P>(layers: &[Vec<LayerTopic<P>>]) -> Self {
        let named =
            |topic: &LayerTopic<P>| (topic.granted.backing.as_str().to_owned(), topic.granted.clone());
        Self(layers.iter().map(|layer| layer.iter().map(named).collect()).collect())
    }

    /// The grant under which layer `layer` asked for the topic `backing`.
    pub(crate) fn granted(&self, layer: usize, backing: &str) -> Option<&Granted> {
        self.0.get(layer)?.get(backing)
    }
}

/// An alias as the codec wants it.
pub(crate) fn topic_name(alias: &Alias) -> TopicName {
    TopicName(StrBytes::from_string(alias.as_str().to_owned()))
}

/// The backing name of a grant as the codec wants it.
pub(crate) fn backing_name(granted: &Granted) -> TopicName {
    TopicName(StrBytes::from_string(granted.backing.as_str().to_owned()))
}
