//! What workers share out among themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use tidegate_core::MirrorTopic;

use crate::share::Share;

/// Something that one worker of a link does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unit {
    /// Makes a mirror topic, lets it grow and sets its configs.
    Keep(MirrorTopic),
    /// Copies a partition of it.
    Copy(MirrorTopic, i32),
}

impl Unit {
    /// What members of the group say; none for what a later version says.
    fn read(text: &str) -> Option<Self> {
        match text.split_once('/') {
            None => Some(Self::Keep(MirrorTopic::parse(text).ok()?)),
            Some((topic, partition)) => {
                Some(Self::Copy(MirrorTopic::parse(topic).ok()?, partition.parse().ok()?))
            }
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keep(topic) => write!(f, "{topic}"),
            Self::Copy(topic, partition) => write!(f, "{topic}/{partition}"),
        }
    }
}

/// All units of topics with so many partitions each.
pub(super) fn all(topics: &BTreeMap<MirrorTopic, i32>) -> BTreeSet<String> {
    let of_topic = |(topic, partitions): (&MirrorTopic, &i32)| {
        let copies = (0..*partitions).map(|partition| Unit::Copy(topic.clone(), partition));
        let units: Vec<_> = std::iter::once(Unit::Keep(topic.clone())).chain(copies).collect();
        units.into_iter().map(|unit| unit.to_string())
    };
    topics.iter().flat_map(of_topic).collect()
}

/// What a worker has of each topic, as the group says.
pub(super) fn shares(units: &BTreeSet<String>) -> BTreeMap<MirrorTopic, Share> {
    let mut shares = BTreeMap::new();
    for unit in units.iter().filter_map(|text| Unit::read(text)) {
        let (Unit::Keep(topic) | Unit::Copy(topic, _)) = &unit;
        let share = shares.entry(topic.clone()).or_insert_with(Share::none);
        match unit {
            Unit::Keep(_) => share.keeps = true,
            Unit::Copy(_, partition) => share.add(partition),
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(name: &str) -> MirrorTopic {
        MirrorTopic::parse(name).unwrap()
    }

    #[test]
    fn units_are_read_as_they_were_written() {
        let units = all(&BTreeMap::from([(topic("a"), 2), (topic("b.c"), 0)]));
        assert_eq!(units.iter().map(String::as_str).collect::<Vec<_>>(), ["a", "a/0", "a/1", "b.c"]);
        let shares = shares(&units);
        assert!(shares[&topic("a")].keeps && shares[&topic("a")].has(1) && !shares[&topic("a")].has(2));
        assert!(shares[&topic("b.c")].keeps && !shares[&topic("b.c")].has(0));
    }

    #[test]
    fn what_a_later_version_says_is_nothing() {
        let units = ["a/x", "..", "a/1/2", "a/1"].map(str::to_owned);
        let shares = shares(&BTreeSet::from(units));
        assert_eq!(shares.len(), 1);
        assert!(!shares[&topic("a")].keeps);
    }
}
