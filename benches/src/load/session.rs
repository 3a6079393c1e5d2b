//! One connection to a broker or proxy: connected, logged in, ready for raw frames.

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    MetadataRequest, MetadataResponse, SaslAuthenticateRequest, SaslHandshakeRequest, TopicName,
};
use kafka_protocol::protocol::{Request, StrBytes};
use uuid::Uuid;

use rustls::ClientConfig;

use super::Args;
use super::stream::{self, Stream};
use crate::frame;

/// Where to connect and as whom.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    login: Option<(String, String)>,
    tls: Option<Arc<ClientConfig>>,
}

impl Target {
    /// A broker in plaintext.
    pub(crate) fn plain(address: SocketAddr) -> Self {
        Self { address, login: None, tls: None }
    }

    pub(crate) fn new(args: &Args) -> Result<Self> {
        let tls = args.ca.as_deref().map(stream::trusting).transpose()?;
        Ok(Self { address: args.address, login: args.user.clone().zip(args.password.clone()), tls })
    }
}

/// What Metadata says of a topic.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) id: Uuid,
    pub(crate) leader: SocketAddr,
}

/// A connection that is logged in.
pub(crate) struct Session {
    stream: BufReader<Stream>,
    frame: Vec<u8>,
}

impl Session {
    pub(crate) fn open(target: &Target, address: SocketAddr) -> Result<Self> {
        let tcp = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(PATIENCE))?;
        tcp.set_write_timeout(Some(PATIENCE))?;
        let stream = match &target.tls {
            Some(config) => Stream::encrypted(tcp, config, address)?,
            None => Stream::Plain(tcp),
        };
        let stream = BufReader::with_capacity(INPUT_BYTES, stream);
        let mut session = Self { stream, frame: Vec::new() };
        if let Some((user, password)) = &target.login {
            session.login(user, password)?;
        }
        Ok(session)
    }

    /// Asks for one topic's id and leader.
    pub(crate) fn topic(&mut self, name: &str) -> Result<Topic> {
        let asked = MetadataRequestTopic::default()
            .with_name(Some(TopicName(StrBytes::from_string(name.to_owned()))));
        let request =
            MetadataRequest::default().with_topics(Some(vec![asked])).with_allow_auto_topic_creation(false);
        let answer = self.ask(METADATA_VERSION, &request)?;
        topic_of(&answer).with_context(|| format!("metadata of topic {name}"))
    }

    pub(crate) fn send(&mut self, frame: &[u8]) -> Result<()> {
        self.stream.get_mut().write_all(frame).context("cannot send")
    }

    /// The next frame, without its size.
    pub(crate) fn receive(&mut self) -> Result<&[u8]> {
        let mut prefix = [0; frame::SIZE_BYTES];
        self.stream.read_exact(&mut prefix).context("no answer")?;
        let size = frame::size(prefix)?;
        if self.frame.len() < size {
            self.frame.resize(size, 0);
        }
        let frame = self.frame.get_mut(..size).context("no room for the answer")?;
        self.stream.read_exact(frame).context("half an answer")?;
        Ok(frame)
    }

    /// Gives the room of the last answer back.
    pub(crate) fn shrink(&mut self) {
        self.frame = Vec::new();
    }

    /// The socket itself, for a writer that runs beside the reader.
    pub(crate) fn writer(&self) -> Result<TcpStream> {
        match self.stream.get_ref() {
            Stream::Plain(tcp) => Ok(tcp.try_clone()?),
            Stream::Encrypted(_) => bail!("TLS cannot be written beside its reader"),
        }
    }

    fn login(&mut self, user: &str, password: &str) -> Result<()> {
        let handshake = SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str("PLAIN"));
        let answer = self.ask(1, &handshake)?;
        ensure!(answer.error_code == 0, "SASL handshake: error {}", answer.error_code);
        let token = Bytes::from(format!("\0{user}\0{password}"));
        let answer = self.ask(2, &SaslAuthenticateRequest::default().with_auth_bytes(token))?;
        ensure!(answer.error_code == 0, "login as {user}: error {}", answer.error_code);
        Ok(())
    }

    /// Sends one request and waits for its answer.
    pub(crate) fn ask<R: Request>(&mut self, version: i16, request: &R) -> Result<R::Response> {
        self.send(&frame::request(version, 0, request)?)?;
        let answer = Bytes::copy_from_slice(self.receive()?);
        frame::decode_response::<R>(version, answer)
    }
}

fn topic_of(answer: &MetadataResponse) -> Result<Topic> {
    let topic = answer.topics.first().context("no topic in the answer")?;
    ensure!(topic.error_code == 0, "error {}", topic.error_code);
    let leader =
        topic.partitions.iter().find(|it| it.partition_index == 0).context("no partition 0")?.leader_id;
    let broker = answer.brokers.iter().find(|it| it.node_id == leader).context("no leader of partition 0")?;
    let address = (broker.host.as_str(), u16::try_from(broker.port)?).to_socket_addrs()?.next();
    Ok(Topic { id: topic.topic_id, leader: address.context("the leader's host has no address")? })
}

const METADATA_VERSION: i16 = 12;
/// A run that hears nothing for so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);
const INPUT_BYTES: usize = 64 * 1024;
