//! Produce (0): WRITE aliases only; every batch header is checked, no record is touched.
//!
//! From version 12 on a transactional Produce adds its partitions to the transaction by itself (KIP-890),
//! so the check of the topic here is also the check of the transaction.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use kafka_protocol::messages::produce_response::{
    LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_protocol::messages::{BrokerId, ProduceResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::batch::{self, BatchError, BatchHeader};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::frame::{EnvelopeWriter, Outgoing};
use tidegate_wire::header::{self, Request};
use tidegate_wire::produce::answer::rewrite_success;
use tidegate_wire::produce::{BY_ID_SINCE, PartitionData, ProduceRequest, Rewritten};
use tidegate_wire::topic::{TopicKey, TopicMap, TopicRef};
use uuid::Uuid;

use super::producers::{Producers, transactional_id};
use super::typed::decode_response;
use super::{Exchange, Rule, answer, shown_leader};
use crate::addresses::AddressMap;
use crate::context::{ReplyContext, RequestContext};
use crate::outcome::{Outcome, Question, Replied, Reply, ReplyError, RuleError, UpstreamRequest};
use crate::refusal::RefusedKind;
use crate::view::Granted;

/// The rule.
pub struct Produce;

const NO_ACKS: i16 = 0;

impl Rule for Produce {
    fn key(&self) -> ApiKey {
        ApiKey::Produce
    }

    fn versions(&self) -> Versions {
        Versions::new(3, 13)
    }

    /// Versions 0 to 2 are shown and refused, as a 4.x broker does: librdkafka before the KAFKA-18659 fix
    /// loses its compression when they are missing.
    fn announced(&self) -> Versions {
        Versions::new(0, 13)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        let asked = ProduceRequest::read(&request.body, request.version)?;
        let upstream_id = match whole_request(context, &asked) {
            Ok(id) => id,
            Err(error) => {
                let mut plan = Plan::default();
                plan.refuse_all(&asked, error);
                return plan.answer(context, request, asked.acks);
            }
        };
        let plan = Plan::of(context, request, &asked);
        if let Some(question) = plan.question {
            return Ok(Outcome::Ask(question));
        }
        plan.note_refused(context);
        if asked.acks == NO_ACKS && !plan.refused.is_empty() {
            return Ok(Outcome::Close("produce without acknowledgement to a topic that may not be written"));
        }
        if plan.topics.is_empty() {
            return plan.answer(context, request, asked.acks);
        }
        let correlation_id = context.connection.next_correlation_id();
        let rewritten = Rewritten {
            correlation_id,
            client_id: context.client_id,
            transactional_id: upstream_id.as_deref(),
            acks: asked.acks,
            timeout_ms: asked.timeout_ms,
            topics: plan.topics,
        };
        let frame = rewritten.write(&request.body, request.version);
        let upstream = UpstreamRequest { correlation_id, frame };
        if asked.acks == NO_ACKS {
            return Ok(Outcome::Tell(upstream));
        }
        let reply =
            ProduceReply { exchange: Exchange::of(request), shown: plan.shown, refused: plan.refused };
        Ok(Outcome::Forward { requests: vec![upstream], reply: Box::new(reply) })
    }
}

/// What holds for all partitions at once; gives the transactional id to send.
fn whole_request(
    context: &RequestContext<'_>,
    asked: &ProduceRequest<'_>,
) -> Result<Option<String>, ErrorCode> {
    if !(-1..=1).contains(&asked.acks) {
        return Err(ErrorCode::INVALID_REQUIRED_ACKS);
    }
    let Some(id) = asked.transactional_id else { return Ok(None) };
    let refused = |_| ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    transactional_id(context, id).map(Some).map_err(refused)
}

type Refusals = BTreeMap<Shown, Vec<(i32, ErrorCode)>>;

/// A topic as the client named it, in an order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Shown {
    Name(String),
    Id([u8; 16]),
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Id(id) => write!(f, "{}", Uuid::from_bytes(*id)),
        }
    }
}

impl From<TopicRef<'_>> for Shown {
    fn from(topic: TopicRef<'_>) -> Self {
        match topic {
            TopicRef::Name(name) => Self::Name(name.to_owned()),
            TopicRef::Id(id) => Self::Id(id),
        }
    }
}

/// A topic that goes upstream: its place in the request, and the grant behind it, for the way back.
struct Sent {
    place: usize,
    granted: Granted,
}

/// Partitions met so far; one alone, as in most requests of a slow producer, needs no table.
#[derive(Default)]
struct Seen {
    first: Option<(usize, i32)>,
    others: HashSet<(usize, i32)>,
}

impl Seen {
    /// Whether a partition is met for the first time.
    fn insert(&mut self, place: usize, partition: i32) -> bool {
        match self.first {
            None => {
                self.first = Some((place, partition));
                true
            }
            Some(first) => first != (place, partition) && self.others.insert((place, partition)),
        }
    }
}

/// What goes upstream and what is refused here.
#[derive(Default)]
struct Plan {
    topics: Vec<(TopicKey, Vec<PartitionData>)>,
    shown: TopicMap<Sent>,
    refused: Refusals,
    /// What must be known or kept first.
    question: Option<Question>,
}

impl Plan {
    fn of(context: &RequestContext<'_>, request: &Request, asked: &ProduceRequest<'_>) -> Self {
        let by_id = request.version >= BY_ID_SINCE;
        let mut plan = Self::default();
        let mut producers = Producers::default();
        let mut seen = Seen::default();
        for topic in &asked.topics {
            let granted = match context.zone.resolve(topic.topic) {
                Some(granted) if granted.permission.can_write() => granted,
                Some(_) => {
                    plan.refuse(topic.topic, &topic.partitions, ErrorCode::TOPIC_AUTHORIZATION_FAILED);
                    continue;
                }
                None => {
                    plan.refuse(topic.topic, &topic.partitions, unknown(by_id));
                    continue;
                }
            };
            let place = plan.place(granted, by_id);
            for partition in &topic.partitions {
                let refused = if seen.insert(place, partition.index) {
                    check(partition, request, asked.transactional_id.is_some())
                        .and_then(|header| producers.check(header.producer_id, context))
                        .err()
                } else {
                    Some(ErrorCode::INVALID_REQUEST)
                };
                match refused {
                    Some(error) => plan.refuse(topic.topic, std::slice::from_ref(partition), error),
                    None => plan.accept(place, partition),
                }
            }
        }
        plan.topics.retain(|(_, partitions)| !partitions.is_empty());
        plan.question = producers.question();
        plan
    }

    /// Where the partitions of a topic stand.
    fn place(&mut self, granted: &Granted, by_id: bool) -> usize {
        let key = granted.upstream_key(by_id);
        if let Some(known) = self.shown.get(key.borrowed()) {
            return known.place;
        }
        let place = self.topics.len();
        self.topics.push((key.clone(), Vec::new()));
        self.shown.insert(key, Sent { place, granted: granted.clone() });
        place
    }

    fn accept(&mut self, place: usize, partition: &PartitionData) {
        if let Some((_, partitions)) = self.topics.get_mut(place) {
            partitions.push(partition.clone());
        }
    }

    fn refuse(&mut self, topic: TopicRef<'_>, partitions: &[PartitionData], error: ErrorCode) {
        let refused = self.refused.entry(topic.into()).or_default();
        refused.extend(partitions.iter().map(|partition| (partition.index, error)));
    }

    fn refuse_all(&mut self, asked: &ProduceRequest<'_>, error: ErrorCode) {
        for topic in &asked.topics {
            self.refuse(topic.topic, &topic.partitions, error);
        }
    }

    /// Tells of topics only: producer ids were told of when they were looked up.
    fn note_refused(&self, context: &RequestContext<'_>) {
        for (topic, partitions) in &self.refused {
            let error = partitions.first().map_or(ErrorCode::NONE, |(_, error)| *error);
            if RefusedKind::of(error) == Some(RefusedKind::Topic) {
                context.refused(error, &topic.to_string());
            }
        }
    }

    fn answer(
        self,
        context: &RequestContext<'_>,
        request: &Request,
        acks: i16,
    ) -> Result<Outcome, RuleError> {
        if acks == NO_ACKS {
            return Ok(Outcome::Close("produce without acknowledgement that is refused or empty"));
        }
        let response = ProduceResponse::default()
            .with_throttle_time_ms(context.throttle_ms)
            .with_responses(refusals(self.refused));
        answer(request, &response)
    }
}

const fn unknown(by_id: bool) -> ErrorCode {
    if by_id { ErrorCode::UNKNOWN_TOPIC_ID } else { ErrorCode::TOPIC_AUTHORIZATION_FAILED }
}

fn check(
    partition: &PartitionData,
    request: &Request,
    transactional: bool,
) -> Result<BatchHeader, ErrorCode> {
    let records = partition.records.clone().and_then(|range| request.body.get(range));
    match batch::check_produced(records, request.version) {
        Ok(header) if header.is_transactional() && !transactional => {
            Err(ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
        }
        Ok(header) => Ok(header),
        Err(BatchError::Codec { .. }) => Err(ErrorCode::UNSUPPORTED_COMPRESSION_TYPE),
        Err(BatchError::TooShort) => Err(ErrorCode::CORRUPT_MESSAGE),
        Err(_) => Err(ErrorCode::INVALID_RECORD),
    }
}

struct ProduceReply {
    exchange: Exchange,
    shown: TopicMap<Sent>,
    refused: Refusals,
}

impl Reply for ProduceReply {
    fn on_response(
        self: Box<Self>,
        context: &ReplyContext<'_>,
        frames: &[Bytes],
    ) -> Result<Replied, ReplyError> {
        let frame = frames.first().ok_or(ReplyError::Missing)?;
        let by_id = self.exchange.version >= BY_ID_SINCE;
        if self.refused.is_empty()
            && let Some(success) = self.success(context, frame, by_id)?
        {
            return Ok(success.into());
        }
        let mut response: ProduceResponse = decode_response(frame, self.exchange.version)?;
        response.responses.retain_mut(|topic| {
            let reference = match by_id {
                true => TopicRef::Id(topic.topic_id.into_bytes()),
                false => TopicRef::Name(&topic.name),
            };
            let Some(sent) = self.shown.get(reference) else { return false };
            show(topic, &sent.granted.shown_key(by_id));
            topic.partition_responses.iter_mut().for_each(|partition| blank(partition, context));
            true
        });
        response.responses.extend(refusals(self.refused));
        response.node_endpoints = endpoints(&response.node_endpoints, context.addresses);
        response.throttle_time_ms = context.throttle(response.throttle_time_ms);
        Ok(self.exchange.encode(&response)?.into())
    }
}

impl ProduceReply {
    /// The answer, if everything has succeeded.
    fn success(
        &self,
        context: &ReplyContext<'_>,
        frame: &Bytes,
        by_id: bool,
    ) -> Result<Option<Outgoing>, ReplyError> {
        let version = self.exchange.version;
        let (_, body) = header::parse_response(frame, ApiKey::Produce, version)?;
        let shown = |topic: TopicRef<'_>| Some(self.shown.get(topic)?.granted.shown_key(by_id));
        // A name is at most 249 bytes; most answers name one topic.
        let mut out = EnvelopeWriter::with_capacity(frame.len() + 256, 0);
        header::write_response(out.buffer(), ApiKey::Produce, version, self.exchange.correlation_id);
        let body = frame.get(body..).unwrap_or_default();
        let done = rewrite_success(body, version, out.buffer(), shown, |broker| context.throttle(broker));
        Ok(done.map(|()| out.finish()))
    }
}

fn show(topic: &mut TopicProduceResponse, key: &TopicKey) {
    match key {
        TopicKey::Id(id) => topic.topic_id = Uuid::from_bytes(*id),
        TopicKey::Name(name) => topic.name = TopicName(StrBytes::from_string(name.to_string())),
    }
}

/// Takes out of a partition's answer what is not the partner's business.
fn blank(partition: &mut PartitionProduceResponse, context: &ReplyContext<'_>) {
    context.note(ErrorCode(partition.error_code));
    partition.error_message = None;
    for record in &mut partition.record_errors {
        record.batch_index_error_message = None;
    }
    if shown_leader(context.addresses, partition.current_leader.leader_id.0).is_none() {
        partition.current_leader = LeaderIdAndEpoch::default();
    }
}

fn endpoints(nodes: &[NodeEndpoint], addresses: &AddressMap) -> Vec<NodeEndpoint> {
    let shown = |node: &NodeEndpoint| {
        let (host, port) = addresses.of(node.node_id.0)?;
        let shown = NodeEndpoint::default()
            .with_node_id(BrokerId(node.node_id.0))
            .with_host(StrBytes::from_string(host.to_owned()))
            .with_port(i32::from(port));
        Some(shown)
    };
    nodes.iter().filter_map(shown).collect()
}

fn refusals(refused: Refusals) -> Vec<TopicProduceResponse> {
    let partition = |(index, error): (i32, ErrorCode)| {
        PartitionProduceResponse::default()
            .with_index(index)
            .with_error_code(error.0)
            .with_base_offset(-1)
            .with_log_append_time_ms(-1)
            .with_log_start_offset(-1)
    };
    let topic = |(shown, partitions): (Shown, Vec<_>)| {
        let partitions = partitions.into_iter().map(partition).collect();
        let topic = TopicProduceResponse::default().with_partition_responses(partitions);
        match shown {
            Shown::Id(id) => topic.with_topic_id(Uuid::from_bytes(id)),
            Shown::Name(name) => topic.with_name(TopicName(StrBytes::from_string(name))),
        }
    };
    refused.into_iter().map(topic).collect()
}

#[cfg(test)]
mod tests;
