//! Fetches from one broker of the source, over two connections: one asks for partitions that have just had something, and is
//! answered at once; the other waits with all of the rest until one of them has something.
//!
//! So a thousand partitions that hardly ever have anything take one request at a time, and none waits for another.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tidegate_client::Endpoint;
use tidegate_link::copy::{self, Event, Trouble};
use tidegate_link::source::Aborted;
use tokio::sync::mpsc;
use tokio::time::Duration;

use crate::budget::{Budget, Room};
use crate::calls::fetch::{Fetch, FetchAnswer, FetchPartition, Fetched, fetch};
use crate::calls::{Isolation, TopicPartition};
use crate::cluster::Cluster;
use crate::kept::Kept;
use crate::reply::Reply;

/// What a partition wants of its source.
pub(crate) struct Want {
    pub(crate) at: TopicPartition,
    pub(crate) offset: i64,
    pub(crate) last_epoch: Option<i32>,
    /// At least so many bytes.
    pub(crate) wants: Option<usize>,
    /// The end of the source that the partition knows; it is told of another one.
    pub(crate) end: Option<i64>,
    pub(crate) reply: Reply,
}

/// Bytes of one partition in an answer: one broker's default for a batch at most.
const PARTITION_BYTES: usize = 1 << 20;

/// Bytes of an answer of the connection that does not wait: some partitions' worth.
const BUSY_BYTES: usize = 4 << 20;

/// And of the one that waits: whoever has more is busy from then on.
const IDLE_BYTES: usize = 512 << 10;

/// How long the waiting one waits: a partition that comes to it has to wait for its turn so long at most.
const IDLE_WAIT: Duration = Duration::from_millis(100);

/// What a batch may be said to need before it is thought to be a mistake: the most that fits the client's own limit for answers.
const MOST_WANTED: usize = 48 << 20;

/// Begins to take wants for a broker; it ends with the last sender.
pub(crate) fn start(cluster: Arc<Cluster>, broker: Endpoint, budget: Budget) -> mpsc::UnboundedSender<Want> {
    let (busy, to_busy) = mpsc::unbounded_channel();
    let (idle, to_idle) = mpsc::unbounded_channel();
    let lane = |wants, quiet, patience| Lane {
        cluster: Arc::clone(&cluster),
        broker: broker.clone(),
        budget: budget.clone(),
        wants,
        quiet,
        patience,
        known: HashMap::new(),
        turns: VecDeque::new(),
        kept: None,
    };
    tokio::spawn(lane(to_busy, Some(idle), Duration::ZERO).run());
    tokio::spawn(lane(to_idle, None, IDLE_WAIT).run());
    busy
}

/// One of the two connections.
struct Lane {
    cluster: Arc<Cluster>,
    broker: Endpoint,
    budget: Budget,
    /// There is one for each partition at most, but for a moment.
    wants: mpsc::UnboundedReceiver<Want>,
    /// Where partitions go that have nothing; they stay if there is no such place.
    quiet: Option<mpsc::UnboundedSender<Want>>,
    patience: Duration,
    known: HashMap<TopicPartition, Want>,
    /// Whose turn it is: who had something is last.
    turns: VecDeque<TopicPartition>,
    kept: Option<Kept>,
}

impl Lane {
    async fn run(mut self) {
        while self.take_wants().await {
            let bytes = if self.quiet.is_some() { BUSY_BYTES } else { IDLE_BYTES };
            let bytes = bytes.max(self.most_wanted());
            let Some(room) = self.budget.room(bytes).await else { return };
            let request = self.request(bytes);
            if request.partitions.is_empty() {
                continue;
            }
            match self.ask(&request).await {
                Some(answer) => self.hand_out(&request, answer, room),
                None => self.give_up(),
            }
        }
    }

    /// Takes what has come, and waits if there is nothing else to do; whether there ever will be.
    async fn take_wants(&mut self) -> bool {
        if self.known.is_empty() {
            match self.wants.recv().await {
                Some(want) => self.take(want),
                None => return false,
            }
        }
        while let Ok(want) = self.wants.try_recv() {
            self.take(want);
        }
        true
    }

    /// A newer want of a partition takes the place of the one before it.
    fn take(&mut self, want: Want) {
        let at = want.at.clone();
        if self.known.insert(at.clone(), want).is_none() {
            self.turns.push_back(at);
        }
    }

    fn most_wanted(&self) -> usize {
        let wants = self.known.values().filter_map(|want| want.wants);
        wants.max().unwrap_or(0).min(MOST_WANTED)
    }

    fn request(&mut self, bytes: usize) -> Fetch {
        let known = &mut self.known;
        known.retain(|_, want| !want.reply.is_closed());
        self.turns.retain(|at| known.contains_key(at));
        let partitions = self.turns.iter().filter_map(|at| known.get(at)).map(|want| FetchPartition {
            at: want.at.clone(),
            offset: want.offset,
            max_bytes: size(want.wants.unwrap_or(0).clamp(PARTITION_BYTES, MOST_WANTED)),
            leader_epoch: None,
            last_fetched_epoch: want.last_epoch,
        });
        Fetch {
            isolation: Isolation::ReadCommitted,
            max_wait: self.patience,
            min_bytes: 1,
            max_bytes: size(bytes),
            partitions: partitions.collect(),
        }
    }

    async fn ask(&mut self, request: &Fetch) -> Option<FetchAnswer> {
        let mut kept = match self.kept.take().filter(Kept::serves) {
            Some(kept) => kept,
            None => match self.cluster.connect(&self.broker).await {
                Ok(connection) => Kept::new(connection),
                Err(error) => {
                    tracing::debug!(broker = %self.broker, %error, "no connection for fetches");
                    return None;
                }
            },
        };
        match fetch(kept.ready().await, request).await {
            Ok(answer) => {
                kept.be_silent(answer.throttle);
                self.kept = Some(kept);
                Some(answer)
            }
            Err(error) => {
                tracing::debug!(broker = %self.broker, %error, "a fetch has failed");
                None
            }
        }
    }

    fn hand_out(&mut self, request: &Fetch, answer: FetchAnswer, mut room: Room) {
        for (asked, fetched) in request.partitions.iter().zip(answer.partitions) {
            // A newer want has not been asked for yet.
            let is_it =
                |want: &Want| want.offset == asked.offset && want.last_epoch == asked.last_fetched_epoch;
            if self.known.get(&asked.at).is_some_and(is_it) {
                self.hand_one_out(&asked.at, fetched, &mut room);
            }
        }
    }

    fn hand_one_out(&mut self, at: &TopicPartition, fetched: Fetched, room: &mut Room) {
        let Some(want) = self.known.remove(at) else { return };
        self.turns.retain(|turn| turn != at);
        if fetched.error.is_stale_leader() {
            self.cluster.forget(&at.topic);
        }
        if !fetched.error.is_none() {
            want.reply.answer(Event::Fetched(Err(Trouble::Refused(fetched.error))));
        } else if fetched.records.is_empty()
            && fetched.diverging.is_none()
            && want.end == Some(fetched.last_stable_offset)
            // A source that ends before what was read of it is told every time: the machine counts how long it does so.
            && fetched.last_stable_offset >= want.offset
        {
            self.keep(want);
        } else {
            want.reply.answer(Event::Fetched(Ok(told(fetched, room))));
        }
    }

    /// Nothing to tell: it waits where waiting costs least.
    fn keep(&mut self, want: Want) {
        match &self.quiet {
            // If that one is gone, so is everybody who could want anything.
            Some(quiet) => drop(quiet.send(want)),
            None => self.take(want),
        }
    }

    fn give_up(&mut self) {
        self.turns.clear();
        for (_, want) in self.known.drain() {
            want.reply.answer(Event::Fetched(Err(Trouble::Lost)));
        }
    }
}

fn told(fetched: Fetched, room: &mut Room) -> copy::Fetched {
    let aborted = fetched.aborted.iter();
    copy::Fetched {
        stable_end: fetched.last_stable_offset,
        diverging: fetched.diverging.map(|end| end.end_offset),
        aborted: aborted
            .map(|aborted| Aborted { producer_id: aborted.producer_id, first_offset: aborted.first_offset })
            .collect(),
        records: room.hold(fetched.records),
    }
}

fn size(bytes: usize) -> i32 {
    i32::try_from(bytes).unwrap_or(i32::MAX)
}
