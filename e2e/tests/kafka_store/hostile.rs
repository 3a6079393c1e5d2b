//! Somebody who may write the store's topic and has not the root key.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    AddPartitionsToTxnRequest, DeleteRecordsRequest, EndTxnRequest, IncrementalAlterConfigsRequest,
    InitProducerIdRequest, ProduceRequest, ProducerId, TopicName, TransactionalId,
};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{
    Compression, Record as Written, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use tidegate_core::RootKey;
use tidegate_core::store::{Body, Change, ChangeId, RecordKey, Revision, Signed, Store, StoreKeys};
use tidegate_e2e::random;
use tidegate_e2e::raw::Connection;
use tidegate_store::KafkaStore;

use crate::cases::{body, key};
use crate::site::{kafka, keys, new_topic, open, options, until};

/// A broker deletes no records of a topic that is compacted only.
const POLICY_VIOLATION: i16 = 44;

/// A producer that the brokers gave to the attacker, with a transactional id of its own.
struct Attacker {
    connection: Connection,
    topic: String,
    id: TransactionalId,
    producer: i64,
    epoch: i16,
    sequence: i32,
}

impl Attacker {
    fn new(topic: &str) -> Self {
        let mut connection = kafka().internal(1).unwrap();
        let id = TransactionalId(StrBytes::from_string(random::name("attacker.")));
        let request = InitProducerIdRequest::default()
            .with_transactional_id(Some(id.clone()))
            .with_transaction_timeout_ms(60_000)
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1);
        let answer = loop {
            let answer = connection.call(4, &request).unwrap();
            // The coordinator may still load.
            if ![14, 15, 16, 51].contains(&answer.error_code) {
                break answer;
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        assert_eq!(answer.error_code, 0);
        let (producer, epoch) = (answer.producer_id.0, answer.producer_epoch);
        Self { connection, topic: topic.to_owned(), id, producer, epoch, sequence: 0 }
    }

    /// An attempt at a change that looks as if this producer had made it.
    fn change(&self) -> ChangeId {
        let mut bytes = [9; 16];
        bytes[..8].copy_from_slice(&self.producer.to_be_bytes());
        bytes[8..10].copy_from_slice(&self.epoch.to_be_bytes());
        ChangeId::from_bytes(bytes)
    }

    /// Writes records in a transaction of its own and commits it.
    fn in_transaction(&mut self, records: &[Signed]) {
        self.begin(records);
        let request = EndTxnRequest::default()
            .with_transactional_id(self.id.clone())
            .with_producer_id(ProducerId(self.producer))
            .with_producer_epoch(self.epoch)
            .with_committed(true);
        assert_eq!(self.connection.call(3, &request).unwrap().error_code, 0);
    }

    /// Writes records in a transaction of its own and leaves it open.
    fn begin(&mut self, records: &[Signed]) {
        let topic = AddPartitionsToTxnTopic::default().with_name(name(&self.topic)).with_partitions(vec![0]);
        let request = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(self.id.clone())
            .with_v3_and_below_producer_id(ProducerId(self.producer))
            .with_v3_and_below_producer_epoch(self.epoch)
            .with_v3_and_below_topics(vec![topic]);
        loop {
            let answer = self.connection.call(3, &request).unwrap();
            match answer.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code {
                0 => break,
                51 => std::thread::sleep(Duration::from_millis(10)),
                other => panic!("{other}"),
            }
        }
        let (producer, epoch, sequence) = (self.producer, self.epoch, self.sequence);
        let written = (0_i32..)
            .zip(records)
            .map(|(place, signed)| record(signed, place, Some((producer, epoch, sequence + place)), true));
        let id = self.id.clone();
        assert_eq!(self.produce(&written.collect::<Vec<_>>(), Some(id)), 0);
        self.sequence += i32::try_from(records.len()).unwrap();
    }

    /// Writes records without a transaction, under whatever producer.
    fn plainly(&mut self, records: &[Signed], producer: Option<(i64, i16, i32)>) -> i16 {
        let written = (0_i32..).zip(records).map(|(place, signed)| {
            record(signed, place, producer.map(|(id, epoch, first)| (id, epoch, first + place)), false)
        });
        self.produce(&written.collect::<Vec<_>>(), None)
    }

    /// Asks for everything below an offset to be deleted; -1 is all.
    fn delete_records(&mut self, offset: i64) -> i16 {
        let partition = DeleteRecordsPartition::default().with_partition_index(0).with_offset(offset);
        let topic =
            DeleteRecordsTopic::default().with_name(name(&self.topic)).with_partitions(vec![partition]);
        let request = DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000);
        self.connection.call(2, &request).unwrap().topics[0].partitions[0].error_code
    }

    /// Sets cleanup.policy, and waits until the broker has it.
    fn set_policy(&mut self, policy: &str) {
        let config = AlterableConfig::default()
            .with_name(StrBytes::from_static_str("cleanup.policy"))
            .with_config_operation(0)
            .with_value(Some(StrBytes::from_string(policy.to_owned())));
        let resource = AlterConfigsResource::default()
            .with_resource_type(2)
            .with_resource_name(StrBytes::from_string(self.topic.clone()))
            .with_configs(vec![config]);
        let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
        assert_eq!(self.connection.call(1, &request).unwrap().responses[0].error_code, 0);
        std::thread::sleep(Duration::from_millis(500));
    }

    fn produce(&mut self, records: &[Written], id: Option<TransactionalId>) -> i16 {
        let mut batch = BytesMut::new();
        let options = RecordEncodeOptions { version: 2, compression: Compression::None };
        RecordBatchEncoder::encode(&mut batch, records, &options).unwrap();
        let partition = PartitionProduceData::default().with_index(0).with_records(Some(batch.freeze()));
        let topic =
            TopicProduceData::default().with_name(name(&self.topic)).with_partition_data(vec![partition]);
        let request = ProduceRequest::default()
            .with_transactional_id(id)
            .with_acks(-1)
            .with_timeout_ms(10_000)
            .with_topic_data(vec![topic]);
        self.connection.call(9, &request).unwrap().responses[0].partition_responses[0].error_code
    }
}

fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}

/// A record as the store writes it.
fn record(signed: &Signed, place: i32, producer: Option<(i64, i16, i32)>, transactional: bool) -> Written {
    let (producer_id, producer_epoch, sequence) = producer.unwrap_or((-1, -1, -1));
    let mut headers = IndexMap::new();
    let mut header = |name: &'static str, value: Vec<u8>| {
        headers.insert(StrBytes::from_static_str(name), Some(Bytes::from(value)));
    };
    header("revision", signed.revision.to_string().into_bytes());
    if let Some(body) = &signed.body {
        header("schema", body.schema().to_string().into_bytes());
    }
    header("change", signed.change.as_bytes().to_vec());
    header("signature", signed.signature.as_bytes().to_vec());
    Written {
        transactional,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: -1,
        producer_id,
        producer_epoch,
        timestamp_type: TimestampType::Creation,
        offset: i64::from(place),
        sequence,
        timestamp: 0,
        key: Some(Bytes::from(signed.key.to_string())),
        value: signed.body.as_ref().map(|body| Bytes::copy_from_slice(body.text().as_bytes())),
        headers,
    }
}

/// A store with two zones, and who attacks it.
async fn attacked() -> (String, KafkaStore, Attacker) {
    let topic = new_topic();
    let store = open(&topic).await.unwrap();
    store
        .commit(Change::new().create(key("zone/a"), body("1")).create(key("zone/b"), body("1")))
        .await
        .unwrap();
    let attacker = Attacker::new(&topic);
    (topic, store, attacker)
}

/// The attack changed nothing and is told, here and by a replica that starts now; and the store is written on.
async fn nothing_came_of_it(topic: &str, store: &KafkaStore, told: &str) {
    until("it is told", || store.alarms().iter().any(|alarm| alarm.contains(told))).await;
    let image = store.image();
    assert_eq!(image.revision(), Revision(1));
    assert_eq!(image.len(), 2);
    let started = open(topic).await.unwrap();
    assert_eq!(started.image(), image);
    assert!(started.alarms().iter().any(|alarm| alarm.contains(told)), "{:?}", started.alarms());
    let zone = image.get(&key("zone/a")).unwrap().clone();
    assert_eq!(store.commit(Change::new().update(&zone, body("2"))).await.unwrap(), Revision(2));
    until("the other follows", || started.image().revision() == Revision(2)).await;
}

fn zone(name: &str) -> RecordKey {
    key(name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_records_are_ignored() {
    let (topic, store, mut attacker) = attacked().await;
    let forger = StoreKeys::new(&RootKey::from_bytes([2; 32]));
    let change = attacker.change();
    let forged = forger.sign(zone("zone/a"), Revision(2), change, Some(body("evil")));
    let made = forger.sign(zone("zone/c"), Revision(2), change, Some(body("evil")));
    let gone = forger.sign(zone("zone/b"), Revision(2), change, None);
    attacker.in_transaction(&[forged, made, gone]);
    nothing_came_of_it(&topic, &store, "is not signed by this installation").await;
}

/// What the store signed once and never made: an attempt that was aborted, with its head, shown in another transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_that_was_given_up_is_never_made_by_others() {
    let (topic, store, mut attacker) = attacked().await;
    // As the store's own writer made it: the producer is another than the attacker's.
    let attempt = Attacker::new(&topic);
    let change = attempt.change();
    let aborted = keys().sign(zone("zone/a"), Revision(2), change, Some(body("given up")));
    let head = head_of(Revision(2), change);
    attacker.in_transaction(&[aborted.clone(), head.clone()]);
    nothing_came_of_it(&topic, &store, "does not lie in the transaction").await;
    // Nor with that producer's number on it, outside of a transaction.
    let revision = store.image().revision();
    let later = keys().sign(zone("zone/a"), revision.next(), change, Some(body("given up")));
    let code = attacker
        .plainly(&[later, head_of(revision.next(), change)], Some((attempt.producer, attempt.epoch, 0)));
    assert_eq!(code, 0, "a broker takes any producer id");
    until("it is told", || store.alarms().iter().any(|alarm| alarm.contains("head/head"))).await;
    assert_eq!(store.image().revision(), revision);
}

/// A head that is signed by the installation, of two records.
fn head_of(revision: Revision, change: ChangeId) -> Signed {
    let text = format!(r#"{{"count":2,"sum":"{}="}}"#, "A".repeat(43));
    keys().sign(key("head/head"), revision, change, Some(Body::new(1, &text)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_under_another_name_or_cut_are_ignored() {
    let (topic, store, mut attacker) = attacked().await;
    let good = keys().sign(zone("zone/a"), Revision(2), attacker.change(), Some(body("longer than one")));
    let swapped = Signed { key: zone("zone/b"), ..good.clone() };
    let cut = Signed { body: Some(body("longer")), ..good.clone() };
    let emptied = Signed { body: None, ..good };
    attacker.in_transaction(&[swapped, cut, emptied]);
    nothing_came_of_it(&topic, &store, "is not signed by this installation").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_of_the_past_are_ignored() {
    let (topic, store, mut attacker) = attacked().await;
    let past = keys().sign(zone("zone/a"), Revision(1), attacker.change(), Some(body("old")));
    assert_eq!(attacker.plainly(std::slice::from_ref(&past), None), 0);
    attacker.in_transaction(&[past]);
    nothing_came_of_it(&topic, &store, "which is past").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rubbish_is_ignored() {
    let (topic, store, mut attacker) = attacked().await;
    let template = keys().sign(zone("zone/a"), Revision(2), attacker.change(), None);
    let mut rubbish = record(&template, 0, None, false);
    rubbish.headers.clear();
    rubbish.key = Some(Bytes::from_static(b"\xff\xfe no key"));
    rubbish.value = Some(Bytes::from(vec![0xaa; 900_000]));
    assert_eq!(attacker.produce(&[rubbish.clone()], None), 0);
    // A deletion, as compaction understands it.
    rubbish.key = Some(Bytes::from_static(b"zone/a"));
    rubbish.value = None;
    assert_eq!(attacker.produce(&[rubbish], None), 0);
    nothing_came_of_it(&topic, &store, "a header is missing").await;
}

/// Who holds a transaction open holds up readers: a replica says that it no longer knows the end, until that is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_left_open_is_noticed() {
    let (topic, store, mut attacker) = attacked().await;
    let mut impatient = options(kafka(), &topic);
    impatient.commit_deadline = Duration::from_secs(6);
    drop(store);
    let store = KafkaStore::open(impatient, keys()).await.unwrap();
    let forged = keys().sign(zone("zone/a"), Revision(1), attacker.change(), None);
    attacker.begin(std::slice::from_ref(&forged));
    until("it grows old", || store.behind() > Duration::from_secs(1)).await;
    let error = store.commit(Change::new().create(key("zone/c"), body("1"))).await.unwrap_err();
    assert!(error.to_string().contains("holds a transaction open"), "{error}");
    assert!(error.to_string().contains("nothing was changed"), "{error}");
    let request = EndTxnRequest::default()
        .with_transactional_id(attacker.id.clone())
        .with_producer_id(ProducerId(attacker.producer))
        .with_producer_epoch(attacker.epoch)
        .with_committed(false);
    assert_eq!(attacker.connection.call(3, &request).unwrap().error_code, 0);
    until("it is fresh again", || store.behind() < Duration::from_secs(1)).await;
    store.commit(Change::new().create(key("zone/c"), body("1"))).await.unwrap();
}

/// Who may alter the topic and delete records can take the store away, but not make anybody serve what is left of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_was_cut_does_not_open() {
    let (topic, store, mut attacker) = attacked().await;
    let zone = store.image().get(&key("zone/a")).unwrap().clone();
    store.commit(Change::new().update(&zone, body("2"))).await.unwrap();
    let before = store.image();
    for (upto, told) in [(3, "records are missing from the store"), (-1, "no word of its last change")] {
        assert_eq!(attacker.delete_records(upto), POLICY_VIOLATION, "brokers keep what is compacted");
        attacker.set_policy("compact,delete");
        let error = open(&topic).await.unwrap_err().to_string();
        assert!(error.contains("its cleanup.policy is \"compact,delete\""), "{error}");
        assert_eq!(attacker.delete_records(upto), 0);
        attacker.set_policy("compact");
        let error = open(&topic).await.unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    assert_eq!(store.image(), before, "who has read it goes on");
}

/// Compaction keeps the last record of each key: the store puts good ones in front of what others wrote.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn good_records_are_written_again_in_front_of_rubbish() {
    let (topic, store, mut attacker) = attacked().await;
    drop(store);
    let mut quick = options(kafka(), &topic);
    quick.mend_after = Duration::from_millis(300);
    let (one, other) = (
        KafkaStore::open(quick.clone(), keys()).await.unwrap(),
        KafkaStore::open(quick, keys()).await.unwrap(),
    );
    let before = one.image();
    let deletion = record(&keys().sign(zone("zone/a"), Revision(1), attacker.change(), None), 0, None, false);
    assert_eq!(attacker.produce(&[Written { headers: IndexMap::new(), ..deletion }], None), 0);
    until("it is told", || !one.alarms().is_empty()).await;
    until("it is mended", || one.alarms().is_empty() && other.alarms().is_empty()).await;
    // And in front of the word of the last change.
    let rubbish =
        record(&keys().sign(key("head/head"), Revision(1), attacker.change(), None), 0, None, false);
    assert_eq!(attacker.produce(&[Written { headers: IndexMap::new(), ..rubbish }], None), 0);
    until("it is told", || !one.alarms().is_empty()).await;
    until("it is mended", || one.alarms().is_empty() && other.alarms().is_empty()).await;
    let (after, name) = (one.image(), zone("zone/a"));
    assert_eq!(after.get(&name).unwrap().body, before.get(&name).unwrap().body);
    assert!(after.revision() > before.revision());
    let started = open(&topic).await.unwrap();
    assert_eq!(started.image(), after);
}
