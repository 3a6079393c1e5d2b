//! A replica that the store's brokers do not let read any more, while others still may.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kafka_protocol::messages::DeleteAclsRequest;
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::protocol::StrBytes;
use tidegate_e2e::gateway::{Gateway, Home};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::{Kafka, Protocol, Right, User};
use tidegate_e2e::requests::listed;
use tidegate_e2e::site::write;

use crate::partner::{ACCOUNT, PASSWORD, is_cut, log_in, readiness, until};

const TOPIC: &str = "tidegate-store";
const FACTS: &str = "tidegate-store-facts";
const REPLICA: &str = "replica";

/// Kinds of resources and operations, as the protocol numbers them.
const TOPICS: i8 = 2;
const TRANSACTIONAL_IDS: i8 = 5;
const READ: i8 = 3;
const WRITE: i8 = 4;
const CREATE: i8 = 5;
const DESCRIBE: i8 = 8;
const DESCRIBE_CONFIGS: i8 = 10;

const STORE: &str = "{type: KAFKA, cluster: records, writers: [\"User:replica\", \"User:ANONYMOUS\"]}";

/// A replica that logs in to the store's cluster as `user`; data is on another cluster.
fn home(data: &Kafka, records: &Kafka, user: &User) -> Result<Home> {
    let home = Home::create(data)?;
    let cluster = format!(
        "  - name: records\n    bootstrap: [\"{}\"]\n    security: {{protocol: SASL_PLAINTEXT, sasl: {{mechanism: PLAIN, username: {}, password: \"{}\"}}}}\nlisteners:\n",
        records.bootstrap(),
        user.name,
        user.password
    );
    home.replace("tidegate.yaml", "listeners:\n", &cluster)?;
    home.write(
        "tidegate.yaml",
        &format!(
            "{}limits: {{storeStalenessMaxMs: 2000, storeCloseAfterMs: 6000}}\n",
            fs::read_to_string(home.file("tidegate.yaml"))?
        ),
    )?;
    Ok(home)
}

fn allow(records: &Kafka, kind: i8, name: &str, operation: i8) -> Result<()> {
    records.allow(&format!("User:{REPLICA}"), Right { kind, name, operation })
}

fn forbid_reading(records: &Kafka) -> Result<()> {
    let text = |text: &str| Some(StrBytes::from_string(text.to_owned()));
    let filter = DeleteAclsFilter::default()
        .with_resource_type_filter(TOPICS)
        .with_resource_name_filter(text(TOPIC))
        .with_pattern_type_filter(3)
        .with_principal_filter(text(&format!("User:{REPLICA}")))
        .with_host_filter(None)
        .with_operation(READ)
        .with_permission_type(3);
    let answer = records.internal(1)?.call(3, &DeleteAclsRequest::default().with_filters(vec![filter]))?;
    ensure!(answer.filter_results[0].matching_acls.len() == 1, "{answer:?}");
    Ok(())
}

#[test]
fn it_lets_nobody_in_then_serves_nobody_and_comes_back_with_what_was_revoked() -> Result<()> {
    let user = User::new(REPLICA);
    let data = Kafka::builder(Version::V4_1_1).start()?;
    let records = Kafka::builder(Version::V4_1_1)
        .protocol(Protocol::SaslPlaintext)
        .authorizer()
        .user(user.clone())
        .start()?;
    for (kind, name, operation) in [
        (TOPICS, TOPIC, READ),
        (TOPICS, TOPIC, WRITE),
        (TOPICS, TOPIC, DESCRIBE_CONFIGS),
        (TOPICS, FACTS, READ),
        (TOPICS, FACTS, WRITE),
        (TOPICS, FACTS, DESCRIBE_CONFIGS),
        (TOPICS, FACTS, CREATE),
        (TRANSACTIONAL_IDS, "tidegate-store-tidegate-store", WRITE),
        (TRANSACTIONAL_IDS, "tidegate-store-tidegate-store", DESCRIBE),
    ] {
        allow(&records, kind, name, operation)?;
    }
    let topic = data.create_topic(1)?;
    let operator = home(&data, &records, records.admin())?;
    operator.add_account(ACCOUNT, PASSWORD)?;
    operator.add_zone("acme", ACCOUNT, &[write("orders", &topic)])?;
    operator.use_store(STORE)?;
    operator.store(&["import", "--zones", "zones", "--accounts", "accounts.yaml"])?;
    let second = operator.store(&["add-credential", "acme", "second"])?;
    let replica = home(&data, &records, &user)?;
    replica.use_store(STORE)?;
    fs::copy(operator.file("root.key"), replica.file("root.key"))?;
    let _gateway = Gateway::start(&replica)?;
    let mut connection = log_in(&replica, PASSWORD)?;

    // Cut off: after a while nobody is let in, and who is there is served on.
    forbid_reading(&records)?;
    until("the probe is red", || Ok(readiness(&replica)?.0 == 503))?;
    assert!(readiness(&replica)?.1.contains("the store cannot be reached"), "{:?}", readiness(&replica)?);
    assert!(log_in(&replica, PASSWORD).and_then(|mut connection| listed(&mut connection)).is_err());
    assert_eq!(listed(&mut connection)?, ["orders"]);
    // Meanwhile the first password is revoked through another.
    operator.store(&["revoke-credential", "acme", "initial"])?;
    assert_eq!(listed(&mut connection)?, ["orders"], "the replica cannot know");
    let after = is_cut(&mut connection)?;
    println!("who was there is cut {after:?} after that");
    ensure!(after < Duration::from_secs(10));

    // It may read again: what was revoked is, and what is good is.
    allow(&records, TOPICS, TOPIC, READ)?;
    until("the probe is green", || Ok(readiness(&replica)?.0 == 200))?;
    assert!(log_in(&replica, PASSWORD).is_err(), "revoked during the cut");
    let mut connection = log_in(&replica, second.trim()).context("the second password is good")?;
    assert_eq!(listed(&mut connection)?, ["orders"]);
    Ok(())
}
