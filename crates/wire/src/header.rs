//! Request and response headers (KIP-482): who asks what under which version, read without the body.

use bytes::{BufMut, Bytes, BytesMut};
use thiserror::Error;

use crate::api::{ApiKey, is_flexible, response_header_is_flexible};
use crate::frame::SIZE_PREFIX;
use crate::reader::{ReadError, Reader};

/// Longest client id that is looked at; Kafka itself knows no limit, but nobody names a client in pages.
pub const MAX_CLIENT_ID: usize = 4096;

/// Why a header cannot be read; the peer is at fault and the connection must be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// A key that Kafka does not know.
    #[error("api key {key} is not known")]
    UnknownKey {
        /// The key as read.
        key: i16,
    },
    /// The client id is longer than [`MAX_CLIENT_ID`].
    #[error("client id of {length} bytes is over the limit of {MAX_CLIENT_ID}")]
    ClientIdTooLong {
        /// The length as read.
        length: usize,
    },
    /// The bytes do not hold a whole header.
    #[error("malformed header: {0}")]
    Malformed(#[from] ReadError),
}

/// A request frame whose header has been read.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is asked.
    pub key: ApiKey,
    /// Under which version of it.
    pub version: i16,
    /// The client's mark, to be given back with the answer.
    pub correlation_id: i32,
    /// The client's name for itself; empty when absent.
    pub client_id: Bytes,
    /// The bytes after the header.
    pub body: Bytes,
}

impl Request {
    /// Reads the header of a whole frame, size prefix included.
    ///
    /// ApiVersions at a version beyond ours has a header that cannot be known: then only the four leading
    /// fields are read and the body is left empty (KIP-511).
    ///
    /// # Errors
    /// [`HeaderError`].
    pub fn parse(frame: Bytes) -> Result<Self, HeaderError> {
        let mut reader = Reader::at(&frame, SIZE_PREFIX);
        let raw_key = reader.int16()?;
        let key = ApiKey::try_from(raw_key).map_err(|_| HeaderError::UnknownKey { key: raw_key })?;
        let version = reader.int16()?;
        let correlation_id = reader.int32()?;
        if !version_is_known(key, version) {
            return Ok(Self { key, version, correlation_id, client_id: Bytes::new(), body: Bytes::new() });
        }
        // The client id keeps its two-byte length even in the flexible header.
        let client_id = reader.nullable_string(false)?.unwrap_or_default();
        if client_id.len() > MAX_CLIENT_ID {
            return Err(HeaderError::ClientIdTooLong { length: client_id.len() });
        }
        let client_id = frame.slice_ref(client_id.as_bytes());
        reader.skip_tags(is_flexible(key, version))?;
        let body = frame.slice(reader.position()..);
        Ok(Self { key, version, correlation_id, client_id, body })
    }
}

fn version_is_known(key: ApiKey, version: i16) -> bool {
    let known = key.valid_versions();
    // Produce 0 to 2 and their like are refused later; their header is the same as at the known minimum.
    (0..=known.max).contains(&version)
}

/// Writes a request header without the size prefix.
pub fn write_request(out: &mut BytesMut, key: ApiKey, version: i16, correlation_id: i32, client_id: &str) {
    out.put_i16(key as i16);
    out.put_i16(version);
    out.put_i32(correlation_id);
    let length = i16::try_from(client_id.len()).unwrap_or(0);
    out.put_i16(length);
    if length > 0 {
        out.put_slice(client_id.as_bytes());
    }
    if is_flexible(key, version) {
        out.put_u8(0);
    }
}

/// Writes a response header without the size prefix.
pub fn write_response(out: &mut BytesMut, key: ApiKey, version: i16, correlation_id: i32) {
    out.put_i32(correlation_id);
    if response_header_is_flexible(key, version) {
        out.put_u8(0);
    }
}

/// The header of a response frame: the correlation id, and where the body begins in the frame.
///
/// # Errors
/// [`ReadError`] when the frame does not hold a whole header.
pub fn parse_response(frame: &[u8], key: ApiKey, version: i16) -> Result<(i32, usize), ReadError> {
    let mut reader = Reader::at(frame, SIZE_PREFIX);
    let correlation_id = reader.int32()?;
    reader.skip_tags(response_header_is_flexible(key, version))?;
    Ok((correlation_id, reader.position()))
}

/// The mark of a response frame, whatever its API.
///
/// # Errors
/// [`ReadError`] when the frame is shorter than that.
pub fn correlation_id(frame: &[u8]) -> Result<i32, ReadError> {
    Reader::at(frame, SIZE_PREFIX).int32()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(header: &[u8]) -> Bytes {
        let mut frame = BytesMut::new();
        frame.put_i32(i32::try_from(header.len()).unwrap());
        frame.put_slice(header);
        frame.freeze()
    }

    #[test]
    fn what_is_written_is_read_back_at_plain_and_flexible_versions() {
        for version in [0, 8, 9, 13] {
            let mut header = BytesMut::new();
            write_request(&mut header, ApiKey::Metadata, version, 77, "zone/app");
            header.put_slice(b"body");
            let request = Request::parse(framed(&header)).unwrap();
            assert_eq!((request.key, request.version), (ApiKey::Metadata, version));
            assert_eq!(request.correlation_id, 77);
            assert_eq!(request.client_id, "zone/app");
            assert_eq!(request.body, "body");
        }
    }

    #[test]
    fn a_null_client_id_is_empty() {
        let request = Request::parse(framed(&[0, 3, 0, 1, 0, 0, 0, 5, 0xff, 0xff])).unwrap();
        assert!(request.client_id.is_empty() && request.body.is_empty());
    }

    #[test]
    fn an_unknown_version_of_api_versions_still_gives_its_correlation_id() {
        let request = Request::parse(framed(&[0, 18, 0, 99, 0, 0, 0, 6])).unwrap();
        assert_eq!((request.version, request.correlation_id), (99, 6));
    }

    #[test]
    fn unknown_keys_and_short_headers_are_refused() {
        let unknown = Request::parse(framed(&[0x7f, 0, 0, 0, 0, 0, 0, 1]));
        assert!(matches!(unknown, Err(HeaderError::UnknownKey { key: 0x7f00 })));
        assert!(matches!(Request::parse(framed(&[0, 3, 0])), Err(HeaderError::Malformed(_))));
    }

    #[test]
    fn a_response_header_is_written_and_read_by_the_same_rule() {
        for (key, version, length) in
            [(ApiKey::Metadata, 1, 8), (ApiKey::Metadata, 9, 9), (ApiKey::ApiVersions, 3, 8)]
        {
            let mut header = BytesMut::new();
            write_response(&mut header, key, version, -5);
            assert_eq!(parse_response(&framed(&header), key, version), Ok((-5, length)));
        }
    }
}
