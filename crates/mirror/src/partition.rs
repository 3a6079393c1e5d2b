//! One partition: its machine, and who carries out what it asks for.

use std::sync::Arc;

use tidegate_client::Endpoint;
use tidegate_link::copy::{Append, Attempt, Copier, Event, Filling, Job, Order, Phase, Status, Trouble};
use tokio::sync::{mpsc, watch};
use tokio::time::{Duration, Instant, sleep_until};

use crate::appends;
use crate::calls::TopicPartition;
use crate::clock::Clock;
use crate::fetches::Want;
use crate::lease::Lease;
use crate::link::Services;
use crate::questions::{Question, ask};
use crate::reply::{Owed, Reply, Told};

/// What takes so long is worth a line in the log.
const LONG_FILL_MS: u64 = 2_000;

/// What is copied where, and how.
pub(crate) struct Partition {
    pub(crate) source: TopicPartition,
    pub(crate) mirror: TopicPartition,
    pub(crate) job: Job,
    pub(crate) lease: Lease,
    pub(crate) services: Arc<Services>,
    pub(crate) status: watch::Sender<Status>,
    /// Whether to come to an end.
    pub(crate) stop: watch::Receiver<bool>,
    /// Whether the whole link is to.
    pub(crate) all_stop: watch::Receiver<bool>,
    /// Who copied it before, in this link: two at once have one lease, and nothing would keep them apart.
    pub(crate) before: Option<watch::Receiver<Status>>,
}

/// A partition that is being copied.
struct Running {
    partition: Partition,
    clock: Clock,
    told: mpsc::UnboundedSender<Told>,
    /// Who leads the mirror, for this attempt: its appends all go over one connection.
    leader: Option<(Endpoint, mpsc::Sender<appends::Job>)>,
    wakes: Vec<(Attempt, Instant)>,
    source_end: Option<i64>,
}

impl Partition {
    /// Copies until it is told to stop, or until the machine has failed. What is in flight then is waited for.
    pub(crate) async fn run(mut self) {
        if let Some(mut before) = self.before.take() {
            // It has ended when it tells nothing any more.
            while before.changed().await.is_ok() {}
        }
        let (told, mut events) = mpsc::unbounded_channel();
        let (mut stop, mut all_stop) = (self.stop.clone(), self.all_stop.clone());
        let (mut copier, orders) = Copier::begin(self.job);
        let clock = Clock::default();
        let mut running =
            Running { partition: self, clock, told, leader: None, wakes: Vec::new(), source_end: None };
        running.carry_out(copier.attempt(), orders).await;
        let mut is_stopping = false;
        while !(is_stopping && copier.is_idle()) {
            let (attempt, event) = tokio::select! {
                Some(told) = events.recv() => told,
                attempt = running.next_wake() => (attempt, Event::Woken),
                () = either(&mut stop, &mut all_stop), if !is_stopping => {
                    is_stopping = true;
                    copier = copier.hold();
                    continue;
                }
            };
            let now = running.clock.now();
            let orders;
            (copier, orders) = copier.on(attempt, now, event);
            running.publish(copier.status(now));
            running.carry_out(copier.attempt(), orders).await;
            if matches!(copier.status(now).phase, Phase::Failed(_)) {
                break;
            }
        }
    }
}

/// Until one of them says so. Who lets go of a partition leaves it to its link; when that is gone, nobody is left who could say so.
async fn either(stop: &mut watch::Receiver<bool>, all_stop: &mut watch::Receiver<bool>) {
    tokio::select! {
        Ok(_) = stop.wait_for(|stop| *stop) => {}
        _ = all_stop.wait_for(|stop| *stop) => {}
    }
}

impl Running {
    fn publish(&mut self, status: Status) {
        self.source_end = status.source_end.or(self.source_end);
        self.tell_of_filling(&status);
        self.partition.status.send_if_modified(|known| {
            let is_new = *known != status;
            *known = status;
            is_new
        });
    }

    /// Before it begins: whoever waits for records is to know how long.
    fn tell_of_filling(&self, status: &Status) {
        if let Some(Filling { offsets, left_ms }) = status.filling
            && left_ms >= LONG_FILL_MS
            && self.partition.status.borrow().filling.is_none()
        {
            let partition = &self.partition.mirror;
            tracing::info!(%partition, offsets, left_ms, "fills up a part of the log that the source does not have");
        }
    }

    async fn carry_out(&mut self, attempt: Attempt, orders: Vec<Order>) {
        for order in orders {
            match order {
                Order::Look => self.look(attempt).await,
                Order::Bounds => self.ask_source(attempt),
                Order::Scan { offset } => self.ask_mirror(attempt, Owed::Scanned, Question::Scan { offset }),
                Order::Mark(mark) => self.ask_mirror(attempt, Owed::Marked, Question::Mark(mark)),
                Order::Delete { before } => {
                    self.ask_mirror(attempt, Owed::Deleted, Question::Delete { before });
                }
                Order::Fetch { offset, last_epoch, wants } => self.fetch(attempt, offset, last_epoch, wants),
                Order::Append(append) => self.append(attempt, append).await,
                Order::Wake { at } => {
                    let wait = u64::try_from(at.saturating_sub(self.clock.now())).unwrap_or_default();
                    self.wakes.push((attempt, Instant::now() + Duration::from_millis(wait)));
                }
            }
        }
    }

    /// The leader of the mirror is looked up before it is looked at, and stays for the attempt.
    async fn look(&mut self, attempt: Attempt) {
        let Partition { services, mirror, stop, all_stop, .. } = &mut self.partition;
        self.leader = tokio::select! {
            leader = services.mirror.leader(mirror) => match leader {
                Ok(leader) => Some((leader.clone(), services.appends(&leader))),
                Err(error) => {
                    tracing::debug!(partition = %mirror, %error, "no leader of the mirror");
                    None
                }
            },
            // A cluster that does not answer keeps nobody from an end.
            () = either(stop, all_stop) => None,
        };
        let producer_id = self.partition.job.producer_id;
        self.ask_mirror(attempt, Owed::Seen, Question::Look { producer_id });
    }

    fn ask_source(&self, attempt: Attempt) {
        let reply = self.reply(attempt, Owed::Bounds);
        let services = Arc::clone(&self.partition.services);
        let (at, lease) = (self.partition.source.clone(), self.partition.lease.clone());
        tokio::spawn(async move {
            match services.source.leader(&at).await {
                Ok(leader) => {
                    let asked = ask(&services.source, &leader, at, Question::Bounds, &lease).await;
                    reply.answer_if_sent(asked);
                }
                Err(error) => {
                    tracing::debug!(partition = %at, %error, "no leader of the source");
                    reply.fail(Trouble::NotSent);
                }
            }
        });
    }

    fn ask_mirror(&self, attempt: Attempt, owed: Owed, question: Question) {
        let reply = self.reply(attempt, owed);
        let Some((leader, _)) = self.leader.clone() else { return reply.fail(Trouble::NotSent) };
        let services = Arc::clone(&self.partition.services);
        let (at, lease) = (self.partition.mirror.clone(), self.partition.lease.clone());
        tokio::spawn(async move {
            reply.answer_if_sent(ask(&services.mirror, &leader, at, question, &lease).await);
        });
    }

    /// Who does not know where to does not wait here: appends may be answered meanwhile.
    fn fetch(&self, attempt: Attempt, offset: i64, last_epoch: Option<i32>, wants: Option<usize>) {
        let reply = self.reply(attempt, Owed::Fetched);
        let (services, at) = (Arc::clone(&self.partition.services), self.partition.source.clone());
        let known = services.source.known_leader(&at);
        let want = Want { at, offset, last_epoch, wants, end: self.source_end, reply };
        match known {
            Some(leader) => services.fetch(&leader, want),
            None => drop(tokio::spawn(async move { services.fetch_from_leader(want).await })),
        }
    }

    async fn append(&self, attempt: Attempt, append: Append) {
        let Append { base_offset, guarding, batch } = append;
        let reply = self.reply(attempt, Owed::Appended { base_offset });
        let Some((_, appends)) = &self.leader else { return reply.fail(Trouble::NotSent) };
        let (at, lease) = (self.partition.mirror.clone(), self.partition.lease.clone());
        let job = appends::Job { at, batch, base_offset, guarding, lease, reply };
        // Whoever ended drops it, and so says that it was lost.
        drop(appends.send(job).await);
    }

    fn reply(&self, attempt: Attempt, owed: Owed) -> Reply {
        Reply::new(attempt, owed, self.told.clone())
    }

    /// The next time that the machine wants to be woken at; never, if it does not.
    async fn next_wake(&mut self) -> Attempt {
        let Some((place, at)) = self.wakes.iter().map(|(_, at)| *at).enumerate().min_by_key(|(_, at)| *at)
        else {
            return std::future::pending().await;
        };
        sleep_until(at).await;
        self.wakes.swap_remove(place).0
    }
}

impl Services {
    async fn fetch_from_leader(&self, want: Want) {
        match self.source.leader(&want.at).await {
            Ok(leader) => self.fetch(&leader, want),
            Err(error) => {
                tracing::debug!(partition = %want.at, %error, "no leader of the source");
                want.reply.fail(Trouble::NotSent);
            }
        }
    }

    fn fetch(&self, leader: &Endpoint, want: Want) {
        // One that ended drops it, and so says that it was lost.
        drop(self.fetches(leader).send(want));
    }
}
