//! How many partitions the sources of a link have: so many units there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tidegate_core::MirrorTopic;
use tidegate_core::registry::WantedMirror;
use tidegate_wire::error_code::ErrorCode;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Duration, sleep};

use super::spec::LinkSpec;
use super::unit;
use crate::cluster::Cluster;

/// How often they are counted.
const EVERY: Duration = Duration::from_secs(5);

/// Counts as long as somebody listens. A source that does not answer has as many partitions as it had.
pub(super) async fn count(
    mut spec: watch::Receiver<Arc<LinkSpec>>,
    source: Arc<Cluster>,
    units: watch::Sender<BTreeSet<String>>,
) {
    let mut known: BTreeMap<MirrorTopic, i32> = BTreeMap::new();
    while !units.is_closed() {
        let wanted = Arc::clone(&spec.borrow_and_update());
        known.retain(|topic, _| wanted.mirrors.iter().any(|mirror| mirror.topic == *topic));
        // All at once, so that one question to the cluster answers all.
        let mut counting = JoinSet::new();
        for WantedMirror { topic, source: name, .. } in wanted.mirrors.iter().cloned() {
            let source = Arc::clone(&source);
            counting.spawn(async move { (topic, partitions(&source, name.as_str()).await) });
        }
        for (topic, counted) in counting.join_all().await {
            let count = known.entry(topic).or_default();
            *count = counted.unwrap_or(*count).max(*count);
        }
        let all = unit::all(&known);
        units.send_if_modified(|units| {
            let is_new = *units != all;
            *units = all;
            is_new
        });
        tokio::select! {
            () = sleep(EVERY) => {}
            Ok(()) = spec.changed() => {}
        }
    }
}

/// None where nobody can tell now.
async fn partitions(source: &Cluster, topic: &str) -> Option<i32> {
    let told = source.topic(topic).await.ok()?;
    match told.error {
        ErrorCode::NONE => i32::try_from(told.partitions.len()).ok(),
        _ => None,
    }
}
