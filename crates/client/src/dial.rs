//! From an endpoint to a byte stream: name, TCP, TLS.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use crate::error::{ConnectFailure, ConnectStep};
use crate::{ConnectOptions, Endpoint, Stream, Tls, Transport};

/// A dead peer shows after about two minutes (60 s and the system's probes), well within the ten minutes
/// after which brokers and firewalls drop idle connections.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// A failed step.
pub(crate) type Failed = (ConnectStep, ConnectFailure);

pub(crate) async fn dial(endpoint: &Endpoint, options: &ConnectOptions) -> Result<Stream, Failed> {
    let socket = tcp(endpoint, options.connect_timeout).await?;
    match &options.security.transport {
        Transport::Plaintext => Ok(Stream::Plain(socket)),
        Transport::Tls(tls) => {
            let stream = handshake(endpoint, tls, socket, options.tls_timeout).await;
            stream.map_err(|failure| (ConnectStep::Tls, failure))
        }
    }
}

/// Tries each address of the host, each with an equal share of the time that is left.
async fn tcp(endpoint: &Endpoint, limit: Duration) -> Result<TcpStream, Failed> {
    let deadline = Instant::now() + limit;
    let addresses = resolve(endpoint, deadline, limit).await;
    let addresses = addresses.map_err(|failure| (ConnectStep::Resolve, failure))?;
    let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    let mut last = (ConnectStep::Resolve, ConnectFailure::NoAddress);
    for address in addresses {
        let share = deadline.saturating_duration_since(Instant::now()) / left.max(1);
        left = left.saturating_sub(1);
        let failure = match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => match tune(&socket) {
                Ok(()) => return Ok(socket),
                Err(error) => ConnectFailure::Io(error),
            },
            Ok(Err(error)) => ConnectFailure::Io(error),
            Err(_) => ConnectFailure::Timeout(share),
        };
        last = (ConnectStep::Tcp, failure);
    }
    Err(last)
}

async fn resolve(
    endpoint: &Endpoint,
    deadline: Instant,
    limit: Duration,
) -> Result<Vec<SocketAddr>, ConnectFailure> {
    match timeout_at(deadline, lookup_host((endpoint.host.as_str(), endpoint.port))).await {
        Ok(Ok(addresses)) => Ok(addresses.collect()),
        Ok(Err(error)) => Err(ConnectFailure::Io(error)),
        Err(_) => Err(ConnectFailure::Timeout(limit)),
    }
}

fn tune(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_IDLE).with_interval(KEEPALIVE_INTERVAL);
    SockRef::from(socket).set_tcp_keepalive(&keepalive)
}

async fn handshake(
    endpoint: &Endpoint,
    tls: &Tls,
    socket: TcpStream,
    limit: Duration,
) -> Result<Stream, ConnectFailure> {
    let name = tls.server_name.as_ref().unwrap_or(&endpoint.host);
    let server_name =
        ServerName::try_from(name.clone()).map_err(|_| ConnectFailure::ServerName { name: name.clone() })?;
    match timeout(limit, TlsConnector::from(tls.config.clone()).connect(server_name, socket)).await {
        Ok(Ok(stream)) => Ok(Stream::Tls(Box::new(stream))),
        Ok(Err(error)) => Err(tls_failure(error)),
        Err(_) => Err(ConnectFailure::Timeout(limit)),
    }
}

/// rustls hands its errors out inside an I/O error.
pub(crate) fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// What a failure of TLS is called here.
pub(crate) fn tls_failure(error: io::Error) -> ConnectFailure {
    match tls_error(&error) {
        Some(error) => ConnectFailure::Tls(error.clone()),
        None if error.kind() == io::ErrorKind::UnexpectedEof => ConnectFailure::ClosedInTls,
        None => ConnectFailure::Io(error),
    }
}
