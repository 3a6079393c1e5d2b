//! The way to the brokers: certificates, credentials that change, and a user with minimal rights for each zone.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kafka_protocol::messages::alter_user_scram_credentials_request::ScramCredentialDeletion;
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{
    AlterUserScramCredentialsRequest, CreateAclsRequest, DescribeAclsRequest, InitProducerIdRequest,
    ListOffsetsRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use secrecy::ExposeSecret as _;
use tidegate_core::{RootKey, ZoneName};
use tidegate_e2e::clients::{Client, ClientConfig, End, Step};
use tidegate_e2e::gateway::{self, Alias, Gateway, Home, get};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::{Kafka, Protocol, User};
use tidegate_e2e::pki::Authority;
use tidegate_e2e::raw::Connection;
use tidegate_e2e::recorder::Recorder;
use tidegate_e2e::site::{Handled, read, wait_for, write};

const PASSWORD: &str = "partner-password";
const PARTNER: &str = "partner";
const ZONE: &str = "acme";
const ROOT_KEY: [u8; 32] = [7; 32];

// Numbers of Kafka's ACL enums.
const ANY: i8 = 1;
const ALLOW: i8 = 3;
const LITERAL: i8 = 3;
const TOPIC: i8 = 2;
const CLUSTER: i8 = 4;
const READ: i8 = 3;
const WRITE: i8 = 4;
const DESCRIBE: i8 = 8;

#[test]
fn brokers_that_want_a_certificate_get_it() -> Result<()> {
    for version in Version::ALL {
        let kafka = Kafka::builder(version).protocol(Protocol::Ssl).client_certificates().start()?;
        let topic = kafka.create_topic(1)?;
        let security = |identity: Option<&tidegate_e2e::pki::Identity>| {
            let own = identity.map_or(String::new(), |own| {
                format!(", certificate: \"{}\", key: \"{}\"", own.chain.display(), own.key.display())
            });
            format!("{{protocol: SSL, tls: {{ca: \"{}\"{own}}}}}", kafka.ca().display())
        };
        let own = kafka.authority().issue("gateway-upstream", &["gateway"])?;
        let home = home(&kafka, &security(Some(&own)), &[write("orders", &topic)])?;
        let running = Gateway::start(&home)?;
        end_of_log(&home).with_context(|| format!("with a certificate before {version}"))?;
        drop(running);
        let stranger = Authority::create(&home.file("stranger"))?.issue("stranger", &["gateway"])?;
        for (what, identity) in [("without", None), ("of another authority", Some(&stranger))] {
            let refused = self::home(&kafka, &security(identity), &[write("orders", &topic)])?;
            let mut gateway = Gateway::spawn(&refused)?;
            let status =
                gateway.wait(Duration::from_secs(30))?.with_context(|| format!("{what}: it runs"))?;
            ensure!(!status.success(), "{what}");
            let log = refused.log();
            let lines: Vec<&str> = log.lines().filter(|line| line.contains("cluster `main`")).collect();
            println!("{version} {what}: {lines:?}");
            ensure!(lines.len() == 1 && lines[0].contains("no broker can be used"), "{what}: {log}");
            ensure!(lines[0].to_lowercase().contains("certificate"), "{what}: {log}");
        }
    }
    Ok(())
}

#[test]
fn credentials_change_while_partners_are_connected() -> Result<()> {
    let (first, second) = (User::new("gateway-1"), User::new("gateway-2"));
    let kafka = Kafka::builder(Version::V4_1_1)
        .protocol(Protocol::SaslPlaintext)
        .user(first.clone())
        .user(second.clone())
        .start()?;
    let topic = kafka.create_topic(1)?;
    let security = "{protocol: SASL_PLAINTEXT, sasl: {mechanism: SCRAM-SHA-512, username: \"file:user\", password: \"file:password\"}}";
    let home = home(&kafka, security, &[write("orders", &topic)])?;
    let log_in_as = |user: &str, password: &str| -> Result<()> {
        home.write("user", user)?;
        home.write("password", password)
    };
    log_in_as(&first.name, &first.password)?;
    let gateway = Gateway::start(&home)?;
    let reload = || -> Result<()> {
        let before = home.log().len();
        gateway.reload()?;
        Handled::logged_after(&home, before).map(drop)
    };
    let mut old = partner(&home)?;
    assert_eq!(end_offset(&mut old)?, 0);

    log_in_as(&second.name, &second.password)?;
    reload()?;
    forget_user(&kafka, &first.name)?;
    assert_eq!(end_offset(&mut partner(&home)?)?, 0, "a new connection as the new user");
    assert_eq!(end_offset(&mut old)?, 0, "the old connection goes on");

    log_in_as(&second.name, "wrong")?;
    let before = home.log().len();
    reload()?;
    wait_for("the cluster is down", || Ok(up(&home)? == "0"))?;
    std::thread::sleep(Duration::from_secs(3));
    let log = home.log();
    let told: Vec<&str> =
        log[before..].lines().filter(|line| line.contains("cannot refresh the picture")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    ensure!(told[0].contains("SASL_AUTHENTICATION_FAILED"), "{told:?}");
    ensure!(!log.contains("wrong\"") && !log.contains(&second.password), "a password is in the log");
    assert_eq!(end_offset(&mut old)?, 0, "the old connection does not mind");
    let listed = Client::Java.run(&config(&home), Step::List)?.accepted()?;
    assert_eq!(listed.topics, ["orders"], "the old picture stays");

    // What cannot be read changes nothing.
    fs::remove_file(home.file("password"))?;
    let before = home.log().len();
    gateway.reload()?;
    ensure!(Handled::logged_after(&home, before).is_err(), "a missing password file was taken");

    log_in_as(&second.name, &second.password)?;
    reload()?;
    wait_for("the cluster is up", || Ok(up(&home)? == "1"))?;
    assert_eq!(end_offset(&mut partner(&home)?)?, 0);
    Ok(())
}

#[test]
fn each_zone_is_a_user_with_the_rights_of_its_zone() -> Result<()> {
    for version in Version::ALL {
        let kafka = Kafka::builder(version).protocol(Protocol::SaslPlaintext).authorizer().start()?;
        each_zone(&kafka).with_context(|| format!("before Kafka {version}"))?;
    }
    Ok(())
}

fn each_zone(kafka: &Kafka) -> Result<()> {
    let topics = kafka.create_topics(&[1, 1])?;
    let (orders, prices) = (&topics[0], &topics[1]);
    let admin = kafka.admin();
    let home = home(
        kafka,
        &per_zone(&admin.name, &admin.password),
        &[write("orders", orders), read("prices", prices)],
    )?;
    manage(&home)?;
    // Somebody else's rights: another's, one that looks like a zone's, and a DENY of the zone's own user.
    let foreign = [
        ("User:somebody", TOPIC, orders.name.as_str(), READ, ALLOW),
        ("User:tidegate-monitoring", TOPIC, orders.name.as_str(), READ, ALLOW),
        ("User:tidegate-acme", TOPIC, "unrelated", READ, 2),
    ];
    grant(kafka, &foreign)?;
    let gateway = Gateway::start(&home)?;

    // Everything that a partner does, with its user's rights alone.
    let mut raw = partner(&home)?;
    let asked =
        InitProducerIdRequest::default().with_transactional_id(None).with_transaction_timeout_ms(60_000);
    // The broker fetches its first block of ids at the first question.
    wait_for("a producer id without IDEMPOTENT_WRITE", || {
        let made = raw.call(4, &asked)?;
        ensure!([0, 14].contains(&made.error_code), "{made:?}");
        Ok(made.error_code == 0)
    })?;
    let partner_config = config(&home);
    let run = |step| -> Result<()> {
        Client::Java.run(&partner_config, step)?.accepted().with_context(|| format!("{step:?}")).map(drop)
    };
    run(Step::Produce { topic: "orders", count: 3, keys: "k" })?;
    run(Step::Consume { topic: "orders", group: "readers", count: 3 })?;
    run(Step::Transact { topic: "orders", transactional_id: "tx", count: 2, keys: "t", end: End::Commit })?;
    run(Step::Copy { from: "orders", to: "orders", group: "copiers", transactional_id: "copy", count: 2 })?;
    run(Step::ListGroups)?;
    run(Step::DescribeGroup { group: "readers" })?;
    run(Step::DescribeTopic { topic: "orders" })?;
    run(Step::ResetOffsets { group: "readers", topic: "orders" })?;
    run(Step::DeleteGroup { group: "readers" })?;
    if kafka.version() == Version::V4_1_1 {
        run(Step::ConsumeNext { topic: "orders", group: "next", count: 3 })?;
    }

    // The second wall: the same user, straight at the broker.
    let hidden = kafka.create_topic(1)?;
    let key = RootKey::from_bytes(ROOT_KEY);
    let id = key.zone_id(&ZoneName::parse(ZONE)?);
    let direct = ClientConfig {
        user: Some("tidegate-acme".to_owned()),
        password: Some(key.upstream_password(&id).expose_secret().to_owned()),
        ..kafka.client_config("SCRAM-SHA-512")
    };
    let listed = Client::Java.run(&direct, Step::List)?.accepted()?.topics;
    ensure!(listed.contains(&orders.name) && !listed.contains(&hidden.name), "{listed:?}");
    let produce = Step::Produce { topic: &prices.name, count: 1, keys: "k" };
    let refused = Client::Java.run(&direct, produce)?;
    assert_eq!(refused.refused_with(), Some("TOPIC_AUTHORIZATION_FAILED"), "{refused:?}");

    // An edit: WRITE becomes READ, an alias goes.
    home.add_zone(ZONE, PARTNER, &[read("orders", orders)])?;
    gateway.reload()?;
    wait_for("the ACLs follow the edit", || {
        let acls = acls(kafka, "User:tidegate-acme")?;
        Ok(!acls.contains(&(TOPIC, orders.name.clone(), WRITE))
            && acls.contains(&(TOPIC, orders.name.clone(), READ))
            && !acls.iter().any(|(_, name, _)| *name == prices.name))
    })?;
    ensure!(end_offset(&mut partner(&home)?)? > 0, "the log is empty");

    // A zone that goes while nobody looks.
    drop(gateway);
    home.add_zone("other", PARTNER, &[read("orders", orders)])?;
    fs::remove_file(home.file("zones/acme.yaml"))?;
    let _gateway = Gateway::start(&home)?;
    let left = acls(kafka, "User:tidegate-acme")?;
    assert_eq!(
        left,
        BTreeSet::from([(TOPIC, "unrelated".to_owned(), READ)]),
        "the DENY of somebody else alone"
    );
    ensure!(!acls(kafka, "User:tidegate-other")?.is_empty(), "the new zone has rights");
    for (principal, ..) in &foreign[..2] {
        assert_eq!(acls(kafka, principal)?.len(), 1, "{principal}");
    }
    Ok(())
}

#[test]
fn a_right_that_the_gateway_lacks_is_said_once() -> Result<()> {
    let service = User::new("service");
    let kafka = Kafka::builder(Version::V4_1_1)
        .protocol(Protocol::SaslPlaintext)
        .authorizer()
        .user(service.clone())
        .start()?;
    let topic = kafka.create_topic(1)?;
    grant(&kafka, &[("User:service", TOPIC, &topic.name, DESCRIBE, ALLOW)])?;
    let home = home(&kafka, &per_zone(&service.name, &service.password), &[write("orders", &topic)])?;
    manage(&home)?;
    let _gateway = Gateway::start(&home)?;
    let complaint = "grant it ALTER on the cluster";
    std::thread::sleep(Duration::from_secs(17));
    let told = home.log().lines().filter(|line| line.contains(complaint)).count();
    assert_eq!(told, 1, "{}", home.log());
    ensure!(end_offset(&mut partner(&home)?).is_err(), "a zone without a user got through");
    grant(&kafka, &[("User:service", CLUSTER, "kafka-cluster", 7, ALLOW)])?;
    wait_for("the zone has its rights", || Ok(!acls(&kafka, "User:tidegate-acme")?.is_empty()))?;
    wait_for("the zone is served", || Ok(partner(&home).and_then(|mut c| end_offset(&mut c)).is_ok()))?;
    ensure!(home.log().contains("are in step again"), "{}", home.log());
    Ok(())
}

fn home(kafka: &Kafka, security: &str, aliases: &[Alias]) -> Result<Home> {
    let home = Home::bare(&kafka.bootstrap(), security)?;
    home.write("root.key", RootKey::from_bytes(ROOT_KEY).to_hex().expose_secret())?;
    fs::set_permissions(home.file("root.key"), Permissions::from_mode(0o600))?;
    home.add_account(PARTNER, PASSWORD)?;
    home.add_zone(ZONE, PARTNER, aliases)?;
    home.ports().record(&Recorder::default())?;
    Ok(home)
}

fn per_zone(user: &str, password: &str) -> String {
    format!(
        "{{protocol: SASL_PLAINTEXT, sasl: {{mechanism: SCRAM-SHA-512, username: {user}, password: {password}, \
         perZone: {{username: \"tidegate-{{zone}}\", passwords: derived}}}}}}"
    )
}

fn manage(home: &Home) -> Result<()> {
    home.replace("tidegate.yaml", "listeners:\n", "    acls: manage\nlisteners:\n")
}

fn config(home: &Home) -> ClientConfig {
    gateway::client_config(home, "SCRAM-SHA-512", PARTNER, PASSWORD)
}

fn partner(home: &Home) -> Result<Connection> {
    let mut connection = Connection::open(home.ports().bound(), Duration::from_secs(20))?;
    connection.log_in(PARTNER, PASSWORD)?;
    Ok(connection)
}

/// Asks something that goes to a broker.
fn end_offset(connection: &mut Connection) -> Result<i64> {
    let partition = ListOffsetsPartition::default().with_timestamp(-1);
    let topic = ListOffsetsTopic::default()
        .with_name(TopicName(StrBytes::from_static_str("orders")))
        .with_partitions(vec![partition]);
    let answer = connection.call(3, &ListOffsetsRequest::default().with_topics(vec![topic]))?;
    let partition = &answer.topics[0].partitions[0];
    ensure!(partition.error_code == 0, "{partition:?}");
    Ok(partition.offset)
}

fn end_of_log(home: &Home) -> Result<()> {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        match partner(home).and_then(|mut connection| end_offset(&mut connection)) {
            Ok(_) => return Ok(()),
            Err(why) if Instant::now() > until => return Err(why),
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

fn up(home: &Home) -> Result<String> {
    let metrics = get(home.ports().http(), "/metrics")?.body;
    let line = metrics.lines().find(|line| line.starts_with("tidegate_upstream_up")).context("no metric")?;
    Ok(line.rsplit(' ').next().unwrap_or_default().to_owned())
}

fn forget_user(kafka: &Kafka, name: &str) -> Result<()> {
    // A broker takes one change of a user in a request.
    for mechanism in [1, 2] {
        let deletion = ScramCredentialDeletion::default()
            .with_name(StrBytes::from_string(name.to_owned()))
            .with_mechanism(mechanism);
        let request = AlterUserScramCredentialsRequest::default().with_deletions(vec![deletion]);
        let answer = kafka.internal(1)?.call(0, &request)?;
        ensure!(answer.results.iter().all(|result| result.error_code == 0), "{answer:?}");
    }
    Ok(())
}

fn grant(kafka: &Kafka, rights: &[(&str, i8, &str, i8, i8)]) -> Result<()> {
    let creations = rights.iter().map(|(principal, kind, name, operation, permission)| {
        AclCreation::default()
            .with_resource_type(*kind)
            .with_resource_pattern_type(LITERAL)
            .with_resource_name(StrBytes::from_string((*name).to_owned()))
            .with_principal(StrBytes::from_string((*principal).to_owned()))
            .with_host(StrBytes::from_static_str("*"))
            .with_operation(*operation)
            .with_permission_type(*permission)
    });
    let request = CreateAclsRequest::default().with_creations(creations.collect());
    let done = kafka.internal(1)?.call(3, &request)?;
    ensure!(done.results.iter().all(|result| result.error_code == 0), "{done:?}");
    Ok(())
}

/// Kind, name and operation of each ACL of a principal.
fn acls(kafka: &Kafka, principal: &str) -> Result<BTreeSet<(i8, String, i8)>> {
    let request = DescribeAclsRequest::default()
        .with_resource_type_filter(ANY)
        .with_pattern_type_filter(ANY)
        .with_resource_name_filter(None)
        .with_principal_filter(Some(StrBytes::from_string(principal.to_owned())))
        .with_host_filter(None)
        .with_operation(ANY)
        .with_permission_type(ANY);
    let answer = kafka.internal(1)?.call(3, &request)?;
    ensure!(answer.error_code == 0, "{answer:?}");
    let acls = answer.resources.iter().flat_map(|resource| {
        resource
            .acls
            .iter()
            .map(|acl| (resource.resource_type, resource.resource_name.to_string(), acl.operation))
    });
    Ok(acls.collect())
}
