//! Kafka's own console tools, started as a partner starts them.

use std::fmt::Write as _;
use std::process::Command;

use anyhow::{Result, bail, ensure};

use super::{ClientConfig, LIMIT, Outcome, Record, Refusal, Step, records};
use crate::jars::Version;
use crate::process::Finished;
use crate::{java, process};

/// What the tools print between key and value.
const SEPARATOR: char = '=';

pub(super) fn run(config: &ClientConfig, step: Step<'_>) -> Result<Outcome> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), properties(config))?;
    let file = file.path().display().to_string();
    let server = ["--bootstrap-server", &config.bootstrap];
    match step {
        Step::List => {
            let mut tool = tool("TopicCommand")?;
            tool.args(server).args(["--command-config", &file, "--list"]);
            listed(&process::run(&tool, LIMIT)?)
        }
        Step::Produce { topic, count, keys } => {
            let mut tool = tool("ConsoleProducer")?;
            tool.args(server).args(["--producer.config", &file, "--topic", topic]);
            tool.args(["--property", "parse.key=true", "--property", "key.separator=="]);
            let input = records(keys, count).into_iter().fold(String::new(), |mut text, (key, value)| {
                let _ = writeln!(text, "{key}{SEPARATOR}{value}");
                text
            });
            // The producer says in words that a record was not written, and still ends with 0.
            let done = process::run_with_input(&tool, LIMIT, &input)?;
            Ok(Outcome { refusal: refusal(&done), ..Outcome::default() })
        }
        Step::Consume { topic, group, count } => {
            let mut tool = tool("consumer.ConsoleConsumer")?;
            tool.args(server).args(["--consumer.config", &file, "--topic", topic, "--group", group]);
            tool.args(["--max-messages", &count.to_string(), "--timeout-ms", "30000", "--from-beginning"]);
            tool.args(["--property", "print.key=true", "--property", "key.separator=="]);
            tool.args(["--property", "print.partition=true", "--property", "print.offset=true"]);
            consumed(topic, &process::run(&tool, LIMIT)?)
        }
        step => bail!("console tools do not: {step:?}"),
    }
}

fn tool(name: &str) -> Result<Command> {
    let options = ["-Xmx128m", "-XX:TieredStopAtLevel=1"];
    java::program(Version::V4_1_1, &options, &format!("org.apache.kafka.tools.{name}"))
}

fn listed(done: &Finished) -> Result<Outcome> {
    let refusal = refusal(done);
    ensure!(done.status.success() || refusal.is_some(), "{}\n{}", done.stdout, done.stderr);
    let mut topics: Vec<String> = done
        .stdout
        .lines()
        .filter(|name| !name.is_empty() && !name.starts_with("__"))
        .map(str::to_owned)
        .collect();
    topics.sort();
    Ok(Outcome { topics, refusal, ..Outcome::default() })
}

/// Lines such as `Partition:0=Offset:3=key=value`.
fn consumed(topic: &str, done: &Finished) -> Result<Outcome> {
    let records = done.stdout.lines().filter_map(|line| record(topic, line)).collect();
    Ok(Outcome { records, refusal: refusal(done), ..Outcome::default() })
}

fn record(topic: &str, line: &str) -> Option<Record> {
    let mut parts = line.splitn(4, SEPARATOR);
    let partition = parts.next()?.strip_prefix("Partition:")?.parse().ok()?;
    let offset = parts.next()?.strip_prefix("Offset:")?.parse().ok()?;
    let (key, value) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    Some(Record { topic: topic.to_owned(), partition, offset, key, value })
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
            max.block.ms=20000\n"
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

    #[test]
    fn a_line_becomes_a_record() {
        let record = record("t", "Partition:2=Offset:5=k0=value of k0").unwrap();
        assert_eq!((record.partition, record.offset), (2, 5));
        assert_eq!((record.key.as_str(), record.value.as_str()), ("k0", "value of k0"));
    }
}
