//! Real Apache Kafka in KRaft mode, every broker also a controller.
//!
//! Each cluster owns a /24 of the loopback net, so that any number of clusters run side by side and an
//! upstream address is a marker that a leak test can search for.

mod address;
mod admin;
mod change;
mod config;
mod node;

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use self::address::Subnet;
use self::node::Node;
use crate::clients::ClientConfig;
use crate::idp::{self, Idp};
use crate::jars::Version;
use crate::pki::Authority;
use crate::{java, paths, process, random};

pub use self::admin::{Right, Topic};

/// How long a cluster may take until every broker knows every other; a busy machine needs a while.
const READY_LIMIT: Duration = Duration::from_secs(120);

/// What the listener for clients speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// No encryption, no login.
    Plaintext,
    /// TLS, no login.
    Ssl,
    /// A login with PLAIN or SCRAM, no encryption.
    SaslPlaintext,
    /// A login with PLAIN or SCRAM over TLS.
    SaslSsl,
}

impl Protocol {
    /// As Kafka's `security.protocol` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }

    /// Whether clients log in.
    pub fn has_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }

    /// Whether the listener is encrypted.
    pub fn has_tls(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Protocol {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        [Self::Plaintext, Self::Ssl, Self::SaslPlaintext, Self::SaslSsl]
            .into_iter()
            .find(|protocol| protocol.as_str() == text)
            .with_context(|| format!("no protocol {text}; use PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"))
    }
}

/// A user whom brokers accept with PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512.
#[derive(Clone, Debug)]
pub struct User {
    /// The user name, also the principal's.
    pub name: String,
    /// The password.
    pub password: String,
}

impl User {
    /// A user with a random password.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), password: random::name("pw") }
    }
}

/// What cluster to start; see [`Kafka::builder`].
#[derive(Clone, Debug)]
pub struct Builder {
    version: Version,
    brokers: u16,
    protocol: Protocol,
    authorizer: bool,
    client_certificates: bool,
    racks: bool,
    doors: bool,
    optimized: bool,
    admin: User,
    users: Vec<User>,
    settings: Vec<(String, String)>,
    java: Vec<String>,
}

impl Builder {
    /// The number of brokers: 1 (the default) or 3.
    pub fn brokers(mut self, brokers: u16) -> Self {
        self.brokers = brokers;
        self
    }

    /// What clients speak; PLAINTEXT if not said.
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Turns StandardAuthorizer on, with the admin as the super user.
    pub fn authorizer(mut self) -> Self {
        self.authorizer = true;
        self
    }

    /// Lets nobody in who shows no certificate of [`Kafka::authority`]; for protocols with TLS.
    pub fn client_certificates(mut self) -> Self {
        self.client_certificates = true;
        self
    }

    /// Gives each broker a random rack, a marker for leak tests.
    pub fn racks(mut self) -> Self {
        self.racks = true;
        self
    }

    /// Sends clients to [`Kafka::door`], where the test has to let them through.
    pub fn doors(mut self) -> Self {
        self.doors = true;
        self
    }

    /// Lets the JVM compile and collect as in production, for measurements; tests want one that starts quickly.
    pub fn optimized(mut self) -> Self {
        self.optimized = true;
        self
    }

    /// Replaces the admin, whose name is random otherwise (a marker for leak tests).
    pub fn admin(mut self, admin: User) -> Self {
        self.admin = admin;
        self
    }

    /// Adds a user.
    pub fn user(mut self, user: User) -> Self {
        self.users.push(user);
        self
    }

    /// Sets one line of every broker's `server.properties`, whatever else would have been in it.
    pub fn setting(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.settings.push((key.to_owned(), value.to_string()));
        self
    }

    /// Lets clients of a protocol with SASL log in with tokens alone, which anybody can make: Kafka's own check of unsigned ones.
    pub fn unsigned_tokens(self) -> Self {
        let module = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;";
        self.setting("listener.name.client.sasl.enabled.mechanisms", "OAUTHBEARER")
            .setting("listener.name.client.oauthbearer.sasl.jaas.config", module)
    }

    /// As [`Builder::unsigned_tokens`], with tokens that this identity provider has signed.
    pub fn tokens_of(mut self, idp: &Idp) -> Self {
        let handler = "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler";
        let validator = "org.apache.kafka.common.security.oauthbearer.BrokerJwtValidator";
        self.java.push(format!("-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={}", idp.keys_url()));
        self.unsigned_tokens()
            .setting("listener.name.client.oauthbearer.sasl.server.callback.handler.class", handler)
            // The default of 4.1.1 looks neither at signatures nor at issuer and audience.
            .setting("sasl.oauthbearer.jwt.validator.class", validator)
            .setting("sasl.oauthbearer.jwks.endpoint.url", idp.keys_url())
            .setting("sasl.oauthbearer.expected.issuer", idp::ISSUER)
            .setting("sasl.oauthbearer.expected.audience", idp::AUDIENCE)
    }

    /// Starts the cluster and waits until every broker sees all of them.
    pub fn start(self) -> Result<Kafka> {
        ensure!([1, 3].contains(&self.brokers), "a cluster has 1 or 3 brokers, not {}", self.brokers);
        let dir = paths::scratch("kafka")?;
        let subnet = Subnet::claim(self.brokers)?;
        let authority = Authority::create(&dir.path().join("pki"))?;
        let racks = (0..self.brokers).map(|_| random::name("rack-")).collect();
        let mut kafka = Kafka {
            nodes: Vec::new(),
            subnet,
            authority,
            racks,
            cluster_id: String::new(),
            builder: self,
            dir,
        };
        kafka.nodes = kafka.configure()?;
        kafka.format()?;
        for node in &mut kafka.nodes {
            node.start()?;
        }
        kafka.wait_ready()?;
        kafka.cluster_id = kafka.observed_cluster_id()?;
        Ok(kafka)
    }
}

/// A running cluster; dropping it kills every broker and removes its data.
#[derive(Debug)]
pub struct Kafka {
    // Dropped from top to bottom: brokers before the folder and the addresses they use.
    nodes: Vec<Node>,
    subnet: Subnet,
    authority: Authority,
    racks: Vec<String>,
    cluster_id: String,
    builder: Builder,
    dir: TempDir,
}

impl Kafka {
    /// One PLAINTEXT broker of `version`, until told otherwise.
    pub fn builder(version: Version) -> Builder {
        Builder {
            version,
            brokers: 1,
            protocol: Protocol::Plaintext,
            authorizer: false,
            client_certificates: false,
            racks: false,
            doors: false,
            optimized: false,
            admin: User::new(&random::name("adm")),
            users: Vec::new(),
            settings: Vec::new(),
            java: Vec::new(),
        }
    }

    /// The release that runs here.
    pub fn version(&self) -> Version {
        self.builder.version
    }

    /// What clients speak.
    pub fn protocol(&self) -> Protocol {
        self.builder.protocol
    }

    /// All brokers' client addresses, joined by commas.
    pub fn bootstrap(&self) -> String {
        let all: Vec<String> =
            self.nodes.iter().map(|node| self.subnet.client(node.id()).to_string()).collect();
        all.join(",")
    }

    /// Where clients of broker `id` are sent to if [`Builder::doors`] was asked for; the broker itself is [`Kafka::bootstrap`].
    pub fn door(&self, id: u16) -> SocketAddr {
        self.subnet.door(id)
    }

    /// The upstream hosts that no partner may ever see.
    pub fn hosts(&self) -> Vec<String> {
        self.nodes.iter().map(|node| self.subnet.client(node.id()).ip().to_string()).collect()
    }

    /// The brokers' racks; empty unless asked for.
    pub fn racks(&self) -> &[String] {
        if self.builder.racks { &self.racks } else { &[] }
    }

    /// The real cluster id.
    pub fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    /// The super user.
    pub fn admin(&self) -> &User {
        &self.builder.admin
    }

    /// The users added to the builder.
    pub fn users(&self) -> &[User] {
        &self.builder.users
    }

    /// The certificate that clients trust when the listener is encrypted.
    pub fn ca(&self) -> &Path {
        self.authority.certificate()
    }

    /// The authority behind [`Kafka::ca`], for more certificates.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// How a client reaches the brokers without a gateway, as the admin, with `mechanism` where there is a login.
    pub fn client_config(&self, mechanism: &str) -> ClientConfig {
        let sasl = self.protocol().has_sasl();
        ClientConfig {
            bootstrap: self.bootstrap(),
            protocol: self.protocol().as_str().to_owned(),
            mechanism: sasl.then(|| mechanism.to_owned()),
            user: sasl.then(|| self.admin().name.clone()),
            password: sasl.then(|| self.admin().password.clone()),
            keystore: None,
            hosts: None,
            token_endpoint: None,
            ca: self.protocol().has_tls().then(|| self.ca().to_owned()),
        }
    }

    /// Kills broker `id` with SIGKILL.
    pub fn kill9(&mut self, id: u16) -> Result<()> {
        self.node(id)?.kill9();
        Ok(())
    }

    /// Stops broker `id` in order, with a controlled shutdown.
    pub fn stop(&mut self, id: u16) -> Result<()> {
        self.node(id)?.stop()
    }

    /// Starts broker `id` again on its old data and waits until the cluster is whole.
    pub fn restart(&mut self, id: u16) -> Result<()> {
        self.node(id)?.start()?;
        self.wait_ready()
    }

    fn node(&mut self, id: u16) -> Result<&mut Node> {
        self.nodes.iter_mut().find(|node| node.id() == id).with_context(|| format!("no broker {id}"))
    }

    fn configure(&self) -> Result<Vec<Node>> {
        (1..=self.builder.brokers)
            .map(|id| {
                let host = self.subnet.client(id).ip().to_string();
                let identity = self.authority.issue(&format!("broker-{id}"), &[&host])?;
                let text = config::server_properties(&config::Server {
                    builder: &self.builder,
                    subnet: &self.subnet,
                    dir: self.dir.path(),
                    keystore: &identity.keystore,
                    ca: self.ca(),
                    rack: self.racks.get(usize::from(id) - 1).filter(|_| self.builder.racks),
                    id,
                });
                Node::create(&self.builder, id, self.dir.path(), &text)
            })
            .collect()
    }

    fn format(&self) -> Result<()> {
        // Kafka's own spelling of a cluster id: 22 characters of URL-safe base64.
        let id = base64_uuid();
        let files: Vec<String> =
            self.nodes.iter().map(|node| node.properties().display().to_string()).collect();
        let mut command: Command = java::program(self.builder.version, &["-Xmx128m"], "Format")?;
        command.arg(id).arg(files.join(","));
        if self.protocol().has_sasl() {
            for user in self.builder.users.iter().chain([self.admin()]) {
                for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
                    command.arg(format!("{mechanism}=[name={},password={}]", user.name, user.password));
                }
            }
        }
        process::run_ok(&command, Duration::from_secs(60)).context("formatting the brokers' log folders")?;
        Ok(())
    }

    fn wait_ready(&mut self) -> Result<()> {
        let until = Instant::now() + READY_LIMIT;
        loop {
            let state = self.ready();
            let Err(why) = state else { return Ok(()) };
            for node in &mut self.nodes {
                node.check_alive()?;
            }
            if Instant::now() > until {
                bail!("Kafka {} is not ready after {READY_LIMIT:?}: {why:#}", self.builder.version);
            }
            thread::sleep(Duration::from_millis(200));
        }
    }
}

fn base64_uuid() -> String {
    use base64::Engine as _;
    loop {
        let id = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(uuid::Uuid::new_v4());
        // A leading dash would look like an option to the format tool.
        if !id.starts_with('-') {
            return id;
        }
    }
}
