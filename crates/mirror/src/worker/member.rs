//! A member of a link's group, which does what it is given and lets go of it when it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tidegate_core::records::LinkRecord;
use tidegate_core::{LeaseName, MirrorTopic};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Duration, sleep, timeout};

use super::board::Board;
use super::spec::{Gaps, LinkSpec};
use super::topic::{Keeping, last_words};
use super::{AGAIN, Site, count, unit};
use crate::group::{Group, GroupEvent, GroupSpec};
use crate::lease::Lease;
use crate::link::Link;
use crate::options::LinkOptions;
use crate::share::Share;

/// How long workers may take to end what they have in flight when others come or go: an append has an answer within 10 s, or none.
const REBALANCE: Duration = Duration::from_secs(30);

/// How long it may take to write down how far a worker came: the others wait for it.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A member of the group of a link.
pub(super) struct Member {
    pub(super) site: Site,
    pub(super) link: LinkRecord,
    pub(super) spec: watch::Receiver<Arc<LinkSpec>>,
    pub(super) lease: Lease,
    pub(super) board: Board,
}

/// What it does of what it was given.
struct Work {
    link: Arc<Link>,
    topics: JoinSet<()>,
}

impl Member {
    /// Until it is to stop.
    pub(super) async fn run(self, stop: watch::Receiver<bool>) {
        let (units, known) = watch::channel(BTreeSet::new());
        let (events, mut told) = mpsc::channel(1);
        let (session_timeout, group) =
            (self.spec.borrow().session_timeout, format!("tidegate-link-{}", self.link.id.to_base64()));
        let group = GroupSpec { group, session_timeout, rebalance_timeout: REBALANCE };
        let mirror = Arc::clone(&self.site.mirror);
        let mut tasks = JoinSet::new();
        tasks.spawn(count::count(self.spec.clone(), Arc::clone(&self.site.source), units));
        tasks.spawn(Group::new(mirror, group, self.lease.clone(), known, events, stop).run());
        let mut work: Option<Work> = None;
        // The group ends when it is to stop, after it has had everything revoked.
        while let Some(event) = told.recv().await {
            if let Some(work) = work.take() {
                self.end(work).await;
            }
            match event {
                GroupEvent::Assigned(units) => work = Some(self.begin(&units)),
                GroupEvent::Revoked(done) => {
                    // Who waited for it may have given up.
                    let _ = done.send(());
                }
            }
        }
    }

    fn begin(&self, units: &BTreeSet<String>) -> Work {
        let Site { source, mirror, .. } = &self.site;
        let rate = self.spec.borrow().bytes_per_second;
        let options = rate.map_or_else(LinkOptions::new, |rate| LinkOptions::new().bytes_per_second(rate));
        let (source, mirror) = (Arc::clone(source), Arc::clone(mirror));
        let link = Arc::new(Link::with_options(source, mirror, self.lease.clone(), options));
        tracing::info!(link = %self.link.name, units = units.len(), "the worker has its share");
        let keep = Keep {
            site: self.site.clone(),
            of: self.link.clone(),
            link: Arc::clone(&link),
            spec: Arc::clone(&self.spec.borrow()),
            board: self.board.clone(),
            shares: unit::shares(units),
        };
        let mut topics = JoinSet::new();
        topics.spawn(keep.run());
        Work { link, topics }
    }

    async fn end(&self, work: Work) {
        let Work { link, mut topics } = work;
        topics.shutdown().await;
        link.stop().await;
        let words = last_words(&self.board);
        let told = timeout(LAST_WORDS, self.site.records.see(&self.link, &words)).await;
        if !matches!(told, Ok(Ok(()))) {
            tracing::warn!(link = %self.link.name, "how far mirrors came is not written down; their logs say so as well");
        }
        self.board.clear();
    }
}

/// The topics of one assignment.
struct Keep {
    site: Site,
    of: LinkRecord,
    link: Arc<Link>,
    spec: Arc<LinkSpec>,
    board: Board,
    shares: BTreeMap<MirrorTopic, Share>,
}

impl Keep {
    async fn run(self) {
        let marker_epoch = self.number().await;
        let mut topics = JoinSet::new();
        for (topic, share) in self.shares {
            let keeping = Keeping {
                link: Arc::clone(&self.link),
                of: self.of.clone(),
                topic,
                spec: Arc::clone(&self.spec),
                marker_epoch,
                share,
                records: self.site.records.clone(),
                board: self.board.clone(),
            };
            topics.spawn(keeping.run());
        }
        while topics.join_next().await.is_some() {}
    }

    /// The number of this assignment, where markers are written: nothing is written without it.
    async fn number(&self) -> Option<i32> {
        if self.spec.gaps == Gaps::Records {
            return None;
        }
        loop {
            match self.take_number().await {
                Ok(number) => return Some(number),
                Err(error) => {
                    tracing::error!(link = %self.of.name, %error, "the worker gets no number for its markers and waits");
                }
            }
            sleep(AGAIN).await;
        }
    }

    async fn take_number(&self) -> Result<i32, Box<dyn std::error::Error + Send + Sync>> {
        let lease = LeaseName::parse(&format!("marker/{}", self.of.name))?;
        Ok(self.site.records.take_number(&lease, &self.site.holder).await?)
    }
}
