//! The console producer and consumer.

use std::fmt::Write as _;

use anyhow::Result;

use super::{Tools, refusal};
use crate::clients::{LIMIT, Outcome, Record, records};
use crate::process;

/// What the tools print between key and value.
const SEPARATOR: char = '=';

/// The producer says in words that a record was not written, and still ends with 0.
pub(super) fn produce(tools: &Tools<'_>, topic: &str, count: usize, keys: &str) -> Result<Outcome> {
    let mut tool = tools.tool("ConsoleProducer", "--producer.config")?;
    tool.args(["--topic", topic, "--property", "parse.key=true", "--property", "key.separator=="]);
    let input = records(keys, count).into_iter().fold(String::new(), |mut text, (key, value)| {
        let _ = writeln!(text, "{key}{SEPARATOR}{value}");
        text
    });
    let done = process::run_with_input(&tool, LIMIT, &input)?;
    Ok(Outcome { refusal: refusal(&done), ..Outcome::default() })
}

/// Lines such as `Partition:0=Offset:3=key=value`.
pub(super) fn consume(
    tools: &Tools<'_>,
    topic: &str,
    group: &str,
    count: usize,
    more: &[&str],
) -> Result<Outcome> {
    let mut tool = tools.tool("consumer.ConsoleConsumer", "--consumer.config")?;
    tool.args(["--topic", topic, "--group", group]).args(more);
    tool.args(["--max-messages", &count.to_string(), "--timeout-ms", "30000", "--from-beginning"]);
    tool.args(["--property", "print.key=true", "--property", "key.separator=="]);
    tool.args(["--property", "print.partition=true", "--property", "print.offset=true"]);
    let done = process::run(&tool, LIMIT)?;
    let records = done.stdout.lines().filter_map(|line| record(topic, line)).collect();
    Ok(Outcome { records, refusal: refusal(&done), ..Outcome::default() })
}

fn record(topic: &str, line: &str) -> Option<Record> {
    let mut parts = line.splitn(4, SEPARATOR);
    let partition = parts.next()?.strip_prefix("Partition:")?.parse().ok()?;
    let offset = parts.next()?.strip_prefix("Offset:")?.parse().ok()?;
    let (key, value) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    Some(Record { topic: topic.to_owned(), partition, offset, key, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_becomes_a_record() {
        let record = record("t", "Partition:2=Offset:5=k0=value of k0").unwrap();
        assert_eq!((record.partition, record.offset), (2, 5));
        assert_eq!((record.key.as_str(), record.value.as_str()), ("k0", "value of k0"));
    }
}
