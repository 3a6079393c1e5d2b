//! A small cluster, a zone over it, and a bench that plays client and broker around one rule.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kafka_protocol::protocol::{Decodable, Encodable};
use tidegate_core::facts::{Fact, Timestamp};
use tidegate_core::keys::RootKey;
use tidegate_core::names::{BackingTopic, MirrorTopic, ZoneName};
use tidegate_core::{GroupPrefix, LinkId, ZoneKind, ZoneSpec, manifest};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec::{self, Guarded};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::header::{self, Request};

use crate::addresses::AddressMap;
use crate::cluster::{ClusterView, Features, PartitionView, TopicView};
use crate::context::{ConnectionState, ReplyContext, RequestContext};
use crate::groups::Prefix;
use crate::mirrors::Mirrors;
use crate::outcome::{Outcome, Question, Replied};
use crate::policy::Policy;
use crate::rules::Rule;
use crate::state::ZoneState;
use crate::view::ZoneView;

pub(crate) const ORDERS_BACKING: &str = "acme-internal-orders-v3";
pub(crate) const PRICES_BACKING: &str = "acme-internal-prices-v1";
pub(crate) const HIDDEN_TOPIC: &str = "acme-payroll";
pub(crate) const ORDERS_ID: [u8; 16] = [0xaa; 16];
pub(crate) const PRICES_ID: [u8; 16] = [0xbb; 16];
pub(crate) const CORRELATION_ID: i32 = 4711;
/// When everything on the bench happens.
pub(crate) const NOW: Timestamp = Timestamp(1_800_000_000);

/// `orders` may be written, `prices` read.
pub(crate) const ZONE: &str = "
apiVersion: v2
kind: PartnerZone
metadata: {name: partner}
spec:
  cluster: main
  serviceAccount: partner
  topics:
    - {name: orders, backingTopic: acme-internal-orders-v3, permission: WRITE}
    - {name: prices, backingTopic: acme-internal-prices-v1, permission: READ}
";

/// Two aliases of one backing topic.
pub(crate) const TWIN_ZONE: &str = "
apiVersion: v2
kind: PartnerZone
metadata: {name: partner}
spec:
  cluster: main
  serviceAccount: partner
  topics:
    - {name: first, backingTopic: acme-internal-orders-v3, permission: WRITE}
    - {name: second, backingTopic: acme-internal-orders-v3, permission: READ}
";

fn root_key() -> RootKey {
    RootKey::from_bytes([7; 32])
}

pub(crate) fn prefix(zone: &str) -> Prefix {
    let id = root_key().zone_id(&ZoneName::parse(zone).unwrap());
    Prefix::new(root_key().zone_keys(&id).tag(), ZoneKind::Partner)
}

pub(crate) fn share_prefix(prefix: &str) -> Prefix {
    let id = root_key().zone_id(&ZoneName::parse("partner").unwrap());
    let kind = ZoneKind::Share(GroupPrefix::parse(prefix).unwrap());
    Prefix::new(root_key().zone_keys(&id).tag(), kind)
}

pub(crate) fn cluster() -> ClusterView {
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
        topics: [(ORDERS_BACKING, ORDERS_ID), (PRICES_BACKING, PRICES_ID)]
            .map(|(name, id)| (BackingTopic::parse(name).unwrap(), topic(id)))
            .into(),
    }
}

/// Those of Kafka 4.1 with its defaults.
fn features() -> Features {
    let of = [
        ("eligible.leader.replicas.version", 1, 0, 1),
        ("group.version", 1, 0, 1),
        ("kraft.version", 1, 0, 1),
        ("metadata.version", 27, 7, 27),
        ("transaction.version", 2, 0, 2),
    ];
    Features {
        finalized: of.map(|(name, level, ..)| (name.to_owned(), level)).into(),
        supported: of.map(|(name, _, min, max)| (name.to_owned(), Versions::new(min, max))).into(),
        epoch: Some(1_234),
    }
}

/// Nodes 1 and 2 are advertised, node 3 is not.
pub(crate) fn addresses() -> AddressMap {
    AddressMap::from_iter([(1, "gateway.example".into(), 19101), (2, "gateway.example".into(), 19102)])
}

pub(crate) fn zone(manifest: &str) -> Arc<ZoneView> {
    zone_over(manifest, &cluster(), Arc::default())
}

/// A view of the zone whose memory is `state`.
pub(crate) fn zone_over(manifest: &str, cluster: &ClusterView, state: Arc<ZoneState>) -> Arc<ZoneView> {
    compile(&manifest::parse_zones(manifest).unwrap().remove(0), cluster, &Mirrors::default(), state)
}

/// [`ZONE`] where links have written into the topic of `orders`.
pub(crate) fn mirroring(links: &[LinkId]) -> Arc<ZoneView> {
    mirroring_over(ZONE, links)
}

/// [`TWIN_ZONE`] where links have written into its topic.
pub(crate) fn mirroring_twins(links: &[LinkId]) -> Arc<ZoneView> {
    mirroring_over(TWIN_ZONE, links)
}

fn mirroring_over(manifest: &str, links: &[LinkId]) -> Arc<ZoneView> {
    let topic = MirrorTopic::parse(ORDERS_BACKING).unwrap();
    let mirrors = links.iter().map(|link| (topic.clone(), *link)).collect();
    compile(&manifest::parse_zones(manifest).unwrap().remove(0), &cluster(), &mirrors, Arc::default())
}

/// [`ZONE`] as a share whose groups begin with `prefix`.
pub(crate) fn share(prefix: &str) -> Arc<ZoneView> {
    let mut draft = manifest::parse_zones(&ZONE.replace("WRITE", "READ")).unwrap().remove(0).into_draft();
    draft.kind = ZoneKind::Share(GroupPrefix::parse(prefix).unwrap());
    compile(&ZoneSpec::new(draft).unwrap(), &cluster(), &Mirrors::default(), Arc::default())
}

fn compile(
    spec: &ZoneSpec,
    cluster: &ClusterView,
    mirrors: &Mirrors,
    state: Arc<ZoneState>,
) -> Arc<ZoneView> {
    let keys = root_key().zone_keys(&root_key().zone_id(spec.name()));
    Arc::new(ZoneView::compile(spec, &keys, cluster, mirrors, state))
}

pub(crate) fn encoded<M: Guarded + Encodable>(version: i16, message: &M) -> Bytes {
    let mut out = BytesMut::new();
    codec::encode(message, version, &mut out).unwrap();
    out.freeze()
}

pub(crate) fn request_of<Q: Guarded + Encodable>(version: i16, message: &Q) -> Request {
    Request {
        key: Q::KEY,
        version,
        correlation_id: CORRELATION_ID,
        client_id: Bytes::from_static(b"app"),
        body: encoded(version, message),
    }
}

/// Plays client and broker around one rule.
pub(crate) struct Bench {
    pub(crate) zone: Arc<ZoneView>,
    state: Arc<ZoneState>,
    pub(crate) cluster: ClusterView,
    pub(crate) addresses: AddressMap,
    pub(crate) policy: Policy,
    connection: std::cell::RefCell<ConnectionState>,
    /// Producer ids that only the store knows.
    pub(crate) stored_producers: Vec<i64>,
    /// What the zone owes when the request and when the answer comes.
    pub(crate) throttle_ms: i32,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::over(ZONE)
    }

    pub(crate) fn over(manifest: &str) -> Self {
        let state = Arc::default();
        Self::with(zone_over(manifest, &cluster(), Arc::clone(&state)), state)
    }

    /// Over a zone that is not edited.
    pub(crate) fn of(zone: Arc<ZoneView>) -> Self {
        Self::with(zone, Arc::default())
    }

    fn with(zone: Arc<ZoneView>, state: Arc<ZoneState>) -> Self {
        Self {
            zone,
            state,
            cluster: cluster(),
            addresses: addresses(),
            policy: Policy::default(),
            connection: std::cell::RefCell::default(),
            stored_producers: Vec::new(),
            throttle_ms: 0,
        }
    }

    /// Compiles the zone anew, after an edit of its manifest or of the cluster.
    pub(crate) fn edit(&mut self, manifest: &str) {
        self.zone = zone_over(manifest, &self.cluster, Arc::clone(&self.state));
        self.state.retain_bindings(|backing, alias| {
            self.zone.by_name(alias.as_str()).is_some_and(|granted| granted.backing == *backing)
        });
    }

    /// Over a zone that may write nothing.
    pub(crate) fn read_only() -> Self {
        Self::over(&ZONE.replace("WRITE", "READ"))
    }

    /// The same with one more producer id that only the store knows.
    pub(crate) fn with_stored_producer(mut self, id: i64) -> Self {
        self.stored_producers.push(id);
        self
    }

    pub(crate) fn virtual_id(&self, alias: &str) -> [u8; 16] {
        self.zone.by_name(alias).unwrap().topic.as_ref().unwrap().virtual_id
    }

    pub(crate) fn ask(&self, rule: &dyn Rule, request: &Request) -> Outcome {
        let mut absent_producers = Vec::new();
        loop {
            match self.ask_once(rule, request, &absent_producers) {
                Outcome::Ask(Question::Keep(facts)) => self.zone.take(&facts),
                Outcome::Ask(Question::Producers(ids)) => {
                    let (own, absent): (Vec<_>, Vec<_>) =
                        ids.into_iter().partition(|id| self.stored_producers.contains(id));
                    own.into_iter().for_each(|id| self.zone.take(&[Fact::Producer { id, used: NOW }]));
                    absent_producers = absent;
                }
                outcome => return outcome,
            }
        }
    }

    /// As [`Bench::ask`], with a question of the rule as it is.
    pub(crate) fn ask_once(&self, rule: &dyn Rule, request: &Request, absent_producers: &[i64]) -> Outcome {
        let mut context = RequestContext {
            zone: &self.zone,
            cluster: &self.cluster,
            addresses: &self.addresses,
            policy: &self.policy,
            client_id: "tg-zone/app",
            now: NOW,
            absent_producers,
            throttle_ms: self.throttle_ms,
            connection: &mut self.connection.borrow_mut(),
        };
        rule.on_request(&mut context, request).unwrap()
    }

    /// The answer to a request that must not go upstream.
    pub(crate) fn answer<Q, R>(&self, rule: &dyn Rule, version: i16, message: &Q) -> R
    where
        Q: Guarded + Encodable,
        R: Guarded + Decodable,
    {
        match self.ask(rule, &request_of(version, message)) {
            Outcome::Answer(frame) => decode_answer(version, frame.joined()),
            other => panic!("went upstream: {other:?}"),
        }
    }

    /// What goes upstream, and the client's answer to what `broker` says.
    pub(crate) fn exchange<Q, R>(
        &self,
        rule: &dyn Rule,
        version: i16,
        message: &Q,
        broker: impl FnMut(&Q) -> R,
    ) -> (Vec<Q>, R)
    where
        Q: Guarded + Encodable + Decodable,
        R: Guarded + Encodable + Decodable,
    {
        self.exchange_seen_by(rule, version, message, broker, Some(&self.zone))
    }

    /// As [`Bench::exchange`], with the zone as it is when the answer comes.
    pub(crate) fn exchange_seen_by<Q, R>(
        &self,
        rule: &dyn Rule,
        version: i16,
        message: &Q,
        mut broker: impl FnMut(&Q) -> R,
        later: Option<&ZoneView>,
    ) -> (Vec<Q>, R)
    where
        Q: Guarded + Encodable + Decodable,
        R: Guarded + Encodable + Decodable,
    {
        let Outcome::Forward { requests, reply } = self.ask(rule, &request_of(version, message)) else {
            panic!("did not go upstream");
        };
        let mut sent = Vec::new();
        let mut frames = Vec::new();
        for request in requests {
            let parsed = Request::parse(request.frame.joined()).unwrap();
            assert_eq!(
                (parsed.key, parsed.version, &parsed.client_id[..]),
                (Q::KEY, version, &b"tg-zone/app"[..])
            );
            let upstream: Q = codec::decode(version, &parsed.body).unwrap();
            frames.push(crate::rules::frame_of(version, parsed.correlation_id, &broker(&upstream)));
            sent.push(upstream);
        }
        let context = ReplyContext::new(later, &self.addresses, NOW).throttled(self.throttle_ms);
        let frame = match reply.on_response(&context, &frames).unwrap() {
            Replied::Answer(frame) => frame,
            Replied::Keep { facts, then, .. } => {
                self.zone.take(&facts);
                then
            }
            Replied::Forget { unbound, then } => {
                self.zone.forget(&unbound);
                then
            }
        };
        (sent, decode_answer(version, frame.joined()))
    }
}

pub(crate) fn decode_answer<R: Guarded + Decodable>(version: i16, frame: Bytes) -> R {
    let (correlation_id, body) = header::parse_response(&frame, R::KEY, version).unwrap();
    assert_eq!(correlation_id, CORRELATION_ID);
    codec::decode(version, &frame.slice(body..)).unwrap()
}

/// A ConsumerProtocolSubscription of version 0.
pub(crate) fn subscription(topics: &[&str]) -> Bytes {
    let mut blob = vec![0, 0];
    blob.extend(i32::try_from(topics.len()).unwrap().to_be_bytes());
    for topic in topics {
        blob.extend(i16::try_from(topic.len()).unwrap().to_be_bytes());
        blob.extend(topic.as_bytes());
    }
    blob.extend((-1_i32).to_be_bytes());
    blob.into()
}

/// A ConsumerProtocolAssignment of version 0 with partition 0 of each topic.
pub(crate) fn assignment(topics: &[&str]) -> Bytes {
    let mut blob = vec![0, 0];
    blob.extend(i32::try_from(topics.len()).unwrap().to_be_bytes());
    for topic in topics {
        blob.extend(i16::try_from(topic.len()).unwrap().to_be_bytes());
        blob.extend(topic.as_bytes());
        blob.extend([0, 0, 0, 1, 0, 0, 0, 0]);
    }
    blob.extend((-1_i32).to_be_bytes());
    blob.into()
}

pub(crate) fn assignment_topics(blob: &Bytes) -> Vec<String> {
    let mut topics = Vec::new();
    let collect = |topic: &str| {
        topics.push(topic.to_owned());
        tidegate_wire::group_blob::Renamed::Drop
    };
    tidegate_wire::group_blob::rewrite_assignment(blob, collect).unwrap();
    topics
}
