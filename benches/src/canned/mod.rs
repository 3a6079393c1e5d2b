//! The null broker's answers: correct enough for a raw load client, a gateway and a stock client.
//!
//! The log is endless: a Fetch from any offset finds 1 MB of the same batches there, with the base offsets
//! that continue from it. Produce is answered and forgotten.

mod cluster;
mod data;

use std::io::Cursor;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use bytes::buf::Chain;
use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsResponse, FetchRequest, FindCoordinatorRequest, InitProducerIdRequest,
    ListOffsetsRequest, MetadataRequest, ProduceRequest, RequestHeader, SaslAuthenticateRequest,
    SaslHandshakeRequest,
};
use kafka_protocol::protocol::{
    Decodable, Encodable, HeaderVersion, StrBytes, decode_request_header_from_buffer,
};
use uuid::Uuid;

use crate::batch::Batch;
use crate::frame;

/// The one broker of the null cluster, shared by its connections.
#[derive(Debug)]
pub struct Broker {
    host: StrBytes,
    port: i32,
    topic: StrBytes,
    partitions: i32,
    batch: Batch,
    /// The last answer to Fetch and its question: load clients all ask the same, and many that do not read their
    /// answers must not need one each.
    fetch: Mutex<Option<(Bytes, Bytes)>>,
}

/// An answer as a frame: its size and correlation id, and the rest, which may be the same in many.
pub type Answer = Chain<Cursor<[u8; HEAD_BYTES]>, Bytes>;

impl Broker {
    /// A broker that Metadata shows at `advertised`, with one topic.
    pub fn new(advertised: SocketAddr, topic: &str, partitions: i32) -> Result<Self> {
        Ok(Self {
            host: StrBytes::from_string(advertised.ip().to_string()),
            port: advertised.port().into(),
            topic: StrBytes::from_string(topic.to_owned()),
            partitions,
            batch: Batch::large()?,
            fetch: Mutex::new(None),
        })
    }

    fn answer(&self, header: &RequestHeader, body: Bytes) -> Result<Option<BytesMut>> {
        let version = header.request_api_version;
        let id = header.correlation_id;
        let key = ApiKey::try_from(header.request_api_key).ok().context("an unknown api key")?;
        let answer = match key {
            ApiKey::ApiVersions => return api_versions(version, id).map(Some),
            ApiKey::SaslHandshake => {
                encode(header, &cluster::sasl_handshake(&decode::<SaslHandshakeRequest>(header, body)?))
            }
            ApiKey::SaslAuthenticate => {
                decode::<SaslAuthenticateRequest>(header, body)?;
                encode(header, &cluster::sasl_authenticate())
            }
            ApiKey::Metadata => {
                encode(header, &self.metadata(version, decode::<MetadataRequest>(header, body)?))
            }
            ApiKey::FindCoordinator => encode(
                header,
                &self.find_coordinator(version, decode::<FindCoordinatorRequest>(header, body)?),
            ),
            ApiKey::InitProducerId => {
                decode::<InitProducerIdRequest>(header, body)?;
                encode(header, &cluster::init_producer_id())
            }
            ApiKey::ListOffsets => {
                encode(header, &data::list_offsets(decode::<ListOffsetsRequest>(header, body)?))
            }
            ApiKey::Fetch => encode(header, &self.fetch(decode::<FetchRequest>(header, body)?)?),
            ApiKey::Produce => {
                let request = decode::<ProduceRequest>(header, body)?;
                if request.acks == 0 {
                    return Ok(None);
                }
                encode(header, &data::produce(request))
            }
            other => bail!("no canned answer for {other:?}"),
        };
        answer.map(Some)
    }
}

/// One client's connection: it remembers its last Fetch, since a load client repeats it.
#[derive(Debug)]
pub struct Connection {
    broker: Arc<Broker>,
    fetch: Option<(Bytes, Bytes)>,
}

impl Connection {
    /// A connection on which nothing was asked yet.
    pub fn new(broker: Arc<Broker>) -> Self {
        Self { broker, fetch: None }
    }

    /// The answer to one request frame (without its size), size first; none for acks=0.
    pub fn answer(&mut self, request: Bytes) -> Result<Option<Answer>> {
        let mut body = request.clone();
        let header = decode_request_header_from_buffer(&mut body)?;
        if header.request_api_key == ApiKey::Fetch as i16 {
            let answer = self.answer_fetch(&header, request, body)?;
            return in_pieces(answer, header.correlation_id).map(Some);
        }
        let answer = self.broker.answer(&header, body)?;
        answer.map(|answer| in_pieces(answer.freeze(), header.correlation_id)).transpose()
    }

    fn answer_fetch(&mut self, header: &RequestHeader, request: Bytes, body: Bytes) -> Result<Bytes> {
        let same = |(asked, _): &&(Bytes, Bytes)| same_but_for_correlation_id(asked, &request);
        if let Some((_, answer)) = self.fetch.as_ref().filter(same) {
            return Ok(answer.clone());
        }
        let mut shared = self.broker.fetch.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match shared.as_ref().filter(same) {
            Some(known) => known.clone(),
            None => (request, self.broker.answer(header, body)?.unwrap_or_default().freeze()),
        };
        *shared = Some(known.clone());
        let (_, answer) = self.fetch.insert(known);
        Ok(answer.clone())
    }
}

/// A frame with the correlation id of one request.
fn in_pieces(frame: Bytes, correlation_id: i32) -> Result<Answer> {
    let mut head = *frame.first_chunk::<HEAD_BYTES>().context("an answer without a header")?;
    frame::set_response_correlation_id(&mut head, correlation_id)?;
    Ok(Cursor::new(head).chain(frame.slice(HEAD_BYTES..)))
}

fn same_but_for_correlation_id(one: &[u8], other: &[u8]) -> bool {
    one.get(..4) == other.get(..4) && one.get(8..) == other.get(8..)
}

fn api_versions(version: i16, correlation_id: i32) -> Result<BytesMut> {
    let api_keys = cluster::SERVED
        .iter()
        .map(|&(key, min, max)| {
            ApiVersion::default().with_api_key(key as i16).with_min_version(min).with_max_version(max)
        })
        .collect();
    let body = ApiVersionsResponse::default().with_api_keys(api_keys);
    if version > cluster::API_VERSIONS_MAX {
        // KIP-511: the error goes out in version 0, which every client reads.
        return frame::response(0, correlation_id, &body.with_error_code(cluster::UNSUPPORTED_VERSION));
    }
    frame::response(version, correlation_id, &body)
}

fn decode<R: Decodable>(header: &RequestHeader, mut body: Bytes) -> Result<R> {
    R::decode(&mut body, header.request_api_version)
}

fn encode<R: Encodable + HeaderVersion>(header: &RequestHeader, body: &R) -> Result<BytesMut> {
    frame::response(header.request_api_version, header.correlation_id, body)
}

/// Size and correlation id of a frame.
const HEAD_BYTES: usize = 8;

/// The id of the one topic, the same in each run.
pub const TOPIC_ID: Uuid = Uuid::from_u128(0x7469_6465_6761_7465_2d62_656e_6368_2d31);

#[cfg(test)]
mod tests;
