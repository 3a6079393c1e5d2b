//! Zones and nodes told apart by the name in the handshake.

use std::net::SocketAddr;

use anyhow::Result;
use kafka_protocol::messages::{DescribeClusterRequest, FindCoordinatorRequest};
use kafka_protocol::protocol::StrBytes;
use tidegate_e2e::clients::{Client, ClientConfig};
use tidegate_e2e::gateway::{Gateway, Home, client_config};
use tidegate_e2e::pki::Authority;
use tidegate_e2e::raw::Connection;
use tidegate_e2e::tls::connect;

use super::{ALIAS, LIMIT, PASSWORD, add_zone, brokers, configure, home, start, tls, topics, works};

const DOMAIN: &str = "kafka.example.com";

struct Site {
    home: Home,
    authority: Authority,
    _gateway: Gateway,
}

impl Site {
    fn start() -> Result<Self> {
        let home = home("protocol: SASL_PLAINTEXT\nmechanisms: [PLAIN]\n{bind}\n{nodes}")?;
        let authority = Authority::create(&home.file("pki"))?;
        let hosts = ["acme", "other", "ghost", "no_host"]
            .map(|zone| [format!("{zone}.{DOMAIN}"), format!("*.{zone}.{DOMAIN}")])
            .concat();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).chain([DOMAIN, "example.com"]).collect();
        let tls = tls(&home, &authority, &hosts, "")?;
        configure(
            &home,
            &format!(
                "protocol: SASL_SSL\nmechanisms: [PLAIN, SCRAM-SHA-512]\n{tls}\n{{bind}}\nsni: {{domain: {DOMAIN}}}"
            ),
        )?;
        add_zone(&home, "acme", "PLAIN")?;
        add_zone(&home, "other", "PLAIN")?;
        add_zone(&home, "no_host", "PLAIN")?;
        let gateway = start(&home)?;
        Ok(Self { home, authority, _gateway: gateway })
    }

    fn address(&self) -> SocketAddr {
        self.home.ports().bound()
    }

    fn open(&self, name: &str) -> Result<Connection> {
        Ok(connect(self.address(), name, self.authority.certificate(), None, LIMIT)?.connection)
    }
}

#[test]
fn a_zone_is_told_its_own_names() -> Result<()> {
    let site = Site::start()?;
    let port = i32::from(site.address().port());
    for zone in ["acme", "other"] {
        let wanted: Vec<_> = (1..=3).map(|node| (node, format!("b{node}.{zone}.{DOMAIN}"), port)).collect();
        for name in [
            format!("{zone}.{DOMAIN}"),
            format!("b2.{zone}.{DOMAIN}"),
            format!("B3.{zone}.Kafka.Example.Com"),
        ] {
            let mut connection = site.open(&name)?;
            connection.log_in(zone, PASSWORD)?;
            assert_eq!(brokers(&mut connection)?, wanted, "{name}");
            assert_eq!(topics(&mut connection)?, [ALIAS]);
            let cluster = connection.call(1, &DescribeClusterRequest::default())?;
            let told: Vec<_> =
                cluster.brokers.iter().map(|b| (b.broker_id.0, b.host.to_string(), b.port)).collect();
            assert_eq!(told, wanted);
            let find =
                FindCoordinatorRequest::default().with_coordinator_keys(vec![StrBytes::from_static_str("g")]);
            let mut found = connection.call(4, &find)?.coordinators.remove(0);
            for _ in 0..60 {
                if found.error_code == 0 {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(250));
                found = connection.call(4, &find)?.coordinators.remove(0);
            }
            assert_eq!(found.host.as_str(), format!("b{}.{zone}.{DOMAIN}", found.node_id.0));
        }
    }
    assert!(site.home.log().contains("cannot be part of a host name"), "{}", site.home.log());
    Ok(())
}

#[test]
fn a_name_that_means_nothing_ends_the_handshake() -> Result<()> {
    let site = Site::start()?;
    let mut alerts = Vec::new();
    for name in [
        "ghost.kafka.example.com",
        "b1.ghost.kafka.example.com",
        "b01.acme.kafka.example.com",
        "bx.acme.kafka.example.com",
        "b-1.acme.kafka.example.com",
        "kafka.example.com",
        "acme.example.com",
        "example.com",
        "acme.kafka.example.com.evil.example.org",
        // An address is no name, so none is sent.
        "127.0.0.1",
    ] {
        let refused = site.open(name).map(drop).unwrap_err();
        alerts.push(format!("{refused:#}"));
    }
    alerts.dedup();
    assert_eq!(alerts.len(), 1, "not all alike: {alerts:?}");
    assert!(alerts[0].contains("alert"), "{alerts:?}");
    Ok(())
}

#[test]
fn the_name_must_be_of_the_accounts_zone() -> Result<()> {
    let site = Site::start()?;
    for name in ["acme.kafka.example.com", "b1.acme.kafka.example.com"] {
        let refused = site.open(name)?.log_in("other", PASSWORD).unwrap_err().to_string();
        assert!(refused.contains("code 58"), "{name}: {refused}");
    }
    // A node that is not there is closed when it is needed, not before.
    let mut gone = site.open("b77.acme.kafka.example.com")?;
    gone.log_in("acme", PASSWORD)
}

#[test]
fn java_finds_every_node_by_name() -> Result<()> {
    let site = Site::start()?;
    let names = (1..=3).map(|node| format!("b{node}.acme.{DOMAIN}")).chain([format!("acme.{DOMAIN}")]);
    let hosts: Vec<String> = names.map(|name| format!("127.0.0.1 {name}\n")).collect();
    site.home.write("hosts", &hosts.concat())?;
    let config = ClientConfig {
        bootstrap: format!("acme.{DOMAIN}:{}", site.address().port()),
        protocol: "SASL_SSL".to_owned(),
        ca: Some(site.authority.certificate().to_owned()),
        hosts: Some(site.home.file("hosts")),
        ..client_config(&site.home, "SCRAM-SHA-512", "acme", PASSWORD)
    };
    works(Client::Java, &config)
}
