//! What a gateway that was killed must still know: which producer ids a zone was issued, and which alias of a
//! topic a group uses.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    FindCoordinatorRequest, GroupId, InitProducerIdRequest, JoinGroupRequest, MetadataRequest,
    OffsetCommitRequest, ProduceRequest, ProducerId, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType};
use tidegate_e2e::gateway::Ports;
use tidegate_e2e::kafka::Kafka;
use tidegate_e2e::random;
use tidegate_e2e::raw::Connection;

use crate::cluster::eventually;
use crate::site::{PARTNER, PASSWORD, RIVAL, TWINS};

const LIMIT: Duration = Duration::from_secs(30);
const NONE: i16 = 0;
const INCONSISTENT_GROUP_PROTOCOL: i16 = 23;
const TOPIC_AUTHORIZATION_FAILED: i16 = 29;
const INVALID_PRODUCER_ID_MAPPING: i16 = 49;
/// Leaders and coordinators that move: UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE,
/// NOT_LEADER_OR_FOLLOWER, REQUEST_TIMED_OUT, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE,
/// NOT_COORDINATOR, NOT_ENOUGH_REPLICAS.
const PASSES: [i16; 8] = [3, 5, 6, 7, 14, 15, 16, 19];

/// Producers and groups of the partner, from before the first kill on.
pub(crate) struct State {
    partner: Partner,
    producers: Vec<Producer>,
    groups: Vec<String>,
    /// A producer id that the cluster gave to somebody else, and one that it gave to another zone.
    forged: [Producer; 2],
    /// Records that were acknowledged.
    pub(crate) acknowledged: usize,
}

/// An idempotent producer, as its client remembers it.
#[derive(Clone, Copy)]
struct Producer {
    id: i64,
    epoch: i16,
    sequence: i32,
}

impl State {
    pub(crate) fn new(kafka: &Kafka, ports: &Ports) -> Result<Self> {
        let partner = Partner::new(ports, PARTNER);
        let rival = Partner::new(ports, RIVAL);
        let others = eventually("no producer id", || issue(&mut kafka.internal(1)?))?;
        let forged = [others, rival.issued()?];
        Ok(Self { partner, producers: Vec::new(), groups: Vec::new(), forged, acknowledged: 0 })
    }

    /// One producer and one group more; the next thing that happens is the kill.
    pub(crate) fn add(&mut self) -> Result<()> {
        let group = random::name("bound-");
        assert_eq!(self.partner.commit(&group, TWINS[0])?, NONE);
        self.groups.push(group);
        self.producers.push(self.partner.issued()?);
        Ok(())
    }

    /// Every producer goes on with its id, forged ids are refused, every group is bound as before.
    pub(crate) fn check(&mut self) -> Result<()> {
        for producer in &mut self.producers {
            let code = self.partner.produce(producer)?;
            ensure!(code == NONE, "producer id {} was refused with {code} after the kill", producer.id);
            producer.sequence += 1;
            self.acknowledged += 1;
        }
        for forged in &self.forged {
            assert_eq!(self.partner.produce(forged)?, INVALID_PRODUCER_ID_MAPPING);
        }
        for group in &self.groups {
            assert_eq!(self.partner.commit(group, TWINS[1])?, TOPIC_AUTHORIZATION_FAILED, "{group}");
            assert_eq!(self.partner.join(group, TWINS[1])?, INCONSISTENT_GROUP_PROTOCOL, "{group}");
            assert_eq!(self.partner.commit(group, TWINS[0])?, NONE, "{group}");
        }
        Ok(())
    }
}

/// A raw client that finds leaders and coordinators anew for each request.
struct Partner {
    bootstrap: SocketAddr,
    nodes: u16,
    account: &'static str,
}

impl Partner {
    fn new(ports: &Ports, account: &'static str) -> Self {
        Self { bootstrap: ports.advertised(), nodes: ports.advertised_nodes(), account }
    }

    fn issued(&self) -> Result<Producer> {
        eventually("no producer id", || issue(&mut self.connect(self.bootstrap)?))
    }

    /// One record to the first alias.
    fn produce(&self, producer: &Producer) -> Result<i16> {
        let partition = PartitionProduceData::default().with_index(0).with_records(Some(producer.batch()?));
        let topic =
            TopicProduceData::default().with_name(topic(TWINS[0])).with_partition_data(vec![partition]);
        let request =
            ProduceRequest::default().with_acks(-1).with_timeout_ms(10_000).with_topic_data(vec![topic]);
        settled(|| {
            let answer = self.leader()?.call(9, &request)?;
            Ok(answer.responses[0].partition_responses[0].error_code)
        })
    }

    /// Commits as a simple consumer.
    fn commit(&self, group: &str, alias: &str) -> Result<i16> {
        let partition = OffsetCommitRequestPartition::default()
            .with_committed_metadata(Some(StrBytes::default()))
            .with_committed_offset(1);
        let asked =
            OffsetCommitRequestTopic::default().with_name(topic(alias)).with_partitions(vec![partition]);
        let request = OffsetCommitRequest::default()
            .with_group_id(GroupId(text(group)))
            .with_generation_id_or_member_epoch(-1)
            .with_topics(vec![asked]);
        settled(|| Ok(self.coordinator(group)?.call(8, &request)?.topics[0].partitions[0].error_code))
    }

    fn join(&self, group: &str, alias: &str) -> Result<i16> {
        let protocol =
            JoinGroupRequestProtocol::default().with_name(text("range")).with_metadata(subscription(alias));
        let request = JoinGroupRequest::default()
            .with_group_id(GroupId(text(group)))
            .with_session_timeout_ms(10_000)
            .with_rebalance_timeout_ms(10_000)
            .with_protocol_type(text("consumer"))
            .with_protocols(vec![protocol]);
        settled(|| Ok(self.coordinator(group)?.call(3, &request)?.error_code))
    }

    fn leader(&self) -> Result<Connection> {
        let asked = MetadataRequestTopic::default().with_name(Some(topic(TWINS[0])));
        let request = MetadataRequest::default().with_topics(Some(vec![asked]));
        let answer = self.connect(self.bootstrap)?.call(9, &request)?;
        self.node(answer.topics[0].partitions.first().context("no partition")?.leader_id.0)
    }

    fn coordinator(&self, group: &str) -> Result<Connection> {
        let find = FindCoordinatorRequest::default().with_coordinator_keys(vec![text(group)]);
        let answer = self.connect(self.bootstrap)?.call(4, &find)?;
        let found = &answer.coordinators[0];
        ensure!(found.error_code == NONE, "{found:?}");
        self.node(found.node_id.0)
    }

    fn node(&self, id: i32) -> Result<Connection> {
        let port = self.nodes + u16::try_from(id).context("no node")?;
        self.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }

    fn connect(&self, address: SocketAddr) -> Result<Connection> {
        let mut connection = Connection::open(address, LIMIT)?;
        connection.log_in(self.account, PASSWORD)?;
        Ok(connection)
    }
}

impl Producer {
    fn batch(&self) -> Result<Bytes> {
        let record = Record {
            transactional: false,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: -1,
            producer_id: self.id,
            producer_epoch: self.epoch,
            timestamp_type: TimestampType::Creation,
            offset: 0,
            sequence: self.sequence,
            timestamp: tidegate_e2e::requests::now_ms(),
            key: None,
            value: Some(Bytes::from_static(b"value")),
            headers: kafka_protocol::indexmap::IndexMap::new(),
        };
        let mut buffer = BytesMut::new();
        let options = RecordEncodeOptions { version: 2, compression: Compression::None };
        RecordBatchEncoder::encode(&mut buffer, [&record], &options)?;
        Ok(buffer.freeze())
    }
}

fn issue(connection: &mut Connection) -> Result<Producer> {
    let ask = InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_transaction_timeout_ms(30_000)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1);
    let answer = connection.call(4, &ask)?;
    ensure!(answer.error_code == NONE, "{answer:?}");
    Ok(Producer { id: answer.producer_id.0, epoch: answer.producer_epoch, sequence: 0 })
}

/// The answer, once it is neither a closed connection nor a word about a leader that moves.
fn settled(mut ask: impl FnMut() -> Result<i16>) -> Result<i16> {
    eventually("no answer", || {
        let code = ask()?;
        ensure!(!PASSES.contains(&code), "code {code}");
        Ok(code)
    })
}

/// A ConsumerProtocolSubscription of version 0.
fn subscription(topic: &str) -> Bytes {
    let length = u16::try_from(topic.len()).expect("a short name").to_be_bytes();
    let none = (-1_i32).to_be_bytes();
    [&[0, 0], &1_u32.to_be_bytes()[..], &length, topic.as_bytes(), &none].concat().into()
}

fn topic(name: &str) -> TopicName {
    TopicName(text(name))
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
