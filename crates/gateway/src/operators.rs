//! What the operators' REST needs of a running gateway. The REST itself is served by the program: a gateway knows nothing of it.

use std::fmt;
use std::sync::Arc;

use tidegate_core::store::Revision;
use tidegate_core::{AuthenticationMode, BackingTopic, ClusterName, Facts, ZoneSpec};
use tidegate_daemon::HostPort;
use tidegate_daemon::store::{FACTS, StoreKind, StoreParts};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::config::{AdminConfig, Limits, ListenerConfig, NodeAddresses, SaslMechanism};
use crate::life::{self, Status};
use crate::reload::Reloader;

/// What the operators' REST needs of a running gateway; what it tells is as of now.
#[derive(Clone)]
pub struct Operators {
    reloader: Reloader,
    admin: AdminConfig,
    store: StoreParts,
}

/// Where the partner of a zone connects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrance {
    /// What clients are told.
    pub bootstrap: HostPort,
    /// Whether it speaks TLS.
    pub has_tls: bool,
    /// What the partner may log in with, the strongest first; none is its certificate.
    pub mechanisms: Vec<SaslMechanism>,
}

impl Operators {
    /// Of a gateway that has `admin` and a store.
    pub(crate) fn of(reloader: &Reloader) -> Option<Self> {
        let admin = reloader.config().admin?;
        let store = reloader.parts().store.clone()?;
        Some(Self { reloader: reloader.clone(), admin, store })
    }

    /// Where operators reach the REST; changes of it need a restart.
    #[must_use]
    pub fn admin(&self) -> &AdminConfig {
        &self.admin
    }

    /// What operators may use up; changes of it need a restart.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.reloader.config().limits
    }

    /// TLS towards operators, as its certificate changes.
    #[must_use]
    pub fn tls(&self) -> Option<watch::Receiver<TlsAcceptor>> {
        self.reloader.operators_tls()
    }

    /// Where zones, accounts and tokens are kept.
    #[must_use]
    pub fn store(&self) -> &StoreParts {
        &self.store
    }

    /// Where the last use of credentials and tokens is kept.
    #[must_use]
    pub fn facts(&self) -> Arc<dyn Facts> {
        Arc::clone(&self.reloader.parts().facts)
    }

    /// The clusters that a zone may name.
    #[must_use]
    pub fn clusters(&self) -> Vec<ClusterName> {
        self.reloader.upstreams().iter().map(|cluster| cluster.name.clone()).collect()
    }

    /// Whether a topic is the gateway's own: its store, or its facts.
    #[must_use]
    pub fn owns(&self, cluster: &ClusterName, topic: &BackingTopic) -> bool {
        let store = self.reloader.config().store;
        store.is_some_and(|store| is_kept_in(&store.kind, cluster, topic))
    }

    /// Where a zone stands whose record is of that revision: what is not enforced yet is still to be done.
    #[must_use]
    pub fn status(&self, zone: &ZoneSpec, revision: Revision) -> Status {
        let snapshot = Arc::clone(&self.reloader.snapshots().borrow());
        if snapshot.revision() < revision {
            return Status::Pending;
        }
        let desired = Arc::clone(&self.reloader.desired().borrow());
        let Some(sourced) = desired.zones().iter().find(|sourced| sourced.zone.name() == zone.name()) else {
            // It is in the store, and cannot be served: the log says why.
            return Status::Failed;
        };
        let upstreams = self.reloader.upstreams().iter();
        let troubles = upstreams.filter_map(|cluster| Some((cluster.name.clone(), cluster.trouble()?)));
        life::of(sourced, &desired, &snapshot, &troubles.collect()).status
    }

    /// Where the partner of a zone connects, with TLS first.
    #[must_use]
    pub fn entrances(&self, zone: &ZoneSpec) -> Vec<Entrance> {
        let listeners = self.reloader.config().listeners;
        let of_cluster = listeners.iter().filter(|listener| listener.cluster == *zone.cluster());
        let mut entrances: Vec<Entrance> =
            of_cluster.filter_map(|listener| entrance(listener, zone)).collect();
        entrances.sort_by_key(|entrance| !entrance.has_tls);
        entrances
    }
}

impl fmt::Debug for Operators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Operators({})", self.admin.bind)
    }
}

/// Whether a store is kept in that topic: its records, or its facts.
fn is_kept_in(store: &StoreKind, cluster: &ClusterName, topic: &BackingTopic) -> bool {
    let StoreKind::Kafka(own) = store else { return false };
    let behind = topic.as_str().strip_prefix(own.topic.as_str());
    own.cluster == *cluster && behind.is_some_and(|rest| rest.is_empty() || rest == FACTS)
}

/// How a zone is entered by a listener of its cluster, if it is.
fn entrance(listener: &ListenerConfig, zone: &ZoneSpec) -> Option<Entrance> {
    let mut mechanisms = listener.mechanisms.clone();
    match zone.authentication() {
        AuthenticationMode::Plain => mechanisms.retain(|mechanism| *mechanism != SaslMechanism::OauthBearer),
        AuthenticationMode::OauthBearer => mechanisms.retain(|it| *it == SaslMechanism::OauthBearer),
        // Beside SASL a certificate only confirms who logs in.
        AuthenticationMode::Mtls if !mechanisms.is_empty() => return None,
        AuthenticationMode::Mtls => {}
    }
    if mechanisms.is_empty() && zone.authentication() != AuthenticationMode::Mtls {
        return None;
    }
    // In the order of the type, the strongest is the last of them.
    mechanisms.sort_unstable_by(|one, other| other.cmp(one));
    let HostPort { host, port } = listener.bootstrap.advertised.clone();
    let host = match &listener.nodes {
        NodeAddresses::Ports(_) => host,
        NodeAddresses::Names { domain } => format!("{}.{domain}", zone.name()),
    };
    Some(Entrance { bootstrap: HostPort { host, port }, has_tls: listener.tls.is_some(), mechanisms })
}

#[cfg(test)]
mod tests {
    use tidegate_core::parse_zones;
    use tidegate_daemon::store::TopicConfig;

    use super::*;
    use crate::config::{Machine, parse_embedded};

    fn zone(mode: &str) -> ZoneSpec {
        let text = format!(
            "{{apiVersion: v2, kind: PartnerZone, metadata: {{name: z}}, spec: {{cluster: main, authenticationMode: {{type: {mode}, serviceAccount: u}}, topics: [{{name: a, backingTopic: t, permission: READ}}]}}}}"
        );
        parse_zones(&text).unwrap().remove(0)
    }

    fn listener(protocol: &str, mechanisms: &str) -> ListenerConfig {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "clusters: [{{name: main, bootstrap: [\"localhost:9092\"]}}]
listeners:
  - {{name: p, cluster: main, protocol: {protocol}, {mechanisms} bind: {{host: 127.0.0.1, port: 9}}, advertised: {{host: k.example, port: 19}}, nodes: {{bindPort: 10, count: 2}}}}
rootKey: file:root.key
"
        );
        let config = parse_embedded(&text, &folder.path().join("inline"), &Machine).unwrap();
        config.listeners.into_iter().next().unwrap()
    }

    #[test]
    fn a_partner_is_told_the_strongest_way_that_its_zone_has() {
        let all = listener("SASL_PLAINTEXT", "mechanisms: [PLAIN, SCRAM-SHA-256, SCRAM-SHA-512],");
        let entrance_of = |mode: &str| entrance(&all, &zone(mode));
        let found = entrance_of("PLAIN").unwrap();
        assert_eq!((found.bootstrap.to_string(), found.has_tls), ("k.example:19".to_owned(), false));
        assert_eq!(
            found.mechanisms,
            [SaslMechanism::ScramSha512, SaslMechanism::ScramSha256, SaslMechanism::Plain]
        );
        assert_eq!(entrance_of("OAUTHBEARER"), None, "no token is taken there");
        assert_eq!(entrance_of("MTLS"), None, "a certificate alone does not log in there");
    }

    #[test]
    fn the_topics_of_a_store_are_its_own() {
        let topic = TopicConfig {
            cluster: ClusterName::parse("main").unwrap(),
            topic: "store".to_owned(),
            replication: None,
            writers: Vec::new(),
        };
        let kept_in = |cluster: &str, topic_name: &str| {
            let (cluster, name) = (ClusterName::parse(cluster), BackingTopic::parse(topic_name));
            is_kept_in(&StoreKind::Kafka(topic.clone()), &cluster.unwrap(), &name.unwrap())
        };
        assert!(kept_in("main", "store") && kept_in("main", "store-facts"));
        assert!(!kept_in("other", "store") && !kept_in("main", "store-2") && !kept_in("main", "stor"));
    }

    #[test]
    fn a_name_on_one_port_is_that_of_the_zone() {
        let mut by_name = listener("SASL_PLAINTEXT", "mechanisms: [PLAIN],");
        by_name.nodes = NodeAddresses::Names { domain: "k.example".to_owned() };
        assert_eq!(entrance(&by_name, &zone("PLAIN")).unwrap().bootstrap.to_string(), "z.k.example:19");
    }
}
