//! A gateway with short deadlines and two zones, before a cluster that all cases share.

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Result, ensure};
use tidegate_e2e::gateway::{Alias, Gateway, Home, Permission};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::{Kafka, Topic};
use tidegate_e2e::raw::Connection;

use crate::requests;

pub(crate) const PARTNER: &str = "partner";
pub(crate) const RIVAL: &str = "rival-partner";
pub(crate) const PASSWORD: &str = "partner-password";

/// The WRITE alias of both zones.
pub(crate) const ORDERS: &str = "orders";
/// The READ alias of the first zone.
pub(crate) const PRICES: &str = "prices";

/// Deadlines of the gateway; every close is waited for much longer.
const LIMITS: &str = "limits: {authDeadlineMs: 1500, frameDeadlineMs: 1000, writeDeadlineMs: 1000, \
                      maxConnectionsPerAddress: 300, failedLoginDelayMaxMs: 200, upstreamDeadlineMs: 10000";

/// How long a test waits for an answer or a close.
const PATIENCE: Duration = Duration::from_secs(20);

/// Resident memory above the start that no case may cause; a debug build's code pages are part of it.
const GROWTH_KIB: u64 = 96 * 1024;

pub(crate) struct Site {
    pub(crate) kafka: &'static Kafka,
    pub(crate) home: Home,
    pub(crate) gateway: Gateway,
    /// Behind [`ORDERS`] of both zones.
    pub(crate) orders: Topic,
    /// Behind [`PRICES`].
    pub(crate) prices: Topic,
    begin_kib: u64,
}

impl Site {
    pub(crate) fn start() -> Result<Self> {
        Self::start_with("")
    }

    /// With more limits than [`LIMITS`], each behind a comma.
    pub(crate) fn start_with(limits: &str) -> Result<Self> {
        let kafka = kafka();
        let topics = kafka.create_topics(&[1, 1])?;
        let [orders, prices] = [topics[0].clone(), topics[1].clone()];
        let home = Home::create(kafka)?;
        for (zone, account) in [("acme", PARTNER), ("rival", RIVAL)] {
            home.add_account(account, PASSWORD)?;
            let mut aliases = vec![alias(ORDERS, &orders, Permission::Write)];
            if account == PARTNER {
                aliases.push(alias(PRICES, &prices, Permission::Read));
            }
            home.add_zone(zone, account, &aliases)?;
        }
        home.replace("tidegate.yaml", "http:\n", &format!("{LIMITS}{limits}}}\nhttp:\n"))?;
        let gateway = Gateway::start(&home)?;
        let mut site = Self { kafka, home, gateway, orders, prices, begin_kib: 0 };
        site.healthy()?;
        site.begin_kib = site.gateway.resident_kib()?;
        Ok(site)
    }

    /// A connection that has not logged in.
    pub(crate) fn open(&self) -> Result<Connection> {
        Connection::open(self.home.ports().bound(), PATIENCE)
    }

    pub(crate) fn connect(&self) -> Result<Connection> {
        self.connect_as(PARTNER)
    }

    pub(crate) fn connect_as(&self, account: &str) -> Result<Connection> {
        let mut connection = self.open()?;
        connection.log_in(account, PASSWORD)?;
        Ok(connection)
    }

    /// Sends `bytes` on a connection without a login, which must be closed without a word.
    pub(crate) fn closes_stranger(&self, what: &str, bytes: &[u8]) -> Result<()> {
        closes(what, self.open()?, bytes)
    }

    /// Sends `bytes` on a connection that is logged in, which must be closed without a word.
    pub(crate) fn closes_partner(&self, what: &str, bytes: &[u8]) -> Result<()> {
        closes(what, self.connect()?, bytes)
    }

    /// Ends the case: others are served, and memory is bounded.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.healthy()?;
        ensure!(self.gateway.ended()?.is_none(), "the gateway ended:\n{}", self.home.log());
        let now = self.gateway.resident_kib()?;
        println!("resident memory went from {} to {now} KiB", self.begin_kib);
        ensure!(now < self.begin_kib + GROWTH_KIB, "it grew from {} to {now} KiB", self.begin_kib);
        ensure!(!self.home.log().contains("panicked"), "{}", self.home.log());
        Ok(())
    }

    /// Resident memory above the start.
    pub(crate) fn growth_kib(&self) -> Result<u64> {
        Ok(self.gateway.resident_kib()?.saturating_sub(self.begin_kib))
    }

    fn healthy(&self) -> Result<()> {
        let mut connection = self.connect()?;
        assert_eq!(requests::listed(&mut connection)?, [ORDERS, PRICES]);
        assert_eq!(requests::produce(&mut connection, ORDERS)?, 0);
        Ok(())
    }
}

fn closes(what: &str, mut connection: Connection, bytes: &[u8]) -> Result<()> {
    connection.send_bytes(bytes)?;
    let said = connection.until_closed().map_err(|why| why.context(what.to_owned()))?;
    ensure!(said.is_empty(), "{what}: {} bytes were answered", said.len());
    Ok(())
}

fn alias(name: &str, topic: &Topic, permission: Permission) -> Alias {
    Alias { name: name.to_owned(), backing: topic.name.clone(), permission }
}

fn kafka() -> &'static Kafka {
    static KAFKA: OnceLock<Kafka> = OnceLock::new();
    KAFKA.get_or_init(|| Kafka::builder(Version::V4_1_1).start().expect("Kafka starts"))
}
