//! What a running gateway cannot take over.

use secrecy::ExposeSecret;

use crate::config::{Config, ListenerConfig, NodeAddresses};

/// Puts what cannot change back to what it is, and tells the keys that need a restart.
pub(super) fn keep(before: &Config, now: &mut Config) -> Vec<String> {
    let mut keys = Vec::new();
    let mut changed = |is: bool, key: &str| {
        if is {
            keys.push(format!("`{key}`"));
        }
        is
    };
    changed(before.root_key.to_hex().expose_secret() != now.root_key.to_hex().expose_secret(), "rootKey");
    changed(before.state_file != now.state_file, "state.file");
    changed(before.http_bind != now.http_bind, "http.bind");
    now.root_key.clone_from(&before.root_key);
    now.state_file.clone_from(&before.state_file);
    now.http_bind = before.http_bind;
    let names = |config: &Config| config.clusters.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    changed(names(before) != names(now), "clusters");
    for cluster in &now.clusters {
        let Some(old) = before.cluster(&cluster.name) else { continue };
        let key = |field: &str| format!("clusters[{}].{field}", cluster.name);
        changed(old.bootstrap != cluster.bootstrap, &key("bootstrap"));
        changed(old.metadata_refresh != cluster.metadata_refresh, &key("metadataRefreshMs"));
        changed(!old.enters_as(cluster), &key("security"));
    }
    now.clusters.clone_from(&before.clusters);
    let names = |config: &Config| config.listeners.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    changed(names(before) != names(now), "listeners");
    let mut listeners = before.listeners.clone();
    for listener in &mut listeners {
        let Some(mut new) = now.listeners.iter().find(|new| new.name == listener.name).cloned() else {
            continue;
        };
        let key = |field: &str| format!("listeners[{}].{field}", listener.name);
        changed(listener.cluster != new.cluster, &key("cluster"));
        new.cluster.clone_from(&listener.cluster);
        // What is told to clients must be what is bound.
        if changed(bound(listener) != bound(&new), &key("bind")) {
            new.bootstrap.clone_from(&listener.bootstrap);
            new.nodes.clone_from(&listener.nodes);
        }
        *listener = new;
    }
    now.listeners = listeners;
    // Taken over by the connections to brokers and by the state file's housekeeping when they begin.
    let (old, new) = (&before.limits, &mut now.limits);
    changed(old.upstream_deadline != new.upstream_deadline, "limits.upstreamDeadlineMs");
    changed(old.fetch_max_bytes < new.fetch_max_bytes, "limits.fetchMaxBytes");
    changed(old.producer_id_retention != new.producer_id_retention, "limits.producerIdRetentionMs");
    new.upstream_deadline = old.upstream_deadline;
    new.fetch_max_bytes = new.fetch_max_bytes.min(old.fetch_max_bytes);
    new.producer_id_retention = old.producer_id_retention;
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
