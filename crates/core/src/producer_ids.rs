//! The producer ids with which a link writes into its mirror topics.

use ring::digest::{Context, SHA256};

use crate::link_id::LinkId;
use crate::names::MirrorTopic;

/// The producer ids of a link in one partition of a mirror topic.
///
/// They are derived and stand in no store: whoever copies the partition next guards its appends with the same ids and finds
/// the state of its predecessor at the broker, and any gateway knows the fillers of the partition without asking anybody. A
/// link that is made again under its name has another id, so what its predecessor left in the topic is not its own.
///
/// No broker gives out ids like these: it counts from zero, and here the second highest bit is set. What is derived stands in
/// logs for ever, so nothing in it may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProducerIds {
    /// Of copied batches and of fillers.
    pub data: i64,
    /// Of markers: a marker ends what its producer has open and may fence it, so it is another producer.
    pub markers: i64,
}

impl ProducerIds {
    /// Those of a partition.
    #[must_use]
    pub fn of(link: LinkId, topic: &MirrorTopic, partition: i32) -> Self {
        let topic = topic.as_str().as_bytes();
        let mut context = Context::new(&SHA256);
        context.update(DOMAIN);
        context.update(link.as_bytes());
        context.update(&u32::try_from(topic.len()).unwrap_or(u32::MAX).to_be_bytes());
        context.update(topic);
        context.update(&partition.to_be_bytes());
        let first = context.finish().as_ref().first_chunk().copied().unwrap_or_default();
        let data = OWN | i64::from_be_bytes(first) & DERIVED;
        Self { data, markers: data | 1 }
    }
}

/// What the digest is for, so that no other digest of the same values is like it.
const DOMAIN: &[u8] = b"tidegate producer ids of a mirror partition, 1";
/// The bit that every id has.
const OWN: i64 = 1 << 62;
/// The bits that come from the digest: all below but the last, which tells data from markers.
const DERIVED: i64 = OWN - 2;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn of(link: u8, topic: &str, partition: i32) -> ProducerIds {
        ProducerIds::of(LinkId::from_bytes([link; 16]), &MirrorTopic::parse(topic).unwrap(), partition)
    }

    #[test]
    fn derived_ids_never_change() {
        // Computed by another implementation. They are in logs: a change here shows fillers to every reader.
        let known = [
            (of(0, "a", 0), 0x7261_4005_b843_b192),
            (of(7, "dc1.orders", 0), 0x42b3_ffb2_e988_80fc),
            (of(7, "dc1.orders", 1), 0x72d7_a762_2329_905c),
            (of(0xff, &"t".repeat(249), i32::MAX), 0x4f9f_a785_f73d_ec7a),
        ];
        for (ids, data) in known {
            assert_eq!(ids, ProducerIds { data, markers: data + 1 });
        }
    }

    #[test]
    fn every_link_topic_and_partition_has_its_own() {
        let mut seen = HashSet::new();
        for link in [1, 2] {
            for topic in ["a", "a0", "b"] {
                for partition in 0..300 {
                    let ids = of(link, topic, partition);
                    assert!(
                        seen.insert(ids.data) && seen.insert(ids.markers),
                        "{link}, {topic}, {partition}"
                    );
                }
            }
        }
    }

    proptest! {
        #[test]
        fn no_broker_gives_them_out(link: u8, partition: i32) {
            let ids = of(link, "topic", partition);
            prop_assert!(ids.data >= 1 << 62 && ids.data % 2 == 0);
            prop_assert_eq!(ids.markers, ids.data + 1);
        }
    }
}
