//! The only place that calls the codec crate.
//!
//! [`decode`] puts the [`guard`] in front of it, so that the crate never sees a
//! length, a tag section or a tail that the guard did not accept.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages;
use kafka_protocol::protocol::{Decodable, Encodable};
use thiserror::Error;

use crate::api::ApiKey;
use crate::guard::{self, Direction, GuardError};

/// A message type that the guard has a table for.
pub trait Guarded {
    /// Its API.
    const KEY: ApiKey;
    /// Whether it is the request or the response.
    const DIRECTION: Direction;
}

/// Why a message could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The guard refuses the body.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// The crate cannot read what the guard accepted.
    #[error("cannot decode {api:?} {direction} v{version}: {message}")]
    Decode {
        /// The API.
        api: ApiKey,
        /// Request or response.
        direction: Direction,
        /// The version asked for.
        version: i16,
        /// The crate's own words.
        message: String,
    },
    /// The crate leaves bytes that the guard took for part of the message.
    #[error("{left} bytes left after decoding {api:?} {direction} v{version}")]
    Leftover {
        /// The API.
        api: ApiKey,
        /// Request or response.
        direction: Direction,
        /// The version asked for.
        version: i16,
        /// How many bytes.
        left: usize,
    },
    /// The message cannot be written at this version, for example because a field without a place in it
    /// is set.
    #[error("cannot encode {api:?} {direction} v{version}: {message}")]
    Encode {
        /// The API.
        api: ApiKey,
        /// Request or response.
        direction: Direction,
        /// The version asked for.
        version: i16,
        /// The crate's own words.
        message: String,
    },
}

/// Reads a body; strings and bytes of the result are slices of it.
///
/// Tags that the schema does not know are dropped: then the slices are of a copy.
///
/// # Errors
/// [`CodecError::Guard`] for a body that does not add up; the other kinds would be a difference between
/// the guard's tables and the crate.
pub fn decode<M: Guarded + Decodable>(version: i16, body: &Bytes) -> Result<M, CodecError> {
    let checked = guard::check(M::DIRECTION, M::KEY, version, body, M::DIRECTION.limits())?;
    let mut body = if checked.unknown_tags {
        Bytes::from(guard::strip_unknown_tags(M::DIRECTION, M::KEY, version, body)?)
    } else {
        body.clone()
    };
    let message = M::decode(&mut body, version).map_err(|error| CodecError::Decode {
        api: M::KEY,
        direction: M::DIRECTION,
        version,
        message: error.to_string(),
    })?;
    match body.len() {
        0 => Ok(message),
        left => Err(CodecError::Leftover { api: M::KEY, direction: M::DIRECTION, version, left }),
    }
}

/// Appends a body to `out`; on failure `out` is as before.
///
/// # Errors
/// [`CodecError::Encode`] when the message has no form at this version.
pub fn encode<M: Guarded + Encodable>(
    message: &M,
    version: i16,
    out: &mut BytesMut,
) -> Result<(), CodecError> {
    let before = out.len();
    let size = message.compute_size(version);
    let written = size.and_then(|size| {
        out.reserve(size);
        message.encode(out, version)
    });
    written.map_err(|error| {
        out.truncate(before);
        CodecError::Encode { api: M::KEY, direction: M::DIRECTION, version, message: error.to_string() }
    })
}

macro_rules! guarded {
    ($($api:ident: $request:ident, $response:ident;)*) => {$(
        impl Guarded for messages::$request {
            const KEY: ApiKey = ApiKey::$api;
            const DIRECTION: Direction = Direction::Request;
        }

        impl Guarded for messages::$response {
            const KEY: ApiKey = ApiKey::$api;
            const DIRECTION: Direction = Direction::Response;
        }
    )*};
}

guarded! {
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
