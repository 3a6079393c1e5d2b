//! `tidegate describe`.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use serde_json::Value;
use tidegate_core::{AuthenticationMode, TrafficPolicies, ZoneManifest, ZoneName, ZoneSpec};

use super::get::read;
use crate::failure::Failure;
use crate::output::{Format, Output, Table, day_and_time, on_one_line};
use crate::rest::Rest;

/// What can be told of.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// A partner zone: its topics, its account, its limits, and where its partner connects.
    #[command(visible_alias = "zones")]
    Zone(Named),
}

/// Arguments of `tidegate describe zone`.
#[derive(Args)]
pub(crate) struct Named {
    /// The zone.
    #[arg(value_parser = ZoneName::parse)]
    name: ZoneName,
    #[command(flatten)]
    output: Output,
}

impl Command {
    pub(crate) fn run(self, rest: &Rest) -> anyhow::Result<()> {
        let Self::Zone(Named { name, output: Output { format } }) = self;
        let zone = rest.zone(&name)?;
        if format != Format::Table {
            return format.print(&zone);
        }
        let manifest = rest.understood(&zone)?;
        let bootstrap = match rest.kafka_configuration(&name) {
            Ok(text) => {
                text.lines().find_map(|line| line.strip_prefix("bootstrap.servers=")).map(str::to_owned)
            }
            // Nobody serves its partner: that is to be told, not a failure.
            Err(Failure::NotFound(_)) => None,
            Err(failure) => return Err(failure.into()),
        };
        Ok(write!(io::stdout(), "{}", page(&zone, &manifest, bootstrap)?)?)
    }
}

fn page(zone: &Value, manifest: &ZoneManifest, bootstrap: Option<String>) -> Result<String, Failure> {
    let (metadata, spec) = (read(zone)?.metadata, &manifest.spec);
    let id = zone.pointer("/metadata/id").and_then(Value::as_str);
    let optional = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let mut lines = vec![
        line("Name", metadata.name),
        line("Display name", optional(spec.display_name())),
        line("Status", metadata.status),
        line("Updated", day_and_time(&metadata.updated_at)),
        line("Id", optional(id)),
        line("Revision", manifest.revision.map_or("-".to_owned(), |revision| revision.to_string())),
        line("Gateway", spec.cluster().to_string()),
        line("Bootstrap", bootstrap.unwrap_or_else(|| "no listener serves its partner".to_owned())),
        line("Account", format!("{} ({})", spec.account(), mode(spec.authentication()))),
        line("URL", optional(spec.url())),
        line("Partner", partner(spec)),
        line("Labels", labels(spec)),
        line("Limits", limits(spec.traffic())),
    ];
    for (n, text) in spec.description().unwrap_or("-").lines().enumerate() {
        lines.push(line(if n == 0 { "Description" } else { "" }, text.to_owned()));
    }
    Ok(format!("{}\n\n{}", lines.join("\n"), topics(spec)))
}

/// Wide enough for the longest of the names.
fn line(name: &str, value: String) -> String {
    let name = if name.is_empty() { String::new() } else { format!("{name}:") };
    format!("{name:<14}{}", on_one_line(&value)).trim_end().to_owned()
}

fn topics(spec: &ZoneSpec) -> Table {
    let mut table = Table::new(["TOPIC", "BACKING TOPIC", "PERMISSION"]);
    for grant in spec.topics() {
        let permission = if grant.permission.can_write() { "WRITE" } else { "READ" };
        table.row([grant.alias.as_str(), grant.backing.as_str(), permission]);
    }
    table
}

fn mode(mode: AuthenticationMode) -> &'static str {
    match mode {
        AuthenticationMode::Plain => "PLAIN",
        AuthenticationMode::Mtls => "MTLS",
        AuthenticationMode::OauthBearer => "OAUTHBEARER",
    }
}

fn partner(spec: &ZoneSpec) -> String {
    let Some(partner) = spec.partner() else { return "-".to_owned() };
    let more = [&partner.role, &partner.email, &partner.phone].into_iter().flatten();
    std::iter::once(&partner.name).chain(more).cloned().collect::<Vec<_>>().join(", ")
}

fn labels(spec: &ZoneSpec) -> String {
    let labels: Vec<String> = spec.labels().iter().map(|(key, value)| format!("{key}={value}")).collect();
    if labels.is_empty() { "-".to_owned() } else { labels.join(", ") }
}

fn limits(traffic: &TrafficPolicies) -> String {
    let TrafficPolicies { max_produce_rate, max_consume_rate, limit_commit_offset } = *traffic;
    let limits = [
        max_produce_rate.map(|rate| format!("produce {rate} bytes/s")),
        max_consume_rate.map(|rate| format!("consume {rate} bytes/s")),
        limit_commit_offset.map(|rate| format!("{rate} commits/minute")),
    ];
    let limits: Vec<String> = limits.into_iter().flatten().collect();
    if limits.is_empty() { "none".to_owned() } else { format!("{}, on each gateway", limits.join(", ")) }
}
