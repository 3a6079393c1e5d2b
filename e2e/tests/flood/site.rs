//! A gateway with a quiet and a loud zone, each from an address of its own.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Result, ensure};
use tidegate_e2e::gateway::{Gateway, Home};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::Kafka;
use tidegate_e2e::raw::Connection;
use tidegate_e2e::site::write;

pub(crate) const PASSWORD: &str = "partner-password";
const QUIET: &str = "quiet-partner";
pub(crate) const LOUD: &str = "loud-partner";
const LOUD_FROM: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 66);

/// How long the quiet client waits for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a loud client does; it is silenced for longer, and another takes its place.
const IMPATIENCE: Duration = Duration::from_secs(3);

/// What an operator gives a partner who is not trusted far.
const POLICIES: &str = "{maxProduceRate: 5000000, maxConsumeRate: 10000000, limitCommitOffset: 600}";

pub(crate) struct Site {
    home: Home,
    gateway: Gateway,
    /// Dies last.
    _kafka: Kafka,
}

impl Site {
    pub(crate) fn start() -> Result<Self> {
        let kafka = Kafka::builder(Version::V4_1_1).start()?;
        let topics = kafka.create_topics(&[1, 1])?;
        let home = Home::create(&kafka)?;
        home.add_account(QUIET, PASSWORD)?;
        home.add_account(LOUD, PASSWORD)?;
        home.add_zone("quiet", QUIET, &[write("quiet", &topics[0])])?;
        home.add_zone("loud", LOUD, &[write("loud", &topics[1])])?;
        home.replace(
            "zones/loud.yaml",
            "spec:\n",
            &format!("spec:\n  trafficControlPolicies: {POLICIES}\n"),
        )?;
        let gateway = Gateway::start(&home)?;
        Ok(Self { home, gateway, _kafka: kafka })
    }

    /// The quiet partner's connection.
    pub(crate) fn quiet(&self) -> Result<Connection> {
        let mut connection = Connection::open(self.home.ports().bound(), PATIENCE)?;
        connection.log_in(QUIET, PASSWORD)?;
        Ok(connection)
    }

    /// A connection from the loud partner's address that has not logged in.
    pub(crate) fn stranger(&self) -> Result<Connection> {
        Connection::open_from(LOUD_FROM, self.home.ports().bound(), IMPATIENCE)
    }

    /// A connection of the loud partner.
    pub(crate) fn loud(&self) -> Result<Connection> {
        let mut connection = self.stranger()?;
        connection.log_in(LOUD, PASSWORD)?;
        Ok(connection)
    }

    /// Ends the case.
    pub(crate) fn finish(mut self) -> Result<()> {
        ensure!(self.gateway.ended()?.is_none(), "the gateway ended:\n{}", self.home.log());
        ensure!(!self.home.log().contains("panicked"), "{}", self.home.log());
        println!("resident memory after all floods: {} KiB", self.gateway.resident_kib()?);
        Ok(())
    }
}
