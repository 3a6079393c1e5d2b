//! TxnOffsetCommit (28): offsets of own groups on own topics, as part of an own transaction; READ is enough.
//!
//! Version 5 adds the offsets to the transaction by itself (KIP-890), so the checks here are also those of
//! AddOffsetsToTxn.

use std::collections::{BTreeMap, HashMap};

use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{
    GroupId, ProducerId, TopicName, TransactionalId, TxnOffsetCommitRequest, TxnOffsetCommitResponse,
};
use kafka_protocol::protocol::StrBytes;
use tidegate_core::facts::Fact;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::header::Request;

use super::layers::{LayerTopic, Layers, RefusedPartition, backing_name, topic_name};
use super::producers::{in_transaction, transactional_id};
use super::{Rule, answer, forward};
use crate::context::RequestContext;
use crate::outcome::{Outcome, Question, RuleError};
use crate::view::{Granted, ZoneView};

/// The rule.
pub struct TxnOffsetCommit;

impl Rule for TxnOffsetCommit {
    fn key(&self) -> ApiKey {
        ApiKey::TxnOffsetCommit
    }

    fn versions(&self) -> Versions {
        Versions::new(0, 5)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        let mut asked: TxnOffsetCommitRequest = codec::decode(request.version, &request.body)?;
        let topics = std::mem::take(&mut asked.topics);
        let group = asked.group_id.to_string();
        if let Err(error) = map(context.zone, &mut asked) {
            let all = topics.iter().flat_map(|topic| {
                topic.partitions.iter().map(|p| refused(&topic.name, p.partition_index, error))
            });
            return refuse(request, &all.collect::<Vec<_>>());
        }
        let mut plan = Plan::of(context.zone, topics);
        if let Some(question) = plan.settle(context, asked.producer_id, &group) {
            return Ok(Outcome::Ask(question));
        }
        if plan.topics.is_empty() {
            return refuse(request, &plan.refused);
        }
        let Plan { topics, refused } = plan;
        let names: HashMap<TopicName, TopicName> = topics
            .iter()
            .map(|topic| (backing_name(&topic.granted), topic_name(&topic.granted.alias)))
            .collect();
        asked.topics = topics.into_iter().map(upstream_topic).collect();
        forward(context, request, &asked, move |mut response: TxnOffsetCommitResponse, _| {
            response.topics.retain_mut(|topic| match names.get(&topic.name) {
                Some(alias) => {
                    topic.name = alias.clone();
                    true
                }
                None => false,
            });
            response.topics.extend(refusals(&refused));
            response
        })
    }
}

/// A broker too looks at the transactional id first and then at the group.
fn map(zone: &ZoneView, asked: &mut TxnOffsetCommitRequest) -> Result<(), ErrorCode> {
    let id = transactional_id(zone, &asked.transactional_id)?;
    let group = zone.prefix().group(&asked.group_id)?;
    asked.transactional_id = TransactionalId(StrBytes::from_string(id));
    asked.group_id = GroupId(StrBytes::from_string(group));
    Ok(())
}

/// What goes upstream and what is refused here.
struct Plan {
    topics: Vec<LayerTopic<TxnOffsetCommitRequestPartition>>,
    refused: Vec<RefusedPartition>,
}

impl Plan {
    fn of(zone: &ZoneView, topics: Vec<TxnOffsetCommitRequestTopic>) -> Self {
        let topics = topics.into_iter().map(|topic| (topic.name, topic.partitions));
        let Layers { layers, refused } = Layers::of(zone, topics, |p| p.partition_index);
        Self { topics: layers.into_iter().flatten().collect(), refused }
    }

    /// Leaves what the producer may commit for the group; gives what must be known or kept before that holds.
    fn settle(
        &mut self,
        context: &RequestContext<'_>,
        producer: ProducerId,
        group: &str,
    ) -> Option<Question> {
        if self.topics.is_empty() {
            return None;
        }
        let mut facts = match in_transaction(context, producer) {
            Err(error) => {
                self.keep_if(|_| Err(error));
                return None;
            }
            Ok(Some(Question::Keep(facts))) => facts,
            Ok(Some(question)) => return Some(question),
            Ok(None) => Vec::new(),
        };
        facts.extend(self.bind(context, group));
        (!facts.is_empty()).then_some(Question::Keep(facts))
    }

    /// Leaves of two aliases of one topic the one that the group uses: they would overwrite each other's offsets.
    fn bind(&mut self, context: &RequestContext<'_>, group: &str) -> Vec<Fact> {
        let grants: Vec<&Granted> = self.topics.iter().map(|topic| &topic.granted).collect();
        let (bound, facts) = context.zone.bind_some(group, &grants, context.now);
        let mut bound = bound.into_iter();
        self.keep_if(|_| match bound.next() {
            Some(true) => Ok(()),
            _ => Err(ErrorCode::TOPIC_AUTHORIZATION_FAILED),
        });
        facts
    }

    /// Refuses the topics for which `keep` gives an error.
    fn keep_if(&mut self, mut keep: impl FnMut(&Granted) -> Result<(), ErrorCode>) {
        let topics = std::mem::take(&mut self.topics);
        for topic in topics {
            match keep(&topic.granted) {
                Ok(()) => self.topics.push(topic),
                Err(error) => {
                    let alias = topic_name(&topic.granted.alias);
                    let partitions = topic.partitions.iter();
                    self.refused.extend(partitions.map(|p| refused(&alias, p.partition_index, error)));
                }
            }
        }
    }
}

fn upstream_topic(topic: LayerTopic<TxnOffsetCommitRequestPartition>) -> TxnOffsetCommitRequestTopic {
    TxnOffsetCommitRequestTopic::default()
        .with_name(backing_name(&topic.granted))
        .with_partitions(topic.partitions)
}

fn refuse(request: &Request, refused: &[RefusedPartition]) -> Result<Outcome, RuleError> {
    answer(request, &TxnOffsetCommitResponse::default().with_topics(refusals(refused)))
}

fn refused(topic: &TopicName, partition: i32, error: ErrorCode) -> RefusedPartition {
    RefusedPartition { topic: topic.clone(), partition, error }
}

fn refusals(refused: &[RefusedPartition]) -> Vec<TxnOffsetCommitResponseTopic> {
    let mut topics: BTreeMap<&TopicName, Vec<TxnOffsetCommitResponsePartition>> = BTreeMap::new();
    for RefusedPartition { topic, partition, error } in refused {
        let refusal = TxnOffsetCommitResponsePartition::default()
            .with_partition_index(*partition)
            .with_error_code(error.0);
        topics.entry(topic).or_default().push(refusal);
    }
    let topic = |(name, partitions): (&TopicName, _)| {
        TxnOffsetCommitResponseTopic::default().with_name(name.clone()).with_partitions(partitions)
    };
    topics.into_iter().map(topic).collect()
}

#[cfg(test)]
mod tests;
