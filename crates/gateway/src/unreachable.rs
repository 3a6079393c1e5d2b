//! The alarms for what partners cannot reach, whether it was there at the start or came later: brokers without a port,
//! zones that cannot be named.

use std::sync::Arc;

use tidegate_core::{ListenerName, ZoneName};
use tokio::sync::watch;

use crate::listener::ListenerShared;

/// Tells of every live broker for which `nodes` of the listener has no address, and of every zone that its `sni` cannot
/// name, until the gateway stops.
pub(crate) async fn watch(listener: ListenerName, mut renewed: watch::Receiver<Arc<ListenerShared>>) {
    let mut snapshots = renewed.borrow().snapshots.clone();
    let count = metrics::gauge!("tidegate_unreachable_nodes", "listener" => listener.to_string());
    let mut known: Vec<i32> = Vec::new();
    let mut nameless: Vec<ZoneName> = Vec::new();
    loop {
        let shared = Arc::clone(&renewed.borrow_and_update());
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
        let now = shared.nameless_zones();
        for zone in now.iter().filter(|zone| !nameless.contains(zone)) {
            tracing::warn!(%listener, %zone, "a zone's name cannot be part of a host name: its partner cannot come through a listener with `sni`");
        }
        nameless = now;
        tokio::select! {
            changed = snapshots.changed() => if changed.is_err() { return },
            changed = renewed.changed() => if changed.is_err() { return },
        }
    }
}
