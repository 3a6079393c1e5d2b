//! A gateway with two zones and the limits of one case, before a cluster that all cases share.

use std::net::Ipv4Addr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;
use kafka_protocol::messages::{
    ApiVersionsRequest, MetadataRequest, SaslAuthenticateRequest, SaslAuthenticateResponse,
    SaslHandshakeRequest,
};
use kafka_protocol::protocol::StrBytes;
use tidegate_e2e::gateway::{Alias, Gateway, Home, Permission, get};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::Kafka;
use tidegate_e2e::raw::{self, Connection};

pub(crate) const PARTNER: &str = "partner";
pub(crate) const RIVAL: &str = "rival-partner";
/// An account that no zone names.
pub(crate) const HOMELESS: &str = "homeless";
pub(crate) const PASSWORD: &str = "partner-password";
pub(crate) const TOPIC: &str = "orders";

pub(crate) const HONEST: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);
pub(crate) const ATTACKER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

pub(crate) const SASL_AUTHENTICATION_FAILED: i16 = 58;

/// How long a test waits for an answer or a close.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Site {
    pub(crate) home: Home,
    pub(crate) gateway: Gateway,
}

impl Site {
    /// `limits` is the inside of a YAML flow mapping.
    pub(crate) fn start(limits: &str) -> Result<Self> {
        Self::start_with(limits, |_| Ok(()))
    }

    pub(crate) fn start_with(limits: &str, prepare: impl FnOnce(&Home) -> Result<()>) -> Result<Self> {
        let topic = kafka().create_topic(3)?;
        let home = Home::create(kafka())?;
        let alias =
            Alias { name: TOPIC.to_owned(), backing: topic.name.clone(), permission: Permission::Write };
        for (zone, account) in [("acme", PARTNER), ("rival", RIVAL)] {
            home.add_account(account, PASSWORD)?;
            home.add_zone(zone, account, std::slice::from_ref(&alias))?;
        }
        home.add_account(HOMELESS, PASSWORD)?;
        home.replace("tidegate.yaml", "http:\n", &format!("limits: {{{limits}}}\nhttp:\n"))?;
        prepare(&home)?;
        let gateway = Gateway::start(&home)?;
        Ok(Self { home, gateway })
    }

    /// A connection that has not logged in.
    pub(crate) fn open(&self, source: Ipv4Addr) -> Result<Connection> {
        Connection::open_from(source, self.home.ports().bound(), PATIENCE)
    }

    /// A connection of a partner.
    pub(crate) fn connect(&self, source: Ipv4Addr, account: &str) -> Result<Connection> {
        let mut connection = self.open(source)?;
        connection.log_in(account, PASSWORD)?;
        Ok(connection)
    }

    /// The time from the connection to the answer of a first request.
    pub(crate) fn serves(&self, source: Ipv4Addr, account: &str) -> Result<Duration> {
        let begin = Instant::now();
        ask(&mut self.connect(source, account)?)?;
        Ok(begin.elapsed())
    }

    /// Sends a PLAIN login and does not wait for its answer.
    pub(crate) fn present(&self, source: Ipv4Addr, user: &str, password: &str) -> Result<Connection> {
        let mut connection = self.open(source)?;
        shake(&mut connection, "PLAIN")?;
        connection.send(&raw::frame(2, 2, &token(user, password))?)?;
        Ok(connection)
    }

    /// The whole answer to a wrong PLAIN login and the time it took, after which the connection is closed.
    pub(crate) fn refusal(&self, source: Ipv4Addr, user: &str) -> Result<(Vec<u8>, Duration)> {
        let mut connection = self.open(source)?;
        shake(&mut connection, "PLAIN")?;
        let begin = Instant::now();
        let answer = connection.exchange_body(2, &token(user, "wrong-password"))?;
        let elapsed = begin.elapsed();
        ensure!(
            answer[1..3] == SASL_AUTHENTICATION_FAILED.to_be_bytes(),
            "{user} was not refused: {answer:?}"
        );
        ensure!(connection.until_closed()?.is_empty(), "it is still open");
        Ok((answer, elapsed))
    }

    /// Connections refused for that reason so far.
    pub(crate) fn refused(&self, reason: &str) -> Result<u64> {
        self.count("tidegate_connections_refused_total", &format!("reason=\"{reason}\""))
    }

    pub(crate) fn accepted(&self) -> Result<u64> {
        self.count("tidegate_connections_accepted_total", "")
    }

    /// Ends the case: the gateway is well.
    pub(crate) fn finish(mut self) -> Result<()> {
        ensure!(self.gateway.ended()?.is_none(), "the gateway ended:\n{}", self.home.log());
        ensure!(!self.home.log().contains("panicked"), "{}", self.home.log());
        Ok(())
    }

    fn count(&self, name: &str, label: &str) -> Result<u64> {
        let metrics = get(self.home.ports().http(), "/metrics")?.body;
        let line = metrics.lines().find(|line| line.starts_with(name) && line.contains(label));
        let count = line.and_then(|line| line.rsplit(' ').next());
        Ok(count.map_or(Ok(0), str::parse)?)
    }
}

pub(crate) fn shake(connection: &mut Connection, mechanism: &'static str) -> Result<()> {
    let name = StrBytes::from_static_str(mechanism);
    let shaken = connection.call(1, &SaslHandshakeRequest::default().with_mechanism(name))?;
    ensure!(shaken.error_code == 0, "the handshake is refused with {}", shaken.error_code);
    Ok(())
}

pub(crate) fn token(user: &str, password: &str) -> SaslAuthenticateRequest {
    SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from(format!("\0{user}\0{password}")))
}

/// Logs in with PLAIN and gives the answer.
pub(crate) fn log_in(connection: &mut Connection, user: &str) -> Result<SaslAuthenticateResponse> {
    shake(connection, "PLAIN")?;
    connection.call(2, &token(user, PASSWORD))
}

/// A request that any partner may make.
pub(crate) fn ask(connection: &mut Connection) -> Result<()> {
    let answer = connection.call(12, &MetadataRequest::default().with_topics(None))?;
    ensure!(answer.topics.len() == 1, "{answer:?}");
    Ok(())
}

pub(crate) fn api_versions() -> ApiVersionsRequest {
    ApiVersionsRequest::default()
        .with_client_software_name(StrBytes::from_static_str("raw"))
        .with_client_software_version(StrBytes::from_static_str("1"))
}

pub(crate) fn kafka() -> &'static Kafka {
    static KAFKA: OnceLock<Kafka> = OnceLock::new();
    KAFKA.get_or_init(|| Kafka::builder(Version::V4_1_1).start().expect("Kafka starts"))
}
