//! Names that clients ask for in the handshake: `b<id>.<zone>.<domain>` is a node, `<zone>.<domain>` the door to begin
//! with.
//!
//! A name that is unknown, or missing, ends the handshake before the certificate is shown, which lists the zones that
//! it is for. All such ends are the same alert. That a zone exists can be learnt by guessing its name, as from any
//! server that serves by name; what it is called upstream, who its partner is and what it holds cannot. An unknown node
//! of a known zone is closed after the login.

use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tidegate_core::{ClusterName, ZoneName};
use tokio::sync::watch;

use crate::listener::Door;
use crate::snapshot::Snapshot;

/// What names mean at one listener.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    suffix: String,
    cluster: ClusterName,
    snapshots: watch::Receiver<Arc<Snapshot>>,
}

/// What a name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The zone.
    pub(crate) zone: ZoneName,
    /// The node of it.
    pub(crate) door: Door,
}

impl Named {
    pub(super) fn new(domain: &str, cluster: ClusterName, snapshots: watch::Receiver<Arc<Snapshot>>) -> Self {
        Self { suffix: format!(".{domain}"), cluster, snapshots }
    }

    /// What a name means, if its zone is served here.
    pub(crate) fn target(&self, name: &str) -> Option<Target> {
        let name = name.to_ascii_lowercase();
        let name = name.strip_suffix(&self.suffix)?;
        let snapshot = Arc::clone(&self.snapshots.borrow());
        let served = |zone: &str| {
            let zone = ZoneName::parse(zone).ok()?;
            snapshot.has_zone(&self.cluster, &zone).then_some(zone)
        };
        let node = name.split_once('.').and_then(|(node, zone)| Some((node_id(node)?, zone)));
        match node {
            Some((node, zone)) => Some(Target { zone: served(zone)?, door: Door::Node(node) }),
            None => Some(Target { zone: served(name)?, door: Door::Bootstrap }),
        }
    }
}

/// The node id in `b<id>`, written in the one way that the gateway writes it.
fn node_id(label: &str) -> Option<i32> {
    let digits = label.strip_prefix('b')?;
    let id: i32 = digits.parse().ok()?;
    (id >= 0 && id.to_string() == digits).then_some(id)
}

/// The host by which clients reach `node` of a zone.
pub(crate) fn node_host(node: i32, zone: &ZoneName, domain: &str) -> String {
    format!("b{node}.{zone}.{domain}")
}

/// Whether a zone can be reached by name: DNS knows its characters, and it does not begin as a node of another.
pub(crate) fn can_be_host(zone: &ZoneName) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && !label.contains('_')
    };
    let as_node = zone.as_str().split_once('.').is_some_and(|(label, _)| node_id(label).is_some());
    zone.as_str().split('.').all(is_label) && !as_node
}

/// Shows the certificate to whoever asks for a name that is served.
#[derive(Debug)]
pub(super) struct OnlyKnownNames {
    named: Named,
    certified: Arc<CertifiedKey>,
}

impl OnlyKnownNames {
    pub(super) fn new(named: Named, certified: CertifiedKey) -> Self {
        Self { named, certified: Arc::new(certified) }
    }
}

impl ResolvesServerCert for OnlyKnownNames {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.named.target(hello.server_name()?)?;
        Some(Arc::clone(&self.certified))
    }
}
