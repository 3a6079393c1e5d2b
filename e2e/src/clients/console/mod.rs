//! Kafka's own console tools, started as a partner starts them.

mod groups;
mod records;
mod topics;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail, ensure};

use super::{ClientConfig, LIMIT, Outcome, Refusal, Step};
use crate::jars::Version;
use crate::process::Finished;
use crate::{java, process};

pub(super) fn run(config: &ClientConfig, step: Step<'_>) -> Result<Outcome> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), properties(config))?;
    let tools = Tools { bootstrap: &config.bootstrap, properties: file.path() };
    match step {
        Step::List => topics::list(&tools),
        Step::DescribeTopic { topic } => topics::describe(&tools, topic),
        Step::Produce { topic, count, keys } => records::produce(&tools, topic, count, keys),
        Step::Consume { topic, group, count } => records::consume(&tools, topic, group, count, &[]),
        Step::ConsumeNext { topic, group, count } => {
            let next = ["--consumer-property", "group.protocol=consumer"];
            records::consume(&tools, topic, group, count, &next)
        }
        Step::ConsumeCommitted { topic, group, count } => {
            records::consume(&tools, topic, group, count, &["--isolation-level", "read_committed"])
        }
        Step::ListGroups => groups::list(&tools),
        Step::DescribeGroup { group } => groups::describe(&tools, group),
        Step::ResetOffsets { group, topic } => groups::reset_offsets(&tools, group, topic),
        Step::DeleteGroup { group } => groups::delete(&tools, group),
        step => bail!("console tools do not: {step:?}"),
    }
}

/// What every tool is given.
struct Tools<'a> {
    bootstrap: &'a str,
    properties: &'a Path,
}

impl Tools<'_> {
    /// A tool by its class, with the option by which it takes the properties.
    fn tool(&self, name: &str, properties: &str) -> Result<Command> {
        let options = ["-Xmx128m", "-XX:TieredStopAtLevel=1"];
        let mut tool = java::program(Version::V4_1_1, &options, &format!("org.apache.kafka.tools.{name}"))?;
        tool.args(["--bootstrap-server", self.bootstrap, properties]).arg(self.properties);
        Ok(tool)
    }
}

/// Runs a tool that looks at or looks after something: it either does so or says whose error kept it from it.
fn run_tool(tool: &Command) -> Result<(Finished, Option<Refusal>)> {
    let done = process::run(tool, LIMIT)?;
    let refusal = refusal(&done);
    // Some tools say "Error:" and still end with 0.
    let worked = done.status.success() && !done.stdout.contains("Error:");
    ensure!(worked || refusal.is_some(), "{}\n{}", done.stdout, done.stderr);
    Ok((done, refusal))
}

/// The tools name the exception: `TopicAuthorizationException` is TOPIC_AUTHORIZATION_FAILED.
fn refusal(done: &Finished) -> Option<Refusal> {
    let text = [done.stdout.as_str(), done.stderr.as_str()].concat();
    let line = text.lines().find(|line| line.contains("org.apache.kafka.common.errors."))?;
    let exception = line.split("org.apache.kafka.common.errors.").nth(1)?;
    let exception = exception.split(|c: char| !c.is_ascii_alphanumeric()).next()?;
    let stem = exception.strip_suffix("Exception").unwrap_or(exception);
    let mut name = String::new();
    for c in stem.chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_uppercase());
    }
    if name.ends_with("AUTHORIZATION") {
        name += "_FAILED";
    }
    if name == "GROUP_NOT_EMPTY" {
        "NON_EMPTY_GROUP".clone_into(&mut name);
    }
    Some(Refusal { code: 0, name, message: line.to_owned() })
}

fn properties(config: &ClientConfig) -> String {
    let mut text = format!("security.protocol={}\n", config.protocol);
    if let (Some(mechanism), Some(user), Some(password)) = (&config.mechanism, &config.user, &config.password)
    {
        let module = if mechanism == "PLAIN" { "plain.PlainLoginModule" } else { "scram.ScramLoginModule" };
        let _ = writeln!(
            text,
            "sasl.mechanism={mechanism}\nsasl.jaas.config=org.apache.kafka.common.security.{module} required \
             username=\"{user}\" password=\"{password}\";"
        );
    }
    if let Some(ca) = &config.ca {
        let _ = writeln!(text, "ssl.truststore.type=PEM\nssl.truststore.location={}", ca.display());
    }
    text + "enable.idempotence=true\ngroup.protocol=classic\ndelivery.timeout.ms=25000\nrequest.timeout.ms=10000\n\
            max.block.ms=20000\ndefault.api.timeout.ms=20000\n"
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn an_exception_becomes_the_name_of_its_error() {
        let status = Command::new("true").status().unwrap();
        let stderr = "[x] ERROR org.apache.kafka.common.errors.TopicAuthorizationException: Not authorized\n"
            .to_owned();
        let done = Finished { status, stdout: String::new(), stderr };
        assert_eq!(refusal(&done).unwrap().name, "TOPIC_AUTHORIZATION_FAILED");
    }
}
