//! A worker of a link: what the store says of its mirrors is done, together with the other workers of the link.
//!
//! Workers are a [`Group`](crate::Group) of the mirror's cluster; it tells each its units. What a mirror topic does stands in its
//! record, which commands and workers write; each worker reads it and stops or goes on. Where markers may be written, a worker takes
//! a number of the link's lease whenever it is given work: whoever had that work before has a smaller one, and is fenced by the brokers.

mod board;
mod count;
mod member;
mod records;
mod spec;
mod topic;
mod unit;

use std::sync::Arc;

use tidegate_core::HolderId;
use tidegate_core::records::LinkRecord;
use tokio::sync::watch;
use tokio::time::{Duration, sleep};

use self::board::Board;
use self::member::Member;
use crate::cluster::Cluster;
use crate::lease::Lease;

pub use board::{FillingView, HeldView, LinkStatus, MirrorView, PartitionView};
pub use records::{Records, RecordsError};
pub use spec::{Gaps, LinkSpec};

/// After the store, or what it says, stood in the way.
const AGAIN: Duration = Duration::from_secs(3);

/// Where a link goes from and to, and who works at it.
#[derive(Debug, Clone)]
pub struct Site {
    /// Where topics come from.
    pub source: Arc<Cluster>,
    /// Where they go.
    pub mirror: Arc<Cluster>,
    /// What the installation remembers.
    pub records: Records,
    /// This process, among all that take numbers of leases.
    pub holder: HolderId,
}

/// A worker of one link.
pub struct Worker {
    site: Site,
    spec: watch::Receiver<Arc<LinkSpec>>,
    lease: Lease,
    board: Board,
    id: watch::Sender<Option<String>>,
    problem: watch::Sender<Option<String>>,
}

/// Where the status of a link can be read.
#[derive(Debug, Clone)]
pub struct LinkView {
    spec: watch::Receiver<Arc<LinkSpec>>,
    lease: Lease,
    board: Board,
    id: watch::Receiver<Option<String>>,
    problem: watch::Receiver<Option<String>>,
}

impl LinkView {
    /// What the link does on this worker, now.
    #[must_use]
    pub fn status(&self) -> LinkStatus {
        LinkStatus {
            link: self.spec.borrow().name.to_string(),
            id: self.id.borrow().clone(),
            is_member: self.lease.is_held(),
            problem: self.problem.borrow().clone(),
            mirrors: self.board.views(),
        }
    }
}

impl Worker {
    /// A worker that has not begun. What `spec` says later is done as soon as it says so.
    #[must_use]
    pub fn new(site: Site, spec: watch::Receiver<Arc<LinkSpec>>) -> Self {
        let (id, problem) = (watch::channel(None).0, watch::channel(None).0);
        Self { site, spec, lease: Lease::new(), board: Board::default(), id, problem }
    }

    /// Where to read what it does.
    #[must_use]
    pub fn view(&self) -> LinkView {
        LinkView {
            spec: self.spec.clone(),
            lease: self.lease.clone(),
            board: self.board.clone(),
            id: self.id.subscribe(),
            problem: self.problem.subscribe(),
        }
    }

    /// Enters the link into the store and works at it until it is told to stop; then it ends what is in flight and leaves its group.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let link = tokio::select! {
            link = self.enter() => link,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        self.id.send_replace(Some(link.id.to_base64()));
        let member = Member {
            site: self.site.clone(),
            link,
            spec: self.spec.clone(),
            lease: self.lease.clone(),
            board: self.board.clone(),
        };
        tokio::select! {
            () = member.run(stop) => {}
            () = self.keep_entering() => {}
        }
    }

    /// For as long as it is worked at.
    async fn keep_entering(&mut self) {
        while self.spec.changed().await.is_ok() {
            self.enter().await;
        }
        std::future::pending::<()>().await;
    }

    /// What is wanted now is in the store when this ends.
    async fn enter(&mut self) -> LinkRecord {
        loop {
            let spec = Arc::clone(&self.spec.borrow_and_update());
            match self.site.records.enter(&spec.name, spec.is_paused, &spec.mirrors).await {
                Ok(link) => {
                    self.problem.send_replace(None);
                    return link;
                }
                Err(error) => {
                    tracing::error!(link = %spec.name, %error, "the link is not as it is wanted");
                    self.problem.send_replace(Some(error.to_string()));
                }
            }
            tokio::select! {
                () = sleep(AGAIN) => {}
                Ok(()) = self.spec.changed() => {}
            }
        }
    }
}
