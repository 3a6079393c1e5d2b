//! Old records go: by age, by size, or because a test says so.

use crate::broker::Broker;
use crate::config::TopicConfig;
use crate::partition::Partition;
use crate::topics::Place;

impl Broker {
    /// Everything before an offset is gone for good, as after retention.
    pub fn retain_from(&mut self, place: &Place, start: i64) {
        if let Some((_, partition)) = self.partition_mut(place) {
            partition.drop_before(start);
        }
    }

    /// Applies `retention.ms` and `retention.bytes` to every topic, segment by segment.
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

/// What is deleted as a whole.
#[derive(Debug)]
struct Segment {
    base_offset: i64,
    size: i64,
    newest: i64,
}

fn segments(partition: &Partition) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for stored in partition.log.batches() {
        let newest = stored.header.max_timestamp;
        let size = i64::try_from(stored.bytes.len()).unwrap_or(i64::MAX);
        match segments.last_mut() {
            Some(last) if last.base_offset == stored.segment => {
                last.size = last.size.saturating_add(size);
                last.newest = last.newest.max(newest);
            }
            _ => segments.push(Segment { base_offset: stored.segment, size, newest }),
        }
    }
    segments
}

/// The first offset that stays: that of the first segment that has to.
fn retained(partition: &Partition, config: &TopicConfig, now: i64) -> i64 {
    let segments = segments(partition);
    let mut size: i64 = segments.iter().map(|segment| segment.size).sum();
    for segment in segments {
        // A segment without any time counts as written just now.
        let is_old = config.retention_ms >= 0
            && segment.newest >= 0
            && now.saturating_sub(segment.newest) > config.retention_ms;
        let is_too_much = config.retention_bytes >= 0 && size - segment.size >= config.retention_bytes;
        if !is_old && !is_too_much {
            return segment.base_offset.max(partition.log.start());
        }
        size -= segment.size;
    }
    partition.log.end()
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
    fn old_segments_go_at_a_check_and_never_come_back() {
        let (mut broker, place) = broker(&[9, 8, 1, 10]);
        broker.advance(5 * MINUTE_MS - 1);
        assert_eq!(start(&broker, &place), 0);
        broker.advance(1);
        assert_eq!(start(&broker, &place), 4, "what lies in one segment with a young one stays");
        broker.restart(Restart::Killed);
        assert_eq!(start(&broker, &place), 4);
    }

    #[test]
    fn young_batches_keep_the_old_ones_of_their_segment() {
        let (mut broker, place) = broker(&[9, 3]);
        broker.advance(DAY_MS);
        assert_eq!(start(&broker, &place), 0);
    }

    #[test]
    fn nothing_goes_where_retention_is_off() {
        let (mut broker, place) = broker(&[9, 1]);
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
