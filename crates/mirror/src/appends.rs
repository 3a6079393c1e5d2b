//! Appends to one broker of the mirror: those of all partitions go out together, one batch of each in a request, and the next requests
//! before the answers.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use tidegate_client::{Connection, Endpoint};
use tidegate_link::copy::{Event, Guarding, Trouble};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::stamp::Stamped;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::calls::TopicPartition;
use crate::calls::produce::{self, Batches, ProduceAnswers, ProduceSender};
use crate::cluster::Cluster;
use crate::kept::Times;
use crate::lease::Lease;
use crate::limits::REPLICAS;
use crate::reply::Reply;
use crate::silence::Silence;

/// A batch for the end of a partition.
pub(crate) struct Job {
    pub(crate) at: TopicPartition,
    pub(crate) batch: Stamped,
    pub(crate) base_offset: i64,
    pub(crate) guarding: Guarding,
    pub(crate) lease: Lease,
    pub(crate) reply: Reply,
}

/// Requests on their way to one broker: enough that it always has one to do.
const REQUESTS: usize = 4;

/// Bytes of batches from which on a request is large enough. One batch may be larger.
const REQUEST_BYTES: usize = 1 << 20;

/// Jobs that wait in front of it, and as many that were looked at; whoever brings more waits, too.
const QUEUE: usize = 64;

/// What is owed for one request.
struct Sent {
    owed: Vec<(i64, Reply)>,
    _place: OwnedSemaphorePermit,
}

/// Begins to take jobs for a broker; it ends with the last sender.
pub(crate) fn start(cluster: Arc<Cluster>, broker: Endpoint) -> mpsc::Sender<Job> {
    let (sender, jobs) = mpsc::channel(QUEUE);
    tokio::spawn(async move { Appends { cluster, broker, jobs, waiting: VecDeque::new() }.run().await });
    sender
}

struct Appends {
    cluster: Arc<Cluster>,
    broker: Endpoint,
    jobs: mpsc::Receiver<Job>,
    /// Taken and not sent; those of a partition in order.
    waiting: VecDeque<Job>,
}

impl Appends {
    async fn run(mut self) {
        while let Some(job) = self.first().await {
            match self.cluster.connect(&self.broker).await {
                Ok(connection) => {
                    self.waiting.push_front(job);
                    self.serve(connection).await;
                }
                Err(error) => {
                    tracing::debug!(broker = %self.broker, %error, "no connection for appends");
                    self.refuse(job);
                }
            }
        }
    }

    /// The next job, if there ever is one.
    async fn first(&mut self) -> Option<Job> {
        match self.waiting.pop_front() {
            Some(job) => Some(job),
            None => self.jobs.recv().await,
        }
    }

    /// The broker cannot be reached: whoever waits is told at once, since another one may lead by now.
    fn refuse(&mut self, job: Job) {
        let waiting = [job].into_iter().chain(self.waiting.drain(..));
        waiting.for_each(|job| job.reply.fail(Trouble::NotSent));
        while let Ok(job) = self.jobs.try_recv() {
            job.reply.fail(Trouble::NotSent);
        }
    }

    /// Until the connection fails, or is about to end. What was sent is answered before anything else is taken.
    async fn serve(&mut self, connection: Connection) {
        let Some((sender, answers)) = produce::open(connection, REQUESTS, REPLICAS) else { return };
        let silence = Silence::new();
        let reading = tokio::spawn(read(answers, silence.clone()));
        self.send_all(sender, silence).await;
        if let Err(error) = reading.await {
            tracing::error!(%error, "the reader of appends has failed");
        }
    }

    async fn send_all(&mut self, mut sender: ProduceSender<Sent>, silence: Silence) {
        let places = Arc::new(Semaphore::new(REQUESTS));
        let mut times = Times::new(sender.session_ends_at());
        let mut is_new = true;
        loop {
            let Some(job) = self.first().await else { return };
            // A new one serves at least once, or a session of no length would be opened without end.
            if sender.is_broken() || !(times.serve() || is_new) {
                self.waiting.push_front(job);
                return;
            }
            is_new = false;
            // The lease is looked at when the bytes can go out at once.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            silence.over().await;
            times.ready().await;
            let (batches, owed) = self.bundle(job);
            if !batches.is_empty()
                && let Err(error) = sender.send(Sent { owed, _place: place }, batches).await
            {
                tracing::debug!(broker = %self.broker, %error, "the connection for appends has failed");
                return;
            }
        }
    }

    /// As many batches as fit, one of a partition: a partition that has several must not keep others waiting.
    fn bundle(&mut self, first: Job) -> (Batches, Vec<(i64, Reply)>) {
        let mut bundle = Bundle::default();
        bundle.add(first);
        while self.waiting.len() < QUEUE
            && let Ok(job) = self.jobs.try_recv()
        {
            self.waiting.push_back(job);
        }
        self.waiting = self.waiting.drain(..).filter_map(|job| bundle.add(job)).collect();
        (bundle.batches, bundle.owed)
    }
}

/// One request, and what is owed for it.
#[derive(Default)]
struct Bundle {
    batches: Batches,
    owed: Vec<(i64, Reply)>,
}

impl Bundle {
    /// Takes a job, or gives it back: for the next request.
    fn add(&mut self, job: Job) -> Option<Job> {
        if self.batches.bytes() >= REQUEST_BYTES {
            return Some(job);
        }
        let Job { at, batch, base_offset, guarding, lease, reply } = job;
        if guarding == Guarding::Lease && !lease.is_held() {
            reply.fail(Trouble::NotSent);
            return None;
        }
        match self.batches.add(at.clone(), batch) {
            Ok(()) => {
                self.owed.push((base_offset, reply));
                None
            }
            Err(batch) => Some(Job { at, batch, base_offset, guarding, lease, reply }),
        }
    }
}

/// Hands out answers until the last request has one.
async fn read(mut answers: ProduceAnswers<Sent>, silence: Silence) {
    while let Some((Sent { owed, _place }, answer)) = answers.next().await {
        // What has no answer is dropped, and so lost.
        let Ok(answer) = answer else { continue };
        silence.keep(answer.throttle);
        for ((base_offset, reply), appended) in owed.into_iter().zip(answer.partitions) {
            let answer = match appended.error {
                ErrorCode::NONE => Ok(appended.base_offset),
                code => Err(Trouble::Refused(code)),
            };
            reply.answer(Event::Appended { base_offset, answer });
        }
    }
}
