//! The configs of a mirror topic that belong to the link.

use std::collections::BTreeMap;

/// Configs of a topic by name, as brokers tell them.
pub(super) type Configs = BTreeMap<String, String>;

/// How long a config belongs to the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owned {
    /// As long as the topic is a mirror: without it, what is copied is something else than the source.
    Always,
    /// Until the mirror has caught up; then it is as at the source.
    UntilCaughtUp,
}

/// What a config of a mirror has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    Fixed(&'static str),
    /// The source's with room on top: what is written anew may be larger than it was.
    Roomy,
}

/// A config that belongs to the link.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Its name at brokers.
    pub name: &'static str,
    /// How long.
    pub owned: Owned,
    value: Value,
}

/// Every config that belongs to the link.
pub const CONFIGS: [Config; 8] = [
    // The broker's own time would stand in the place of the records'.
    always("message.timestamp.type", Value::Fixed("CreateTime")),
    // Records of any age, and of the future, are what they are at the source.
    always("message.timestamp.before.max.ms", Value::Fixed(FOR_EVER)),
    always("message.timestamp.after.max.ms", Value::Fixed(FOR_EVER)),
    // Another codec would pack every batch anew, and no filler would be known again.
    always("compression.type", Value::Fixed("producer")),
    always(MAX_MESSAGE_BYTES, Value::Roomy),
    // Old records go within one check, also while newer ones are still to come.
    until_caught_up("retention.ms", "-1"),
    until_caught_up("retention.bytes", "-1"),
    // A log that is compacted takes no filler without a key, and its beginning cannot be set by deleting.
    until_caught_up("cleanup.policy", "delete"),
];

const FOR_EVER: &str = "9223372036854775807";
const MAX_MESSAGE_BYTES: &str = "max.message.bytes";

/// What brokers take by default.
const DEFAULT_MAX_MESSAGE_BYTES: i64 = 1_048_588;

/// A run is at worst as large as its records are when they are decompressed; twice the source's limit is enough for all that was
/// packed as usual, and what is refused is told.
const ROOM: i64 = 2;

const fn always(name: &'static str, value: Value) -> Config {
    Config { name, owned: Owned::Always, value }
}

const fn until_caught_up(name: &'static str, value: &'static str) -> Config {
    Config { name, owned: Owned::UntilCaughtUp, value: Value::Fixed(value) }
}

impl Config {
    /// What it has to be while it belongs to the link.
    pub(super) fn value(&self, source: &Configs) -> String {
        match self.value {
            Value::Fixed(value) => value.to_owned(),
            Value::Roomy => {
                let told = source.get(self.name).and_then(|value| value.parse().ok());
                let bytes: i64 = told.unwrap_or(DEFAULT_MAX_MESSAGE_BYTES);
                bytes.saturating_mul(ROOM).clamp(0, i32::MAX.into()).to_string()
            }
        }
    }
}

/// Whether a topic bears what every mirror does that a link has made: one that does not is somebody else's, or was made by hand.
#[must_use]
pub fn is_made_by_a_link(configs: &BTreeMap<String, String>) -> bool {
    let fixed = CONFIGS.iter().filter_map(|config| match (config.owned, config.value) {
        (Owned::Always, Value::Fixed(value)) => Some((config.name, value)),
        _ => None,
    });
    fixed.into_iter().all(|(name, value)| configs.get(name).is_some_and(|has| has == value))
}

/// A config that is not what it will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its name.
    pub name: &'static str,
    /// What it is until then.
    pub now: String,
    /// What it is at the source, and will be.
    pub then: String,
}

/// For people: the configs that wait for the mirror to catch up.
#[must_use]
pub fn held(source: &BTreeMap<String, String>) -> Vec<Held> {
    let waiting = CONFIGS.iter().filter(|config| config.owned == Owned::UntilCaughtUp);
    let held = waiting.filter_map(|config| {
        let (now, then) = (config.value(source), source.get(config.name)?.clone());
        (now != then).then_some(Held { name: config.name, now, then })
    });
    held.collect()
}
