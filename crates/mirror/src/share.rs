//! Which part of a mirror topic is a worker's.

use std::collections::BTreeSet;

/// A part of a mirror topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Share {
    /// Whether it makes the topic, lets it grow and sets its configs: one worker does.
    pub keeps: bool,
    /// The partitions that it copies; none at all means every one.
    partitions: Option<BTreeSet<i32>>,
}

impl Share {
    /// All of the topic, for a worker that is alone.
    #[must_use]
    pub const fn all() -> Self {
        Self { keeps: true, partitions: None }
    }

    /// Nothing of it, to begin with.
    #[must_use]
    pub fn none() -> Self {
        Self { keeps: false, partitions: Some(BTreeSet::new()) }
    }

    /// And this partition.
    pub fn add(&mut self, partition: i32) {
        if let Some(partitions) = &mut self.partitions {
            partitions.insert(partition);
        }
    }

    /// Whether it has this partition.
    #[must_use]
    pub fn has(&self, partition: i32) -> bool {
        self.partitions.as_ref().is_none_or(|partitions| partitions.contains(&partition))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_what_was_added() {
        let mut share = Share::none();
        share.add(3);
        assert!(share.has(3) && !share.has(2) && !share.keeps);
        let mut all = Share::all();
        all.add(3);
        assert!(all.has(2) && all.keeps);
    }
}
