//! The message types behind plain functions, so that a test can loop over them.

use std::fmt::Debug;

use kafka_protocol::protocol::{Decodable, Encodable};
use tidegate_wire::api::ApiKey;
use tidegate_wire::codec::{self, CodecError, Guarded};
use tidegate_wire::guard::{self, Direction};
use tidegate_wire::messages::*;
use tidegate_wire::{Bytes, BytesMut};

/// One message type.
pub(crate) struct Case {
    pub(crate) key: ApiKey,
    pub(crate) direction: Direction,
    /// The default message, encoded.
    pub(crate) default: fn(i16) -> Result<Bytes, CodecError>,
    /// A body, decoded and encoded again; the result must decode to an equal message.
    pub(crate) again: fn(i16, &Bytes) -> Result<Bytes, CodecError>,
}

impl Case {
    /// The versions that the table has.
    pub(crate) fn versions(&self) -> impl Iterator<Item = i16> {
        guard::schema(self.key).unwrap().versions.iter()
    }

    pub(crate) fn name(&self, version: i16) -> String {
        format!("{:?} {} v{version}", self.key, self.direction)
    }
}

fn case<M: Guarded + Decodable + Encodable + Default + PartialEq + Debug>() -> Case {
    Case {
        key: M::KEY,
        direction: M::DIRECTION,
        default: |version| encode(&M::default(), version),
        again: |version, body| {
            let message: M = codec::decode(version, body)?;
            let again = encode(&message, version)?;
            assert_eq!(codec::decode::<M>(version, &again)?, message);
            Ok(again)
        },
    }
}

fn encode<M: Guarded + Encodable>(message: &M, version: i16) -> Result<Bytes, CodecError> {
    let mut out = BytesMut::new();
    codec::encode(message, version, &mut out)?;
    Ok(out.freeze())
}

/// Every message type of every table.
pub(crate) fn cases() -> Vec<Case> {
    vec![
        case::<ProduceRequest>(),
        case::<ProduceResponse>(),
        case::<FetchRequest>(),
        case::<FetchResponse>(),
        case::<ListOffsetsRequest>(),
        case::<ListOffsetsResponse>(),
        case::<MetadataRequest>(),
        case::<MetadataResponse>(),
        case::<OffsetCommitRequest>(),
        case::<OffsetCommitResponse>(),
        case::<OffsetFetchRequest>(),
        case::<OffsetFetchResponse>(),
        case::<FindCoordinatorRequest>(),
        case::<FindCoordinatorResponse>(),
        case::<JoinGroupRequest>(),
        case::<JoinGroupResponse>(),
        case::<HeartbeatRequest>(),
        case::<HeartbeatResponse>(),
        case::<LeaveGroupRequest>(),
        case::<LeaveGroupResponse>(),
        case::<SyncGroupRequest>(),
        case::<SyncGroupResponse>(),
        case::<DescribeGroupsRequest>(),
        case::<DescribeGroupsResponse>(),
        case::<ListGroupsRequest>(),
        case::<ListGroupsResponse>(),
        case::<SaslHandshakeRequest>(),
        case::<SaslHandshakeResponse>(),
        case::<ApiVersionsRequest>(),
        case::<ApiVersionsResponse>(),
        case::<CreateTopicsRequest>(),
        case::<CreateTopicsResponse>(),
        case::<DeleteRecordsRequest>(),
        case::<DeleteRecordsResponse>(),
        case::<InitProducerIdRequest>(),
        case::<InitProducerIdResponse>(),
        case::<OffsetForLeaderEpochRequest>(),
        case::<OffsetForLeaderEpochResponse>(),
        case::<AddPartitionsToTxnRequest>(),
        case::<AddPartitionsToTxnResponse>(),
        case::<AddOffsetsToTxnRequest>(),
        case::<AddOffsetsToTxnResponse>(),
        case::<EndTxnRequest>(),
        case::<EndTxnResponse>(),
        case::<WriteTxnMarkersRequest>(),
        case::<WriteTxnMarkersResponse>(),
        case::<TxnOffsetCommitRequest>(),
        case::<TxnOffsetCommitResponse>(),
        case::<DescribeAclsRequest>(),
        case::<DescribeAclsResponse>(),
        case::<CreateAclsRequest>(),
        case::<CreateAclsResponse>(),
        case::<DeleteAclsRequest>(),
        case::<DeleteAclsResponse>(),
        case::<DescribeConfigsRequest>(),
        case::<DescribeConfigsResponse>(),
        case::<SaslAuthenticateRequest>(),
        case::<SaslAuthenticateResponse>(),
        case::<CreatePartitionsRequest>(),
        case::<CreatePartitionsResponse>(),
        case::<DeleteGroupsRequest>(),
        case::<DeleteGroupsResponse>(),
        case::<IncrementalAlterConfigsRequest>(),
        case::<IncrementalAlterConfigsResponse>(),
        case::<OffsetDeleteRequest>(),
        case::<OffsetDeleteResponse>(),
        case::<AlterUserScramCredentialsRequest>(),
        case::<AlterUserScramCredentialsResponse>(),
        case::<DescribeClusterRequest>(),
        case::<DescribeClusterResponse>(),
        case::<DescribeProducersRequest>(),
        case::<DescribeProducersResponse>(),
        case::<ConsumerGroupHeartbeatRequest>(),
        case::<ConsumerGroupHeartbeatResponse>(),
        case::<ConsumerGroupDescribeRequest>(),
        case::<ConsumerGroupDescribeResponse>(),
    ]
}

#[test]
fn every_table_has_both_its_cases() {
    let cases = cases();
    for key in guard::KEYS {
        for direction in [Direction::Request, Direction::Response] {
            let count = cases.iter().filter(|case| case.key == key && case.direction == direction).count();
            assert_eq!(count, 1, "{key:?} {direction}");
        }
    }
    assert_eq!(cases.len(), 2 * guard::KEYS.len());
}
