//! The topics of a share.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::names::{Alias, BackingTopic};

/// A topic of a share, which its consumer reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedTopic {
    /// What the consumer calls it.
    pub alias: Alias,
    /// The topic.
    pub backing: BackingTopic,
}

/// The topics of a share: one at least, each under an alias of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedTopics(Vec<SharedTopic>);

/// Topics that make no share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SharedTopicsProblem {
    /// There is nothing to read.
    #[error("a share has no topic; give it one at least")]
    None,
    /// Nobody could tell which one is meant.
    #[error("alias `{0}` stands for two topics of a share; give each its own")]
    AliasTwice(Alias),
}

impl SharedTopics {
    /// The topics of a share.
    ///
    /// # Errors
    /// [`SharedTopicsProblem`].
    pub fn new(topics: Vec<SharedTopic>) -> Result<Self, SharedTopicsProblem> {
        let mut seen = HashSet::new();
        match topics.iter().find(|topic| !seen.insert(&topic.alias)) {
            Some(twice) => Err(SharedTopicsProblem::AliasTwice(twice.alias.clone())),
            None if topics.is_empty() => Err(SharedTopicsProblem::None),
            None => Ok(Self(topics)),
        }
    }

    /// The topics, in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = &SharedTopic> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_topics_and_each_has_an_alias() {
        let topic = |alias: &str, backing: &str| SharedTopic {
            alias: Alias::parse(alias).unwrap(),
            backing: BackingTopic::parse(backing).unwrap(),
        };
        assert_eq!(SharedTopics::new(Vec::new()), Err(SharedTopicsProblem::None));
        let two = SharedTopics::new(vec![topic("b", "t"), topic("a", "t")]).unwrap();
        assert_eq!(two.iter().map(|topic| topic.alias.as_str()).collect::<Vec<_>>(), ["b", "a"]);
        let twice = SharedTopics::new(vec![topic("a", "t"), topic("a", "u")]).unwrap_err();
        assert_eq!(twice.to_string(), "alias `a` stands for two topics of a share; give each its own");
    }
}
