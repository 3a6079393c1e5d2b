//! kafka-topics.

use anyhow::Result;

use super::{Tools, refusal, run_tool};
use crate::clients::{LIMIT, Outcome, Refusal, Topic};
use crate::process;

const TOOL: &str = "TopicCommand";

pub(super) fn list(tools: &Tools<'_>) -> Result<Outcome> {
    let mut tool = tools.tool(TOOL, "--command-config")?;
    tool.arg("--list");
    let (done, refusal) = run_tool(&tool)?;
    let names = done.stdout.lines().filter(|name| !name.is_empty() && !name.starts_with("__"));
    let mut topics: Vec<String> = names.map(str::to_owned).collect();
    topics.sort();
    Ok(Outcome { topics, refusal, ..Outcome::default() })
}

pub(super) fn describe(tools: &Tools<'_>, topic: &str) -> Result<Outcome> {
    let mut tool = tools.tool(TOOL, "--command-config")?;
    tool.args(["--describe", "--topic", topic]);
    let done = process::run(&tool, LIMIT)?;
    // The tool lists the topics first and says in words of its own that the name is not among them.
    let absent = done.stdout.lines().find(|line| line.contains("does not exist as expected"));
    let absent = absent.map(|line| Refusal {
        code: 0,
        name: "UNKNOWN_TOPIC_OR_PARTITION".to_owned(),
        message: line.to_owned(),
    });
    let topic = done.stdout.lines().find_map(described);
    let refusal = refusal(&done).or(absent);
    anyhow::ensure!(topic.is_some() || refusal.is_some(), "{}\n{}", done.stdout, done.stderr);
    Ok(Outcome { topic, refusal, ..Outcome::default() })
}

/// `Topic: t TopicId: Ce4S... PartitionCount: 2 ReplicationFactor: 1 Configs: ...`, with tabs.
fn described(line: &str) -> Option<Topic> {
    let field = |name: &str| line.split('\t').find_map(|field| field.trim().strip_prefix(name));
    let partitions = field("PartitionCount: ")?.parse().ok()?;
    Some(Topic { name: field("Topic: ")?.to_owned(), partitions })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_tells_the_partitions() {
        let line =
            "Topic: t1\tTopicId: Ce4SE_NzTLi6QxLWkW0VCg\tPartitionCount: 2\tReplicationFactor: 1\tConfigs: ";
        assert_eq!(described(line), Some(Topic { name: "t1".to_owned(), partitions: 2 }));
        assert_eq!(described("\tTopic: t1\tPartition: 0\tLeader: 1"), None);
    }
}
