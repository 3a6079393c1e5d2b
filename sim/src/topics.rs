//! Topics: made, deleted, made again under another id, grown, configured.

use std::sync::Arc;

use tidegate_wire::error_code::ErrorCode;

use crate::broker::Broker;
use crate::codes::INVALID_PARTITIONS;
use crate::config::TopicConfig;
use crate::partition::Partition;

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number.
    pub partition: i32,
}

impl Place {
    /// A partition of the topic with this name.
    #[must_use]
    pub fn new(topic: &str, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

/// A topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its id; another topic of the same name has another one.
    pub id: [u8; 16],
    /// Its configuration.
    pub config: TopicConfig,
    /// Its partitions, by number.
    pub partitions: Vec<Partition>,
}

impl Broker {
    /// Makes a topic.
    pub fn create_topic(&mut self, name: &str, partitions: usize, config: TopicConfig) -> ErrorCode {
        if self.topics.contains_key(name) {
            return ErrorCode::TOPIC_ALREADY_EXISTS;
        }
        if partitions == 0 {
            return INVALID_PARTITIONS;
        }
        self.topics_made += 1;
        let topic = Topic {
            id: u128::from(self.topics_made).to_be_bytes(),
            config,
            partitions: vec![Partition::default(); partitions],
        };
        self.topics.insert(name.into(), topic);
        ErrorCode::NONE
    }

    /// Deletes a topic with all that it holds.
    pub fn delete_topic(&mut self, name: &str) -> ErrorCode {
        match self.topics.remove(name) {
            Some(_) => ErrorCode::NONE,
            None => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        }
    }

    /// Adds partitions until there are so many.
    pub fn add_partitions(&mut self, name: &str, count: usize) -> ErrorCode {
        let Some(topic) = self.topics.get_mut(name) else { return ErrorCode::UNKNOWN_TOPIC_OR_PARTITION };
        if count <= topic.partitions.len() {
            return INVALID_PARTITIONS;
        }
        topic.partitions.resize(count, Partition::default());
        ErrorCode::NONE
    }

    /// Sets one configuration of a topic.
    pub fn set_config(&mut self, topic: &str, name: &str, value: &str) -> ErrorCode {
        match self.topics.get_mut(topic) {
            Some(topic) => topic.config.set(name, value),
            None => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::{Settings, Version};
    use crate::{Draft, Produce};

    use super::*;

    #[test]
    fn a_topic_that_is_made_again_is_another_one() {
        let mut broker = Broker::new(Settings::of(Version::V4_1), 0);
        let config = TopicConfig::of(Version::V4_1);
        assert_eq!(broker.create_topic("t", 2, config), ErrorCode::NONE);
        assert_eq!(broker.create_topic("t", 2, config), ErrorCode::TOPIC_ALREADY_EXISTS);
        let place = Place::new("t", 1);
        broker.produce(&place, &Produce::of(Draft::of(1, 0).bytes()));
        let id = broker.topic("t").unwrap().id;
        assert_eq!(broker.delete_topic("t"), ErrorCode::NONE);
        assert_eq!(broker.delete_topic("t"), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        broker.create_topic("t", 2, config);
        assert_ne!(broker.topic("t").unwrap().id, id);
        assert_eq!(broker.partition(&place).unwrap().log().end(), 0);
    }

    #[test]
    fn partitions_are_only_added() {
        let mut broker = Broker::new(Settings::of(Version::V4_1), 0);
        broker.create_topic("t", 2, TopicConfig::of(Version::V4_1));
        assert_eq!(broker.add_partitions("t", 2), INVALID_PARTITIONS);
        assert!(broker.partition(&Place::new("t", 2)).is_none());
        assert_eq!(broker.add_partitions("t", 3), ErrorCode::NONE);
        assert!(broker.partition(&Place::new("t", 2)).is_some());
        assert!(broker.partition(&Place::new("t", -1)).is_none());
    }
}
