//! A small cluster and the zones over it, as the rules see them.

use std::sync::{Arc, LazyLock};

use tidegate_authz::cluster::{ClusterView, Features, PartitionView, TopicView};
use tidegate_authz::{AddressMap, Mirrors, ZoneView};
use tidegate_core::facts::{Fact, Timestamp};
use tidegate_core::keys::ZoneKeys;
use tidegate_core::names::BackingTopic;
use tidegate_core::{GroupPrefix, RootKey, ZoneKind, ZoneSpec, parse_zones};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::error_code::ErrorCode;

pub(crate) const ORDERS: &str = "acme-internal-orders-v3";
pub(crate) const PRICES: &str = "acme-internal-prices-v1";
/// Exists at the cluster and in no zone.
pub(crate) const HIDDEN: &str = "acme-payroll";
pub(crate) const ORDERS_ID: [u8; 16] = [0xaa; 16];
pub(crate) const PRICES_ID: [u8; 16] = [0xbb; 16];
pub(crate) const HIDDEN_ID: [u8; 16] = [0xcc; 16];
pub(crate) const SHARE_PREFIX: &str = "stream-share.ss-1";
pub(crate) const ADVERTISED: &str = "gateway.example";
pub(crate) const NOW: Timestamp = Timestamp(1_800_000_000);
/// A producer id that the zone was issued.
pub(crate) const OWN_PRODUCER: i64 = 1;

/// The zones, by number.
pub(crate) const KINDS: usize = 3;

/// What a rule is put into.
pub(crate) struct World {
    pub(crate) zone: Arc<ZoneView>,
    pub(crate) cluster: &'static ClusterView,
    pub(crate) addresses: &'static AddressMap,
}

/// What all worlds share, made once: a fuzzer asks for thousands of worlds a second.
struct Common {
    zones: [(ZoneSpec, ZoneKeys); KINDS],
    cluster: ClusterView,
    addresses: AddressMap,
}

impl World {
    /// A zone with two topics, one with two aliases of one topic, a share; nothing has happened in it.
    pub(crate) fn new(kind: u8) -> Self {
        static COMMON: LazyLock<Common> = LazyLock::new(Common::new);
        let Common { zones, cluster, addresses } = &*COMMON;
        let (spec, keys) = &zones[usize::from(kind) % KINDS];
        let zone = Arc::new(ZoneView::compile(spec, keys, cluster, &Mirrors::default(), Arc::default()));
        zone.take(&[Fact::Producer { id: OWN_PRODUCER, used: NOW }]);
        Self { zone, cluster, addresses }
    }
}

impl Common {
    fn new() -> Self {
        let mut share = spec(&[("orders", ORDERS, "READ"), ("prices", PRICES, "READ")]).into_draft();
        share.kind = ZoneKind::Share(GroupPrefix::parse(SHARE_PREFIX).expect("a prefix"));
        let zones = [
            spec(&[("orders", ORDERS, "WRITE"), ("prices", PRICES, "READ")]),
            spec(&[("first", ORDERS, "WRITE"), ("second", ORDERS, "READ")]),
            ZoneSpec::new(share).expect("a share"),
        ];
        let root = RootKey::from_bytes([7; 32]);
        let zones = zones.map(|zone| {
            let keys = root.zone_keys(&root.zone_id(zone.name()));
            (zone, keys)
        });
        // Node 3 is not advertised.
        let addresses =
            AddressMap::from_iter([(1, ADVERTISED.into(), 19_101), (2, ADVERTISED.into(), 19_102)]);
        Self { zones, cluster: cluster(), addresses }
    }
}

fn spec(topics: &[(&str, &str, &str)]) -> ZoneSpec {
    let head = "apiVersion: v2\nkind: PartnerZone\nmetadata: {name: partner}\n\
                spec:\n  cluster: main\n  serviceAccount: partner\n  topics:\n";
    let topics = topics.iter().map(|(alias, backing, permission)| {
        format!("    - {{name: {alias}, backingTopic: {backing}, permission: {permission}}}\n")
    });
    let text = head.to_owned() + &topics.collect::<String>();
    parse_zones(&text).expect("a manifest").remove(0)
}

fn cluster() -> ClusterView {
    let partition = |index: i32| PartitionView {
        index,
        error: ErrorCode::NONE,
        leader: index + 1,
        leader_epoch: 5,
        replicas: vec![1, 2, 3],
        in_sync: vec![1, 2],
        offline: vec![3],
    };
    let topic = |id| Arc::new(TopicView { id, partitions: (0..3).map(partition).collect() });
    let versions = ApiKey::iter().map(|key| {
        let valid = key.valid_versions();
        (key, Versions::new(valid.min, valid.max))
    });
    ClusterView {
        nodes: vec![1, 2, 3],
        controller: Some(3),
        versions: versions.collect(),
        features: Features::default(),
        topics: [(ORDERS, ORDERS_ID), (PRICES, PRICES_ID)]
            .map(|(name, id)| (BackingTopic::parse(name).expect("a topic"), topic(id)))
            .into(),
    }
}
