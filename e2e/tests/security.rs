//! Encrypted and authenticated on both sides, before a cluster that gives the gateway no right too many.
//!
//! The gateway's user is no super user. It has exactly the rights that protocol.md section 2 lists, so that a
//! rule which asks for more than its zone fails here, and the second wall is shown to stand.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::{
    CreateAclsRequest, FindCoordinatorRequest, InitProducerIdRequest, TransactionalId,
};
use kafka_protocol::protocol::StrBytes;
use tidegate_core::{RootKey, ZoneName};
use tidegate_e2e::clients::{Client, ClientConfig, Step, records};
use tidegate_e2e::gateway::{self, Alias, Gateway, Home, Permission};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::{Kafka, Protocol, Topic, User};
use tidegate_e2e::random;
use tidegate_e2e::raw::Connection;
use tidegate_e2e::recorder::Recorder;

const PASSWORD: &str = "partner-password";
const PARTNER: &str = "partner";
const ZONE: &str = "acme";
const ALIAS: &str = "orders";
const MECHANISMS: [&str; 3] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];

// Numbers of Kafka's ACL enums.
const ALLOW: i8 = 3;
const LITERAL: i8 = 3;
const PREFIXED: i8 = 4;
const TOPIC: i8 = 2;
const GROUP: i8 = 3;
const TRANSACTIONAL_ID: i8 = 5;
const READ: i8 = 3;
const WRITE: i8 = 4;
const DESCRIBE: i8 = 8;

#[test]
fn every_mechanism_over_tls_with_minimal_rights_upstream() -> Result<()> {
    let (home, _topic) = home_with_minimal_rights()?;
    encrypt(&home)?;
    home.ports().record(&Recorder::default())?;
    let _gateway = Gateway::start(&home)?;
    for mechanism in MECHANISMS {
        for client in [Client::Librdkafka, Client::FranzGo] {
            produce_and_consume(client, &config(&home, mechanism))?;
        }
    }
    produce_and_consume(Client::Java, &config(&home, "SCRAM-SHA-512"))?;
    Ok(())
}

#[test]
fn a_client_that_does_not_trust_the_certificate_stays_out() -> Result<()> {
    let (home, _topic) = home_with_minimal_rights()?;
    encrypt(&home)?;
    home.ports().record(&Recorder::default())?;
    let _gateway = Gateway::start(&home)?;
    let stranger = ClientConfig { ca: None, ..config(&home, "PLAIN") };
    let listed = Client::Java.run(&stranger, Step::List);
    ensure!(listed.is_err() || listed?.refusal.is_some(), "listed without trust");
    let mut plaintext = Connection::open(home.ports().bound(), Duration::from_secs(10))?;
    ensure!(plaintext.log_in(PARTNER, PASSWORD).is_err(), "logged in without TLS");
    Ok(())
}

#[test]
fn a_transactional_id_gets_through_with_minimal_rights() -> Result<()> {
    let (home, _topic) = home_with_minimal_rights()?;
    let _gateway = Gateway::start(&home)?;
    let id = StrBytes::from_static_str("tx");
    let mut connection = Connection::open(home.ports().bound(), Duration::from_secs(20))?;
    connection.log_in(PARTNER, PASSWORD)?;
    let ask = FindCoordinatorRequest::default().with_key_type(1).with_coordinator_keys(vec![id.clone()]);
    eventually(|| {
        let found = connection.call(4, &ask)?;
        ensure!(found.coordinators[0].error_code == 0, "{found:?}");
        Ok(())
    })?;
    let ask = InitProducerIdRequest::default()
        .with_transactional_id(Some(TransactionalId(id)))
        .with_transaction_timeout_ms(900_000);
    eventually(|| {
        let made = connection.call(4, &ask)?;
        ensure!(made.error_code == 0 && made.producer_id.0 >= 0, "{made:?}");
        Ok(())
    })
}

#[test]
fn the_upstream_user_has_no_right_beyond_its_zone() -> Result<()> {
    let (_home, topic) = home_with_minimal_rights()?;
    let hidden = kafka().create_topic(1)?;
    let service = ClientConfig {
        user: Some(service().name.clone()),
        password: Some(service().password.clone()),
        ..kafka().client_config("SCRAM-SHA-512")
    };
    let listed = Client::Librdkafka.run(&service, Step::List)?.accepted()?.topics;
    ensure!(listed.contains(&topic.name) && !listed.contains(&hidden.name), "{listed:?}");
    let consume = Step::Consume { topic: &topic.name, group: "readers", count: 1 };
    let read = Client::Librdkafka.run(&service, consume)?;
    assert_eq!(read.refused_with(), Some("GROUP_AUTHORIZATION_FAILED"), "{read:?}");
    Ok(())
}

/// Lists, produces, and reads it all back with a group of its own.
fn produce_and_consume(client: Client, config: &ClientConfig) -> Result<()> {
    let what = || format!("{client} with {:?}", config.mechanism);
    let listed = client.run(config, Step::List)?.accepted().with_context(what)?;
    assert_eq!(listed.topics, [ALIAS], "{}", what());
    let keys = random::name("k-");
    let produce = Step::Produce { topic: ALIAS, count: 3, keys: &keys };
    let sent = client.run(config, produce)?.accepted().with_context(what)?;
    let end = sent.produced.iter().map(|record| record.offset + 1).max().context("nothing was produced")?;
    let count = usize::try_from(end)?;
    let group = random::name("group-");
    let consume = Step::Consume { topic: ALIAS, group: &group, count };
    let read = client.run(config, consume)?.accepted().with_context(what)?;
    assert!(read.committed, "{}", what());
    assert_eq!(
        read.pairs().into_iter().filter(|(key, _)| key.starts_with(&keys)).collect::<Vec<_>>(),
        records(&keys, 3)
    );
    Ok(())
}

fn service() -> &'static User {
    kafka().users().first().expect("the builder was given a user")
}

fn kafka() -> &'static Kafka {
    static KAFKA: OnceLock<Kafka> = OnceLock::new();
    KAFKA.get_or_init(|| {
        Kafka::builder(Version::V4_1_1)
            .protocol(Protocol::SaslSsl)
            .authorizer()
            .user(User::new(&random::name("service-")))
            .start()
            .expect("Kafka starts")
    })
}

/// A zone with one WRITE alias, before a cluster on which its rights are granted to the gateway's user.
fn home_with_minimal_rights() -> Result<(Home, Topic)> {
    let (kafka, User { name, password }) = (kafka(), service());
    let security = format!(
        "{{protocol: SASL_SSL, tls: {{ca: \"{}\"}}, sasl: {{mechanism: SCRAM-SHA-512, username: {name}, \
         password: {password}}}}}",
        kafka.ca().display()
    );
    let home = Home::bare(&kafka.bootstrap(), &security)?;
    let root_key = RootKey::from_bytes(random_bytes());
    home.write("root.key", &hex(&root_key))?;
    fs::set_permissions(home.file("root.key"), Permissions::from_mode(0o600))?;
    let topic = kafka.create_topic(1)?;
    home.add_account(PARTNER, PASSWORD)?;
    let alias = Alias { name: ALIAS.to_owned(), backing: topic.name.clone(), permission: Permission::Write };
    home.add_zone(ZONE, PARTNER, &[alias])?;
    let keys = root_key.zone_keys(&root_key.zone_id(&ZoneName::parse(ZONE)?));
    grant(kafka, &topic, keys.tag().prefix())?;
    Ok((home, topic))
}

fn random_bytes() -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    bytes[16..].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    bytes
}

fn hex(key: &RootKey) -> String {
    use secrecy::ExposeSecret as _;
    key.to_hex().expose_secret().to_owned()
}

fn grant(kafka: &Kafka, topic: &Topic, prefix: &str) -> Result<()> {
    let rights = [
        (TOPIC, LITERAL, topic.name.as_str(), READ),
        (TOPIC, LITERAL, &topic.name, WRITE),
        (TOPIC, LITERAL, &topic.name, DESCRIBE),
        (GROUP, PREFIXED, prefix, READ),
        (GROUP, PREFIXED, prefix, DESCRIBE),
        (TRANSACTIONAL_ID, PREFIXED, prefix, WRITE),
        (TRANSACTIONAL_ID, PREFIXED, prefix, DESCRIBE),
    ];
    let principal = format!("User:{}", service().name);
    let creations = rights.map(|(kind, pattern, name, operation)| {
        AclCreation::default()
            .with_resource_type(kind)
            .with_resource_pattern_type(pattern)
            .with_resource_name(StrBytes::from_string(name.to_owned()))
            .with_principal(StrBytes::from_string(principal.clone()))
            .with_host(StrBytes::from_static_str("*"))
            .with_operation(operation)
            .with_permission_type(ALLOW)
    });
    let request = CreateAclsRequest::default().with_creations(creations.into());
    let done = kafka.internal(1)?.call(3, &request)?;
    ensure!(done.results.iter().all(|result| result.error_code == 0), "{done:?}");
    Ok(())
}

/// Puts the listener behind TLS.
fn encrypt(home: &Home) -> Result<()> {
    let identity = kafka().authority().issue(&random::name("gateway-"), &["127.0.0.1"])?;
    let tls = format!(
        "protocol: SASL_SSL\n    tls: {{certificate: \"{}\", key: \"{}\"}}\n",
        identity.chain.display(),
        identity.key.display()
    );
    home.replace("tidegate.yaml", "protocol: SASL_PLAINTEXT\n", &tls)
}

fn config(home: &Home, mechanism: &str) -> ClientConfig {
    ClientConfig {
        protocol: "SASL_SSL".to_owned(),
        ca: Some(kafka().ca().to_owned()),
        ..gateway::client_config(home, mechanism, PARTNER, PASSWORD)
    }
}

/// The coordinator's own topic is made at its first use, which takes a moment.
fn eventually(mut step: impl FnMut() -> Result<()>) -> Result<()> {
    for _ in 0..60 {
        if step().is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(250));
    }
    step()
}
