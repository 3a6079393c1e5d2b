//! Old records go: by age, by size, or because a test says so.

use crate::broker::Broker;
use crate::config::TopicConfig;
use crate::log::Stored;
use crate::partition::Partition;
use crate::topics::Place;

impl Broker {
    /// Everything before an offset is gone for good, as after retention.
    pub fn retain_from(&mut self, place: &Place, start: i64) {
        if let Some((_, partition)) = self.partition_mut(place) {
            partition.drop_before(start);
        }
    }

    /// Applies `retention.ms` and `retention.bytes` to every topic. Brokers do so with whole segments; here each batch is one.
    pub(crate) fn retain(&mut self) {
        let now = self.now;
        for topic in self.topics.values_mut().filter(|topic| topic.config.cleanup.deletes()) {
            for partition in &mut topic.partitions {
                let start = retained(partition, &topic.config, now);
                partition.drop_before(start);
            }
        }
    }
}

impl Partition {
    fn drop_before(&mut self, start: i64) {
        self.log.begin_at(start.min(self.log.high_watermark()));
        self.log.checkpoint();
        let start = self.log.start();
        self.aborted.retain(|aborted| aborted.last_offset >= start);
    }
}

/// The first offset that stays.
fn retained(partition: &Partition, config: &TopicConfig, now: i64) -> i64 {
    let is_old = |stored: &Stored| {
        config.retention_ms >= 0
            && stored.header.max_timestamp >= 0
            && now.saturating_sub(stored.header.max_timestamp) > config.retention_ms
    };
    let mut size: i64 = partition.log.batches().map(size_of).sum();
    for stored in partition.log.batches() {
        let is_too_much = config.retention_bytes >= 0 && size - size_of(stored) >= config.retention_bytes;
        if !is_old(stored) && !is_too_much {
            return stored.header.base_offset.max(partition.log.start());
        }
        size -= size_of(stored);
    }
    partition.log.end()
}

fn size_of(stored: &Stored) -> i64 {
    i64::try_from(stored.bytes.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use crate::draft::Draft;
    use crate::settings::{DAY_MS, MINUTE_MS, Settings, Version};
    use crate::{Produce, Restart};

    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn broker(days: &[i64]) -> (Broker, Place) {
        let mut broker = Broker::new(Settings::of(Version::V3_9), NOW);
        broker.create_topic("t", 1, TopicConfig::of(Version::V3_9));
        let place = Place::new("t", 0);
        for days in days {
            broker.produce(&place, &Produce::of(Draft::of(2, NOW - days * DAY_MS).bytes()));
        }
        (broker, place)
    }

    fn start(broker: &Broker, place: &Place) -> i64 {
        broker.partition(place).unwrap().log().start()
    }

    #[test]
    fn old_batches_go_at_a_check_and_never_come_back() {
        let (mut broker, place) = broker(&[9, 8, 1, 10]);
        broker.advance(5 * MINUTE_MS - 1);
        assert_eq!(start(&broker, &place), 0);
        broker.advance(1);
        assert_eq!(start(&broker, &place), 4, "what lies behind a young one stays");
        broker.restart(Restart::Killed);
        assert_eq!(start(&broker, &place), 4);
    }

    #[test]
    fn nothing_goes_where_retention_is_off() {
        let (mut broker, place) = broker(&[9, 8]);
        broker.set_config("t", "retention.ms", "-1");
        broker.advance(DAY_MS);
        assert_eq!(start(&broker, &place), 0);
        broker.set_config("t", "retention.bytes", "1");
        broker.advance(DAY_MS);
        assert_eq!(start(&broker, &place), 2);
        broker.retain_from(&place, 99);
        assert_eq!(start(&broker, &place), 4);
    }
}
