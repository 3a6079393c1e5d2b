//! Transactions through the gateway, in the old flow and in that of KIP-890, and what a forged producer id gets.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, ApiVersionsRequest, EndTxnRequest,
    FindCoordinatorRequest, GroupId, InitProducerIdRequest, OffsetFetchRequest, ProduceRequest, ProducerId,
    TopicName, TransactionalId, TxnOffsetCommitRequest,
};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType};
use tidegate_e2e::gateway::{Alias, Gateway, Home, Permission};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::Kafka;
use tidegate_e2e::raw::Connection;

const PASSWORD: &str = "partner-password";
const ALIAS: &str = "orders";
/// The time for coordinators to be there.
const SOON: Duration = Duration::from_secs(60);

// Key types of FindCoordinator.
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

/// Groups enough to hit each of the 50 partitions of the offsets topic, as good as surely.
const GROUPS: usize = 300;

const TOPIC_AUTHORIZATION_FAILED: i16 = 29;
const INVALID_PRODUCER_ID_MAPPING: i16 = 49;
const TRANSACTIONAL_ID_AUTHORIZATION_FAILED: i16 = 53;
const OPERATION_NOT_ATTEMPTED: i16 = 55;

/// Versions of the two flows.
struct Flow {
    produce: i16,
    commit: i16,
    end: i16,
    /// Whether partitions and offsets are added in requests of their own.
    adds: bool,
}

const OLD: Flow = Flow { produce: 11, commit: 4, end: 4, adds: true };
const KIP_890: Flow = Flow { produce: 12, commit: 5, end: 5, adds: false };

#[test]
fn records_and_offsets_are_committed_in_both_flows() -> Result<()> {
    for (version, flows) in [(Version::V4_1_1, &[OLD, KIP_890][..]), (Version::V3_9_1, &[OLD][..])] {
        let site = Site::start(version)?;
        let mut partner = site.connect("writer")?;
        for (number, flow) in flows.iter().enumerate() {
            let (id, group) = (format!("tx-{number}"), format!("g-{number}"));
            let mut producer = Producer::begin(&mut partner, &id)?;
            for offset in [7, 8] {
                producer.transact(&mut partner, flow, &group, offset)?;
                assert_eq!(committed(&mut partner, &group)?, offset);
            }
        }
    }
    Ok(())
}

#[test]
fn a_cluster_that_has_the_new_flow_shows_it_and_nothing_else_of_its_features() -> Result<()> {
    let site = Site::start(Version::V4_1_1)?;
    let ask = ApiVersionsRequest::default()
        .with_client_software_name(StrBytes::from_static_str("test"))
        .with_client_software_version(StrBytes::from_static_str("1"));
    let shown = site.connect("writer")?.call(4, &ask)?;
    let finalized: Vec<_> =
        shown.finalized_features.iter().map(|f| (f.name.as_str(), f.max_version_level)).collect();
    assert_eq!(finalized, [("group.version", 1), ("transaction.version", 2)]);
    let supported: Vec<_> =
        shown.supported_features.iter().map(|f| (f.name.as_str(), f.min_version, f.max_version)).collect();
    assert_eq!(supported, [("group.version", 0, 1), ("transaction.version", 0, 2)]);
    ensure!(shown.finalized_features_epoch >= 0, "{shown:?}");
    Ok(())
}

/// Every reader of a topic sees the producer ids of its writers; none of them is of use to it.
#[test]
fn a_producer_id_of_another_zone_is_refused_in_every_request() -> Result<()> {
    let site = Site::start(Version::V4_1_1)?;
    let (mut victim, mut forger) = (site.connect("writer")?, site.connect("forger")?);
    let mut own = Producer::begin(&mut victim, "tx")?;
    let theirs = Producer::begin(&mut forger, "tx")?;
    ensure!(own.id != theirs.id, "one id for two zones");
    let mut forged = Producer { id: own.id, epoch: own.epoch + 1, ..theirs };
    assert_eq!(forged.add_partitions(&mut forger, &[ALIAS])?, [INVALID_PRODUCER_ID_MAPPING]);
    assert_eq!(forged.add_offsets(&mut forger, "g")?, INVALID_PRODUCER_ID_MAPPING);
    assert_eq!(forged.end(&mut forger, 5)?.0, INVALID_PRODUCER_ID_MAPPING);
    // While the owner has a transaction open on a partition of the offsets topic, the broker asks no coordinator whose id
    // it is that writes there; one group in fifty lies on that partition.
    find_coordinator(&mut victim, GROUP, "g")?;
    eventually(|| own.commit(&mut victim, 5, "g", 3))?;
    forged.epoch = own.epoch;
    for number in 0..GROUPS {
        let group = format!("g-{number}");
        assert_eq!(forged.commit(&mut forger, 4, &group, 1)?, INVALID_PRODUCER_ID_MAPPING, "{group}");
    }
    // The owner was not disturbed.
    own.transact(&mut victim, &KIP_890, "g", 3)
}

#[test]
fn who_only_reads_has_no_transaction_and_one_foreign_topic_fails_all() -> Result<()> {
    let site = Site::start(Version::V4_1_1)?;
    let mut writer = site.connect("writer")?;
    let producer = Producer::begin(&mut writer, "tx")?;
    assert_eq!(
        producer.add_partitions(&mut writer, &[ALIAS, "payroll"])?,
        [OPERATION_NOT_ATTEMPTED, TOPIC_AUTHORIZATION_FAILED]
    );
    let mut reader = site.connect("reader")?;
    assert_eq!(producer.add_partitions(&mut reader, &[ALIAS])?, [TRANSACTIONAL_ID_AUTHORIZATION_FAILED]);
    assert_eq!(producer.add_offsets(&mut reader, "g")?, TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    assert_eq!(producer.commit(&mut reader, 5, "g", 1)?, TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    assert_eq!(producer.end(&mut reader, 5)?.0, TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    Ok(())
}

/// A gateway with three zones on one topic: `writer` and `forger` may write it, `reader` not.
struct Site {
    home: Home,
    _gateway: Gateway,
}

impl Site {
    fn start(version: Version) -> Result<Self> {
        let kafka = kafka(version);
        let topic = kafka.create_topic(1)?;
        let home = Home::create(kafka)?;
        for (zone, permission) in
            [("writer", Permission::Write), ("forger", Permission::Write), ("reader", Permission::Read)]
        {
            home.add_account(zone, PASSWORD)?;
            let alias = Alias { name: ALIAS.to_owned(), backing: topic.name.clone(), permission };
            home.add_zone(zone, zone, &[alias])?;
        }
        let gateway = Gateway::start(&home)?;
        Ok(Self { home, _gateway: gateway })
    }

    fn connect(&self, zone: &str) -> Result<Connection> {
        let mut connection = Connection::open(self.home.ports().bound(), Duration::from_secs(20))?;
        connection.log_in(zone, PASSWORD)?;
        Ok(connection)
    }
}

fn kafka(version: Version) -> &'static Kafka {
    static NEW: OnceLock<Kafka> = OnceLock::new();
    static OLD: OnceLock<Kafka> = OnceLock::new();
    let known = if version == Version::V4_1_1 { &NEW } else { &OLD };
    known.get_or_init(|| Kafka::builder(version).start().expect("Kafka starts"))
}

/// A transactional producer, as its client remembers it.
struct Producer {
    transactional_id: TransactionalId,
    id: i64,
    epoch: i16,
    sequence: i32,
}

impl Producer {
    fn begin(connection: &mut Connection, id: &str) -> Result<Self> {
        let transactional_id = TransactionalId(text(id));
        find_coordinator(connection, TRANSACTION, id)?;
        let ask = InitProducerIdRequest::default()
            .with_transactional_id(Some(transactional_id.clone()))
            .with_transaction_timeout_ms(30_000)
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1);
        let mut begun = None;
        eventually(|| {
            let answer = connection.call(4, &ask)?;
            begun = Some((answer.producer_id.0, answer.producer_epoch));
            Ok(answer.error_code)
        })?;
        let (id, epoch) = begun.context("no producer id")?;
        Ok(Self { transactional_id, id, epoch, sequence: 0 })
    }

    /// One transaction with one record and one offset, committed.
    fn transact(&mut self, connection: &mut Connection, flow: &Flow, group: &str, offset: i64) -> Result<()> {
        find_coordinator(connection, GROUP, group)?;
        if flow.adds {
            eventually(|| Ok(self.add_partitions(connection, &[ALIAS])?[0]))?;
        }
        eventually(|| self.produce(connection, flow.produce))?;
        if flow.adds {
            eventually(|| self.add_offsets(connection, group))?;
        }
        eventually(|| self.commit(connection, flow.commit, group, offset))?;
        let mut next = (-1, -1);
        eventually(|| {
            let (error, id, epoch) = self.end(connection, flow.end)?;
            next = (id, epoch);
            Ok(error)
        })?;
        self.sequence += 1;
        if flow.end >= 5 {
            assert_eq!(next, (self.id, self.epoch + 1));
            (self.epoch, self.sequence) = (next.1, 0);
        }
        Ok(())
    }

    fn add_partitions(&self, connection: &mut Connection, topics: &[&str]) -> Result<Vec<i16>> {
        let topic = |name: &&str| {
            AddPartitionsToTxnTopic::default().with_name(TopicName(text(name))).with_partitions(vec![0])
        };
        let ask = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(self.transactional_id.clone())
            .with_v3_and_below_producer_id(ProducerId(self.id))
            .with_v3_and_below_producer_epoch(self.epoch)
            .with_v3_and_below_topics(topics.iter().map(topic).collect());
        let answer = connection.call(3, &ask)?;
        let partitions = answer.results_by_topic_v3_and_below.iter().flat_map(|t| &t.results_by_partition);
        Ok(partitions.map(|partition| partition.partition_error_code).collect())
    }

    fn add_offsets(&self, connection: &mut Connection, group: &str) -> Result<i16> {
        let ask = AddOffsetsToTxnRequest::default()
            .with_transactional_id(self.transactional_id.clone())
            .with_producer_id(ProducerId(self.id))
            .with_producer_epoch(self.epoch)
            .with_group_id(GroupId(text(group)));
        Ok(connection.call(4, &ask)?.error_code)
    }

    fn produce(&self, connection: &mut Connection, version: i16) -> Result<i16> {
        let partition = PartitionProduceData::default().with_index(0).with_records(Some(self.batch()?));
        let topic = TopicProduceData::default()
            .with_name(TopicName(text(ALIAS)))
            .with_partition_data(vec![partition]);
        let ask = ProduceRequest::default()
            .with_transactional_id(Some(self.transactional_id.clone()))
            .with_acks(-1)
            .with_timeout_ms(10_000)
            .with_topic_data(vec![topic]);
        Ok(connection.call(version, &ask)?.responses[0].partition_responses[0].error_code)
    }

    fn commit(&self, connection: &mut Connection, version: i16, group: &str, offset: i64) -> Result<i16> {
        let partition = TxnOffsetCommitRequestPartition::default()
            .with_partition_index(0)
            .with_committed_offset(offset)
            .with_committed_metadata(Some(StrBytes::default()));
        let topic = TxnOffsetCommitRequestTopic::default()
            .with_name(TopicName(text(ALIAS)))
            .with_partitions(vec![partition]);
        let ask = TxnOffsetCommitRequest::default()
            .with_transactional_id(self.transactional_id.clone())
            .with_group_id(GroupId(text(group)))
            .with_producer_id(ProducerId(self.id))
            .with_producer_epoch(self.epoch)
            .with_generation_id(-1)
            .with_topics(vec![topic]);
        Ok(connection.call(version, &ask)?.topics[0].partitions[0].error_code)
    }

    /// Commits; gives the error and what to go on with.
    fn end(&self, connection: &mut Connection, version: i16) -> Result<(i16, i64, i16)> {
        let ask = EndTxnRequest::default()
            .with_transactional_id(self.transactional_id.clone())
            .with_producer_id(ProducerId(self.id))
            .with_producer_epoch(self.epoch)
            .with_committed(true);
        let answer = connection.call(version, &ask)?;
        Ok((answer.error_code, answer.producer_id.0, answer.producer_epoch))
    }

    fn batch(&self) -> Result<bytes::Bytes> {
        let record = Record {
            transactional: true,
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
            value: Some(bytes::Bytes::from_static(b"value")),
            headers: kafka_protocol::indexmap::IndexMap::new(),
        };
        let mut buffer = bytes::BytesMut::new();
        let options = RecordEncodeOptions { version: 2, compression: Compression::None };
        RecordBatchEncoder::encode(&mut buffer, [&record], &options)?;
        Ok(buffer.freeze())
    }
}

/// Also makes the broker create the coordinator's own topic.
fn find_coordinator(connection: &mut Connection, key_type: i8, key: &str) -> Result<()> {
    let find =
        FindCoordinatorRequest::default().with_key_type(key_type).with_coordinator_keys(vec![text(key)]);
    eventually(|| Ok(connection.call(4, &find)?.coordinators[0].error_code))
}

/// The offset of partition 0 that the group has committed, once no transaction holds it back.
fn committed(connection: &mut Connection, group: &str) -> Result<i64> {
    let topic =
        OffsetFetchRequestTopics::default().with_name(TopicName(text(ALIAS))).with_partition_indexes(vec![0]);
    let asked =
        OffsetFetchRequestGroup::default().with_group_id(GroupId(text(group))).with_topics(Some(vec![topic]));
    let ask = OffsetFetchRequest::default().with_require_stable(true).with_groups(vec![asked]);
    let mut offset = -1;
    eventually(|| {
        let answer = connection.call(8, &ask)?;
        let partition = &answer.groups[0].topics[0].partitions[0];
        offset = partition.committed_offset;
        Ok(partition.error_code)
    })?;
    Ok(offset)
}

/// Repeats a request while a coordinator is not there yet or still busy with the last transaction.
fn eventually(mut ask: impl FnMut() -> Result<i16>) -> Result<()> {
    const PASSES: [i16; 6] = [3, 14, 15, 16, 51, 88];
    let until = Instant::now() + SOON;
    loop {
        match ask()? {
            0 => return Ok(()),
            error if PASSES.contains(&error) && Instant::now() < until => {
                thread::sleep(Duration::from_millis(100));
            }
            error => anyhow::bail!("error {error}"),
        }
    }
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
