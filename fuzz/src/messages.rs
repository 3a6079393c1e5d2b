//! The guard and the codec crate.

use std::fmt::Debug;

use kafka_protocol::protocol::{Decodable, Encodable};
use tidegate_wire::api::ApiKey;
use tidegate_wire::codec::{self, CodecError, Guarded};
use tidegate_wire::guard::{self, Direction};
use tidegate_wire::header::Request;
use tidegate_wire::{Bytes, BytesMut, messages};

/// Two bytes pick API and version, the rest is the request behind them.
///
/// What the guard accepts, the codec crate reads to the last byte, and what it writes of that reads the same. An API
/// without a table is refused.
pub fn request(data: &[u8]) {
    let Some(request) = read(data) else { return };
    let accepted = guard::check_request(request.key, request.version, &request.body).is_ok();
    assert_eq!(accepted, reads(Direction::Request, request.key, request.version, &request.body));
}

/// Two bytes pick API and version, the rest is the body of an answer; as [`request`].
pub fn response(data: &[u8]) {
    let Some((key, version, body)) = pick(data) else { return };
    let accepted = guard::check_response(key, version, body).is_ok();
    assert_eq!(accepted, reads(Direction::Response, key, version, &Bytes::copy_from_slice(body)));
}

fn read(data: &[u8]) -> Option<Request> {
    let (key, version, rest) = pick(data)?;
    let mut frame = BytesMut::new();
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(&(key as i16).to_be_bytes());
    frame.extend_from_slice(&version.to_be_bytes());
    frame.extend_from_slice(rest);
    Request::parse(frame.freeze()).ok()
}

fn pick(data: &[u8]) -> Option<(ApiKey, i16, &[u8])> {
    let [key, version, rest @ ..] = data else { return None };
    // Half of the bytes pick from the tables, the others from all of Kafka's keys.
    let key = match key {
        0..0x80 => guard::KEYS[usize::from(*key) % guard::KEYS.len()],
        _ => ApiKey::try_from(i16::from(*key - 0x80)).ok()?,
    };
    Some((key, i16::from(*version % 32), rest))
}

/// Whether the body can be read; a body that only the guard likes is a find.
fn comes_back<M>(version: i16, body: &Bytes) -> bool
where
    M: Guarded + Decodable + Encodable + PartialEq + Debug,
{
    let message: M = match codec::decode(version, body) {
        Ok(message) => message,
        Err(CodecError::Guard(_)) => return false,
        Err(error) => panic!("{error}"),
    };
    let mut again = BytesMut::new();
    codec::encode(&message, version, &mut again).expect("what was read can be written");
    let again: M = codec::decode(version, &again.freeze()).expect("what was written can be read");
    assert_eq!(again, message);
    true
}

macro_rules! reads {
    ($($api:ident: $request:ident, $response:ident;)*) => {
        fn reads(direction: Direction, key: ApiKey, version: i16, body: &Bytes) -> bool {
            match (key, direction) {
                $(
                    (ApiKey::$api, Direction::Request) => comes_back::<messages::$request>(version, body),
                    (ApiKey::$api, Direction::Response) => comes_back::<messages::$response>(version, body),
                )*
                (key, _) => {
                    assert!(guard::schema(key).is_none(), "{key:?} has a table and no line here");
                    false
                }
            }
        }
    };
}

reads! {
    Produce: ProduceRequest, ProduceResponse;
    Fetch: FetchRequest, FetchResponse;
    ListOffsets: ListOffsetsRequest, ListOffsetsResponse;
    Metadata: MetadataRequest, MetadataResponse;
    OffsetCommit: OffsetCommitRequest, OffsetCommitResponse;
    OffsetFetch: OffsetFetchRequest, OffsetFetchResponse;
    FindCoordinator: FindCoordinatorRequest, FindCoordinatorResponse;
    JoinGroup: JoinGroupRequest, JoinGroupResponse;
    Heartbeat: HeartbeatRequest, HeartbeatResponse;
    LeaveGroup: LeaveGroupRequest, LeaveGroupResponse;
    SyncGroup: SyncGroupRequest, SyncGroupResponse;
    DescribeGroups: DescribeGroupsRequest, DescribeGroupsResponse;
    ListGroups: ListGroupsRequest, ListGroupsResponse;
    SaslHandshake: SaslHandshakeRequest, SaslHandshakeResponse;
    ApiVersions: ApiVersionsRequest, ApiVersionsResponse;
    CreateTopics: CreateTopicsRequest, CreateTopicsResponse;
    DeleteRecords: DeleteRecordsRequest, DeleteRecordsResponse;
    InitProducerId: InitProducerIdRequest, InitProducerIdResponse;
    OffsetForLeaderEpoch: OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse;
    AddPartitionsToTxn: AddPartitionsToTxnRequest, AddPartitionsToTxnResponse;
    AddOffsetsToTxn: AddOffsetsToTxnRequest, AddOffsetsToTxnResponse;
    EndTxn: EndTxnRequest, EndTxnResponse;
    WriteTxnMarkers: WriteTxnMarkersRequest, WriteTxnMarkersResponse;
    TxnOffsetCommit: TxnOffsetCommitRequest, TxnOffsetCommitResponse;
    DescribeAcls: DescribeAclsRequest, DescribeAclsResponse;
    CreateAcls: CreateAclsRequest, CreateAclsResponse;
    DeleteAcls: DeleteAclsRequest, DeleteAclsResponse;
    DescribeConfigs: DescribeConfigsRequest, DescribeConfigsResponse;
    SaslAuthenticate: SaslAuthenticateRequest, SaslAuthenticateResponse;
    CreatePartitions: CreatePartitionsRequest, CreatePartitionsResponse;
    DeleteGroups: DeleteGroupsRequest, DeleteGroupsResponse;
    IncrementalAlterConfigs: IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse;
    OffsetDelete: OffsetDeleteRequest, OffsetDeleteResponse;
    AlterUserScramCredentials: AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse;
    DescribeCluster: DescribeClusterRequest, DescribeClusterResponse;
    DescribeProducers: DescribeProducersRequest, DescribeProducersResponse;
    ConsumerGroupHeartbeat: ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse;
    ConsumerGroupDescribe: ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds::seeds;

    #[test]
    fn every_seed_is_read_to_its_end() {
        for seed in seeds("request") {
            let request = read(&seed).expect("a header");
            assert!(reads(Direction::Request, request.key, request.version, &request.body), "{request:?}");
        }
        for seed in seeds("response") {
            let (key, version, body) = pick(&seed).expect("a key of the tables");
            let body = Bytes::copy_from_slice(body);
            assert!(reads(Direction::Response, key, version, &body), "{key:?} v{version}");
        }
    }
}
