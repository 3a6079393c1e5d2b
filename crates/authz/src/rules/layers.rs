//! Splitting a request so that no upstream request names a backing partition twice.
//!
//! Two aliases of one backing topic may stand in one request. A broker would answer such a pair with one
//! entry or an error, so each further alias of a topic goes into a further request, a layer.

use std::collections::HashSet;

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
        let mut seen = HashSet::new();
        for (name, partitions) in topics {
            let Some(granted) = zone.by_name(&name) else {
                let foreign = partitions.iter().map(&index);
                foreign.for_each(|number| all.refuse(&name, number, ErrorCode::TOPIC_AUTHORIZATION_FAILED));
                continue;
            };
            let mut kept = Vec::new();
            for partition in partitions {
                let number = index(&partition);
                if seen.insert((granted.alias.clone(), number)) {
                    kept.push(partition);
                } else {
                    all.refuse(&name, number, ErrorCode::INVALID_REQUEST);
                }
            }
            all.accept(granted, kept);
        }
        all
    }

    fn refuse(&mut self, topic: &TopicName, partition: i32, error: ErrorCode) {
        self.refused.push(RefusedPartition { topic: topic.clone(), partition, error });
    }

    /// Puts partitions into the first layer that does not hold their topic under another alias.
    fn accept(&mut self, granted: &Granted, partitions: Vec<P>) {
        if partitions.is_empty() {
            return;
        }
        for layer in &mut self.layers {
            match layer.iter_mut().find(|topic| topic.granted.backing == granted.backing) {
                Some(topic) if topic.granted.alias == granted.alias => {
                    topic.partitions.extend(partitions);
                    return;
                }
                Some(_) => {}
                None => {
                    layer.push(LayerTopic { granted: granted.clone(), partitions });
                    return;
                }
            }
        }
        self.layers.push(vec![LayerTopic { granted: granted.clone(), partitions }]);
    }
}

/// The aliases of each layer, to name the topics of its answer.
pub(crate) struct Names(Vec<Vec<Granted>>);

impl Names {
    pub(crate) fn of<P>(layers: &[Vec<LayerTopic<P>>]) -> Self {
        Self(layers.iter().map(|layer| layer.iter().map(|topic| topic.granted.clone()).collect()).collect())
    }

    /// The grant under which layer `layer` asked for the topic `backing`.
    pub(crate) fn granted(&self, layer: usize, backing: &str) -> Option<&Granted> {
        self.0.get(layer)?.iter().find(|granted| granted.backing.as_str() == backing)
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
