//! A client that hides nothing: one request, the raw bytes of its answer.
//!
//! Requests are encoded by `kafka-protocol`; what a test compares are the bytes that came back.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::{
    ApiKey, RequestHeader, ResponseHeader, SaslAuthenticateRequest, SaslHandshakeRequest,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use socket2::{Domain, Socket, Type};

/// No answer of a test is larger.
const MAX_FRAME: usize = 64 * 1024 * 1024;

/// A blocking connection to a broker or a gateway.
pub struct Connection {
    stream: Box<dyn Stream>,
    correlation_id: i32,
}

/// What a connection may travel over.
pub trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection")
    }
}

impl Connection {
    /// Connects; every later step is bounded by `limit`.
    pub fn open(address: SocketAddr, limit: Duration) -> Result<Self> {
        Ok(Self::over(dial(address, limit)?))
    }

    /// As [`Connection::open`], from an address of this machine, such as any of 127.0.0.0/8.
    pub fn open_from(source: Ipv4Addr, address: SocketAddr, limit: Duration) -> Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((source, 0)).into())?;
        let connected = socket.connect_timeout(&address.into(), limit);
        connected.with_context(|| format!("connecting from {source} to {address}"))?;
        Ok(Self::over(tuned(socket.into(), limit)?))
    }

    /// Talks over `stream`, whatever was said on it before.
    pub fn over(stream: impl Stream + 'static) -> Self {
        Self { stream: Box::new(stream), correlation_id: 0 }
    }

    /// Logs in with SASL PLAIN.
    pub fn log_in(&mut self, user: &str, password: &str) -> Result<()> {
        let mechanism = StrBytes::from_static_str("PLAIN");
        let shaken = self.call(1, &SaslHandshakeRequest::default().with_mechanism(mechanism))?;
        ensure!(shaken.error_code == 0, "SASL handshake refused with code {}", shaken.error_code);
        let token = Bytes::from(format!("\0{user}\0{password}"));
        let done = self.call(2, &SaslAuthenticateRequest::default().with_auth_bytes(token))?;
        ensure!(done.error_code == 0, "login of {user} refused with code {}", done.error_code);
        Ok(())
    }

    /// Sends a request and decodes the whole answer.
    pub fn call<R: Request>(&mut self, version: i16, request: &R) -> Result<R::Response>
    where
        R::Response: HeaderVersion,
    {
        let answer = self.exchange(version, request)?;
        Ok(parse::<R>(version, answer)?.1)
    }

    /// Sends a request and returns the answer's bytes after the correlation id, undecoded.
    pub fn exchange_body<R: Request>(&mut self, version: i16, request: &R) -> Result<Vec<u8>> {
        let mut frame = self.exchange(version, request)?;
        ensure!(frame.len() >= 4, "an answer of {} bytes has no correlation id", frame.len());
        Ok(frame.split_off(4))
    }

    /// Sends a request and returns the answer's bytes after the length, undecoded.
    pub fn exchange<R: Request>(&mut self, version: i16, request: &R) -> Result<Vec<u8>> {
        self.correlation_id += 1;
        self.send(&frame(self.correlation_id, version, request)?)?;
        self.receive()
    }

    /// Sends `frame` behind its length.
    pub fn send(&mut self, frame: &[u8]) -> Result<()> {
        let length = u32::try_from(frame.len())?.to_be_bytes();
        self.send_bytes(&[&length, frame].concat())
    }

    /// Sends bytes as they are.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).and_then(|()| self.stream.flush()).context("sending a request")
    }

    /// Waits for the other side to close, for as long as [`Connection::open`] allows between two reads, and
    /// returns what it said before that.
    pub fn until_closed(&mut self) -> Result<Vec<u8>> {
        let mut said = Vec::new();
        match self.stream.read_to_end(&mut said) {
            Ok(_) => Ok(said),
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {
                Ok(said)
            }
            Err(error) => Err(error).with_context(|| format!("still open after {} bytes", said.len())),
        }
    }

    /// Receives one frame, without its length.
    pub fn receive(&mut self) -> Result<Vec<u8>> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).context("waiting for an answer")?;
        let length = usize::try_from(u32::from_be_bytes(length))?;
        ensure!(length <= MAX_FRAME, "an answer of {length} bytes");
        let mut frame = vec![0; length];
        self.stream.read_exact(&mut frame).context("reading an answer")?;
        Ok(frame)
    }
}

/// Connects; every later step is bounded by `limit`.
pub fn dial(address: SocketAddr, limit: Duration) -> Result<TcpStream> {
    let stream =
        TcpStream::connect_timeout(&address, limit).with_context(|| format!("connecting to {address}"))?;
    tuned(stream, limit)
}

fn tuned(stream: TcpStream, limit: Duration) -> Result<TcpStream> {
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A request with its header, without its length.
pub fn frame<R: Request>(correlation_id: i32, version: i16, request: &R) -> Result<Vec<u8>> {
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(correlation_id)
        .with_client_id(Some(StrBytes::from_static_str("raw")));
    let mut frame = BytesMut::new();
    header.encode(&mut frame, R::header_version(version))?;
    request.encode(&mut frame, version)?;
    Ok(frame.to_vec())
}

/// The body of an answer without its length, whole.
pub fn parse<R: Request>(version: i16, answer: Vec<u8>) -> Result<(i32, R::Response)>
where
    R::Response: HeaderVersion,
{
    let mut answer = Bytes::from(answer);
    let what = || format!("decoding the answer to {:?} v{version}", ApiKey::try_from(R::KEY));
    let header =
        ResponseHeader::decode(&mut answer, R::Response::header_version(version)).with_context(what)?;
    let body = R::Response::decode(&mut answer, version).with_context(what)?;
    ensure!(!answer.has_remaining(), "{} bytes too many in {}", answer.remaining(), what());
    Ok((header.correlation_id, body))
}
