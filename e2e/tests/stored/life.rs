//! Where a zone stands: its topics come and go, and so does its account.

use anyhow::{Context, Result};
use serde_json::Value;
use tidegate_e2e::gateway::{Gateway, Home, get};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::Kafka;
use tidegate_e2e::random;
use tidegate_e2e::requests::listed;
use tidegate_e2e::site::write;

use crate::partner::{ACCOUNT, PASSWORD, log_in, until};

/// Status and reasons of the one zone.
fn stands(home: &Home) -> Result<(String, String)> {
    let zones: Value = serde_json::from_str(&get(home.ports().http(), "/zones")?.body)?;
    let zone = zones.get(0).context("there is a zone")?;
    let reasons: Vec<&str> =
        zone["reasons"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    Ok((zone["status"].as_str().unwrap_or_default().to_owned(), reasons.join("; ")))
}

#[test]
fn a_zone_fails_for_a_topic_that_vanishes_and_heals_when_it_returns() -> Result<()> {
    let mut kafka = Kafka::builder(Version::V4_1_1).start()?;
    let topics = kafka.create_topics(&[1, 1])?;
    let home = Home::create(&kafka)?;
    home.replace("tidegate.yaml", "    security:", "    metadataRefreshMs: 1000\n    security:")?;
    home.use_store(&format!("{{type: KAFKA, cluster: main, topic: {}}}", random::name("store.")))?;
    home.write(
        "acme.yaml",
        &tidegate_e2e::gateway::zone(
            "acme",
            ACCOUNT,
            &[write("orders", &topics[0]), write("prices", &topics[1])],
        ),
    )?;
    assert_eq!(home.store(&["apply", "acme.yaml"])?, "acme\tcreated\n");
    let _gateway = Gateway::start(&home)?;
    let no_credential = "account `partner` has no credential yet: add one";
    assert_eq!(stands(&home)?, ("PENDING".to_owned(), no_credential.to_owned()));
    let password = home.store(&["add-credential", "acme", "first"])?;
    until("it is ready", || Ok(stands(&home)?.0 == "READY"))?;

    let mut connection = log_in(&home, password.trim())?;
    assert_eq!(listed(&mut connection)?, ["orders", "prices"]);
    kafka.delete_topic(&topics[1])?;
    until("it has failed", || {
        listed(&mut connection)?;
        Ok(stands(&home)?.0 == "FAILED")
    })?;
    let (_, why) = stands(&home)?;
    assert!(why.starts_with(&format!("alias `prices`: there is no topic `{}`", topics[1].name)), "{why}");
    assert_eq!(listed(&mut connection)?, ["orders"], "the rest is served");
    kafka.create_named(std::slice::from_ref(&topics[1].name), &[1])?;
    until("it is ready again", || {
        listed(&mut connection)?;
        Ok(stands(&home)?.0 == "READY")
    })?;
    assert_eq!(listed(&mut connection)?, ["orders", "prices"]);

    kafka.stop(1)?;
    until("the cluster is gone", || Ok(stands(&home)?.1.contains("cluster `main` cannot be reached")))?;
    kafka.restart(1)?;
    until("it is ready after the cluster is back", || Ok(stands(&home)?.0 == "READY"))?;
    assert!(log_in(&home, PASSWORD).is_err());
    Ok(())
}
