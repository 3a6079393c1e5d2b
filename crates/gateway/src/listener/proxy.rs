//! The PROXY protocol, versions 1 and 2: what a load balancer says about the client behind it.
//!
//! Whether a listener speaks it is written in its configuration and never guessed: a guess would let clients write the
//! header by themselves. Never a byte behind the header is taken off the socket, so TLS begins where the header ends.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;
use ppp::{v1, v2};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::config::ProxyProtocol;

/// Bytes of the longest header of version 1, by its specification.
const MAX_V1_BYTES: usize = 107;

/// Bytes of a version 2 header before its addresses.
const V2_BYTES: usize = 16;

/// Bytes of addresses and extensions that a version 2 header may carry: far above what load balancers send, far below
/// the 64 KiB that its length field could say.
const MAX_V2_REST_BYTES: usize = 1_024;

/// Why a connection through a load balancer is not served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    #[error("proxy: {0} is not in `proxyProtocol.from`")]
    Unlisted(IpAddr),
    #[error("proxy: no whole header within `proxyHeaderDeadlineMs`")]
    Deadline,
    #[error("proxy: closed before the header was whole")]
    Closed,
    #[error("proxy: what came first is no header of the PROXY protocol")]
    NoHeader,
    #[error("proxy: a header longer than {0} bytes")]
    TooLong(usize),
    #[error("proxy: the header cannot be read: {0}")]
    Malformed(String),
    #[error(transparent)]
    Socket(#[from] std::io::Error),
}

/// Reads the header that `peer` must send, and tells the client's address; the peer's own where the header has none, as
/// in the health check of a load balancer.
pub(super) async fn client_address(
    stream: &mut TcpStream,
    peer: SocketAddr,
    config: &ProxyProtocol,
    deadline: Duration,
) -> Result<SocketAddr, ProxyError> {
    if !lists(&config.from, peer.ip()) {
        return Err(ProxyError::Unlisted(peer.ip()));
    }
    let header = timeout(deadline, read_header(stream)).await.map_err(|_| ProxyError::Deadline)??;
    Ok(source(&header)?.unwrap_or(peer))
}

/// Whether one of the networks holds `address`; an IPv4 address that came through an IPv6 socket counts as IPv4.
fn lists(networks: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

/// Takes the header off the stream and not one byte more.
async fn read_header(stream: &mut TcpStream) -> Result<Vec<u8>, ProxyError> {
    let mut header = Vec::new();
    let mut window = [0; V2_BYTES + MAX_V2_REST_BYTES];
    loop {
        let Some(room) = window.get_mut(header.len()..) else {
            return Err(ProxyError::TooLong(window.len()));
        };
        let seen = stream.peek(room).await?;
        if seen == 0 {
            return Err(ProxyError::Closed);
        }
        let so_far = header.len() + seen;
        let whole = length(window.get(..so_far).unwrap_or_default())?;
        let taken = header.len();
        // What was peeked is there, so this does not wait.
        header.resize(whole.unwrap_or(so_far), 0);
        stream.read_exact(header.get_mut(taken..).unwrap_or_default()).await?;
        if whole.is_some() {
            return Ok(header);
        }
    }
}

/// The length of the header that `bytes` begin with; `None` while they may still become one.
fn length(bytes: &[u8]) -> Result<Option<usize>, ProxyError> {
    if begins(bytes, v2::PROTOCOL_PREFIX) {
        let Some([high, low]) = bytes.get(V2_BYTES - 2..V2_BYTES) else { return Ok(None) };
        let rest = usize::from(u16::from_be_bytes([*high, *low]));
        if rest > MAX_V2_REST_BYTES {
            return Err(ProxyError::TooLong(V2_BYTES + MAX_V2_REST_BYTES));
        }
        return Ok(Some(V2_BYTES + rest).filter(|whole| *whole <= bytes.len()));
    }
    if !begins(bytes, V1_PREFIX) {
        return Err(ProxyError::NoHeader);
    }
    let line = bytes.get(..MAX_V1_BYTES).unwrap_or(bytes);
    match line.windows(2).position(|pair| pair == b"\r\n") {
        Some(end) => Ok(Some(end + 2)),
        None if bytes.len() >= MAX_V1_BYTES => Err(ProxyError::TooLong(MAX_V1_BYTES)),
        None => Ok(None),
    }
}

/// Whether `bytes` begin with `prefix`, or may still do so.
fn begins(bytes: &[u8], prefix: &[u8]) -> bool {
    bytes.iter().zip(prefix).all(|(byte, wanted)| byte == wanted)
}

/// The client's address in a whole header; `None` where it names none.
fn source(header: &[u8]) -> Result<Option<SocketAddr>, ProxyError> {
    let malformed = |error: &dyn std::fmt::Display| ProxyError::Malformed(error.to_string());
    if header.starts_with(V1_PREFIX) {
        let header = v1::Header::try_from(header).map_err(|error| malformed(&error))?;
        return Ok(match header.addresses {
            v1::Addresses::Unknown => None,
            v1::Addresses::Tcp4(ip) => Some(SocketAddr::from((ip.source_address, ip.source_port))),
            v1::Addresses::Tcp6(ip) => Some(SocketAddr::from((ip.source_address, ip.source_port))),
        });
    }
    // What comes with LOCAL must be ignored, whatever it is.
    if header.get(V2_COMMAND) == Some(&V2_LOCAL) {
        return Ok(None);
    }
    let header = v2::Header::try_from(header).map_err(|error| malformed(&error))?;
    if header.protocol == v2::Protocol::Datagram {
        return Err(malformed(&"it is for datagrams"));
    }
    Ok(match header.addresses {
        v2::Addresses::IPv4(ip) => Some(SocketAddr::from((ip.source_address, ip.source_port))),
        v2::Addresses::IPv6(ip) => Some(SocketAddr::from((ip.source_address, ip.source_port))),
        v2::Addresses::Unspecified | v2::Addresses::Unix(_) => None,
    })
}

const V1_PREFIX: &[u8] = b"PROXY ";
const V2_COMMAND: usize = 12;
const V2_LOCAL: u8 = 0x20;

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    const V1: &[u8] = b"PROXY TCP4 203.0.113.7 10.0.0.1 5000 9092\r\n";

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [v2::PROTOCOL_PREFIX, &[0x20 | command, family], &length, rest].concat()
    }

    fn v2_tcp4() -> Vec<u8> {
        v2(1, 0x11, &[203, 0, 113, 7, 10, 0, 0, 1, 0x13, 0x88, 0x23, 0x84])
    }

    /// What becomes of `pieces`, sent one after the other, and what is left on the stream.
    async fn sent(pieces: &[&[u8]]) -> (Result<SocketAddr, ProxyError>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut server, peer) = listener.accept().await.unwrap();
        let config = ProxyProtocol { from: vec!["127.0.0.0/8".parse().unwrap()] };
        let read = tokio::spawn(async move {
            let found = client_address(&mut server, peer, &config, Duration::from_secs(5)).await;
            let mut rest = Vec::new();
            let _ = server.read_to_end(&mut rest).await;
            (found.map(|found| if found == peer { "0.0.0.0:0".parse().unwrap() } else { found }), rest)
        });
        for piece in pieces {
            let _ = client.write_all(piece).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        drop(client);
        read.await.unwrap()
    }

    #[tokio::test]
    async fn both_versions_tell_the_address_and_leave_the_rest() {
        for header in [V1.to_vec(), v2_tcp4()] {
            let whole = [&header[..], b"TLS"].concat();
            let bytes: Vec<&[u8]> = whole.chunks(1).collect();
            for pieces in [vec![&whole[..]], bytes] {
                let (address, rest) = sent(&pieces).await;
                assert_eq!(address.unwrap().to_string(), "203.0.113.7:5000");
                assert_eq!(rest, b"TLS");
            }
        }
        let v6 = b"PROXY TCP6 2001:db8::7 2001:db8::1 5000 9092\r\n";
        assert_eq!(sent(&[v6]).await.0.unwrap().to_string(), "[2001:db8::7]:5000");
    }

    #[tokio::test]
    async fn a_health_check_has_the_address_of_the_connection() {
        let of_junk = v2(0, 0x11, b"junk");
        for header in [b"PROXY UNKNOWN\r\n".to_vec(), v2(0, 0, &[]), of_junk, v2(1, 0, &[])] {
            assert_eq!(sent(&[&header]).await.0.unwrap().to_string(), "0.0.0.0:0", "{header:?}");
        }
    }

    #[tokio::test]
    async fn no_header_half_a_header_and_a_huge_one_are_refused() {
        let tls: &[u8] = &[0x16, 3, 1, 0, 200];
        assert!(matches!(sent(&[tls]).await.0, Err(ProxyError::NoHeader)));
        assert!(matches!(sent(&[&V1[..20]]).await.0, Err(ProxyError::Closed)));
        assert!(matches!(sent(&[&v2_tcp4()[..20]]).await.0, Err(ProxyError::Closed)));
        let long = [b"PROXY TCP4 ", &[b'1'; 2_000][..]].concat();
        assert!(matches!(sent(&[&long]).await.0, Err(ProxyError::TooLong(MAX_V1_BYTES))));
        assert!(matches!(sent(&[&v2(1, 0x11, &[1; 2_000])]).await.0, Err(ProxyError::TooLong(1_040))));
        assert!(sent(&[&v2(1, 0x11, &[1; MAX_V2_REST_BYTES])]).await.0.is_ok());
        let bad = [&b"PROXY TCP4 nowhere 10.0.0.1 1 2\r\n"[..], b"PROXY TCP4\r\n", b"PROXY \xff\xff\r\n"];
        for header in
            bad.map(<[u8]>::to_vec).into_iter().chain([v2(1, 0x12, &[0; 12]), v2(5, 0x11, &[0; 12])])
        {
            assert!(matches!(sent(&[&header]).await.0, Err(ProxyError::Malformed(_))), "{header:?}");
        }
    }

    #[test]
    fn networks_hold_addresses_of_both_families() {
        let networks: Vec<IpNet> = ["10.0.0.0/8", "2001:db8::/32"].map(|net| net.parse().unwrap()).into();
        for (address, listed) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("2001:db8::1", true),
            ("11.0.0.1", false),
            ("::1", false),
        ] {
            assert_eq!(lists(&networks, address.parse().unwrap()), listed, "{address}");
        }
    }
}
