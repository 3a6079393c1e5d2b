//! The broker: its topics, its time, and what it does by itself as time passes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::TopicConfig;
use crate::partition::Partition;
use crate::settings::Settings;
use crate::topics::{Place, Topic};
use crate::transactions::Coordinator;

/// A broker in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    pub(crate) settings: Settings,
    pub(crate) now: i64,
    pub(crate) topics: BTreeMap<Arc<str>, Topic>,
    /// How many topics there ever were: their ids.
    pub(crate) topics_made: u64,
    pub(crate) coordinator: Coordinator,
    due: Due,
}

/// When what is done by itself is done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Due {
    producers: i64,
    starts: i64,
    retention: i64,
}

/// What an append depends on besides the partition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'a> {
    pub(crate) config: &'a TopicConfig,
    pub(crate) now: i64,
}

impl Broker {
    /// A broker that starts at `now`, in milliseconds since 1970, without topics.
    #[must_use]
    pub fn new(settings: Settings, now: i64) -> Self {
        Self {
            settings,
            now,
            topics: BTreeMap::new(),
            topics_made: 0,
            coordinator: Coordinator::default(),
            due: Due::after(&settings, now),
        }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.now
    }

    /// What it is configured to do.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Sets `producer.id.expiration.ms`, which can be done while a broker runs.
    pub fn set_producer_expiration(&mut self, milliseconds: i64) {
        self.settings.producer_expiration_ms = milliseconds;
    }

    /// A topic by its name.
    #[must_use]
    pub fn topic(&self, name: &str) -> Option<&Topic> {
        self.topics.get(name)
    }

    /// Every topic with its name.
    pub fn topics(&self) -> impl Iterator<Item = (&Arc<str>, &Topic)> {
        self.topics.iter()
    }

    /// A partition, if there is one.
    #[must_use]
    pub fn partition(&self, place: &Place) -> Option<&Partition> {
        self.topics.get(&place.topic)?.partitions.get(usize::try_from(place.partition).ok()?)
    }

    pub(crate) fn partition_mut(&mut self, place: &Place) -> Option<(Terms<'_>, &mut Partition)> {
        let topic = self.topics.get_mut(&place.topic)?;
        let partition = topic.partitions.get_mut(usize::try_from(place.partition).ok()?)?;
        Some((Terms { config: &topic.config, now: self.now }, partition))
    }

    /// Lets time pass. What is done by itself is done at its own time, in order.
    pub fn advance(&mut self, milliseconds: i64) {
        let until = self.now.saturating_add(milliseconds.max(0));
        while let Some(due) = self.due.first().filter(|due| *due <= until) {
            self.now = due;
            self.do_what_is_due();
        }
        self.now = until;
    }

    fn do_what_is_due(&mut self) {
        if self.due.producers <= self.now {
            self.forget_producers();
            self.due.producers = next(self.now, self.settings.producer_check_ms);
        }
        if self.due.starts <= self.now {
            self.partitions_mut().for_each(|partition| partition.log.checkpoint());
            self.due.starts = next(self.now, self.settings.start_checkpoint_ms);
        }
        if self.due.retention <= self.now {
            self.retain();
            self.due.retention = next(self.now, self.settings.retention_check_ms);
        }
    }

    /// Forgets the producers that are due, as brokers do now and then, and when they start.
    pub(crate) fn forget_producers(&mut self) {
        let (now, limit) = (self.now, self.settings.producer_expiration_ms);
        self.partitions_mut().for_each(|partition| partition.producers.forget(now, limit));
    }

    /// As if it had just started: the next of everything is a whole interval away.
    pub(crate) fn start_over(&mut self) {
        self.due = Due::after(&self.settings, self.now);
    }

    pub(crate) fn partitions_mut(&mut self) -> impl Iterator<Item = &mut Partition> {
        self.topics.values_mut().flat_map(|topic| &mut topic.partitions)
    }
}

impl Due {
    fn after(settings: &Settings, now: i64) -> Self {
        Self {
            producers: next(now, settings.producer_check_ms),
            starts: next(now, settings.start_checkpoint_ms),
            retention: next(now, settings.retention_check_ms),
        }
    }

    /// The earliest, unless nothing is ever due.
    fn first(&self) -> Option<i64> {
        let first = self.producers.min(self.starts).min(self.retention);
        (first < i64::MAX).then_some(first)
    }
}

/// An interval that is not positive would never end.
fn next(now: i64, interval: i64) -> i64 {
    now.saturating_add(interval.max(1))
}

#[cfg(test)]
mod tests {
    use crate::settings::{DAY_MS, MINUTE_MS, Version};
    use crate::{Draft, Produce};

    use super::*;

    #[test]
    fn producers_are_forgotten_at_a_check_and_not_before() {
        let now = 100 * DAY_MS;
        let mut broker = Broker::new(Settings::of(Version::V4_1), now);
        broker.create_topic("t", 1, TopicConfig::of(Version::V4_1));
        let place = Place::new("t", 0);
        let batch = Draft::of(1, now - DAY_MS).by(7, 0, 0).bytes();
        broker.produce(&place, &Produce::of(batch));
        let known = |broker: &Broker| broker.partition(&place).unwrap().producers().known().count();
        broker.advance(10 * MINUTE_MS - 1);
        assert_eq!(known(&broker), 1);
        broker.advance(1);
        assert_eq!((known(&broker), broker.now()), (0, now + 10 * MINUTE_MS));
    }

    #[test]
    fn one_history_gives_one_broker() {
        let run = || {
            let mut broker = Broker::new(Settings::of(Version::V3_9), 0);
            broker.create_topic("t", 2, TopicConfig::of(Version::V3_9));
            for step in 0..50 {
                broker.advance(step * MINUTE_MS);
                let batch = Draft::of(3, broker.now()).by(step % 4, 0, 0).bytes();
                broker.produce(&Place::new("t", i32::try_from(step % 2).unwrap()), &Produce::of(batch));
            }
            broker
        };
        assert_eq!(run(), run());
    }
}
