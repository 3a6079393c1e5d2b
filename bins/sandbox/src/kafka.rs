//! Just enough of a Kafka client to fill the sample topics: one request at a time over plain TCP.

use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::{BufMut as _, Bytes, BytesMut};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable as _, Encodable as _, HeaderVersion as _, Request, StrBytes};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A PLAINTEXT connection to one broker.
#[derive(Debug)]
pub(crate) struct Connection {
    address: String,
    stream: TcpStream,
}

impl Connection {
    /// Connects to `address`, which is `HOST:PORT`.
    pub(crate) async fn open(address: &str) -> anyhow::Result<Self> {
        let stream = timeout(IO_LIMIT, TcpStream::connect(address))
            .await
            .with_context(|| format!("{address} does not accept a connection within {IO_LIMIT:?}"))?
            .with_context(|| format!("cannot connect to {address}"))?;
        Ok(Self { address: address.to_owned(), stream })
    }

    /// Sends `request` and waits for its response.
    pub(crate) async fn call<R: Request>(
        &mut self,
        request: &R,
        version: i16,
    ) -> anyhow::Result<R::Response> {
        let frame = encode(request, version)?;
        let mut reply = timeout(IO_LIMIT, self.exchange(&frame))
            .await
            .with_context(|| format!("{} does not answer within {IO_LIMIT:?}", self.address))?
            .with_context(|| format!("{} does not answer as Kafka does", self.address))?;
        ResponseHeader::decode(&mut reply, R::Response::header_version(version))?;
        R::Response::decode(&mut reply, version)
            .with_context(|| format!("{} sent a response that cannot be read", self.address))
    }

    async fn exchange(&mut self, frame: &[u8]) -> anyhow::Result<Bytes> {
        self.stream.write_all(frame).await?;
        let size = self.stream.read_u32().await?;
        if size > MAX_REPLY {
            bail!("a response of {size} bytes is over the limit of {MAX_REPLY}");
        }
        let mut reply = Vec::new();
        (&mut self.stream).take(size.into()).read_to_end(&mut reply).await?;
        Ok(reply.into())
    }
}

fn encode<R: Request>(request: &R, version: i16) -> anyhow::Result<Bytes> {
    // One request is in flight at a time, so the correlation id tells nothing apart.
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_client_id(Some(StrBytes::from_static_str("tidegate-sandbox")));
    let mut body = BytesMut::new();
    header.encode(&mut body, R::header_version(version))?;
    request.encode(&mut body, version)?;
    let mut frame = BytesMut::with_capacity(body.len() + 4);
    frame.put_u32(u32::try_from(body.len())?);
    frame.put(body);
    Ok(frame.freeze())
}

const IO_LIMIT: Duration = Duration::from_secs(10);
const MAX_REPLY: u32 = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::MetadataRequest;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_peer_that_is_no_kafka_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let (mut peer, _) = listener.accept().await.unwrap();
            peer.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        });
        let mut connection = Connection::open(&address).await.unwrap();
        let error = connection.call(&MetadataRequest::default(), 9).await.unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            format!(
                "{address} does not answer as Kafka does: \
                 a response of 1213486160 bytes is over the limit of 16777216"
            )
        );
    }

    #[tokio::test]
    async fn a_closed_port_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let error = Connection::open(&address).await.unwrap_err();
        assert_eq!(error.to_string(), format!("cannot connect to {address}"));
    }
}
