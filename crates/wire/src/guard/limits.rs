//! How many elements one message may hold.
//!
//! A frame's size bounds its bytes; these caps bound what the codec crate builds from them, as an array
//! element of three bytes becomes a struct of more than a hundred. Each cap is a sum over the whole
//! message, so that nesting cannot multiply it.

use super::schema::Counted;

/// Caps for one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Topics.
    pub topics: usize,
    /// Partitions.
    pub partitions: usize,
    /// Groups.
    pub groups: usize,
    /// Coordinator keys, transactions, config resources, access rules.
    pub keys: usize,
    /// Elements of every other array, in sum.
    pub others: usize,
    /// Entries of one tag section.
    pub tags: usize,
}

/// More than any zone shows, and the order of a large consumer's subscription.
const REQUEST_TOPICS: usize = 10_000;
/// A broker leads some thousands; a client asks for all partitions of its topics at most.
const REQUEST_PARTITIONS: usize = 100_000;
/// Administration tools ask for tens at a time.
const REQUEST_GROUPS: usize = 1_000;
/// A client looks up its own group and transaction; an admin call lists some hundreds of resources.
const REQUEST_KEYS: usize = 1_000;
/// Members, assignments, configs: the largest honest case is a group's leader handing out one
/// assignment per member.
const REQUEST_OTHERS: usize = 100_000;
/// Kafka 4.1 defines at most four tags in one struct.
const TAGS: usize = 64;

/// The answer names a topic once per member and kind of assignment (ConsumerGroupDescribe).
const RESPONSE_TOPICS: usize = 1_000_000;
/// The request bounds the topics, not how many partitions each of them has (Metadata).
const RESPONSE_PARTITIONS: usize = 2_000_000;
/// ListGroups answers with all groups that a broker coordinates.
const RESPONSE_GROUPS: usize = 100_000;
/// DescribeAcls answers with every resource that matches.
const RESPONSE_KEYS: usize = 100_000;
/// Metadata has three lists of replicas for each partition, mostly of three members.
const RESPONSE_OTHERS: usize = 20_000_000;

impl Limits {
    /// For what a partner sends.
    pub const REQUEST: Self = Self {
        topics: REQUEST_TOPICS,
        partitions: REQUEST_PARTITIONS,
        groups: REQUEST_GROUPS,
        keys: REQUEST_KEYS,
        others: REQUEST_OTHERS,
        tags: TAGS,
    };

    /// For what our own brokers answer: the cluster's size decides, and a broker that lies has easier
    /// ways to do harm.
    pub const RESPONSE: Self = Self {
        topics: RESPONSE_TOPICS,
        partitions: RESPONSE_PARTITIONS,
        groups: RESPONSE_GROUPS,
        keys: RESPONSE_KEYS,
        others: RESPONSE_OTHERS,
        tags: TAGS,
    };

    /// Takes `count` elements off what is left; `None` when the cap is passed.
    pub(super) fn draw(&mut self, counted: Counted, count: usize) -> Option<()> {
        let left = match counted {
            Counted::Topics => &mut self.topics,
            Counted::Partitions => &mut self.partitions,
            Counted::Groups => &mut self.groups,
            Counted::Keys => &mut self.keys,
            Counted::Others => &mut self.others,
        };
        *left = left.checked_sub(count)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_is_a_sum_over_arrays() {
        let mut left = Limits::REQUEST;
        assert_eq!(left.draw(Counted::Partitions, 60_000), Some(()));
        assert_eq!(left.draw(Counted::Partitions, 40_000), Some(()));
        assert_eq!(left.draw(Counted::Partitions, 1), None);
        assert_eq!(left.draw(Counted::Topics, 10_000), Some(()));
    }
}
