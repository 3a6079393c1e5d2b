//! The rules without a gateway: no socket, no runtime, no clock. Bytes of a partner's request go in, what the broker is
//! asked comes out; bytes of the broker's answer go in, the partner's answer comes out.
//!
//! ```sh
//! cargo run -p tidegate-examples --bin pure_rules
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use tidegate_authz::cluster::{PartitionView, TopicView};
use tidegate_authz::table::Service;
use tidegate_authz::{
    AddressMap, ClusterView, ConnectionState, Mirrors, Outcome, Policy, Replied, ReplyContext,
    RequestContext, RuleTable, ZoneView,
};
use tidegate_core::{BackingTopic, RootKey, Timestamp, ZoneSpec, parse_zones};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::frame::EnvelopeWriter;
use tidegate_wire::header::{self, Request};
use tidegate_wire::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use tidegate_wire::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use tidegate_wire::messages::{ListOffsetsRequest, ListOffsetsResponse};
use tidegate_wire::{Bytes, StrBytes, codec};

const ZONE: &str = "
apiVersion: v2
kind: PartnerZone
metadata: {name: acme}
spec:
  cluster: main
  serviceAccount: acme
  topics: [{name: orders, backingTopic: internal-orders-v3, permission: READ}]
";

/// Any version that the table serves.
const VERSION: i16 = 7;

/// Time is an argument.
const NOW: Timestamp = Timestamp(1_800_000_000);

/// What the broker is asked, and what the partner is answered.
#[derive(Debug)]
struct Conversation {
    upstream: ListOffsetsRequest,
    answer: ListOffsetsResponse,
}

fn main() -> Result<()> {
    let Conversation { upstream, answer } = converse()?;
    println!("the partner asks for `orders` and `payroll`; the broker is asked:\n{upstream:#?}");
    println!("the partner is answered:\n{answer:#?}");
    Ok(())
}

fn converse() -> Result<Conversation> {
    // What an operator wants, and what is known of the cluster, make the view of one zone.
    let spec = parse_zones(ZONE)?.pop().context("the manifest holds a zone")?;
    let cluster = cluster()?;
    let zone = zone(&spec, &cluster);

    // A partner's bytes, as they come off the wire.
    let request = Request::parse(partners_bytes(&["orders", "payroll"])?)?;

    // The table says who serves it; a key or version that nobody serves ends a connection.
    let table = RuleTable::default();
    let Some(Service::Rule(rule)) = table.service(request.key, request.version) else {
        bail!("nobody serves {:?} {}", request.key, request.version);
    };
    // Where partners find broker 1; every answer with an address in it names this one.
    let addresses = AddressMap::from_iter([(1, Arc::from("gateway.example"), 19_101)]);
    let mut connection = ConnectionState::default();
    let mut context = RequestContext {
        zone: &zone,
        cluster: &cluster,
        addresses: &addresses,
        policy: &Policy::default(),
        client_id: "acme/app",
        now: NOW,
        absent_producers: &[],
        throttle_ms: 0,
        connection: &mut connection,
    };
    // Other outcomes: an answer at once, nothing to wait for, a question for the store, the end.
    let Outcome::Forward { requests, reply } = rule.on_request(&mut context, &request)? else {
        bail!("the request was to go upstream");
    };

    // These frames would go to the broker; here we read what it would read, and play it.
    let frame = requests.into_iter().next().context("one request")?.frame.joined();
    let sent = Request::parse(frame)?;
    let upstream: ListOffsetsRequest = codec::decode(sent.version, &sent.body)?;
    let brokers = brokers_bytes(sent.correlation_id, &upstream)?;

    // The way back; the zone is given again, since it may have changed meanwhile.
    let context = ReplyContext::new(Some(&zone), &addresses, NOW);
    let Replied::Answer(frame) = reply.on_response(&context, &[brokers])? else {
        bail!("this answer needs no store");
    };
    let frame = frame.joined();
    let (_, body) = header::parse_response(&frame, ApiKey::ListOffsets, VERSION)?;
    Ok(Conversation { upstream, answer: codec::decode(VERSION, &frame.slice(body..))? })
}

fn cluster() -> Result<ClusterView> {
    let partition = PartitionView {
        index: 0,
        error: ErrorCode::NONE,
        leader: 1,
        leader_epoch: 5,
        replicas: vec![1],
        in_sync: vec![1],
        offline: vec![],
    };
    let topic = TopicView { id: [7; 16], partitions: vec![partition] };
    Ok(ClusterView {
        nodes: vec![1],
        controller: Some(1),
        versions: [(ApiKey::ListOffsets, Versions::new(1, 10))].into(),
        topics: BTreeMap::from([(BackingTopic::parse("internal-orders-v3")?, Arc::new(topic))]),
        ..ClusterView::default()
    })
}

/// Ids and prefixes of a zone come from the root key of the installation; what it must remember is its state.
fn zone(spec: &ZoneSpec, cluster: &ClusterView) -> Arc<ZoneView> {
    let root_key = RootKey::from_bytes([42; 32]);
    let keys = root_key.zone_keys(&root_key.zone_id(spec.name()));
    Arc::new(ZoneView::compile(spec, &keys, cluster, &Mirrors::default(), Arc::default()))
}

fn partners_bytes(topics: &[&str]) -> Result<Bytes> {
    let topic = |name: &&str| {
        ListOffsetsTopic::default()
            .with_name(StrBytes::from_string((*name).to_owned()).into())
            .with_partitions(vec![ListOffsetsPartition::default().with_timestamp(-1)])
    };
    let asked = ListOffsetsRequest::default().with_topics(topics.iter().map(topic).collect());
    let mut out = EnvelopeWriter::with_capacity(128, 0);
    header::write_request(out.buffer(), ApiKey::ListOffsets, VERSION, 4711, "app");
    codec::encode(&asked, VERSION, out.buffer())?;
    Ok(out.finish().joined())
}

/// A broker that knows offset 12 of every partition it is asked for.
fn brokers_bytes(correlation_id: i32, asked: &ListOffsetsRequest) -> Result<Bytes> {
    let topic = |topic: &ListOffsetsTopic| {
        let partition = ListOffsetsPartitionResponse::default().with_offset(12);
        ListOffsetsTopicResponse::default().with_name(topic.name.clone()).with_partitions(vec![partition])
    };
    let answer = ListOffsetsResponse::default().with_topics(asked.topics.iter().map(topic).collect());
    let mut out = EnvelopeWriter::with_capacity(128, 0);
    header::write_response(out.buffer(), ApiKey::ListOffsets, VERSION, correlation_id);
    codec::encode(&answer, VERSION, out.buffer())?;
    Ok(out.finish().joined())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_broker_hears_the_backing_topic_and_the_partner_its_alias() {
        let Conversation { upstream, answer } = converse().unwrap();
        let asked: Vec<&str> = upstream.topics.iter().map(|topic| topic.name.as_str()).collect();
        assert_eq!(asked, ["internal-orders-v3"]);
        let mut answered: Vec<(&str, i16, i64)> = answer
            .topics
            .iter()
            .map(|topic| {
                let partition = &topic.partitions[0];
                (topic.name.as_str(), partition.error_code, partition.offset)
            })
            .collect();
        answered.sort_unstable();
        // As a broker with an authorizer says it, whether the topic exists or not.
        let refused = ErrorCode::TOPIC_AUTHORIZATION_FAILED.0;
        assert_eq!(answered, [("orders", 0, 12), ("payroll", refused, -1)]);
        assert!(!format!("{answer:?}").contains("internal"));
    }
}
