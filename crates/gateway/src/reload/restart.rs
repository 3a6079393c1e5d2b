//! What a running gateway cannot take over.

use secrecy::ExposeSecret;

use crate::config::{Config, ListenerConfig, NodeAddresses};

/// The keys that have changed and need a restart.
pub(super) fn needed(before: &Config, now: &Config) -> Vec<String> {
    let mut keys = Vec::new();
    let mut changed = |is: bool, key: &str| {
        if is {
            keys.push(format!("`{key}`"));
        }
    };
    changed(before.root_key.to_hex().expose_secret() != now.root_key.to_hex().expose_secret(), "rootKey");
    changed(before.state_file != now.state_file, "state.file");
    changed(before.http_bind != now.http_bind, "http.bind");
    let names =
        |config: &Config| config.clusters.iter().map(|cluster| cluster.name.clone()).collect::<Vec<_>>();
    changed(names(before) != names(now), "clusters");
    for cluster in &now.clusters {
        let Some(old) = before.cluster(&cluster.name) else { continue };
        let key = |field: &str| format!("clusters[{}].{field}", cluster.name);
        changed(old.bootstrap != cluster.bootstrap, &key("bootstrap"));
        changed(old.metadata_refresh != cluster.metadata_refresh, &key("metadataRefreshMs"));
        changed(!old.enters_as(cluster), &key("security"));
    }
    let names =
        |config: &Config| config.listeners.iter().map(|listener| listener.name.clone()).collect::<Vec<_>>();
    changed(names(before) != names(now), "listeners");
    for listener in &now.listeners {
        let Some(old) = before.listeners.iter().find(|old| old.name == listener.name) else { continue };
        let key = |field: &str| format!("listeners[{}].{field}", listener.name);
        changed(old.cluster != listener.cluster, &key("cluster"));
        changed(bound(old) != bound(listener), &key("bind"));
    }
    // Taken over by the connections to brokers and by the state file's housekeeping when they begin.
    let (old, new) = (&before.limits, &now.limits);
    changed(old.upstream_deadline != new.upstream_deadline, "limits.upstreamDeadlineMs");
    changed(old.fetch_max_bytes < new.fetch_max_bytes, "limits.fetchMaxBytes");
    changed(old.producer_id_retention != new.producer_id_retention, "limits.producerIdRetentionMs");
    keys
}

/// Where a listener listens, and for which node.
fn bound(listener: &ListenerConfig) -> Vec<(Option<i32>, std::net::SocketAddr)> {
    let nodes = match &listener.nodes {
        NodeAddresses::Ports(nodes) => {
            nodes.iter().map(|(node, address)| (Some(*node), address.bind)).collect()
        }
        NodeAddresses::Names { .. } => Vec::new(),
    };
    std::iter::once((None, listener.bootstrap.bind)).chain(nodes).collect()
}
