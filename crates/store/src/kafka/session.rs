//! The writer's transactions: whoever begins a session fences every one before, on whatever replica.
//!
//! The flow is that of clients from before KIP-890, which all brokers serve, also those with `transaction.version` 2.

use std::time::Duration;

use bytes::Bytes;
use tidegate_client::Connection;
use tidegate_wire::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use tidegate_wire::messages::{
    AddPartitionsToTxnRequest, EndTxnRequest, InitProducerIdRequest, ProducerId, TransactionalId,
};
use tokio::time::sleep;

use super::KafkaStoreOptions;
use super::cluster::{self, PARTITION, version};
use super::error::KafkaStoreError;
use super::fetch::name;
use super::format::Producer;
use super::produce::produce;

const INIT_PRODUCER_ID: Versions = Versions::new(0, 5);
/// Later ones are between brokers (KIP-890).
const ADD_PARTITIONS: Versions = Versions::new(0, 3);
/// From 5 on the epoch grows with each transaction.
const END_TXN: Versions = Versions::new(0, 4);

/// A transaction whose writer died is aborted after as long; until then no reader gets past it, which is less than what a
/// replica may be behind.
const TRANSACTION_TIMEOUT_MS: i32 = 10_000;

/// Between attempts while the transaction before still ends; its markers take a few milliseconds.
const PATIENCE: Duration = Duration::from_millis(5);

/// How often they are made.
const ATTEMPTS: usize = 1_000;

/// The right to write, until somebody else takes it.
#[derive(Debug)]
pub(super) struct Session {
    coordinator: Connection,
    topic: String,
    id: StrBytes,
    producer: Producer,
    sequence: i32,
}

impl Session {
    /// Takes the right to write; what the writer before left open is aborted, and what it was about to commit is committed.
    pub(super) async fn begin(options: &KafkaStoreOptions) -> Result<Self, KafkaStoreError> {
        let mut coordinator = cluster::coordinator(options).await?;
        let id = StrBytes::from_string(options.transactional_id());
        let version = version(&coordinator, ApiKey::InitProducerId, INIT_PRODUCER_ID)?;
        let request = InitProducerIdRequest::default()
            .with_transactional_id(Some(TransactionalId(id.clone())))
            .with_transaction_timeout_ms(TRANSACTION_TIMEOUT_MS)
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1);
        let mut attempts = 0;
        let producer = loop {
            let answer = coordinator.call(version, &request).await?;
            match ErrorCode(answer.error_code) {
                ErrorCode::NONE => {
                    break Producer { id: answer.producer_id.0, epoch: answer.producer_epoch };
                }
                code if is_passing(code) && attempts < ATTEMPTS => attempts += 1,
                code => return Err(of_id(ApiKey::InitProducerId, &id, code)),
            }
            sleep(PATIENCE).await;
        };
        tracing::debug!(?producer, topic = options.topic, "writes the store");
        Ok(Self { coordinator, topic: options.topic.clone(), id, producer, sequence: 0 })
    }

    /// Who writes.
    pub(super) fn producer(&self) -> Producer {
        self.producer
    }

    /// The sequence of the next record.
    pub(super) fn sequence(&self) -> i32 {
        self.sequence
    }

    /// Begins a transaction.
    pub(super) async fn join(&mut self) -> Result<(), KafkaStoreError> {
        let version = version(&self.coordinator, ApiKey::AddPartitionsToTxn, ADD_PARTITIONS)?;
        let topic =
            AddPartitionsToTxnTopic::default().with_name(name(&self.topic)).with_partitions(vec![PARTITION]);
        let request = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(TransactionalId(self.id.clone()))
            .with_v3_and_below_producer_id(ProducerId(self.producer.id))
            .with_v3_and_below_producer_epoch(self.producer.epoch)
            .with_v3_and_below_topics(vec![topic]);
        let mut attempts = 0;
        loop {
            let answer = self.coordinator.call(version, &request).await?;
            let results =
                answer.results_by_topic_v3_and_below.iter().flat_map(|topic| &topic.results_by_partition);
            let code = results.map(|result| ErrorCode(result.partition_error_code)).next();
            match code {
                Some(ErrorCode::NONE) => return Ok(()),
                // The coordinator still writes the end of the one before.
                Some(ErrorCode::CONCURRENT_TRANSACTIONS) if attempts < ATTEMPTS => attempts += 1,
                Some(code) => return Err(of_id(ApiKey::AddPartitionsToTxn, &self.id, code)),
                None => {
                    return Err(KafkaStoreError::Malformed {
                        api: ApiKey::AddPartitionsToTxn,
                        what: "the partition asked for is missing",
                    });
                }
            }
            sleep(PATIENCE).await;
        }
    }

    /// Writes a batch of `count` records into the transaction.
    pub(super) async fn write(
        &mut self,
        leader: &mut Connection,
        batch: Bytes,
        count: i32,
    ) -> Result<(), KafkaStoreError> {
        produce(leader, &self.topic, Some(TransactionalId(self.id.clone())), batch).await?;
        self.sequence = self.sequence.wrapping_add(count);
        Ok(())
    }

    /// Commits the transaction. After an error nobody knows whether it was.
    pub(super) async fn commit(&mut self) -> Result<(), KafkaStoreError> {
        let version = version(&self.coordinator, ApiKey::EndTxn, END_TXN)?;
        let request = EndTxnRequest::default()
            .with_transactional_id(TransactionalId(self.id.clone()))
            .with_producer_id(ProducerId(self.producer.id))
            .with_producer_epoch(self.producer.epoch)
            .with_committed(true);
        let answer = self.coordinator.call(version, &request).await?;
        match ErrorCode(answer.error_code) {
            ErrorCode::NONE => Ok(()),
            code => Err(of_id(ApiKey::EndTxn, &self.id, code)),
        }
    }
}

/// Whether a coordinator asks for patience.
fn is_passing(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::CONCURRENT_TRANSACTIONS | ErrorCode::COORDINATOR_LOAD_IN_PROGRESS)
}

fn of_id(api: ApiKey, id: &StrBytes, code: ErrorCode) -> KafkaStoreError {
    KafkaStoreError::Refused { api, subject: format!("transactional id {id}"), code }
}
