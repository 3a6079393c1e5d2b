//! What a running gateway cannot take over.

use secrecy::ExposeSecret;
use tidegate_core::store::SealingKey;

use crate::config::{Config, Limits, ListenerConfig, NodeAddresses, StoreKind};

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
    if changed(admin(before) != admin(now), "admin") {
        now.admin.clone_from(&before.admin);
    }
    if changed(store(before) != store(now), "store") {
        now.zones_folder.clone_from(&before.zones_folder);
        now.accounts_file.clone_from(&before.accounts_file);
    }
    now.store.clone_from(&before.store);
    now.root_key.clone_from(&before.root_key);
    now.state_file.clone_from(&before.state_file);
    now.http_bind = before.http_bind;
    let names = |config: &Config| config.clusters.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    changed(names(before) != names(now), "clusters");
    let mut clusters = before.clusters.clone();
    for cluster in &mut clusters {
        let Some(new) = now.cluster(&cluster.name) else { continue };
        let key = |field: &str| format!("clusters[{}].{field}", cluster.name);
        changed(cluster.metadata_refresh != new.metadata_refresh, &key("metadataRefreshMs"));
        changed(cluster.acls != new.acls, &key("acls"));
        cluster.common.clone_from(&new.common);
        cluster.per_zone.clone_from(&new.per_zone);
    }
    now.clusters = clusters;
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
    limits(&before.limits, &mut now.limits, &mut changed);
    keys
}

/// What buckets, budgets and the state file's housekeeping have taken over when they began.
fn limits(before: &Limits, now: &mut Limits, changed: &mut impl FnMut(bool, &str) -> bool) {
    macro_rules! stay {
        ($($field:ident: $key:literal,)+) => {
            $(changed(before.$field != now.$field, concat!("limits.", $key));
            now.$field = before.$field;)+
        };
    }
    stay! {
        store_staleness_max: "storeStalenessMaxMs",
        store_close_after: "storeCloseAfterMs",
        upstream_deadline: "upstreamDeadlineMs",
        producer_id_retention: "producerIdRetentionMs",
        connections_per_second: "connectionsPerSecond",
        connections_burst: "connectionsBurst",
        connections_per_second_per_address: "connectionsPerSecondPerAddress",
        connections_burst_per_address: "connectionsBurstPerAddress",
        connections_per_second_per_zone: "connectionsPerSecondPerZone",
        connections_burst_per_zone: "connectionsBurstPerZone",
        failed_login_delay_max: "failedLoginDelayMaxMs",
        failed_login_memory: "failedLoginMemoryMs",
        failed_logins_at_once: "failedLoginsAtOnce",
        max_request_bytes_per_zone: "maxRequestBytesPerZone",
        max_answer_bytes_per_zone: "maxAnswerBytesPerZone",
        max_buffered_bytes: "maxBufferedBytes",
        admin_max_body_bytes: "adminMaxBodyBytes",
        admin_requests_per_second_per_address: "adminRequestsPerSecondPerAddress",
        admin_requests_burst_per_address: "adminRequestsBurstPerAddress",
        admin_max_connections: "adminMaxConnections",
        admin_max_connections_per_address: "adminMaxConnectionsPerAddress",
        admin_header_deadline: "adminHeaderDeadlineMs",
        admin_body_deadline: "adminBodyDeadlineMs",
        admin_connection_max: "adminConnectionMaxMs",
    }
    // Connections to brokers take answers of up to what was the most when they began.
    changed(before.fetch_max_bytes < now.fetch_max_bytes, "limits.fetchMaxBytes");
    now.fetch_max_bytes = now.fetch_max_bytes.min(before.fetch_max_bytes);
}

/// What can be compared of a store: where it is, and which keys seal it.
fn store(config: &Config) -> Option<(&StoreKind, [Option<&str>; 2])> {
    let store = config.store.as_ref()?;
    let ids = [&store.sealing_key, &store.previous_sealing_key].map(|key| key.as_ref().map(SealingKey::id));
    Some((&store.kind, ids))
}

/// What stays as it is of the REST; its certificate may change.
fn admin(config: &Config) -> Option<(std::net::SocketAddr, bool, bool)> {
    config.admin.as_ref().map(|admin| (admin.bind, admin.is_insecure, admin.tls.is_some()))
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
