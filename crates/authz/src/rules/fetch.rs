//! Fetch (1): own topics only, always as a client, always without a fetch session.
//!
//! Session id 0 in every answer is what a broker with a full session cache gives (KIP-227): clients go on
//! with full requests, and rights are checked anew on each of them.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ReplicaState};
use kafka_protocol::messages::{BrokerId, FetchRequest, FetchResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::fetch::{
    BY_ID_SINCE, Partitions, Passing, RefusedTopic, ResponsePlan, Target, rewrite_response,
};
use tidegate_wire::frame::Outgoing;
use tidegate_wire::header::Request;
use tidegate_wire::topic::{TopicKey, TopicMap, TopicRef};
use uuid::Uuid;

use super::{CLIENT_REPLICA, Exchange, Rule, answer};
use crate::addresses::AddressMap;
use crate::context::{ReplyContext, RequestContext};
use crate::mirrors::Mirror;
use crate::outcome::{Outcome, Passed, Replied, Reply, ReplyError, RuleError, UpstreamRequest};
use crate::policy::Policy;
use crate::view::{Granted, ZoneView};

mod plan;

use plan::{Appearances, Plan};

/// The rule.
pub struct Fetch;

/// Session id of a request outside any session.
const NO_SESSION: i32 = 0;
/// Shortest pause that there is: the client is to come back at once.
const GIVEN_UP_THROTTLE_MS: i32 = 1;
/// Session epoch of a request that wants none, and of one that closes its session.
const SESSIONLESS_EPOCH: i32 = -1;

impl Rule for Fetch {
    fn key(&self) -> ApiKey {
        ApiKey::Fetch
    }

    fn versions(&self) -> Versions {
        Versions::new(4, 18)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        let version = request.version;
        let mut asked: FetchRequest = codec::decode(version, &request.body)?;
        if asked.session_id != NO_SESSION && asked.session_epoch != SESSIONLESS_EPOCH {
            let lost = FetchResponse::default().with_error_code(ErrorCode::FETCH_SESSION_ID_NOT_FOUND.0);
            return answer(request, &lost);
        }
        if context.throttle_ms > 0 {
            // In debt: nothing is read for this client. Empty and throttled is the one answer that need not name every
            // partition.
            return answer(request, &FetchResponse::default().with_throttle_time_ms(context.throttle_ms));
        }
        let named = asked.topics.len();
        let round = context.connection.next_fetch_round();
        let plan = Plan::of(context.zone, std::mem::take(&mut asked.topics), version >= BY_ID_SINCE, round);
        plan.refused.iter().for_each(|topic| context.refused_topic(topic.error, &topic.shown));
        if plan.upstream.is_empty() && !plan.refused.is_empty() {
            return answer_refused(request, &plan.refused);
        }
        let Plan { upstream, shown, refused } = plan;
        asked.topics = upstream;
        as_client(&mut asked, context.policy);
        asked.max_bytes = asked.max_bytes.min(window(context.zone));
        let correlation_id = context.connection.next_correlation_id();
        let frame = super::typed::request_frame(context.client_id, version, correlation_id, &asked)?;
        let exchange = Exchange::of(request);
        let passing = Passing::new(version, exchange.correlation_id);
        let names_each_once = asked.topics.len() == named;
        let reply = FetchReply { exchange, shown, refused, names_each_once, passing };
        let requests = vec![UpstreamRequest { correlation_id, frame }];
        Ok(Outcome::Forward { requests, reply: Box::new(reply) })
    }
}

/// Takes out of the request what only followers and session holders say, and lowers its limits.
fn as_client(asked: &mut FetchRequest, policy: &Policy) {
    asked.replica_id = BrokerId(CLIENT_REPLICA);
    asked.replica_state = ReplicaState::default();
    asked.cluster_id = None;
    asked.rack_id = StrBytes::new();
    asked.forgotten_topics_data = Vec::new();
    asked.session_id = NO_SESSION;
    asked.session_epoch = SESSIONLESS_EPOCH;
    asked.max_wait_ms = asked.max_wait_ms.min(policy.fetch_max_wait_ms);
    asked.max_bytes = asked.max_bytes.min(policy.fetch_max_bytes);
    for partition in asked.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
        partition.partition_max_bytes = partition.partition_max_bytes.min(policy.fetch_max_partition_bytes);
        partition.replica_directory_id = Uuid::nil();
        partition.high_watermark = i64::MAX;
        partition.log_start_offset = -1;
    }
}

/// The most that one answer may bring without a debt; a broker sends at least one batch all the same.
fn window(zone: &ZoneView) -> i32 {
    zone.traffic().max_consume_rate.map_or(i32::MAX, |rate| i32::try_from(rate.get()).unwrap_or(i32::MAX))
}

struct FetchReply {
    exchange: Exchange,
    shown: TopicMap<Appearances>,
    refused: Vec<RefusedTopic>,
    /// Whether the client asked for each topic once, under one name.
    names_each_once: bool,
    passing: Passing,
}

impl Reply for FetchReply {
    fn on_response(
        mut self: Box<Self>,
        context: &ReplyContext<'_>,
        frames: &[Bytes],
    ) -> Result<Replied, ReplyError> {
        let frame = frames.first().ok_or(ReplyError::Missing)?;
        self.follow(context.zone);
        let plan = self.plan(context);
        let Exchange { version, correlation_id } = self.exchange;
        Ok(rewrite_response(frame, version, correlation_id, &plan)?.into())
    }

    fn may_pass(&self, context: &ReplyContext<'_>, beginning: &[u8]) -> bool {
        self.refused.is_empty()
            && (self.names_each_once || self.exchange.version >= BY_ID_SINCE)
            && self.shown.values().all(|shown| Passing::admits(&shown.targets))
            && self.shows_all(context, |now| now.mirror.is_none())
            && self.passing.fits(beginning, &self.plan(context))
    }

    fn pass(&mut self, context: &ReplyContext<'_>, received: &mut BytesMut) -> Result<Passed, ReplyError> {
        let plan = ShownTopics { shown: &self.shown, refused: &self.refused, context };
        let part = self.passing.pass(received, &plan)?;
        Ok(Passed { part, is_last: self.passing.is_done() })
    }

    /// A broker may hold a Fetch for as long as the client likes. When something that it asks for is revoked, it ends
    /// at once: empty and throttled, which is the one answer that need not name every partition (KIP-219). The
    /// client asks again and is refused then.
    fn give_up(&self, context: &ReplyContext<'_>) -> Result<Option<Outgoing>, ReplyError> {
        if self.shows_all(context, |_| true) {
            return Ok(None);
        }
        let empty = FetchResponse::default().with_throttle_time_ms(GIVEN_UP_THROTTLE_MS);
        Ok(Some(self.exchange.encode(&empty)?))
    }
}

impl FetchReply {
    fn plan<'a>(&'a self, context: &'a ReplyContext<'a>) -> ShownTopics<'a> {
        ShownTopics { shown: &self.shown, refused: &self.refused, context }
    }

    /// Whether the zone still shows everything that was asked for, and all of it is so.
    fn shows_all(&self, context: &ReplyContext<'_>, is_so: impl Fn(&Granted) -> bool) -> bool {
        let mut granted = self.shown.values().flat_map(|shown| &shown.granted);
        granted.all(|granted| context.zone.and_then(|zone| zone.renewed(granted)).is_some_and(&is_so))
    }

    /// Takes over what changed while the broker waited for records: what was revoked is not shown any more, and what has
    /// become a mirror is shown without fillers.
    fn follow(&mut self, now: Option<&ZoneView>) {
        let error = match self.exchange.version >= BY_ID_SINCE {
            true => ErrorCode::UNKNOWN_TOPIC_ID,
            false => ErrorCode::TOPIC_AUTHORIZATION_FAILED,
        };
        for Appearances { targets, granted, mirror } in self.shown.values_mut() {
            for (target, granted) in targets.iter_mut().zip(granted) {
                match now.and_then(|zone| zone.renewed(granted)) {
                    Some(now) => {
                        target.hides_fillers = now.mirror.is_some();
                        mirror.clone_from(&now.mirror);
                    }
                    None => target.refuse = Some(error),
                }
            }
        }
    }
}

struct ShownTopics<'a> {
    shown: &'a TopicMap<Appearances>,
    refused: &'a [RefusedTopic],
    context: &'a ReplyContext<'a>,
}

impl ResponsePlan for ShownTopics<'_> {
    fn targets(&self, topic: TopicRef<'_>) -> &[Target] {
        self.shown.get(topic).map_or(&[], |shown| &shown.targets)
    }

    fn asked(&self) -> impl Iterator<Item = (TopicRef<'_>, &[Target])> {
        self.shown.iter().map(|(topic, shown)| (topic, shown.targets.as_slice()))
    }

    fn refused(&self) -> &[RefusedTopic] {
        self.refused
    }

    fn filler_producers(&self, topic: TopicRef<'_>, partition: i32) -> Vec<i64> {
        let mirror = self.shown.get(topic).and_then(|shown| shown.mirror.as_ref());
        mirror.map_or_else(Vec::new, |mirror| mirror.filler_producers(partition))
    }

    fn endpoint(&self, node: i32) -> Option<(&str, u16)> {
        let addresses: &AddressMap = self.context.addresses;
        addresses.of(node)
    }

    fn note(&self, error: ErrorCode) {
        self.context.note(error);
    }

    fn throttle_ms(&self, upstream: i32) -> i32 {
        self.context.throttle(upstream)
    }
}

fn answer_refused(request: &Request, refused: &[RefusedTopic]) -> Result<Outcome, RuleError> {
    use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
    let topic = |refused: &RefusedTopic| {
        let partition = |index: &i32| {
            let mut data = PartitionData::default()
                .with_partition_index(*index)
                .with_error_code(refused.error.0)
                .with_high_watermark(-1)
                .with_aborted_transactions(None)
                .with_records(Some(Bytes::new()));
            data.preferred_read_replica = BrokerId(-1);
            data
        };
        let partitions = refused.partitions.iter().map(partition).collect();
        let topic = FetchableTopicResponse::default().with_partitions(partitions);
        match &refused.shown {
            TopicKey::Id(id) => topic.with_topic_id(Uuid::from_bytes(*id)),
            TopicKey::Name(name) => topic.with_topic(TopicName(StrBytes::from_string(name.to_string()))),
        }
    };
    answer(request, &FetchResponse::default().with_responses(refused.iter().map(topic).collect()))
}

#[cfg(test)]
mod tests;
