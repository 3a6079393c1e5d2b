//! What an operator sees of a partner who asks for too much: every metric of the reference, and the audit log.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{CreateTopicsRequest, MetadataRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use serde_json::Value;
use tidegate_e2e::clients::{Client, Step};
use tidegate_e2e::gateway::{Gateway, Home, client_config, get};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::Kafka;
use tidegate_e2e::raw::Connection;
use tidegate_e2e::recorder::Recorder;
use tidegate_e2e::requests;
use tidegate_e2e::site::{Handled, wait_for, write};
use tidegate_gateway::METRICS;

const ACCOUNT: &str = "partner";
const PASSWORD: &str = "partner-password";
const RECORD: &str = "the-words-of-a-record";
const GUESS: &str = "guessed-password";
const HOSTILE: &str = "evil\u{1b}[31m\n{\"event\":\"forged\"}";

#[test]
fn refusals_are_counted_and_told_and_a_flood_is_not() -> Result<()> {
    let kafka = Kafka::builder(Version::V4_1_1).start()?;
    let topic = kafka.create_topic(1)?;
    let home = Home::create(&kafka)?;
    home.add_account(ACCOUNT, PASSWORD)?;
    home.add_zone("acme", ACCOUNT, &[write("orders", &topic)])?;
    home.replace(
        "tidegate.yaml",
        "http:\n",
        "audit: {file: audit.jsonl}\nlimits: {auditEventsPerMinute: 5}\nhttp:\n",
    )?;
    let gateway = Gateway::start(&home)?;

    let mut connection = connect(&home)?;
    connection.log_in(ACCOUNT, PASSWORD)?;
    wait_for("a producer id", || Ok(requests::init_producer_id(&mut connection)? == 0))?;
    for _ in 0..50 {
        let asked =
            MetadataRequestTopic::default().with_name(Some(TopicName(StrBytes::from_static_str(HOSTILE))));
        let answer = connection.call(12, &MetadataRequest::default().with_topics(Some(vec![asked])))?;
        assert_eq!(answer.topics[0].error_code, 29);
    }
    assert!(connect(&home)?.log_in("nobody\u{7}", GUESS).is_err());
    let mut hidden = connect(&home)?;
    hidden.log_in(ACCOUNT, PASSWORD)?;
    assert!(hidden.call(7, &CreateTopicsRequest::default()).is_err());

    let mut events = Vec::new();
    wait_for("the events", || {
        events = read(&home, "audit.jsonl");
        Ok(kinds(&events).len() == 3)
    })?;
    assert_eq!(
        kinds(&events),
        BTreeMap::from([("topic".into(), 5), ("failed_login".into(), 1), ("hidden_api".into(), 1)])
    );
    let of = |kind: &str| events.iter().find(|event| event["event"] == kind).unwrap();
    let refused = of("topic");
    assert_eq!(refused["zone"], "acme");
    assert_eq!(refused["account"], ACCOUNT);
    assert_eq!(refused["listener"], "partners");
    assert_eq!(refused["api"], "Metadata");
    assert_eq!(refused["version"], 12);
    ensure!(refused["name"].as_str().unwrap().starts_with("evil\\u{1b}"), "{refused}");
    assert_eq!(of("hidden_api")["api"], "CreateTopics");
    assert_eq!(of("failed_login")["account"], "nobody\\u{7}");
    let text = fs::read_to_string(home.file("audit.jsonl"))?;
    ensure!(![PASSWORD, GUESS, "\u{1b}"].iter().any(|secret| text.contains(secret)), "{text}");
    ensure!(!home.log().contains("failed_login"), "the log holds what the audit log holds");

    // Rotated as logrotate does it; the revoked login is told in the new file.
    fs::rename(home.file("audit.jsonl"), home.file("audit.old"))?;
    home.remove_account(ACCOUNT)?;
    let before = home.log().len();
    gateway.reload()?;
    Handled::logged_after(&home, before)?;
    wait_for("the new file", || Ok(kinds(&read(&home, "audit.jsonl")).contains_key("revoked")))?;

    served(&home)
}

/// At the loudest level too.
#[test]
fn nothing_secret_and_no_record_is_logged() -> Result<()> {
    let kafka = Kafka::builder(Version::V4_1_1).start()?;
    let topic = kafka.create_topic(1)?;
    let mut home = Home::create(&kafka)?;
    home.set_environment("RUST_LOG", "trace");
    home.add_account(ACCOUNT, PASSWORD)?;
    home.add_zone("acme", ACCOUNT, &[write("orders", &topic)])?;
    home.replace("tidegate.yaml", "http:\n", "audit: {file: audit.jsonl}\nhttp:\n")?;
    home.ports().record(&Recorder::default())?;
    let gateway = Gateway::start(&home)?;
    let mut connection = connect(&home)?;
    connection.log_in(ACCOUNT, PASSWORD)?;
    let orders = requests::Topic::Name("orders");
    wait_for("a record", || Ok(requests::produce(&mut connection, orders, 0, RECORD)? == 0))?;
    assert!(!requests::fetched_values(&requests::fetch(&mut connection, orders, 0, 0)?)?.is_empty());
    let scram = client_config(&home, "SCRAM-SHA-256", ACCOUNT, PASSWORD);
    Client::Librdkafka.run(&scram, Step::List)?.accepted()?;
    assert!(connect(&home)?.log_in(ACCOUNT, GUESS).is_err());
    // A frame that is no request: its bytes are the partner's, and nobody else's to read.
    let mut broken = connect(&home)?;
    broken.log_in(ACCOUNT, PASSWORD)?;
    broken.send(&[&[0, 3, 0, 12, 0, 0, 0, 1, 0, 0][..], RECORD.as_bytes()].concat())?;
    assert!(broken.receive().is_err());
    gateway.stop()?;

    let upstream = home.environment().get("UPSTREAM_PASSWORD").cloned().unwrap_or_default();
    let root_key = fs::read_to_string(home.file("root.key")).unwrap_or_default();
    for (file, text) in [("log", home.log()), ("audit log", fs::read_to_string(home.file("audit.jsonl"))?)] {
        for secret in [PASSWORD, GUESS, RECORD, &upstream, root_key.trim()] {
            ensure!(secret.is_empty() || !text.contains(secret), "{secret:?} stands in the {file}");
        }
    }
    ensure!(home.log().contains("TRACE") || home.log().contains("DEBUG"), "the log is not loud");
    Ok(())
}

/// Every metric of the reference is served with its type and labels, and no other.
fn served(home: &Home) -> Result<()> {
    let text = get(home.ports().http(), "/metrics")?.body;
    let mut seen = BTreeSet::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let name = line.split(['{', ' ']).next().unwrap();
        let spec = METRICS.iter().find(|spec| spec.name == name);
        let Some(spec) = spec else { panic!("not in docs/metrics.md: {line}") };
        ensure!(text.contains(&format!("# TYPE {name} {}", spec.kind.as_str())), "{name}");
        let labels = line.split_once('{').map_or("", |(_, rest)| rest.rsplit_once('}').unwrap().0);
        let keys: BTreeSet<&str> =
            labels.split("\",").filter_map(|label| Some(label.split_once('=')?.0)).collect();
        assert_eq!(keys, spec.labels.iter().copied().collect(), "{line}");
        ensure!(!line.contains("nobody") && !line.contains("evil"), "{line}");
        seen.insert(name);
    }
    // Only a store that fails is counted so.
    let missing: Vec<&str> =
        METRICS.iter().map(|spec| spec.name).filter(|name| !seen.contains(name)).collect();
    assert_eq!(
        missing,
        [
            "tidegate_state_failures_total",
            // Of one with identity providers: see `listeners::tokens`.
            "tidegate_jwks_fetches_total",
            "tidegate_jwks_age_seconds",
            // Of a gateway with a store: see `stored`.
            "tidegate_store_age_seconds",
            "tidegate_store_alarms",
            "tidegate_store_unserved_records",
        ]
    );
    ensure!(text.contains("tidegate_zone_refusals_total{zone=\"acme\",kind=\"topic\"} 50"), "{text}");
    Ok(())
}

fn connect(home: &Home) -> Result<Connection> {
    Connection::open(home.ports().bound(), Duration::from_secs(20))
}

fn read(home: &Home, file: &str) -> Vec<Value> {
    let text = fs::read_to_string(home.file(file)).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn kinds(events: &[Value]) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for event in events {
        *kinds.entry(event["event"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    kinds
}
