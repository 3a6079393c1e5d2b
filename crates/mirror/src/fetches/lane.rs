//! One of the two connections.

use std::sync::Arc;

use tidegate_client::{AskError, Connection, Endpoint};
use tidegate_link::copy::{self, Event, Trouble};
use tidegate_link::source::Aborted;
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, sleep};

use super::Want;
use super::wants::Wants;
use crate::budget::{Budget, Room};
use crate::calls::fetch::{Fetch, FetchNews, FetchPartition, FetchSession, Fetched, fetch};
use crate::calls::{Isolation, TopicPartition};
use crate::cluster::Cluster;

/// Bytes of one partition in an answer: one broker's default for a batch at most.
const PARTITION_BYTES: usize = 1 << 20;

/// Bytes of an answer of the connection that does not wait: some partitions' worth.
const BUSY_BYTES: usize = 4 << 20;

/// And of the one that waits: whoever has more is busy from then on.
const IDLE_BYTES: usize = 512 << 10;

/// What a batch may be said to need before it is thought to be a mistake: the most that fits the client's own limit for answers.
const MOST_WANTED: usize = 48 << 20;

/// How long the waiting one waits while partitions come and go: one that comes back has to wait for its turn so long at most.
const SHORT_WAIT: Duration = Duration::from_millis(100);

/// And while none does, as stock consumers do (`fetch.max.wait.ms`): for each request a broker looks at every partition.
const LONG_WAIT: Duration = Duration::from_millis(500);

/// For how long a partition that had something may be expected back.
const AWAY: Duration = Duration::from_secs(1);

/// What is done with partitions that have nothing.
pub(super) enum Patience {
    /// They go where waiting costs least.
    None { quiet: mpsc::UnboundedSender<Want> },
    /// The broker waits for one that has something; when one had is known.
    Waits { last: Instant },
}

impl Patience {
    pub(super) fn waits() -> Self {
        Self::Waits { last: Instant::now() }
    }
}

pub(super) struct Lane {
    cluster: Arc<Cluster>,
    broker: Endpoint,
    budget: Budget,
    /// There is one for each partition at most, but for a moment.
    coming: mpsc::UnboundedReceiver<Want>,
    patience: Patience,
    wants: Wants,
    connection: Option<Connection>,
    /// What the broker remembers of the connection that waits.
    session: FetchSession,
}

impl Lane {
    pub(super) fn new(
        cluster: Arc<Cluster>,
        broker: Endpoint,
        budget: Budget,
        coming: mpsc::UnboundedReceiver<Want>,
        patience: Patience,
    ) -> Self {
        let (wants, session) = (Wants::default(), FetchSession::default());
        Self { cluster, broker, budget, coming, patience, wants, connection: None, session }
    }

    pub(super) async fn run(mut self) {
        while self.take_wants().await {
            let bytes = if self.waits().is_some() { IDLE_BYTES } else { BUSY_BYTES };
            let bytes = bytes.max(self.wants.most_wanted().min(MOST_WANTED));
            let Some(room) = self.budget.room(bytes).await else { return };
            let request = self.request(bytes);
            if request.partitions.is_empty() {
                continue;
            }
            match self.ask(&request).await {
                Some(news) => self.hand_out(&request, news, room).await,
                None => self.give_up(),
            }
        }
    }

    fn waits(&self) -> Option<Duration> {
        match self.patience {
            Patience::None { .. } => None,
            Patience::Waits { last } if last.elapsed() < AWAY => Some(SHORT_WAIT),
            Patience::Waits { .. } => Some(LONG_WAIT),
        }
    }

    /// Takes what has come, and waits if there is nothing else to do; whether there ever will be.
    async fn take_wants(&mut self) -> bool {
        if self.wants.is_empty() {
            match self.coming.recv().await {
                Some(want) => self.wants.add(want),
                None => return false,
            }
        }
        while let Ok(want) = self.coming.try_recv() {
            self.wants.add(want);
        }
        true
    }

    fn request(&mut self, bytes: usize) -> Fetch {
        self.wants.drop_closed();
        let partitions = self.wants.in_turn().map(|want| FetchPartition {
            at: want.at.clone(),
            offset: want.offset,
            max_bytes: size(want.wants.unwrap_or(0).clamp(PARTITION_BYTES, MOST_WANTED)),
            leader_epoch: None,
            last_fetched_epoch: want.last_epoch,
        });
        Fetch {
            isolation: Isolation::ReadCommitted,
            max_wait: self.waits().unwrap_or_default(),
            min_bytes: 1,
            max_bytes: size(bytes),
            partitions: partitions.collect(),
        }
    }

    async fn ask(&mut self, request: &Fetch) -> Option<FetchNews> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => match self.cluster.connect(&self.broker).await {
                Ok(connection) => {
                    self.session = FetchSession::default();
                    connection
                }
                Err(error) => {
                    tracing::debug!(broker = %self.broker, %error, "no connection for fetches");
                    return None;
                }
            },
        };
        match self.ask_over(&mut connection, request).await {
            Ok(news) => {
                self.connection = Some(connection);
                Some(news)
            }
            Err(error) => {
                tracing::debug!(broker = %self.broker, %error, "a fetch has failed");
                None
            }
        }
    }

    async fn ask_over(
        &mut self,
        connection: &mut Connection,
        request: &Fetch,
    ) -> Result<FetchNews, AskError> {
        if self.waits().is_some() {
            return self.session.fetch(connection, request).await;
        }
        // What is asked for differs each time: there is nothing to remember.
        fetch(connection, request).await.map(FetchNews::from)
    }

    async fn hand_out(&mut self, request: &Fetch, news: FetchNews, mut room: Room) {
        for (asked, fetched) in request.partitions.iter().zip(news.partitions) {
            // A newer want has not been asked for yet.
            let is_it =
                |want: &Want| want.offset == asked.offset && want.last_epoch == asked.last_fetched_epoch;
            if let Some(fetched) = fetched
                && self.wants.of(&asked.at).is_some_and(is_it)
            {
                self.hand_one_out(&asked.at, fetched, &mut room).await;
            }
        }
        sleep(news.throttle).await;
    }

    async fn hand_one_out(&mut self, at: &TopicPartition, fetched: Fetched, room: &mut Room) {
        if fetched.error.is_stale_leader() {
            self.cluster.forget(&at.topic).await;
        }
        if let Patience::Waits { last } = &mut self.patience {
            if self.wants.of(at).is_some_and(|want| says_nothing(want, &fetched)) {
                return;
            }
            *last = Instant::now();
        }
        let Some(want) = self.wants.remove(at) else { return };
        match &self.patience {
            // If that one is gone, so is everybody who could want anything.
            Patience::None { quiet } if says_nothing(&want, &fetched) => drop(quiet.send(want)),
            _ if fetched.error.is_none() => want.reply.answer(Event::Fetched(Ok(told(fetched, room)))),
            _ => want.reply.answer(Event::Fetched(Err(Trouble::Refused(fetched.error)))),
        }
    }

    fn give_up(&mut self) {
        for want in self.wants.take_all() {
            want.reply.answer(Event::Fetched(Err(Trouble::Lost)));
        }
    }
}

/// Whether there is nothing that the partition does not know.
fn says_nothing(want: &Want, fetched: &Fetched) -> bool {
    fetched.error.is_none()
        && fetched.records.is_empty()
        && fetched.diverging.is_none()
        && want.end == Some(fetched.last_stable_offset)
        // A source that ends before what was read of it is told every time: the machine counts how long it does so.
        && fetched.last_stable_offset >= want.offset
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
