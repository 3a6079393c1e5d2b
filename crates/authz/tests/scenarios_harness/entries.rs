//! Which entries a request asks for and which an answer has: a client that misses one asks again for ever.

use std::collections::BTreeSet;

use serde_json::Value;
use tidegate_wire::api::ApiKey;

use super::cases::Played;

/// Where the entries are, level by level: `list:name` is a field of each struct of a list, `list` the list's
/// own elements.
struct Where {
    key: ApiKey,
    asked: &'static [&'static str],
    answered: &'static [&'static str],
}

impl Where {
    /// Whether an entry is a partition or a topic: groups may be named twice.
    fn is_of_topics(&self) -> bool {
        self.asked.len() > 1 || self.key == ApiKey::DescribeConfigs
    }
}

const ENTRIES: &[Where] = &[
    at(
        ApiKey::Produce,
        &["TopicData:Name", "PartitionData:Index"],
        &["Responses:Name", "PartitionResponses:Index"],
    ),
    at(
        ApiKey::Produce,
        &["TopicData:TopicId", "PartitionData:Index"],
        &["Responses:TopicId", "PartitionResponses:Index"],
    ),
    at(
        ApiKey::Fetch,
        &["Topics:Topic", "Partitions:Partition"],
        &["Responses:Topic", "Partitions:PartitionIndex"],
    ),
    at(
        ApiKey::Fetch,
        &["Topics:TopicId", "Partitions:Partition"],
        &["Responses:TopicId", "Partitions:PartitionIndex"],
    ),
    at(ApiKey::ListOffsets, TOPICS, TOPICS),
    at(ApiKey::Metadata, &["Topics:Name"], &["Topics:Name"]),
    at(
        ApiKey::OffsetForLeaderEpoch,
        &["Topics:Topic", "Partitions:Partition"],
        &["Topics:Topic", "Partitions:Partition"],
    ),
    at(ApiKey::OffsetCommit, TOPICS, TOPICS),
    at(ApiKey::OffsetFetch, &["Topics:Name", "PartitionIndexes"], TOPICS),
    at(ApiKey::OffsetFetch, &["Groups:GroupId"], &["Groups:GroupId"]),
    at(
        ApiKey::OffsetFetch,
        &["Groups:GroupId", "Topics:Name", "PartitionIndexes"],
        &["Groups:GroupId", "Topics:Name", "Partitions:PartitionIndex"],
    ),
    at(ApiKey::FindCoordinator, &["CoordinatorKeys"], &["Coordinators:Key"]),
    at(ApiKey::DescribeGroups, &["Groups"], &["Groups:GroupId"]),
    at(ApiKey::ConsumerGroupDescribe, &["GroupIds"], &["Groups:GroupId"]),
    at(ApiKey::DeleteGroups, &["GroupsNames"], &["Results:GroupId"]),
    at(ApiKey::OffsetDelete, TOPICS, TOPICS),
    at(
        ApiKey::AddPartitionsToTxn,
        &["V3AndBelowTopics:Name", "Partitions"],
        &["ResultsByTopicV3AndBelow:Name", "ResultsByPartition:PartitionIndex"],
    ),
    at(ApiKey::TxnOffsetCommit, TOPICS, TOPICS),
    at(ApiKey::ConsumerGroupHeartbeat, &["TopicPartitions:TopicId", "Partitions"], NO_PROMISE),
    at(ApiKey::DescribeConfigs, &["Resources:ResourceName"], &["Results:ResourceName"]),
];

/// No answer is promised for each entry asked for.
const NO_PROMISE: &[&str] = &[];
const TOPICS: &[&str] = &["Topics:Name", "Partitions:PartitionIndex"];

const fn at(key: ApiKey, asked: &'static [&'static str], answered: &'static [&'static str]) -> Where {
    Where { key, asked, answered }
}

/// Entries that the client asked for and did not get.
pub(crate) fn missing(played: &Played, answer: &Value) -> Vec<String> {
    let mut missing = Vec::new();
    for place in ENTRIES.iter().filter(|place| place.key == played.scenario.key) {
        if place.answered.is_empty() || has_error(answer) {
            continue;
        }
        let mut refused = BTreeSet::new();
        let mut answered = Vec::new();
        collect(answer, place.answered, "", &mut answered, &mut refused);
        let mut asked = Vec::new();
        collect(&played.client, place.asked, "", &mut asked, &mut BTreeSet::new());
        asked.retain(|entry| {
            !answered.contains(entry) && !refused.iter().any(|whole| entry.starts_with(whole.as_str()))
        });
        missing.extend(asked.iter().map(|entry| format!("the answer has no entry for {entry}")));
    }
    missing
}

/// Backing partitions that one upstream request names twice.
pub(crate) fn repeated(key: ApiKey, upstream: &Value) -> impl Iterator<Item = String> {
    let mut seen = BTreeSet::new();
    let mut twice = Vec::new();
    for place in ENTRIES.iter().filter(|place| place.key == key && place.is_of_topics()) {
        let mut asked = Vec::new();
        collect(upstream, place.asked, "", &mut asked, &mut BTreeSet::new());
        let place = place.asked.join(".");
        twice.extend(asked.into_iter().filter(|entry| !seen.insert(format!("{place} {entry}"))));
    }
    twice.into_iter()
}

/// The last level of an entry that an answer has.
pub(crate) struct Answered<'a> {
    pub(crate) topic: &'a Value,
    /// The field that names the topic.
    pub(crate) field: &'a str,
    pub(crate) code: i16,
}

/// Calls `each` with every entry of an answer that belongs to a topic.
pub(crate) fn answered(key: ApiKey, answer: &Value, each: &mut dyn FnMut(Answered<'_>)) {
    for place in ENTRIES.iter().filter(|place| place.key == key) {
        each_code(answer, place.answered, None, each);
    }
}

fn each_code<'a>(
    value: &'a Value,
    levels: &[&'static str],
    named: Option<(&'static str, &'a Value)>,
    each: &mut dyn FnMut(Answered<'_>),
) {
    let Some((level, deeper)) = levels.split_first() else { return };
    let (list, name) = level.split_once(':').unwrap_or((level, ""));
    for element in list_of(value, list) {
        let is_topic = matches!(name, "Name" | "Topic" | "TopicId");
        let named =
            if is_topic && !is_nothing(&element[name]) { Some((name, &element[name])) } else { named };
        each_code(element, deeper, named, each);
        if let (true, Some((field, topic))) = (deeper.is_empty(), named) {
            let code = element.get("ErrorCode").or(element.get("PartitionErrorCode")).and_then(Value::as_i64);
            let code = i16::try_from(code.unwrap_or(0)).expect("a code");
            each(Answered { topic, field, code });
        }
    }
}

fn list_of<'a>(value: &'a Value, list: &str) -> &'a [Value] {
    value[list].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Null, or the id that stands where a name is used.
fn is_nothing(name: &Value) -> bool {
    name.is_null() || name.as_str().is_some_and(|id| id.len() == 32 && id.bytes().all(|digit| digit == b'0'))
}

fn has_error(value: &Value) -> bool {
    value["ErrorCode"].as_i64().is_some_and(|code| code != 0)
}

fn collect(
    value: &Value,
    levels: &[&str],
    before: &str,
    found: &mut Vec<String>,
    refused: &mut BTreeSet<String>,
) {
    let Some((level, deeper)) = levels.split_first() else { return };
    let (list, name) = level.split_once(':').unwrap_or((level, ""));
    for element in list_of(value, list) {
        let own = if name.is_empty() { element } else { &element[name] };
        if own.is_null() {
            continue;
        }
        let entry = format!("{before}{own}/");
        if deeper.is_empty() {
            found.push(entry);
        } else {
            if has_error(element) {
                refused.insert(entry.clone());
            }
            collect(element, deeper, &entry, found, refused);
        }
    }
}
