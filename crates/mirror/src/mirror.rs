//! One mirror topic, tended from time to time: whatever is missing is made, and each partition is copied.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_core::{LinkId, MirrorTopic, ProducerIds};
use tidegate_link::copy::{CopyLimits, Job, Phase, Status};
use tidegate_link::topic::{Action, Blocked, Held, Progress, held, is_made_by_a_link, plan};
use tidegate_wire::filler::Kind;
use uuid::Uuid;

use crate::calls::TopicPartition;
use crate::cluster::Cluster;
use crate::link::{Copying, Link, Pair, StatusReader};
use crate::share::Share;
use crate::topics::{self, Seen, TopicError};

/// What a mirror topic is to be.
#[derive(Debug, Clone)]
pub struct MirrorSpec {
    /// Its link: the producer ids of its partitions follow from it.
    pub link: LinkId,
    /// The topic of the source.
    pub source: String,
    /// The mirror topic.
    pub mirror: MirrorTopic,
    /// How many replicas it is made with; the cluster's default if not said.
    pub replication_factor: Option<i16>,
    /// The number of the lease, where the link may write markers ([`Job::marker_epoch`]).
    pub marker_epoch: Option<i32>,
    /// How much at once, for each partition.
    pub limits: CopyLimits,
}

/// A mirror topic at work, or a worker's share of it.
#[derive(Debug)]
pub struct Mirror {
    spec: MirrorSpec,
    source_id: Option<Uuid>,
    caught_up: BTreeSet<i32>,
    partitions: BTreeMap<i32, Copying>,
    /// How many partitions there are; none before it was looked at.
    there: Option<i32>,
    blocked: Option<Blocked>,
    held: Vec<Held>,
}

impl Mirror {
    /// A mirror topic that nothing was done for yet.
    #[must_use]
    pub fn new(spec: MirrorSpec) -> Self {
        Self {
            spec,
            source_id: None,
            caught_up: BTreeSet::new(),
            partitions: BTreeMap::new(),
            there: None,
            blocked: None,
            held: Vec::new(),
        }
    }

    /// Goes on from what is known: which source it is that was copied, and which partitions have come to its end once. What others
    /// found out may be told again and again.
    pub fn know(&mut self, source_id: Option<Uuid>, caught_up: &BTreeSet<i32>) {
        self.source_id = self.source_id.or(source_id);
        self.caught_up.extend(caught_up);
    }

    /// Looks at both topics, does what is to be done, and begins to copy the partitions of the share that are not copied yet. It is
    /// to be called again and again: sources grow, and configs are changed by people.
    ///
    /// # Errors
    /// [`TopicError`]. [`TopicError::Blocked`] needs somebody to decide, and copying has stopped; all else is tried again by the next call.
    pub async fn tend(&mut self, link: &Link, share: &Share) -> Result<(), TopicError> {
        self.notice();
        let services = link.services();
        let source =
            topics::look(&services.source, &self.spec.source).await.map_err(TopicError::of_source)?;
        let Some(source) = source else {
            return Err(TopicError::NoSource { topic: self.spec.source.clone() });
        };
        let name = self.spec.mirror.as_str();
        let seen = topics::look(&services.mirror, name).await?;
        if seen.as_ref().is_some_and(|seen| seen.topic.id().is_some() && seen.topic.id() == source.topic.id())
        {
            return Err(TopicError::Itself { topic: name.to_owned() });
        }
        let is_occupied = self.is_occupied(&services.mirror, seen.as_ref()).await?;
        let mirror = seen.as_ref().map(Seen::as_mirror);
        let planned = match is_occupied {
            true => Err(Blocked::Occupied),
            false => plan(&source.as_source(), mirror.as_ref(), self.progress()),
        };
        let actions = match planned {
            Ok(actions) => actions,
            Err(blocked) => {
                self.blocked = Some(blocked);
                self.stop();
                return Err(blocked.into());
            }
        };
        let is_changed = actions.iter().any(|action| !matches!(action, Action::Alter { .. }));
        if share.keeps {
            topics::carry_out(&services.mirror, name, self.spec.replication_factor, actions).await?;
        }
        let seen = if is_changed { topics::look(&services.mirror, name).await? } else { seen };
        // Until all brokers have heard of it there is nothing to copy to.
        let Some(mirror) = seen else { return Ok(()) };
        self.blocked = None;
        self.source_id = source.topic.id().or(self.source_id);
        self.there = Some(source.partitions);
        self.held = if self.caught_up() { Vec::new() } else { held(&source.configs) };
        self.copy(link, share, &source, &mirror).await
    }

    /// The status of each partition that is copied here, by its number.
    pub fn partitions(&self) -> impl Iterator<Item = (i32, Status)> {
        self.partitions.iter().map(|(partition, copying)| (*partition, copying.status()))
    }

    /// Where the status of each partition can be read while it is copied.
    pub fn readers(&self) -> BTreeMap<i32, StatusReader> {
        self.partitions.iter().map(|(partition, copying)| (*partition, copying.reader())).collect()
    }

    /// Whether both topics were there when they were looked at.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.there.is_some()
    }

    /// Why somebody has to decide.
    #[must_use]
    pub fn blocked(&self) -> Option<Blocked> {
        self.blocked
    }

    /// The configs that have other values than the source until the mirror has caught up.
    #[must_use]
    pub fn held(&self) -> &[Held] {
        &self.held
    }

    /// The id of the source that is copied; none before it was seen, and where brokers are too old to have any.
    #[must_use]
    pub fn source_id(&self) -> Option<Uuid> {
        self.source_id
    }

    /// Looks which partitions have come to the end of their source, and gives all of which that is known.
    pub fn notice(&mut self) -> &BTreeSet<i32> {
        let at_end = |status: Status| {
            status.phase == Phase::Copying && status.position.is_some() && status.lag() == Some(0)
        };
        let now = self.partitions.iter().filter(|(_, copying)| at_end(copying.status()));
        self.caught_up.extend(now.map(|(partition, _)| *partition));
        &self.caught_up
    }

    /// Whether each partition has come to the end of its source at least once.
    #[must_use]
    pub fn caught_up(&self) -> bool {
        self.there.is_some_and(|there| (0..there).all(|partition| self.caught_up.contains(&partition)))
    }

    /// Stops copying; what is in flight is waited for by [`Link::stop`].
    pub fn stop(&mut self) {
        std::mem::take(&mut self.partitions).into_values().for_each(Copying::stop);
    }

    /// Whether the mirror is somebody else's. One that was copied before is not, whatever people made of its configs since.
    async fn is_occupied(&self, cluster: &Cluster, seen: Option<&Seen>) -> Result<bool, TopicError> {
        match seen {
            Some(seen) if self.source_id.is_none() && !is_made_by_a_link(&seen.configs) => {
                Ok(!topics::is_empty(cluster, seen).await?)
            }
            _ => Ok(false),
        }
    }

    fn progress(&self) -> Progress {
        Progress { source_id: self.source_id, caught_up: self.caught_up() }
    }

    async fn copy(
        &mut self,
        link: &Link,
        share: &Share,
        source: &Seen,
        mirror: &Seen,
    ) -> Result<(), TopicError> {
        let is_new = |pair: &Pair| {
            share.has(pair.mirror.partition) && !self.partitions.contains_key(&pair.mirror.partition)
        };
        let there = 0..source.partitions.min(mirror.partitions);
        if there.clone().all(|partition| !share.has(partition) || self.partitions.contains_key(&partition)) {
            return Ok(());
        }
        let expiration = topics::producer_expiration_ms(&link.services().mirror).await?;
        for pair in self.spec.pairs(source, mirror, expiration).into_iter().filter(is_new).collect::<Vec<_>>()
        {
            self.partitions.insert(pair.mirror.partition, link.copy(pair));
        }
        Ok(())
    }
}

/// The partitions of a mirror topic that are there on both sides, for whoever compares them.
///
/// # Errors
/// [`TopicError`].
pub async fn pairs(source: &Cluster, mirror: &Cluster, spec: &MirrorSpec) -> Result<Vec<Pair>, TopicError> {
    let none = |topic: &str| TopicError::NoSource { topic: topic.to_owned() };
    let from = topics::look(source, &spec.source).await.map_err(TopicError::of_source)?;
    let from = from.ok_or_else(|| none(&spec.source))?;
    // A mirror that was not made yet has no partitions.
    let Some(to) = topics::look(mirror, spec.mirror.as_str()).await? else { return Ok(Vec::new()) };
    let expiration = topics::producer_expiration_ms(mirror).await?;
    Ok(spec.pairs(&from, &to, expiration))
}

impl MirrorSpec {
    fn pairs(&self, source: &Seen, mirror: &Seen, producer_expiration_ms: i64) -> Vec<Pair> {
        let at = |seen: &Seen, partition| TopicPartition::new(seen.topic.clone(), partition);
        let there = 0..source.partitions.min(mirror.partitions);
        let pairs = there.map(|partition| Pair {
            source: at(source, partition),
            mirror: at(mirror, partition),
            job: self.job(partition, source.is_compacted(), producer_expiration_ms),
        });
        pairs.collect()
    }

    fn job(&self, partition: i32, compacted: bool, producer_expiration_ms: i64) -> Job {
        let ProducerIds { data, markers } = ProducerIds::of(self.link, &self.mirror, partition);
        Job {
            producer_id: data,
            marker_id: markers,
            marker_epoch: self.marker_epoch,
            fillers: if compacted { Kind::Keyed } else { Kind::Plain },
            compacted,
            producer_expiration_ms,
            limits: self.limits,
        }
    }
}
