//! kafka-consumer-groups.

use std::process::Command;

use anyhow::Result;

use super::{Tools, run_tool};
use crate::clients::{Group, Outcome};

pub(super) fn list(tools: &Tools<'_>) -> Result<Outcome> {
    let mut tool = tool(tools)?;
    tool.arg("--list");
    let (done, refusal) = run_tool(&tool)?;
    let mut groups: Vec<String> =
        done.stdout.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
    groups.sort();
    Ok(Outcome { groups, refusal, ..Outcome::default() })
}

/// Two calls, because the tool shows one table at a time.
pub(super) fn describe(tools: &Tools<'_>, group: &str) -> Result<Outcome> {
    let mut described = Vec::new();
    for table in ["--state", "--offsets"] {
        let mut tool = tool(tools)?;
        tool.args(["--describe", "--group", group, table]);
        let (done, refusal) = run_tool(&tool)?;
        if refusal.is_some() {
            return Ok(Outcome { refusal, ..Outcome::default() });
        }
        described.push(done.stdout);
    }
    let group = described.first().and_then(|text| state(text, group)).map(|(state, members)| {
        let topics = described.get(1).map(|text| topics(text, group)).unwrap_or_default();
        Group { name: group.to_owned(), state, members, topics }
    });
    Ok(Outcome { group, ..Outcome::default() })
}

pub(super) fn reset_offsets(tools: &Tools<'_>, group: &str, topic: &str) -> Result<Outcome> {
    let mut tool = tool(tools)?;
    tool.args(["--reset-offsets", "--to-earliest", "--execute", "--group", group, "--topic", topic]);
    let (done, refusal) = run_tool(&tool)?;
    let committed = rows(&done.stdout, group).any(|row| row.get(1) == Some(&topic));
    Ok(Outcome { committed, refusal, ..Outcome::default() })
}

pub(super) fn delete(tools: &Tools<'_>, group: &str) -> Result<Outcome> {
    let mut tool = tool(tools)?;
    tool.args(["--delete", "--group", group]);
    let (_, refusal) = run_tool(&tool)?;
    Ok(Outcome { refusal, ..Outcome::default() })
}

fn tool(tools: &Tools<'_>) -> Result<Command> {
    tools.tool("consumer.group.ConsumerGroupCommand", "--command-config")
}

/// The last two columns, `STATE` and `#MEMBERS`; one before them may be empty.
fn state(text: &str, group: &str) -> Option<(String, usize)> {
    let row = rows(text, group).next()?;
    let (members, rest) = row.split_last()?;
    Some(((*rest.last()?).to_owned(), members.parse().ok()?))
}

/// The second column, `TOPIC`; a member without a partition has a dash there.
fn topics(text: &str, group: &str) -> Vec<String> {
    let mut topics: Vec<String> = rows(text, group)
        .filter_map(|row| row.get(1).map(|&topic| topic.to_owned()))
        .filter(|topic| topic != "-")
        .collect();
    topics.sort();
    topics.dedup();
    topics
}

/// The rows of a table that begin with the group's name.
fn rows<'a>(text: &'a str, group: &'a str) -> impl Iterator<Item = Vec<&'a str>> {
    text.lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(move |row| row.first() == Some(&group))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read() {
        let table = "\nGROUP  COORDINATOR (ID)  ASSIGNMENT-STRATEGY  STATE  #MEMBERS\n\
                     g1     10.0.0.1:9092 (1)                      Empty  0\n";
        assert_eq!(state(table, "g1"), Some(("Empty".to_owned(), 0)));
        let table = "\nGROUP  TOPIC  PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG  CONSUMER-ID  HOST  CLIENT-ID\n\
                     g1     b      0          4               10              6    -            -     -\n\
                     g1     a      1          4               10              6    -            -     -\n\
                     g1     a      0          4               10              6    -            -     -\n\
                     g1     -      -          -               -               -    m            h     c\n";
        assert_eq!(topics(table, "g1"), ["a", "b"]);
    }
}
