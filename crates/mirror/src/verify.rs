//! A mirror held against its source, record by record, from the logs of both.

use std::sync::Arc;

use thiserror::Error;
use tidegate_client::{AskError, ConnectError, Connection};
use tidegate_link::rewrite::Limits;
use tidegate_link::source::{Aborted, Answer};
use tidegate_link::verify::{Next, Report, Spec, Verifier, VerifyError as LogError};
use tidegate_wire::error_code::ErrorCode;
use tokio::time::{Duration, sleep};

use crate::calls::fetch::{Fetch, FetchPartition, Fetched, fetch};
use crate::calls::list_offsets::{Spot, list_offsets};
use crate::calls::{Isolation, LedPartition, Refusal, TopicPartition};
use crate::cluster::{Cluster, ClusterError};
use crate::kept::Kept;
use crate::link::Pair;

/// Bytes of one answer.
const BYTES: i32 = 4 << 20;

/// A broker that has nothing where there should be something is asked again after this.
const PAUSE: Duration = Duration::from_millis(200);

/// How often in a row it may have nothing.
const PATIENCE: u32 = 50;

/// Why a mirror could not be held against its source.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// What was read cannot be compared.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A cluster cannot be asked.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// A broker cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A broker does not answer.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// A broker refuses.
    #[error("{at} cannot be read: {code}; it takes the right to READ the topic, and a leader")]
    Refused {
        /// Which partition.
        at: TopicPartition,
        /// What the broker says.
        code: ErrorCode,
    },
    /// There is nothing where the log says that there is.
    #[error(
        "{at} has nothing at offset {offset}, though it goes on behind it: compare again once something was written there"
    )]
    Nothing {
        /// Which partition.
        at: TopicPartition,
        /// Where.
        offset: i64,
    },
}

/// Compares what both logs hold now; `progress` hears, after each answer, up to which offset of which everything is compared.
///
/// # Errors
/// [`VerifyError`]; there is no verdict then.
pub async fn verify(
    source: &Arc<Cluster>,
    mirror: &Arc<Cluster>,
    pair: &Pair,
    mut progress: impl FnMut(i64, i64),
) -> Result<Report, VerifyError> {
    let mut source = Reader::open(source, &pair.source).await?;
    let mut mirror = Reader::open(mirror, &pair.mirror).await?;
    let start = source.spot(Spot::Start).await?.max(mirror.spot(Spot::Start).await?);
    let end = source.spot(Spot::LastStableOffset).await?.min(mirror.spot(Spot::HighWatermark).await?);
    let mut verifier = Verifier::new(Spec {
        offsets: start..end.max(start),
        producer_id: pair.job.producer_id,
        compacted: pair.job.compacted,
        limits: Limits::default(),
    });
    let mut idle = 0;
    loop {
        let before = verifier.next();
        match before {
            Next::Source(offset) => {
                let Fetched { records, aborted, .. } = source.read(offset, Isolation::ReadCommitted).await?;
                let aborted = aborted
                    .iter()
                    .map(|one| Aborted { producer_id: one.producer_id, first_offset: one.first_offset });
                verifier.source(Answer { records, aborted: aborted.collect() })?;
            }
            Next::Mirror(offset) => {
                let fetched = mirror.read(offset, Isolation::ReadUncommitted).await?;
                verifier.mirror(&fetched.records)?;
            }
            Next::Done => return Ok(verifier.finish()),
        }
        progress(verifier.position(), end);
        idle = if verifier.next() == before { idle + 1 } else { 0 };
        if idle > PATIENCE {
            return Err(nothing(before, pair));
        }
        if idle > 0 {
            sleep(PAUSE).await;
        }
    }
}

fn nothing(next: Next, pair: &Pair) -> VerifyError {
    match next {
        Next::Source(offset) => VerifyError::Nothing { at: pair.source.clone(), offset },
        Next::Mirror(offset) => VerifyError::Nothing { at: pair.mirror.clone(), offset },
        Next::Done => VerifyError::Nothing { at: pair.mirror.clone(), offset: -1 },
    }
}

/// A partition that is read from its leader.
struct Reader {
    cluster: Arc<Cluster>,
    kept: Kept,
    at: TopicPartition,
}

impl Reader {
    async fn open(cluster: &Arc<Cluster>, at: &TopicPartition) -> Result<Self, VerifyError> {
        let leader = cluster.leader(at).await?;
        let kept = Kept::new(cluster.connect(&leader).await?);
        Ok(Self { cluster: Arc::clone(cluster), kept, at: at.clone() })
    }

    async fn connection(&mut self) -> Result<&mut Connection, VerifyError> {
        if !self.kept.serves() {
            self.kept = Kept::new(self.cluster.connect(self.kept.connection.endpoint()).await?);
        }
        Ok(self.kept.ready().await)
    }

    async fn spot(&mut self, spot: Spot) -> Result<i64, VerifyError> {
        let led = LedPartition { at: self.at.clone(), leader_epoch: None };
        let told = list_offsets(self.connection().await?, spot, &[led]).await?.into_iter().next();
        match told {
            Some(Ok(listed)) => Ok(listed.offset),
            Some(Err(Refusal { code, .. })) => Err(VerifyError::Refused { at: self.at.clone(), code }),
            None => Err(VerifyError::Nothing { at: self.at.clone(), offset: -1 }),
        }
    }

    async fn read(&mut self, offset: i64, isolation: Isolation) -> Result<Fetched, VerifyError> {
        let partition = FetchPartition {
            at: self.at.clone(),
            offset,
            max_bytes: BYTES,
            leader_epoch: None,
            last_fetched_epoch: None,
        };
        let request = Fetch {
            isolation,
            max_wait: Duration::ZERO,
            min_bytes: 0,
            max_bytes: BYTES,
            partitions: vec![partition],
        };
        loop {
            let answer = fetch(self.connection().await?, &request).await?;
            self.kept.be_silent(answer.throttle);
            match answer.partitions.into_iter().next() {
                Some(fetched) if fetched.error.is_none() => return Ok(fetched),
                Some(fetched) => {
                    return Err(VerifyError::Refused { at: self.at.clone(), code: fetched.error });
                }
                // The broker only wants to be left alone for a while.
                None => {}
            }
        }
    }
}
