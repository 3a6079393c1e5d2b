//! Which topics are mirrors, and of which links.

use std::collections::HashMap;
use std::sync::Arc;

use tidegate_core::names::{BackingTopic, MirrorTopic};
use tidegate_core::{LinkId, ProducerIds};

/// Every topic into which a link has written, also one that is a mirror no more: its fillers stay in its log.
///
/// There is one name space for all clusters. A topic of another cluster that has the name of a mirror is taken for one, and
/// loses nothing by it: what is hidden also has the producer id of a link for that name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mirrors(HashMap<Arc<str>, Arc<Mirror>>);

/// One mirror topic.
#[derive(Debug, PartialEq, Eq)]
pub struct Mirror {
    topic: MirrorTopic,
    /// Mostly one. A topic may become the mirror of another link once it has been promoted.
    links: Vec<LinkId>,
}

impl Mirrors {
    /// What is known of a topic; `None` if no link has written into it.
    #[must_use]
    pub fn of(&self, topic: &BackingTopic) -> Option<&Arc<Mirror>> {
        self.0.get(topic.as_str())
    }
}

impl FromIterator<(MirrorTopic, LinkId)> for Mirrors {
    fn from_iter<T: IntoIterator<Item = (MirrorTopic, LinkId)>>(mirrors: T) -> Self {
        let mut links: HashMap<MirrorTopic, Vec<LinkId>> = HashMap::new();
        for (topic, link) in mirrors {
            links.entry(topic).or_default().push(link);
        }
        let mirror = |(topic, mut links): (MirrorTopic, Vec<LinkId>)| {
            links.sort_unstable();
            links.dedup();
            (topic.shared(), Arc::new(Mirror { topic, links }))
        };
        Self(links.into_iter().map(mirror).collect())
    }
}

impl Mirror {
    /// The producer ids of fillers in a partition.
    #[must_use]
    pub fn filler_producers(&self, partition: i32) -> Vec<i64> {
        self.links.iter().map(|link| ProducerIds::of(*link, &self.topic, partition).data).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(name: &str) -> MirrorTopic {
        MirrorTopic::parse(name).unwrap()
    }

    #[test]
    fn a_topic_may_have_been_the_mirror_of_several_links() {
        let [one, other] = [1, 2].map(|link| LinkId::from_bytes([link; 16]));
        let mirrors: Mirrors =
            [(topic("a"), other), (topic("b"), other), (topic("a"), one), (topic("a"), other)]
                .into_iter()
                .collect();
        let producers = |name| Some(mirrors.of(&BackingTopic::parse(name).unwrap())?.filler_producers(3));
        let id = |link, name| ProducerIds::of(link, &topic(name), 3).data;
        assert_eq!(producers("a"), Some(vec![id(one, "a"), id(other, "a")]));
        assert_eq!(producers("b"), Some(vec![id(other, "b")]));
        assert_eq!(producers("c"), None);
    }
}
