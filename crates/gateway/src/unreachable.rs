//! The alarm for brokers that partners cannot reach, whether they were there at the start or joined later.

use std::sync::Arc;

use tidegate_core::ListenerName;

use crate::listener::ListenerShared;

/// Tells of every live broker for which `nodes` of the listener has no address, until the gateway stops.
pub(crate) async fn watch(listener: ListenerName, shared: Arc<ListenerShared>) {
    let mut snapshots = shared.snapshots.clone();
    let count = metrics::gauge!("tidegate_unreachable_nodes", "listener" => listener.to_string());
    let mut known: Vec<i32> = Vec::new();
    loop {
        let now = snapshots
            .borrow_and_update()
            .cluster(&shared.cluster)
            .map(|cluster| shared.unreachable_nodes(&cluster.view))
            .unwrap_or_default();
        for node in now.iter().filter(|node| !known.contains(node)) {
            tracing::warn!(%listener, node, "a broker has no port in `nodes`: partners cannot reach what it leads");
        }
        count.set(u32::try_from(now.len()).unwrap_or(u32::MAX));
        known = now;
        if snapshots.changed().await.is_err() {
            return;
        }
    }
}
