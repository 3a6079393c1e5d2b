//! A link at work: partitions that are copied side by side, over connections that they share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_client::Endpoint;
use tidegate_link::copy::{Copier, Job, Status};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::budget::Budget;
use crate::calls::TopicPartition;
use crate::cluster::Cluster;
use crate::fetches::{self, Want};
use crate::lease::Lease;
use crate::options::LinkOptions;
use crate::partition::Partition;
use crate::rate::Rate;
use crate::{appends, clock::Clock};

/// Bytes of the source in memory, for a whole link: with as much again on its way to the mirror, what a daemon may take in all.
pub const BUDGET: usize = 24 << 20;

/// What all partitions of a link share.
pub(crate) struct Services {
    pub(crate) source: Arc<Cluster>,
    pub(crate) mirror: Arc<Cluster>,
    budget: Budget,
    rate: Rate,
    fetches: Mutex<HashMap<Endpoint, mpsc::UnboundedSender<Want>>>,
    appends: Mutex<HashMap<Endpoint, mpsc::Sender<appends::Job>>>,
}

/// What is to be copied where.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The partition of the source.
    pub source: TopicPartition,
    /// That of the mirror, which has the same number.
    pub mirror: TopicPartition,
    /// How it is written.
    pub job: Job,
}

/// Copies partitions. When it is dropped it stops where it is; [`Link::stop`] waits for what is in flight.
pub struct Link {
    services: Arc<Services>,
    lease: Lease,
    /// Said once, for all partitions.
    stop: watch::Sender<bool>,
    tasks: Mutex<Tasks>,
}

/// Partitions that are copied, or were.
#[derive(Default)]
struct Tasks {
    running: JoinSet<()>,
    /// What each does that was begun last; who has ended tells nothing any more.
    last: HashMap<TopicPartition, watch::Receiver<Status>>,
}

/// Where the status of a partition can be read, as long as anybody wants to.
#[derive(Debug, Clone)]
pub struct StatusReader(watch::Receiver<Status>);

impl StatusReader {
    /// What it does now, or did at last.
    #[must_use]
    pub fn status(&self) -> Status {
        self.0.borrow().clone()
    }
}

/// A partition that is copied.
#[derive(Debug)]
pub struct Copying {
    status: watch::Receiver<Status>,
    stop: watch::Sender<bool>,
}

impl Copying {
    /// What it does now.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Waits until it does something else than when it was asked last.
    pub async fn changed(&mut self) -> Status {
        // A partition that has ended does nothing else any more.
        if self.status.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.status.borrow_and_update().clone()
    }

    /// Reads its status, also when nobody copies it any more.
    #[must_use]
    pub fn reader(&self) -> StatusReader {
        StatusReader(self.status.clone())
    }

    /// Sends nothing further; what is in flight is waited for by [`Link::stop`].
    pub fn stop(self) {
        self.stop.send_replace(true);
    }
}

impl Services {
    pub(crate) fn fetches(&self, broker: &Endpoint) -> mpsc::UnboundedSender<Want> {
        let mut known = self.fetches.lock().unwrap_or_else(PoisonError::into_inner);
        let (budget, rate) = (self.budget.clone(), self.rate.clone());
        let start = || fetches::start(Arc::clone(&self.source), broker.clone(), budget, rate);
        known.entry(broker.clone()).or_insert_with(start).clone()
    }

    pub(crate) fn appends(&self, broker: &Endpoint) -> mpsc::Sender<appends::Job> {
        let mut known = self.appends.lock().unwrap_or_else(PoisonError::into_inner);
        let start = || appends::start(Arc::clone(&self.mirror), broker.clone());
        known.entry(broker.clone()).or_insert_with(start).clone()
    }
}

impl Link {
    /// A link from one cluster to another that copies nothing yet. `lease` is looked at wherever no broker guards an append.
    #[must_use]
    pub fn new(source: Arc<Cluster>, mirror: Arc<Cluster>, lease: Lease) -> Self {
        Self::with_options(source, mirror, lease, LinkOptions::new())
    }

    /// As [`Link::new`], with other limits than the usual ones.
    #[must_use]
    pub fn with_options(
        source: Arc<Cluster>,
        mirror: Arc<Cluster>,
        lease: Lease,
        options: LinkOptions,
    ) -> Self {
        let services = Services {
            source,
            mirror,
            budget: Budget::new(options.memory),
            rate: Rate::new(options.rate),
            fetches: Mutex::default(),
            appends: Mutex::default(),
        };
        Self { services: Arc::new(services), lease, stop: watch::channel(false).0, tasks: Mutex::default() }
    }

    /// Begins to copy a partition, as soon as nobody copies it any more who was begun before. Nothing happens if the link was told to
    /// stop. What is not kept is copied as long as the link is there.
    pub fn copy(&self, pair: Pair) -> Copying {
        let Pair { source, mirror, job } = pair;
        let (copier, _) = Copier::begin(job);
        let (status, told) = watch::channel(copier.status(Clock::default().now()));
        let (stop, stopped) = watch::channel(false);
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let before = tasks.last.insert(mirror.clone(), told.clone());
        let partition = Partition {
            source,
            mirror,
            job,
            lease: self.lease.clone(),
            services: Arc::clone(&self.services),
            status,
            stop: stopped,
            all_stop: self.stop.subscribe(),
            before,
        };
        // Those that have ended leave nothing behind.
        while tasks.running.try_join_next().is_some() {}
        tasks.running.spawn(partition.run());
        Copying { status: told, stop }
    }

    pub(crate) fn services(&self) -> Arc<Services> {
        Arc::clone(&self.services)
    }

    /// Sends nothing further, and waits until what is in flight is answered.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        while tasks.running.join_next().await.is_some() {}
    }
}
