//! What a client saw.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// Everything that one run of a client reported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The topics it listed, internal ones left out, sorted.
    pub topics: Vec<String>,
    /// The topic it described.
    pub topic: Option<Topic>,
    /// The records that were acknowledged; the console producer and kcat do not tell.
    pub produced: Vec<Produced>,
    /// The records it read, in the order in which they came.
    pub records: Vec<Record>,
    /// Whether it committed its offsets; the console consumer and kcat do not tell.
    pub committed: bool,
    /// The groups it listed, sorted.
    pub groups: Vec<String>,
    /// The group it described.
    pub group: Option<Group>,
    /// The first error of the other side.
    pub refusal: Option<Refusal>,
}

impl Outcome {
    /// Keys and values read, sorted: partitions have no order between them.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let mut pairs: Vec<_> =
            self.records.iter().map(|record| (record.key.clone(), record.value.clone())).collect();
        pairs.sort();
        pairs
    }

    /// Itself, or an error if the other side refused anything.
    pub fn accepted(self) -> Result<Self> {
        ensure!(self.refusal.is_none(), "refused: {:?}", self.refusal);
        Ok(self)
    }

    /// The name of the Kafka error that the other side gave.
    pub fn refused_with(&self) -> Option<&str> {
        self.refusal.as_ref().map(|refusal| refusal.name.as_str())
    }
}

/// A topic, described.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// How many partitions it has.
    pub partitions: usize,
}

/// An acknowledged record.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Produced {
    /// Where it was written.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
}

/// A record that was read.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Record {
    /// The topic, as the client named it; empty where the tool does not tell.
    pub topic: String,
    /// Its partition; -1 where the tool does not tell.
    pub partition: i32,
    /// Its offset; -1 where the tool does not tell.
    pub offset: i64,
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// A consumer group, described.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its state, in the client's words, as in "Stable".
    pub state: String,
    /// How many members it has.
    pub members: usize,
    /// Topics that members are assigned or that have committed offsets, sorted.
    pub topics: Vec<String>,
}

/// An error code of the Kafka protocol.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Refusal {
    /// The code; 0 where the tool does not tell.
    pub code: i16,
    /// The name, as in TOPIC_AUTHORIZATION_FAILED.
    pub name: String,
    /// The client's own words.
    pub message: String,
}

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Line {
    Topics { names: Vec<String> },
    Topic(Topic),
    Produced(Produced),
    Record(Record),
    Committed,
    Groups { names: Vec<String> },
    Group(Group),
    Error(Refusal),
}

/// Reads the JSON lines of a client program; other lines are the log of its library.
pub(super) fn parse(stdout: &str) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for line in stdout.lines().filter(|line| line.starts_with('{')) {
        match serde_json::from_str(line).with_context(|| format!("not a line of a client: {line}"))? {
            Line::Topics { mut names } => {
                names.retain(|name| !name.starts_with("__"));
                names.sort();
                outcome.topics = names;
            }
            Line::Topic(topic) => outcome.topic = Some(topic),
            Line::Produced(produced) => outcome.produced.push(produced),
            Line::Record(record) => outcome.records.push(record),
            Line::Committed => outcome.committed = true,
            Line::Groups { mut names } => {
                names.sort();
                outcome.groups = names;
            }
            Line::Group(group) => outcome.group = Some(group),
            Line::Error(refusal) => {
                outcome.refusal.get_or_insert(refusal);
            }
        }
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_an_outcome() {
        let outcome = parse(
            r#"{"event":"topics","names":["b","a","__consumer_offsets"]}
{"event":"produced","topic":"a","partition":0,"offset":7}
{"event":"record","topic":"a","partition":1,"offset":2,"key":"k","value":"v"}
{"event":"committed"}
{"event":"error","code":29,"name":"TOPIC_AUTHORIZATION_FAILED","message":"no"}
{"event":"error","code":3,"name":"UNKNOWN_TOPIC_OR_PARTITION","message":"later"}"#,
        )
        .unwrap();
        assert_eq!(outcome.topics, ["a", "b"]);
        assert_eq!(outcome.produced[0].offset, 7);
        assert_eq!(outcome.pairs(), [("k".to_owned(), "v".to_owned())]);
        assert!(outcome.committed);
        assert_eq!(outcome.refused_with(), Some("TOPIC_AUTHORIZATION_FAILED"));
    }

    #[test]
    fn log_lines_are_passed_over_and_unknown_events_are_not() {
        let outcome = parse("12:00:00 WARN a library speaks\n{\"event\":\"committed\"}").unwrap();
        assert!(outcome.committed);
        assert!(parse(r#"{"event":"nonsense"}"#).is_err());
        assert!(parse("{").is_err());
    }
}
