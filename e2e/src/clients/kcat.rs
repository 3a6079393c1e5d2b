//! kcat, where the distribution has it.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde::Deserialize;

use super::{ClientConfig, LIMIT, Outcome, Record, Refusal, Step, records};
use crate::process::{self, Finished};

pub(super) fn is_installed() -> bool {
    let mut kcat = Command::new("kcat");
    kcat.arg("-V");
    process::run_ok(&kcat, Duration::from_secs(10)).is_ok()
}

pub(super) fn run(config: &ClientConfig, step: Step<'_>) -> Result<Outcome> {
    let mut kcat = kcat(config);
    match step {
        Step::List => {
            kcat.args(["-L", "-J", "-m", "20"]);
            listed(&process::run_ok(&kcat, LIMIT)?)
        }
        Step::Produce { topic, count, keys } => {
            kcat.args(["-P", "-t", topic, "-K", "=", "-X", "enable.idempotence=true"]);
            kcat.args(["-X", "message.timeout.ms=25000"]);
            let lines: Vec<String> =
                records(keys, count).into_iter().map(|(key, value)| format!("{key}={value}\n")).collect();
            let done = process::run_with_input(&kcat, LIMIT, &lines.concat())?;
            Ok(Outcome { refusal: refusal(&done), ..Outcome::default() })
        }
        Step::Consume { topic, group, count } => {
            kcat.args(["-X", "auto.offset.reset=earliest"]);
            consume(kcat, count, &["-G", group, topic])
        }
        Step::ConsumeCommitted { topic, group, count } => {
            kcat.args(["-X", "auto.offset.reset=earliest", "-X", "isolation.level=read_committed"]);
            consume(kcat, count, &["-G", group, topic])
        }
        Step::ReadFromBeginning { topic, count } => {
            consume(kcat, count, &["-C", "-e", "-t", topic, "-o", "beginning"])
        }
        Step::ReadFromTime { topic, timestamp, count } => {
            consume(kcat, count, &["-C", "-e", "-t", topic, "-o", &format!("s@{timestamp}")])
        }
        step => bail!("kcat does not: {step:?}"),
    }
}

fn kcat(config: &ClientConfig) -> Command {
    let mut kcat = Command::new("kcat");
    kcat.args(["-b", &config.bootstrap, "-X", &format!("security.protocol={}", config.protocol)]);
    let settings = [
        ("sasl.mechanism", config.mechanism.clone()),
        ("sasl.username", config.user.clone()),
        ("sasl.password", config.password.clone()),
        ("ssl.ca.location", config.ca.as_ref().map(|path| path.display().to_string())),
    ];
    for (key, value) in settings {
        if let Some(value) = value {
            kcat.args(["-X", &format!("{key}={value}")]);
        }
    }
    kcat
}

#[derive(Deserialize)]
struct Listing {
    topics: Vec<ListedTopic>,
}

#[derive(Deserialize)]
struct ListedTopic {
    topic: String,
}

fn listed(done: &Finished) -> Result<Outcome> {
    let listing: Listing = serde_json::from_str(&done.stdout)?;
    let mut topics: Vec<String> = listing.topics.into_iter().map(|listed| listed.topic).collect();
    topics.retain(|name| !name.starts_with("__"));
    topics.sort();
    Ok(Outcome { topics, ..Outcome::default() })
}

#[derive(Deserialize)]
struct Line {
    topic: String,
    partition: i32,
    offset: i64,
    key: String,
    payload: String,
}

/// `from` comes last, because kcat takes the rest of the line for the group's topics.
fn consume(mut kcat: Command, count: usize, from: &[&str]) -> Result<Outcome> {
    kcat.args(["-J", "-c", &count.to_string()]).args(from);
    let done = process::run(&kcat, LIMIT)?;
    let refusal = refusal(&done);
    ensure!(done.status.success() || refusal.is_some(), "{}\n{}", done.stdout, done.stderr);
    let mut records = Vec::new();
    for line in done.stdout.lines().filter(|line| line.starts_with('{')) {
        let Line { topic, partition, offset, key, payload } = serde_json::from_str(line)?;
        records.push(Record { topic, partition, offset, key, value: payload });
    }
    Ok(Outcome { records, refusal, ..Outcome::default() })
}

/// kcat gives librdkafka's words only.
fn refusal(done: &Finished) -> Option<Refusal> {
    let line = done.stderr.lines().find(|line| line.contains("uthorization failed"))?;
    let name =
        if line.contains("Group") { "GROUP_AUTHORIZATION_FAILED" } else { "TOPIC_AUTHORIZATION_FAILED" };
    Some(Refusal { code: 0, name: name.to_owned(), message: line.to_owned() })
}
