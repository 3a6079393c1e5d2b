//! From what is there to what is to be done.

use std::collections::BTreeMap;

use thiserror::Error;
use uuid::Uuid;

use super::configs::{CONFIGS, Configs, Owned, is_made_by_a_link};

/// The source as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its id; none where brokers are too old to have any.
    pub id: Option<Uuid>,
    /// How many partitions it has.
    pub partitions: i32,
    /// Its configs, also those that have their default.
    pub configs: BTreeMap<String, String>,
}

/// The mirror as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// How many partitions it has.
    pub partitions: i32,
    /// Its configs, also those that have their default.
    pub configs: BTreeMap<String, String>,
}

/// How far copying has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The id of the source that is copied; none before the first.
    pub source_id: Option<Uuid>,
    /// Whether every partition has come to the end of its source once.
    pub caught_up: bool,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Make the mirror.
    Create {
        /// With so many partitions.
        partitions: i32,
        /// With these configs; all else has the cluster's defaults.
        configs: BTreeMap<String, String>,
    },
    /// Give it more partitions.
    Grow {
        /// So many in all.
        to: i32,
    },
    /// Set these configs.
    Alter {
        /// By name.
        configs: BTreeMap<String, String>,
    },
}

/// Why nothing may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Blocked {
    /// The source was deleted and made anew: its offsets begin again, and mean other records.
    #[error(
        "the source topic was deleted and made anew: make its mirror anew, or keep it as it is by a failover"
    )]
    Replaced,
    /// There is a topic of that name, with records in it, that no link has made.
    #[error(
        "the mirror topic is there already and has records that no link has written: choose another name for the mirror, or delete the topic"
    )]
    Occupied,
    /// The mirror has partitions that its source has not: keys would be found in others than at the source.
    #[error(
        "the mirror has {mirror} partitions and its source {source_has}: it is not a mirror of this topic, make it anew"
    )]
    TooMany {
        /// Those of the mirror.
        mirror: i32,
        /// Those of the source.
        source_has: i32,
    },
}

/// What is to be done for a mirror topic, in this order; nothing when all is as it should be.
///
/// # Errors
/// [`Blocked`]; somebody has to decide.
pub fn plan(source: &Source, mirror: Option<&Mirror>, progress: Progress) -> Result<Vec<Action>, Blocked> {
    if let (Some(copied), Some(there)) = (progress.source_id, source.id)
        && copied != there
    {
        return Err(Blocked::Replaced);
    }
    let Some(mirror) = mirror else {
        return Ok(vec![Action::Create { partitions: source.partitions, configs: all(source) }]);
    };
    if mirror.partitions > source.partitions {
        return Err(Blocked::TooMany { mirror: mirror.partitions, source_has: source.partitions });
    }
    let mut actions = Vec::new();
    // One that was made by hand becomes as one that the link makes.
    let is_adopted = progress.source_id.is_none() && !is_made_by_a_link(&mirror.configs);
    let configs = if is_adopted { all(source) } else { changes(source, mirror, progress.caught_up) };
    if !configs.is_empty() {
        actions.push(Action::Alter { configs });
    }
    if mirror.partitions < source.partitions {
        actions.push(Action::Grow { to: source.partitions });
    }
    Ok(actions)
}

/// What a mirror is made with.
fn all(source: &Source) -> Configs {
    CONFIGS.iter().map(|config| (config.name.to_owned(), config.value(&source.configs))).collect()
}

/// A mirror that was made for the purpose has what it needs to catch up. One that has caught up is as its source, also when it falls
/// behind again: what retention takes then, the source has lost as well.
fn changes(source: &Source, mirror: &Mirror, caught_up: bool) -> Configs {
    let wanted = CONFIGS.iter().filter_map(|config| match config.owned {
        Owned::Always => Some((config.name, config.value(&source.configs))),
        Owned::UntilCaughtUp if caught_up => Some((config.name, source.configs.get(config.name)?.clone())),
        Owned::UntilCaughtUp => None,
    });
    let differs = |(name, value): &(&str, String)| mirror.configs.get(*name) != Some(value);
    wanted.filter(differs).map(|(name, value)| (name.to_owned(), value)).collect()
}
