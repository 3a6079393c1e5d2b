//! Length-prefixed Kafka frames, encoded and decoded with the codec crate alone.

use anyhow::{Context, Result, ensure};
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};

/// More than any frame of the benches; a longer announcement is a mistake of the peer.
pub const MAX_FRAME_BYTES: usize = 256 * 1024 * 1024;

/// A request as the bytes to send, its size first.
pub fn request<R: Request>(version: i16, correlation_id: i32, body: &R) -> Result<BytesMut> {
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(correlation_id)
        .with_client_id(Some(StrBytes::from_static_str("bench")));
    let mut frame = BytesMut::zeroed(SIZE_BYTES);
    header.encode(&mut frame, R::header_version(version))?;
    body.encode(&mut frame, version)?;
    set_size(&mut frame)?;
    Ok(frame)
}

/// A response as the bytes to send, its size first.
pub fn response<R: Encodable + HeaderVersion>(
    version: i16,
    correlation_id: i32,
    body: &R,
) -> Result<BytesMut> {
    let mut frame = BytesMut::zeroed(SIZE_BYTES);
    let header = ResponseHeader::default().with_correlation_id(correlation_id);
    header.encode(&mut frame, R::header_version(version))?;
    body.encode(&mut frame, version)?;
    set_size(&mut frame)?;
    Ok(frame)
}

/// The body of a response frame (without its size) to a request of type `R`.
pub fn decode_response<R: Request>(version: i16, mut frame: Bytes) -> Result<R::Response> {
    ResponseHeader::decode(&mut frame, R::Response::header_version(version))?;
    R::Response::decode(&mut frame, version)
}

/// Writes another correlation id into a request frame, which makes its bytes usable again.
pub fn set_request_correlation_id(frame: &mut [u8], correlation_id: i32) -> Result<()> {
    set_i32(frame, SIZE_BYTES + 4, correlation_id)
}

/// Writes another correlation id into a response frame.
pub fn set_response_correlation_id(frame: &mut [u8], correlation_id: i32) -> Result<()> {
    set_i32(frame, SIZE_BYTES, correlation_id)
}

/// The size of a frame from its first four bytes.
pub fn size(prefix: [u8; SIZE_BYTES]) -> Result<usize> {
    let size = usize::try_from(i32::from_be_bytes(prefix)).context("a negative frame size")?;
    ensure!(size <= MAX_FRAME_BYTES, "a frame of {size} bytes");
    Ok(size)
}

/// Bytes of the size in front of each frame.
pub const SIZE_BYTES: usize = 4;

fn set_size(frame: &mut [u8]) -> Result<()> {
    let size = i32::try_from(frame.len() - SIZE_BYTES)?;
    set_i32(frame, 0, size)
}

fn set_i32(frame: &mut [u8], at: usize, value: i32) -> Result<()> {
    frame.get_mut(at..at + 4).context("a frame without a header")?.copy_from_slice(&value.to_be_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::messages::{ApiVersionsRequest, SaslHandshakeRequest};
    use kafka_protocol::protocol::decode_request_header_from_buffer;

    #[test]
    fn request_carries_its_size_and_the_correlation_id_set_last() {
        let mut frame = request(3, 7, &ApiVersionsRequest::default()).unwrap();
        set_request_correlation_id(&mut frame, 1234).unwrap();
        let mut frame = frame.freeze();
        let prefix = frame.split_to(SIZE_BYTES);
        assert_eq!(size(prefix[..].try_into().unwrap()).unwrap(), frame.len());
        let header = decode_request_header_from_buffer(&mut frame).unwrap();
        assert_eq!((header.request_api_key, header.correlation_id), (18, 1234));
    }

    #[test]
    fn response_round_trip() {
        let body = kafka_protocol::messages::SaslHandshakeResponse::default().with_error_code(33);
        let mut frame = response(1, 9, &body).unwrap();
        set_response_correlation_id(&mut frame, 10).unwrap();
        assert_eq!(frame[4..8], 10i32.to_be_bytes());
        let read = decode_response::<SaslHandshakeRequest>(1, frame.freeze().slice(SIZE_BYTES..)).unwrap();
        assert_eq!(read, body);
    }

    #[test]
    fn absurd_sizes_are_refused() {
        assert!(size([0xff; 4]).is_err());
        assert!(size([0x7f, 0xff, 0xff, 0xff]).is_err());
    }
}
