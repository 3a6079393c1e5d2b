//! Fetches from one broker of the source, over two connections: one asks for partitions that have just had something, and is
//! answered at once; the other waits with all of the rest until one of them has something.
//!
//! So a thousand partitions that hardly ever have anything take one request at a time, and none waits for another.

mod answer;
#[cfg(test)]
mod tests;
mod turns;

use std::sync::Arc;

use tidegate_client::Endpoint;
use tidegate_link::copy::{Event, Trouble};
use tokio::sync::mpsc;
use tokio::time::Duration;

use crate::budget::{Budget, Room};
use crate::calls::fetch::{Fetch, FetchAnswer, FetchPartition, Fetched, fetch};
use crate::calls::{Isolation, TopicPartition};
use crate::cluster::Cluster;
use crate::kept::Kept;
use crate::rate::{Rate, Share};
use crate::reply::Reply;
use turns::Turns;

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

/// Where there is a rate, what is asked of one partition at once, so that an answer is for several.
const SLICE_BYTES: usize = 64 << 10;

/// Begins to take wants for a broker; it ends with the last sender.
pub(crate) fn start(
    cluster: Arc<Cluster>,
    broker: Endpoint,
    budget: Budget,
    rate: Rate,
) -> mpsc::UnboundedSender<Want> {
    let (busy, to_busy) = mpsc::unbounded_channel();
    let (idle, to_idle) = mpsc::unbounded_channel();
    let lane = |wants, quiet, patience| Lane {
        cluster: Arc::clone(&cluster),
        broker: broker.clone(),
        budget: budget.clone(),
        share: rate.share(),
        wants,
        quiet,
        patience,
        turns: Turns::default(),
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
    share: Share,
    /// There is one for each partition at most, but for a moment.
    wants: mpsc::UnboundedReceiver<Want>,
    /// Where partitions go that have nothing; they stay if there is no such place.
    quiet: Option<mpsc::UnboundedSender<Want>>,
    patience: Duration,
    turns: Turns,
    kept: Option<Kept>,
}

impl Lane {
    async fn run(mut self) {
        while self.take_wants().await {
            // Whoever has to wait does so before it takes memory from others.
            if let Some(kept) = &mut self.kept {
                kept.silence().await;
            }
            let bytes = self.bytes();
            let grant = self.share.grant(bytes).await;
            let Some(room) = self.budget.room(bytes).await else { return };
            self.take_new_wants();
            let request = self.request(bytes);
            let answer = if request.partitions.is_empty() { None } else { self.ask(&request).await };
            self.share.settle(grant, answer.as_ref().map_or(0, answer::bytes), self.turns.len());
            match answer {
                Some(answer) => self.hand_out(&request, answer, room),
                None => self.give_up(),
            }
        }
    }

    /// How much is asked for at once.
    fn bytes(&self) -> usize {
        let bytes = if self.quiet.is_some() { BUSY_BYTES } else { IDLE_BYTES };
        bytes.min(self.share.burst().unwrap_or(bytes)).max(self.turns.most_wanted().min(MOST_WANTED))
    }

    /// Takes what has come, and waits if there is nothing else to do; whether there ever will be.
    async fn take_wants(&mut self) -> bool {
        if self.turns.len() == 0 {
            match self.wants.recv().await {
                Some(want) => self.turns.take(want),
                None => return false,
            }
        }
        self.take_new_wants();
        true
    }

    fn take_new_wants(&mut self) {
        while let Ok(want) = self.wants.try_recv() {
            self.turns.take(want);
        }
    }

    fn request(&mut self, bytes: usize) -> Fetch {
        let (most, each) = match (&self.quiet, self.share.burst()) {
            (Some(_), Some(_)) => (bytes.div_ceil(SLICE_BYTES), SLICE_BYTES),
            _ => (usize::MAX, PARTITION_BYTES),
        };
        let partitions = self.turns.next(most).map(|want| FetchPartition {
            at: want.at.clone(),
            offset: want.offset,
            max_bytes: size(want.wants.unwrap_or(0).clamp(each, MOST_WANTED)),
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
        self.turns.cut_short(answer::cut_short(request, &answer));
        for (place, (asked, fetched)) in request.partitions.iter().zip(answer.partitions).enumerate() {
            // The first has what there is, however large; of the others some may find the answer full, and keep their turns.
            if place > 0 && answer::is_left_out(&fetched, asked.offset) {
                continue;
            }
            if let Some(want) = self.turns.end(asked) {
                self.hand_one_out(want, fetched, &mut room);
            }
        }
    }

    fn hand_one_out(&mut self, want: Want, fetched: Fetched, room: &mut Room) {
        if fetched.error.is_stale_leader() {
            self.cluster.forget(&want.at.topic);
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
            want.reply.answer(Event::Fetched(Ok(answer::told(fetched, room))));
        }
    }

    /// Nothing to tell: it waits where waiting costs least.
    fn keep(&mut self, want: Want) {
        match &self.quiet {
            // If that one is gone, so is everybody who could want anything.
            Some(quiet) => drop(quiet.send(want)),
            None => self.turns.take(want),
        }
    }

    fn give_up(&mut self) {
        for want in self.turns.drain() {
            want.reply.answer(Event::Fetched(Err(Trouble::Lost)));
        }
    }
}

fn size(bytes: usize) -> i32 {
    i32::try_from(bytes).unwrap_or(i32::MAX)
}
