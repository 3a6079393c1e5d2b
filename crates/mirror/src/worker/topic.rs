//! One mirror topic, or a share of it: what its record says is done, and what is seen is written down.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_core::records::{LinkRecord, MirrorError, MirrorRecord, MirrorStatus};
use tidegate_core::registry::{SeenMirror, SeenPartition};
use tidegate_core::store::Image;
use tidegate_core::{MirrorTopic, SourceTopic, SourceTopicId};
use tidegate_link::copy::{Failure, Phase, Status};
use tidegate_link::topic::Blocked;
use tokio::time::{Duration, Instant, sleep, timeout};

use super::board::{Board, Entry};
use super::records::{Records, RecordsError, Seen};
use super::spec::LinkSpec;
use crate::link::Link;
use crate::mirror::{Mirror, MirrorSpec};
use crate::share::Share;
use crate::topics::TopicError;

/// Whoever hides fillers from readers hears of a new mirror within milliseconds where it reads the store at all; nothing is written
/// into the mirror before this time is over.
const READERS: Duration = Duration::from_secs(2);

/// How often partitions are looked at for one that has failed or caught up.
const LOOK: Duration = Duration::from_secs(1);
/// How often topics are looked at until the mirror has caught up: it is to be made, or to be given its own configs.
const SOON: Duration = Duration::from_secs(3);
/// How often afterwards: a source grows, or somebody changes configs. Metadata of Kafka's clients is as old at times.
const LATER: Duration = Duration::from_secs(30);

/// For how long the source may say that there is no such topic until it counts as deleted: a cluster that starts says so, too.
const GONE: Duration = Duration::from_secs(60);
/// For how long a source may not answer until the mirror says so.
const UNAVAILABLE: Duration = Duration::from_secs(30);

/// One mirror topic of a worker.
pub(super) struct Keeping {
    pub(super) link: Arc<Link>,
    pub(super) of: LinkRecord,
    pub(super) topic: MirrorTopic,
    pub(super) spec: Arc<LinkSpec>,
    /// The number of this assignment, where markers are written.
    pub(super) marker_epoch: Option<i32>,
    pub(super) share: Share,
    pub(super) records: Records,
    pub(super) board: Board,
}

/// What is remembered between two looks.
struct Kept {
    mirror: Mirror,
    /// When topics are to be looked at next.
    due: Instant,
    problem: Option<String>,
    /// Since when the source has no such topic, or does not answer.
    absent: Option<Instant>,
    silent: Option<Instant>,
    /// What was written down last.
    written: SeenMirror,
    is_paused: Seen<bool>,
    record: Seen<MirrorRecord>,
}

impl Keeping {
    /// Until the task is dropped.
    pub(super) async fn run(self) {
        let mut kept = Kept {
            mirror: Mirror::new(self.mirror_spec(self.source().await)),
            due: Instant::now(),
            problem: None,
            absent: None,
            silent: None,
            written: SeenMirror::default(),
            is_paused: Seen::default(),
            record: Seen::default(),
        };
        loop {
            let image = self.records.image();
            let wait = match self.turn(&mut kept, &image).await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::warn!(topic = %self.topic, %error, "what a mirror topic does is not written down");
                    kept.problem = Some(error.to_string());
                    LOOK
                }
            };
            // Whatever is changed in the store may be a word to this mirror.
            if let Ok(Err(_)) = timeout(wait, self.records.later(&image)).await {
                sleep(wait).await;
            }
        }
    }

    /// What the mirror copies, as soon as its record is to be seen here.
    async fn source(&self) -> SourceTopic {
        loop {
            let image = self.records.image();
            if let Ok(Some(record)) = self.records.mirror(&image, &self.of, &self.topic, &mut Seen::default())
            {
                return record.source;
            }
            // A store that tells nothing any more has told so.
            let _ = timeout(LATER, self.records.later(&image)).await;
            sleep(LOOK).await;
        }
    }

    fn mirror_spec(&self, source: SourceTopic) -> MirrorSpec {
        MirrorSpec {
            link: self.of.id,
            source: source.to_string(),
            mirror: self.topic.clone(),
            replication_factor: self.spec.replication_factor,
            marker_epoch: self.marker_epoch,
            limits: self.spec.limits,
        }
    }

    /// Does what the record says, and tells how long that is good for.
    async fn turn(&self, kept: &mut Kept, image: &Image) -> Result<Duration, RecordsError> {
        let is_paused = self.records.waits(image, &self.of, &mut kept.is_paused)?;
        let Some(record) = self.records.mirror(image, &self.of, &self.topic, &mut kept.record)? else {
            kept.mirror.stop();
            return Ok(LATER);
        };
        kept.mirror.know(record.source_id.map(uuid), &record.caught_up);
        let works = matches!(
            record.status,
            MirrorStatus::PendingMirror | MirrorStatus::Active | MirrorStatus::SourceUnavailable
        );
        if is_paused || !works {
            kept.mirror.stop();
            kept.due = Instant::now();
            self.show(kept, record);
            return Ok(LATER);
        }
        if let Some(rest) = self.readers_hear(&record) {
            self.show(kept, record);
            return Ok(rest);
        }
        if Instant::now() >= kept.due {
            let tended = kept.mirror.tend(&self.link, &self.share).await;
            kept.due = Instant::now() + if kept.mirror.caught_up() { LATER } else { SOON };
            self.heed(kept, tended.as_ref().err());
        }
        let seen = self.seen(kept);
        // Somebody may have had it wait, or go on, since that was written down.
        let is_known = seen.status.as_ref().is_none_or(|(status, _)| *status == record.status);
        self.show(kept, record);
        if seen != kept.written || !is_known {
            self.records.see(&self.of, &[(self.topic.clone(), seen.clone())]).await?;
            kept.written = seen;
        }
        Ok(LOOK)
    }

    /// How long readers may still take to hear of a mirror that is new.
    fn readers_hear(&self, record: &MirrorRecord) -> Option<Duration> {
        let is_new = record.status == MirrorStatus::PendingMirror;
        let age = Duration::from_micros(self.records.now().0.saturating_sub(record.since.0));
        READERS.checked_sub(age).filter(|rest| is_new && !rest.is_zero())
    }

    /// Takes in how looking at the topics went.
    fn heed(&self, kept: &mut Kept, error: Option<&TopicError>) {
        kept.problem = error.map(ToString::to_string);
        let since = |is_so: bool, known: Option<Instant>| is_so.then(|| known.unwrap_or_else(Instant::now));
        kept.absent = since(matches!(error, Some(TopicError::NoSource { .. })), kept.absent);
        kept.silent = since(matches!(error, Some(TopicError::Source(_))), kept.silent);
        if let Some(error) = error {
            tracing::warn!(topic = %self.topic, %error, "a mirror topic is not as it should be");
        }
    }

    /// What is to be written down: by the keeper what the topic does, by everybody what has failed or caught up.
    fn seen(&self, kept: &mut Kept) -> SeenMirror {
        let caught_up = kept.mirror.notice().clone();
        let statuses: BTreeMap<i32, Status> = kept.mirror.partitions().collect();
        let partitions = statuses.iter().filter(|(partition, _)| caught_up.contains(partition));
        let partitions = partitions
            .map(|(partition, _)| (*partition, SeenPartition { fetched: None, caught_up: true }))
            .collect();
        let failed = failed(&statuses).or_else(|| self.blocked(kept));
        let status = match failed {
            Some((error, why)) => Some((MirrorStatus::Failed(error), Some(why))),
            None if self.share.keeps => kept.status().map(|status| (status, None)),
            None => None,
        };
        let source_id = kept.mirror.source_id().and_then(|id| SourceTopicId::from_bytes(id.into_bytes()));
        SeenMirror { status, source_id, partitions }
    }

    /// What the keeper cannot mend.
    fn blocked(&self, kept: &Kept) -> Option<(MirrorError, String)> {
        if !self.share.keeps {
            return None;
        }
        let why = kept.problem.clone().unwrap_or_default();
        if kept.absent.is_some_and(|since| since.elapsed() > GONE) && kept.mirror.source_id().is_some() {
            return Some((MirrorError::SourceTopicMayBeDeleted, why));
        }
        let error = match kept.mirror.blocked()? {
            Blocked::TooMany { .. } => MirrorError::SourcePartitionsDecreased,
            Blocked::Occupied => MirrorError::IllegalState,
            _ => MirrorError::SourceTopicIdChanged,
        };
        Some((error, why))
    }

    fn show(&self, kept: &Kept, record: MirrorRecord) {
        self.board.put(Entry {
            record,
            problem: kept.problem.clone(),
            held: kept.mirror.held().to_vec(),
            partitions: kept.mirror.readers(),
        });
    }
}

/// What was fetched, for whoever has to know it once nobody copies any more.
pub(super) fn last_words(board: &Board) -> Vec<(MirrorTopic, SeenMirror)> {
    board.entries().into_iter().map(|entry| (entry.record.topic.clone(), fetched(&entry))).collect()
}

impl Kept {
    /// None before anything is known.
    fn status(&self) -> Option<MirrorStatus> {
        if self.silent.is_some_and(|since| since.elapsed() > UNAVAILABLE) {
            return Some(MirrorStatus::SourceUnavailable);
        }
        let is_well = self.problem.is_none() && self.mirror.is_there();
        is_well.then_some(MirrorStatus::Active)
    }
}

fn fetched(entry: &Entry) -> SeenMirror {
    let last = |status: Status| status.position.and_then(|position| u64::try_from(position - 1).ok());
    let partitions = entry.partitions.iter().map(|(partition, reader)| {
        (*partition, SeenPartition { fetched: last(reader.status()), caught_up: false })
    });
    SeenMirror { partitions: partitions.collect(), ..SeenMirror::default() }
}

/// The first partition that cannot go on. That another worker has it is no failure of the mirror.
fn failed(statuses: &BTreeMap<i32, Status>) -> Option<(MirrorError, String)> {
    statuses.iter().find_map(|(partition, status)| {
        let Phase::Failed(failure) = &status.phase else { return None };
        let error = match failure {
            Failure::Superseded => return None,
            Failure::Truncated(_) => MirrorError::UnexpectedTruncation,
            _ => MirrorError::IllegalState,
        };
        Some((error, format!("partition {partition}: {failure}")))
    })
}

fn uuid(id: SourceTopicId) -> uuid::Uuid {
    uuid::Uuid::from_bytes(*id.as_bytes())
}
