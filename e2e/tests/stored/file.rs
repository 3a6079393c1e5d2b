//! The store in the state file: taken over from files, edited while the gateway is stopped, backed up and restored.

use std::fs;

use anyhow::Result;
use tidegate_e2e::gateway::{Gateway, Home, zone};
use tidegate_e2e::requests::{Topic, described, produce};
use tidegate_e2e::site::{read, write};

use crate::kafka;
use crate::partner::{ACCOUNT, PASSWORD, log_in, sees};

const SQLITE: &str = "{type: SQLITE}";

/// A gateway's files with a zone of two topics, still in a folder.
fn home() -> Result<Home> {
    let topics = kafka().create_topics(&[1, 1])?;
    let home = Home::create(kafka())?;
    home.add_account(ACCOUNT, PASSWORD)?;
    home.add_zone("acme", ACCOUNT, &[write("orders", &topics[0]), read("prices", &topics[1])])?;
    Ok(home)
}

#[test]
fn files_are_taken_over_and_partners_notice_nothing() -> Result<()> {
    let home = home()?;
    let gateway = Gateway::start(&home)?;
    let before = described(&mut log_in(&home, PASSWORD)?, Topic::Name("orders"))?;
    gateway.stop()?;
    home.use_store(SQLITE)?;
    let told = home.store(&["import", "--zones", "zones", "--accounts", "accounts.yaml"])?;
    assert_eq!(told, "1 zones are new in the store, of 1\n");
    // One that was broken off is begun again.
    let again = home.store(&["import", "--zones", "zones", "--accounts", "accounts.yaml"])?;
    assert_eq!(again, "0 zones are new in the store, of 1\n");
    let gateway = Gateway::start(&home)?;
    let mut connection = log_in(&home, PASSWORD)?;
    assert_eq!(described(&mut connection, Topic::Name("orders"))?.topic_id, before.topic_id);
    assert_eq!(produce(&mut connection, Topic::Name("orders"), 0, "a record")?, 0);
    let owned = home.store(&["list"]).unwrap_err().to_string();
    assert!(owned.contains("state.db"), "{owned}");
    gateway.stop()?;
    assert_eq!(home.store(&["list"])?, "acme\tpartner\tinitial\t2\n");
    Ok(())
}

#[test]
fn zones_and_credentials_are_edited_and_survive_a_backup() -> Result<()> {
    let home = home()?;
    home.use_store(SQLITE)?;
    home.store(&["import", "--zones", "zones", "--accounts", "accounts.yaml"])?;
    let topic = kafka().create_topic(1)?;
    home.write("zones/acme.yaml", &zone("acme", ACCOUNT, &[write("invoices", &topic)]))?;
    assert_eq!(home.store(&["apply", "zones/acme.yaml"])?, "acme\tupdated\n");
    assert_eq!(home.store(&["apply", "zones/acme.yaml"])?, "acme\tnot changed\n");
    let import = home.store(&["import", "--zones", "zones", "--accounts", "accounts.yaml"]);
    assert_eq!(import?, "0 zones are new in the store, of 1\n");
    let twice = home.store(&["apply", "zones/acme.yaml", "zones/acme.yaml"]).unwrap_err().to_string();
    assert!(twice.contains("zone `acme` is already defined in zones/acme.yaml"), "{twice}");
    let second = home.store(&["add-credential", "acme", "second"])?;
    home.store(&["revoke-credential", "acme", "initial"])?;
    let none = home.store(&["revoke-credential", "acme", "initial"]).unwrap_err().to_string();
    assert!(none.contains("account `partner` has no credential `initial`"), "{none}");

    // Who did what, and the zones as anybody can read them.
    let history = home.store(&["history"])?;
    let told: Vec<&str> = history.lines().filter_map(|line| line.split('\t').nth(3)).collect();
    let credentials = ["add credential second to zone acme", "revoke credential initial of zone acme"];
    assert_eq!(told, ["import 1 zones", "apply 1 zones", credentials[0], credentials[1]]);
    assert!(history.starts_with("0\t2"), "{history}");
    assert!(history.contains("account/partner zone/acme") || history.contains("zone/acme account/partner"));
    home.store(&["export", "exported.yaml"])?;
    assert_eq!(home.store(&["apply", "exported.yaml"])?, "acme\tnot changed\n");

    assert_eq!(home.store(&["list", "--kinds"])?, "account\t1\naudit\t4\nzone\t1\n");

    // Into another file, under the same root key.
    home.store(&["backup", "backup.jsonl"])?;
    let text = fs::read_to_string(home.file("backup.jsonl"))?;
    assert!(text.contains("sealed:v1:"));
    fs::remove_file(home.file("state.db"))?;
    assert_eq!(home.store(&["restore", "backup.jsonl"])?, "6 records\n");
    let full = home.store(&["restore", "backup.jsonl"]).unwrap_err().to_string();
    assert!(full.contains("the store has records"), "{full}");

    // And sealed with a key of its own.
    home.write("sealing.key", &"ab".repeat(32))?;
    home.replace("tidegate.yaml", SQLITE, "{type: SQLITE, sealingKey: \"file:sealing.key\"}")?;
    assert_eq!(home.store(&["reseal"])?, "1 records are sealed anew\n");
    assert_eq!(home.store(&["reseal"])?, "0 records are sealed anew\n");

    let gateway = Gateway::start(&home)?;
    sees(&mut log_in(&home, second.trim())?, &["invoices"])?;
    assert!(log_in(&home, PASSWORD).is_err(), "the first password was revoked");
    gateway.stop()?;
    home.store(&["delete", "acme"])?;
    assert_eq!(home.store(&["list"])?, "");
    let gateway = Gateway::start(&home)?;
    assert!(log_in(&home, second.trim()).is_err(), "the zone is gone");
    gateway.stop()?;
    Ok(())
}
