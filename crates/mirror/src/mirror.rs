//! One mirror topic, tended from time to time: whatever is missing is made, and each partition is copied.

use tidegate_core::{LinkId, MirrorTopic, ProducerIds};
use tidegate_link::copy::{CopyLimits, Job, Phase, Status};
use tidegate_link::topic::{Action, Held, Progress, held, plan};
use tidegate_wire::filler::Kind;

use crate::calls::TopicPartition;
use crate::link::{Copying, Link, Pair};
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

/// A mirror topic at work.
#[derive(Debug)]
pub struct Mirror {
    spec: MirrorSpec,
    progress: Progress,
    partitions: Vec<Copying>,
    held: Vec<Held>,
}

impl Mirror {
    /// A mirror topic that nothing was done for yet.
    #[must_use]
    pub fn new(spec: MirrorSpec) -> Self {
        let progress = Progress { source_id: None, caught_up: false };
        Self { spec, progress, partitions: Vec::new(), held: Vec::new() }
    }

    /// Looks at both topics, does what is to be done, and begins to copy the partitions that are not copied yet. It is to be called
    /// again and again: sources grow, and configs are changed by people.
    ///
    /// # Errors
    /// [`TopicError`]. [`TopicError::Blocked`] needs somebody to decide, and copying has stopped; all else is tried again by the next call.
    pub async fn tend(&mut self, link: &mut Link) -> Result<(), TopicError> {
        let services = link.services();
        let Some(source) = topics::look(&services.source, &self.spec.source).await? else {
            return Err(TopicError::NoSource { topic: self.spec.source.clone() });
        };
        let name = self.spec.mirror.as_str();
        let seen = topics::look(&services.mirror, name).await?;
        self.progress.caught_up |= self.has_caught_up();
        let mirror = seen.as_ref().map(Seen::as_mirror);
        let actions = match plan(&source.as_source(), mirror.as_ref(), self.progress) {
            Ok(actions) => actions,
            Err(blocked) => {
                self.stop();
                return Err(blocked.into());
            }
        };
        let is_changed = actions.iter().any(|action| !matches!(action, Action::Alter { .. }));
        topics::carry_out(&services.mirror, name, self.spec.replication_factor, actions).await?;
        let seen = if is_changed { topics::look(&services.mirror, name).await? } else { seen };
        // Until all brokers have heard of it there is nothing to copy to.
        let Some(mirror) = seen else { return Ok(()) };
        self.progress.source_id = source.topic.id();
        self.held = if self.progress.caught_up { Vec::new() } else { held(&source.configs) };
        self.copy_all(link, &source, &mirror).await
    }

    /// The status of each partition that is copied, in the order of their numbers.
    pub fn partitions(&self) -> impl Iterator<Item = Status> {
        self.partitions.iter().map(Copying::status)
    }

    /// The configs that have other values than the source until the mirror has caught up.
    #[must_use]
    pub fn held(&self) -> &[Held] {
        &self.held
    }

    /// Whether each partition has come to the end of its source at least once.
    #[must_use]
    pub fn caught_up(&self) -> bool {
        self.progress.caught_up
    }

    /// Stops copying; what is in flight is waited for by [`Link::stop`].
    pub fn stop(&mut self) {
        self.partitions.drain(..).for_each(Copying::stop);
    }

    async fn copy_all(&mut self, link: &mut Link, source: &Seen, mirror: &Seen) -> Result<(), TopicError> {
        let there = source.partitions.min(mirror.partitions);
        let copied = i32::try_from(self.partitions.len()).unwrap_or(i32::MAX);
        if copied >= there {
            return Ok(());
        }
        let producer_expiration_ms = topics::producer_expiration_ms(&link.services().mirror).await?;
        for partition in copied..there {
            let job = self.job(partition, source.is_compacted(), producer_expiration_ms);
            let at = |seen: &Seen| TopicPartition::new(seen.topic.clone(), partition);
            let pair = Pair { source: at(source), mirror: at(mirror), job };
            // A partition more is one that has not caught up, and may have anything to copy.
            self.progress.caught_up = false;
            self.partitions.push(link.copy(pair));
        }
        Ok(())
    }

    fn job(&self, partition: i32, compacted: bool, producer_expiration_ms: i64) -> Job {
        let ProducerIds { data, markers } = ProducerIds::of(self.spec.link, &self.spec.mirror, partition);
        Job {
            producer_id: data,
            marker_id: markers,
            marker_epoch: self.spec.marker_epoch,
            fillers: if compacted { Kind::Keyed } else { Kind::Plain },
            compacted,
            producer_expiration_ms,
            limits: self.spec.limits,
        }
    }

    fn has_caught_up(&self) -> bool {
        let at_end = |status: Status| {
            status.phase == Phase::Copying && status.position.is_some() && status.lag() == Some(0)
        };
        !self.partitions.is_empty() && self.partitions().all(at_end)
    }
}
