//! The cluster, the zones over it, and the words that stand for their secrets in scenario files.

use std::sync::Arc;

use tidegate_authz::cluster::{Features, PartitionView, TopicView};
use tidegate_authz::{AddressMap, ClusterView, Mirrors, ZoneView};
use tidegate_core::keys::{RootKey, ZoneKeys};
use tidegate_core::manifest;
use tidegate_core::names::{Alias, BackingTopic, ZoneName};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::error_code::ErrorCode;

use super::codec::hex;

pub(crate) const ORDERS: &str = "acme-internal-orders-v3";
pub(crate) const PRICES: &str = "acme-internal-prices-v1";
/// A topic of the cluster that no zone shows.
pub(crate) const HIDDEN: &str = "acme-payroll";
const ORDERS_ID: [u8; 16] = [0xaa; 16];
const PRICES_ID: [u8; 16] = [0xbb; 16];
const HIDDEN_ID: [u8; 16] = [0xcc; 16];

/// A producer id that the zone was issued.
pub(crate) const OWN_PRODUCER: i64 = 77;

/// What the gateway advertises for nodes 1 and 2; node 3 has no address.
pub(crate) const HOST: &str = "gateway.example";
pub(crate) const PORTS: [i64; 2] = [19101, 19102];

/// What the played broker says where a partner must not read it; all of it has [`LEAK`] inside.
pub(crate) const LEAK: &str = "leak-";
pub(crate) const BROKER_HOST: &str = "leak-host.internal";
pub(crate) const BROKER_PORT: i64 = 9092;
pub(crate) const BROKER_RACK: &str = "leak-rack";
pub(crate) const BROKER_TEXT: &str = "leak-text of the broker";
pub(crate) const BROKER_CLUSTER: &str = "leak-cluster";
pub(crate) const BROKER_PATTERN: &str = "leak-.*";

/// Alias, backing topic and permission.
type Topic = (&'static str, &'static str, &'static str);

/// The zones that a scenario may name.
const ZONES: [(&str, &[Topic]); 4] = [
    ("plain", &[("orders", ORDERS, "WRITE"), ("prices", PRICES, "READ")]),
    ("readonly", &[("orders", ORDERS, "READ"), ("prices", PRICES, "READ")]),
    // Two aliases of one backing topic.
    ("twins", &[("first", ORDERS, "WRITE"), ("second", ORDERS, "READ")]),
    // Aliases that are the backing names of each other: whatever maps twice, or not at all, shows.
    ("swapped", &[(ORDERS, PRICES, "WRITE"), (PRICES, ORDERS, "READ")]),
];

/// One zone and what is around it, made anew for each run.
pub(crate) struct World {
    pub(crate) zone: Arc<ZoneView>,
    pub(crate) cluster: ClusterView,
    pub(crate) addresses: AddressMap,
    words: Vec<(String, String)>,
}

impl World {
    pub(crate) fn of(zone: &str) -> Self {
        let (name, topics) = ZONES.iter().find(|(name, _)| *name == zone).expect("a zone of ZONES");
        let topics = topics.iter().map(|(alias, backing, permission)| {
            format!("\n    - {{name: {alias}, backingTopic: {backing}, permission: {permission}}}")
        });
        let manifest = format!(
            "apiVersion: v2\nkind: PartnerZone\nmetadata: {{name: {name}}}\nspec:\n  cluster: main\n  \
             serviceAccount: partner\n  topics:{}\n",
            topics.collect::<String>()
        );
        let spec = manifest::parse_zones(&manifest).expect("the manifest is sound").remove(0);
        let (cluster, keys) = (cluster(), keys(name));
        let zone = Arc::new(ZoneView::compile(&spec, &keys, &cluster, &Mirrors::default(), Arc::default()));
        let words = words(&zone);
        Self { zone, cluster, addresses: addresses(), words }
    }

    pub(crate) fn aliases(&self) -> impl Iterator<Item = &str> {
        self.zone.topics().iter().map(|granted| granted.alias.as_str())
    }

    pub(crate) fn backings(&self) -> impl Iterator<Item = &str> {
        self.zone.topics().iter().map(|granted| granted.backing.as_str())
    }

    /// The virtual ids of the zone, as hex.
    pub(crate) fn virtual_ids(&self) -> Vec<String> {
        let topics = self.zone.topics().iter().filter_map(|granted| granted.topic.as_ref());
        topics.map(|topic| hex(&topic.virtual_id)).collect()
    }

    /// The real ids of the zone's topics, as hex.
    pub(crate) fn real_ids(&self) -> Vec<String> {
        let topics = self.zone.topics().iter().filter_map(|granted| granted.topic.as_ref());
        topics.map(|topic| hex(&topic.upstream.id)).collect()
    }

    pub(crate) fn prefix(&self) -> String {
        format!("{}.", self.zone.prefix().tag())
    }

    /// `text` with the secrets in place of the words.
    pub(crate) fn resolve(&self, text: &str) -> String {
        self.words.iter().fold(text.to_owned(), |text, (word, secret)| text.replace(word, secret))
    }

    /// `text` with the words in place of the secrets.
    pub(crate) fn render(&self, text: &str) -> String {
        self.words.iter().fold(text.to_owned(), |text, (word, secret)| text.replace(secret, word))
    }
}

/// The real ids of every topic of the cluster.
pub(crate) fn all_real_ids() -> [(&'static str, [u8; 16]); 3] {
    [(ORDERS, ORDERS_ID), (PRICES, PRICES_ID), (HIDDEN, HIDDEN_ID)]
}

/// The prefix of a zone that is not the one in play.
pub(crate) fn other_prefix() -> String {
    keys("other").tag().prefix().to_owned()
}

/// The id of the hidden topic in that other zone.
pub(crate) fn other_virtual_id() -> [u8; 16] {
    *keys("other").virtual_topic_id(&Alias::parse("payroll").unwrap(), HIDDEN_ID).as_bytes()
}

fn keys(zone: &str) -> ZoneKeys {
    let root = RootKey::from_bytes([7; 32]);
    root.zone_keys(&root.zone_id(&ZoneName::parse(zone).unwrap()))
}

fn words(zone: &ZoneView) -> Vec<(String, String)> {
    let mut words = vec![
        ("{prefix}".to_owned(), format!("{}.", zone.prefix().tag())),
        ("{other}".to_owned(), other_prefix()),
        ("{tag}".to_owned(), zone.prefix().tag().to_owned()),
        ("{cluster}".to_owned(), zone.cluster_id().to_owned()),
        ("{vid:of another zone}".to_owned(), hex(&other_virtual_id())),
        ("{batch}".to_owned(), batch(0, -1)),
        ("{batch:producer}".to_owned(), batch(0, OWN_PRODUCER)),
        ("{batch:forged producer}".to_owned(), batch(0, OWN_PRODUCER + 1)),
        ("{batch:transactional}".to_owned(), batch(0x10, OWN_PRODUCER)),
        ("{batch:control}".to_owned(), batch(0x20, OWN_PRODUCER)),
    ];
    for granted in zone.topics() {
        let id = granted.topic.as_ref().expect("the topic exists").virtual_id;
        words.push((format!("{{vid:{}}}", granted.alias), hex(&id)));
    }
    words.extend(all_real_ids().map(|(name, id)| (format!("{{id:{name}}}"), hex(&id))));
    words
}

/// A batch of one record whose content nobody looks at.
fn batch(attributes: u8, producer: i64) -> String {
    let mut bytes = [0; 68];
    bytes[11] = 56;
    bytes[16] = 2;
    bytes[22] = attributes;
    bytes[43..51].copy_from_slice(&producer.to_be_bytes());
    // Without a producer id there is neither an epoch nor a sequence.
    bytes[51..57].fill(if producer < 0 { 0xff } else { 0 });
    bytes[60] = 1;
    bytes[61..].copy_from_slice(b"opaque!");
    format!("hex:{}", hex(&bytes))
}

fn cluster() -> ClusterView {
    let partition = |index: i32, leader| PartitionView {
        index,
        error: ErrorCode::NONE,
        leader,
        leader_epoch: 5 + index,
        replicas: vec![1, 2, 3],
        in_sync: vec![1, 2],
        offline: vec![3],
    };
    let topic =
        |id| Arc::new(TopicView { id, partitions: vec![partition(0, 1), partition(1, 2), partition(2, 3)] });
    ClusterView {
        nodes: vec![1, 2, 3],
        controller: Some(3),
        versions: ApiKey::iter()
            .map(|key| (key, Versions::new(key.valid_versions().min, key.valid_versions().max)))
            .collect(),
        features: features(),
        topics: all_real_ids().map(|(name, id)| (BackingTopic::parse(name).unwrap(), topic(id))).into(),
    }
}

/// Those of Kafka 4.1 with its defaults.
fn features() -> Features {
    let of = [("group.version", 1, 0, 1), ("metadata.version", 27, 7, 27), ("transaction.version", 2, 0, 2)];
    Features {
        finalized: of.map(|(name, level, ..)| (name.to_owned(), level)).into(),
        supported: of.map(|(name, _, min, max)| (name.to_owned(), Versions::new(min, max))).into(),
        epoch: Some(1_234),
    }
}

fn addresses() -> AddressMap {
    let port = |at: usize| u16::try_from(PORTS[at]).unwrap();
    AddressMap::from_iter([(1, HOST.into(), port(0)), (2, HOST.into(), port(1))])
}
