//! Requests that go through the guard and the codec crate.

use anyhow::Result;
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{FetchRequest, GroupId, JoinGroupRequest, MetadataRequest, TopicName};
use kafka_protocol::protocol::{Encodable, StrBytes};
use tidegate_wire::codec;

use super::{Naming, shown_name};

/// A body and its version.
pub struct Encoded {
    /// The version.
    pub version: i16,
    /// The body.
    pub body: Bytes,
}

/// Metadata about five topics.
pub fn metadata() -> Result<Encoded> {
    let topic = |topic| MetadataRequestTopic::default().with_name(Some(name(topic)));
    encoded(12, &MetadataRequest::default().with_topics(Some((0..5).map(topic).collect())))
}

/// JoinGroup of a stock consumer: two assignors with a subscription of some 100 bytes each.
pub fn join_group() -> Result<Encoded> {
    let protocol = |assignor| {
        JoinGroupRequestProtocol::default()
            .with_name(StrBytes::from_static_str(assignor))
            .with_metadata(Bytes::from_static(&[0; 100]))
    };
    let request = JoinGroupRequest::default()
        .with_group_id(GroupId(StrBytes::from_static_str("partner-orders")))
        .with_session_timeout_ms(45_000)
        .with_rebalance_timeout_ms(300_000)
        .with_protocol_type(StrBytes::from_static_str("consumer"))
        .with_protocols(vec![protocol("range"), protocol("cooperative-sticky")]);
    encoded(9, &request)
}

/// Fetch of one topic with many partitions, by name.
pub fn fetch(partitions: usize) -> Result<Encoded> {
    let partition = |index| {
        FetchPartition::default()
            .with_partition(index)
            .with_fetch_offset(1_000)
            .with_partition_max_bytes(1024 * 1024)
    };
    let topic = FetchTopic::default()
        .with_topic(name(0))
        .with_partitions((0..).take(partitions).map(partition).collect());
    let request = FetchRequest::default()
        .with_max_wait_ms(500)
        .with_min_bytes(1)
        .with_max_bytes(50 * 1024 * 1024)
        .with_topics(vec![topic]);
    encoded(Naming::Names.fetch_version(), &request)
}

fn encoded<M: codec::Guarded + Encodable>(version: i16, message: &M) -> Result<Encoded> {
    let mut body = BytesMut::new();
    codec::encode(message, version, &mut body)?;
    Ok(Encoded { version, body: body.freeze() })
}

fn name(topic: usize) -> TopicName {
    TopicName(StrBytes::from_string(shown_name(topic)))
}
