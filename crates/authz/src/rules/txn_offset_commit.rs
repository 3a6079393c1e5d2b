//! TxnOffsetCommit (28): offsets of own groups on own topics, as part of an own transaction; READ is enough.
//!
//! Version 5 adds the offsets to the transaction by itself (KIP-890), so the checks here are also those of
//! AddOffsetsToTxn.

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
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::header::Request;

use super::commits::Commits;
use super::layers::{LayerTopic, backing_name};
use super::producers::{in_transaction, transactional_id};
use super::{Rule, answer, forward};
use crate::context::RequestContext;
use crate::outcome::{Outcome, Question, RuleError};

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
        let topics =
            std::mem::take(&mut asked.topics).into_iter().map(|topic| (topic.name, topic.partitions));
        let group = asked.group_id.to_string();
        if let Err(error) = map(context, &mut asked) {
            return refuse(context, request, &Commits::none(topics, index, error));
        }
        let mut commits = Commits::of(context.zone, topics, index);
        commits.refused.iter().for_each(|refused| context.refused(refused.error, &refused.topic));
        if let Some(question) = settle(&mut commits, context, asked.producer_id, &group) {
            return Ok(Outcome::Ask(question));
        }
        if commits.topics.is_empty() {
            return refuse(context, request, &commits);
        }
        let (names, refused) = (commits.names(), refusals(&commits));
        asked.topics = commits.topics.into_iter().map(upstream_topic).collect();
        forward(context, request, &asked, move |mut response: TxnOffsetCommitResponse, context| {
            response.topics.retain_mut(|topic| match names.get(&topic.name) {
                Some(alias) => {
                    topic.name = alias.clone();
                    true
                }
                None => false,
            });
            response.topics.extend(refused);
            response.throttle_time_ms = context.throttle(response.throttle_time_ms);
            response
        })
    }
}

/// A broker too looks at the transactional id first and then at the group.
fn map(context: &RequestContext<'_>, asked: &mut TxnOffsetCommitRequest) -> Result<(), ErrorCode> {
    let id = transactional_id(context, &asked.transactional_id)?;
    let group = context.group(&asked.group_id)?;
    if !context.admits_group(&asked.group_id) {
        return Err(ErrorCode::INVALID_GROUP_ID);
    }
    asked.transactional_id = TransactionalId(StrBytes::from_string(id));
    asked.group_id = GroupId(StrBytes::from_string(group));
    Ok(())
}

/// Leaves what the producer may commit for the group; gives what must be known or kept before that holds.
fn settle(
    commits: &mut Commits<TxnOffsetCommitRequestPartition>,
    context: &RequestContext<'_>,
    producer: ProducerId,
    group: &str,
) -> Option<Question> {
    if commits.topics.is_empty() {
        return None;
    }
    let mut facts = match in_transaction(context, producer) {
        Err(error) => {
            commits.refuse_unless(error, || false);
            return None;
        }
        Ok(Some(Question::Keep(facts))) => facts,
        Ok(Some(question)) => return Some(question),
        Ok(None) => Vec::new(),
    };
    facts.extend(commits.bind(context, group));
    (!facts.is_empty()).then_some(Question::Keep(facts))
}

fn index(partition: &TxnOffsetCommitRequestPartition) -> i32 {
    partition.partition_index
}

fn upstream_topic(topic: LayerTopic<TxnOffsetCommitRequestPartition>) -> TxnOffsetCommitRequestTopic {
    TxnOffsetCommitRequestTopic::default()
        .with_name(backing_name(&topic.granted))
        .with_partitions(topic.partitions)
}

fn refuse(
    context: &RequestContext<'_>,
    request: &Request,
    commits: &Commits<TxnOffsetCommitRequestPartition>,
) -> Result<Outcome, RuleError> {
    let response = TxnOffsetCommitResponse::default()
        .with_throttle_time_ms(context.throttle_ms)
        .with_topics(refusals(commits));
    answer(request, &response)
}

fn refusals(commits: &Commits<TxnOffsetCommitRequestPartition>) -> Vec<TxnOffsetCommitResponseTopic> {
    let partition = |(index, error): (i32, ErrorCode)| {
        TxnOffsetCommitResponsePartition::default().with_partition_index(index).with_error_code(error.0)
    };
    let topic = |(name, partitions): (TopicName, Vec<_>)| {
        let partitions = partitions.into_iter().map(partition).collect();
        TxnOffsetCommitResponseTopic::default().with_name(name).with_partitions(partitions)
    };
    commits.refused().into_iter().map(topic).collect()
}

#[cfg(test)]
mod tests;
