//! What is asked of a broker about one partition, one question at a time: where its log begins and ends, what it holds, and the
//! changes that nothing else may be under way for.

use std::num::NonZeroUsize;
use std::sync::Arc;

use bytes::Bytes;
use tidegate_client::{AskError, Endpoint};
use tidegate_link::copy::{Bounds, Event, Mark, Producer, Seen, Trouble};
use tidegate_wire::error_code::ErrorCode;
use tokio::time::Duration;

use crate::calls::delete_records::{Deletion, delete_records};
use crate::calls::describe_producers::describe_producers;
use crate::calls::fetch::{Fetch, FetchPartition, fetch};
use crate::calls::list_offsets::{ListedOffset, Spot, list_offsets};
use crate::calls::write_markers::{AbortMarkers, write_abort_markers};
use crate::calls::{Isolation, LedPartition, Refusal, TopicPartition};
use crate::cluster::{Cluster, Turn};
use crate::lease::Lease;
use crate::limits::REPLICAS;

/// Bytes of one look into the mirror: a batch comes whole, however large.
const SCAN_BYTES: i32 = 1 << 20;

/// A question, with what it takes to ask it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Question {
    /// What the mirror is, for a producer of this id.
    Look {
        producer_id: i64,
    },
    Bounds,
    Scan {
        offset: i64,
    },
    Mark(Mark),
    Delete {
        before: i64,
    },
}

impl Question {
    /// Whether it changes a log where no broker guards it: the lease has to be held.
    const fn is_change(&self) -> bool {
        matches!(self, Self::Mark(_) | Self::Delete { .. })
    }
}

/// Asks the broker that leads a partition; none when it cannot be reached or the lease is not held, and so was not asked.
pub(crate) async fn ask(
    cluster: &Arc<Cluster>,
    leader: &Endpoint,
    at: TopicPartition,
    question: Question,
    lease: &Lease,
) -> Option<Event> {
    let line = cluster.line(leader);
    let turn = line.turn(cluster).await?;
    // The turn may have taken a while, and a new connection too: the lease is looked at when the bytes can go out.
    if question.is_change() && !lease.is_held() {
        turn.end();
        return None;
    }
    let mut asking = Asking { turn, led: LedPartition { at, leader_epoch: None } };
    let answer = asking.ask(question).await;
    if refusal(&answer).is_some_and(ErrorCode::is_stale_leader) {
        cluster.forget(&asking.led.at.topic);
    }
    asking.turn.end();
    Some(answer)
}

struct Asking<'a> {
    turn: Turn<'a>,
    led: LedPartition,
}

impl Asking<'_> {
    async fn ask(&mut self, question: Question) -> Event {
        match question {
            Question::Look { producer_id } => Event::Seen(self.look(producer_id).await),
            Question::Bounds => Event::Bounds(self.bounds().await),
            Question::Scan { offset } => Event::Scanned(self.scan(offset).await),
            Question::Mark(mark) => Event::Marked(self.mark(mark).await),
            Question::Delete { before } => Event::Deleted(self.delete(before).await),
        }
    }

    async fn bounds(&mut self) -> Result<Bounds, Trouble> {
        Ok(Bounds { start: self.spot(Spot::Start).await?, end: self.spot(Spot::LastStableOffset).await? })
    }

    /// The producer first: when an append is under way, what comes later is the end that goes with it, or another one.
    async fn look(&mut self, producer_id: i64) -> Result<Seen, Trouble> {
        let at = std::slice::from_ref(&self.led.at);
        let known = one(describe_producers(self.turn.kept.ready().await, at).await)?;
        let producer = known.into_iter().find(|known| known.id == producer_id).map(|known| Producer {
            epoch: i16::try_from(known.epoch).unwrap_or(i16::MAX),
            last_sequence: known.last_sequence,
            last_timestamp: known.last_timestamp,
        });
        Ok(Seen {
            producer,
            start: self.spot(Spot::Start).await?,
            end: self.spot(Spot::LogEnd).await?,
            committed: self.spot(Spot::HighWatermark).await?,
        })
    }

    async fn spot(&mut self, spot: Spot) -> Result<i64, Trouble> {
        let at = std::slice::from_ref(&self.led);
        let ListedOffset { offset, .. } = one(list_offsets(self.turn.kept.ready().await, spot, at).await)?;
        Ok(offset)
    }

    async fn scan(&mut self, offset: i64) -> Result<Bytes, Trouble> {
        let partition = FetchPartition {
            at: self.led.at.clone(),
            offset,
            max_bytes: SCAN_BYTES,
            leader_epoch: None,
            last_fetched_epoch: None,
        };
        let request = Fetch {
            isolation: Isolation::ReadUncommitted,
            max_wait: Duration::ZERO,
            min_bytes: 0,
            max_bytes: SCAN_BYTES,
            partitions: vec![partition],
        };
        loop {
            let answer = fetch(self.turn.kept.ready().await, &request).await;
            let answer = answer.map_err(|error| trouble(&error))?;
            self.turn.kept.be_silent(answer.throttle);
            // Without one the broker only wants to be left alone for a while.
            let Some(fetched) = answer.partitions.into_iter().next() else { continue };
            let is_read = fetched.error.is_none();
            return if is_read { Ok(fetched.records) } else { Err(Trouble::Refused(fetched.error)) };
        }
    }

    async fn mark(&mut self, mark: Mark) -> Result<i64, Trouble> {
        let Mark { count, producer_id, coordinator_epoch } = mark;
        let count = usize::try_from(count).ok().and_then(NonZeroUsize::new).ok_or(Trouble::NotSent)?;
        let at = self.led.at.clone();
        let markers = AbortMarkers { at, producer_id, producer_epoch: 0, coordinator_epoch, count };
        write_abort_markers(self.turn.kept.ready().await, &markers).await.map_err(|error| trouble(&error))?;
        self.spot(Spot::LogEnd).await
    }

    async fn delete(&mut self, before: i64) -> Result<i64, Trouble> {
        let deletion = Deletion { at: self.led.at.clone(), before };
        one(delete_records(self.turn.kept.ready().await, &[deletion], REPLICAS).await)
    }
}

/// What the broker says against it.
fn refusal(answer: &Event) -> Option<ErrorCode> {
    match answer {
        Event::Seen(Err(Trouble::Refused(code)))
        | Event::Bounds(Err(Trouble::Refused(code)))
        | Event::Scanned(Err(Trouble::Refused(code)))
        | Event::Marked(Err(Trouble::Refused(code)))
        | Event::Deleted(Err(Trouble::Refused(code))) => Some(*code),
        _ => None,
    }
}

/// The one answer to a question about one partition.
fn one<T>(answers: Result<Vec<Result<T, Refusal>>, AskError>) -> Result<T, Trouble> {
    let answers = answers.map_err(|error| trouble(&error))?;
    let answer = answers.into_iter().next().ok_or(Trouble::Lost)?;
    answer.map_err(|refusal| Trouble::Refused(refusal.code))
}

fn trouble(error: &AskError) -> Trouble {
    match error {
        AskError::Refused { code, .. } => Trouble::Refused(*code),
        AskError::Unsupported { .. } => Trouble::Refused(ErrorCode::UNSUPPORTED_VERSION),
        _ => Trouble::Lost,
    }
}
