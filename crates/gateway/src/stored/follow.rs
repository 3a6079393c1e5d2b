//! Takes over what the store says, and notices when it says nothing.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use metrics::gauge;
use tidegate_core::ClusterName;
use tidegate_core::store::{Revision, Store};
use tokio::sync::watch;
use tokio::time::sleep;

use super::StoreParts;
use super::freshness::Freshness;
use super::reader::Reader;
use crate::desired::Desired;
use crate::snapshot::Snapshot;
use crate::state;

/// How often the store's age is looked at.
const TICK: Duration = Duration::from_millis(200);

/// Zones and accounts from a store.
#[derive(Debug)]
pub(crate) struct Stored {
    store: Arc<dyn Store>,
    reader: Reader,
    freshness: Arc<Freshness>,
    /// The longest that anybody is served for without knowing whether they still may be.
    close_after: Duration,
    publish: watch::Sender<Arc<Desired>>,
    /// What was published last; `None` while nobody is served.
    published: Option<Revision>,
    /// What was complained of last.
    problems: Vec<String>,
    alarms: Vec<String>,
}

impl Stored {
    /// Reads the store for the first time; gives what it says, too.
    pub(crate) fn new(
        parts: StoreParts,
        clusters: HashSet<ClusterName>,
        freshness: Arc<Freshness>,
        close_after: Duration,
    ) -> (Self, watch::Receiver<Arc<Desired>>) {
        let (publish, desired) = watch::channel(Arc::default());
        let StoreParts { store, sealer } = parts;
        let reader = Reader::new(sealer, clusters);
        let mut stored = Self {
            store,
            reader,
            freshness,
            close_after,
            publish,
            published: None,
            problems: Vec::new(),
            alarms: Vec::new(),
        };
        stored.take_over();
        (stored, desired)
    }

    /// Follows the store for as long as the gateway runs.
    pub(crate) async fn follow(mut self, mut snapshots: watch::Receiver<Arc<Snapshot>>) {
        loop {
            // In this order: what the image says is at least as new as what is confirmed.
            let behind = self.store.behind();
            let confirmed = state::uptime().saturating_sub(behind);
            match behind > self.close_after {
                true => self.cut_off(),
                false => self.take_over(),
            }
            if self.published == Some(snapshots.borrow_and_update().revision()) {
                self.freshness.confirm(confirmed);
            }
            self.measure();
            let later = self.store.later(self.store.image().revision());
            tokio::select! {
                _ = later => {}
                changed = snapshots.changed() => if changed.is_err() { return },
                () = sleep(TICK) => {}
            }
        }
    }

    /// Publishes what the store says, if that is new, or if nobody was served for want of it.
    fn take_over(&mut self) {
        if self.published != Some(self.store.image().revision()) {
            self.published = Some(self.publish());
        }
    }

    fn publish(&mut self) -> Revision {
        let image = self.store.image();
        let (desired, problems) = self.reader.read(&image);
        for problem in problems.iter().filter(|problem| !self.problems.contains(problem)) {
            tracing::error!("not served: {problem}");
        }
        self.problems = problems;
        self.publish.send_replace(Arc::new(desired));
        image.revision()
    }

    /// Serves nobody once it has not been known for too long who still may be.
    fn cut_off(&mut self) {
        if self.published.take().is_some() {
            tracing::error!(
                "the store has not been reached for too long: nobody is served until it is (see `limits.storeCloseAfterMs`)"
            );
            self.publish.send_replace(Arc::new(Desired { is_partial: true, ..Desired::default() }));
        }
    }

    fn measure(&mut self) {
        let alarms = self.store.alarms();
        for alarm in alarms.iter().filter(|alarm| !self.alarms.contains(alarm)) {
            tracing::error!("the store: {alarm}");
        }
        gauge!("tidegate_store_alarms").set(count(alarms.len()));
        gauge!("tidegate_store_unserved_records").set(count(self.problems.len()));
        gauge!("tidegate_store_age_seconds").set(self.freshness.age(state::uptime()).as_secs_f64());
        self.alarms = alarms;
    }
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
