//! One rule per kind of name.

use super::error::{NameError, Shown};

/// What a name of one kind may look like.
pub(super) struct Rule {
    kind: &'static str,
    max: usize,
    allows: fn(char) -> bool,
    allowed: &'static str,
    reserved: fn(&str) -> Option<&'static str>,
}

impl Rule {
    /// The first thing that is wrong with the text, if any.
    pub(super) fn check(&self, text: &str) -> Result<(), NameError> {
        let kind = self.kind;
        let name = || Shown::of(text);
        let length = text.chars().count();
        if length == 0 {
            return Err(NameError::Empty { kind, max: self.max });
        }
        if length > self.max {
            return Err(NameError::TooLong { kind, name: name(), length, max: self.max });
        }
        if let Some((index, character)) = text.chars().enumerate().find(|(_, c)| !(self.allows)(*c)) {
            let allowed = self.allowed;
            return Err(NameError::Character { kind, name: name(), character, place: index + 1, allowed });
        }
        match (self.reserved)(text) {
            Some(why) => Err(NameError::Reserved { kind, name: name(), why }),
            None => Ok(()),
        }
    }
}

pub(super) const ALIAS: Rule = Rule {
    kind: "topic alias",
    max: KAFKA_TOPIC_MAX,
    allows: topic_character,
    allowed: TOPIC_CHARACTERS,
    reserved: dots,
};

pub(super) const BACKING_TOPIC: Rule = Rule {
    kind: "backing topic name",
    max: KAFKA_TOPIC_MAX,
    allows: topic_character,
    allowed: TOPIC_CHARACTERS,
    reserved: dots_or_internal,
};

pub(super) const ZONE: Rule = Rule {
    kind: "zone name",
    max: 63,
    allows: |c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.'),
    allowed: "lower-case letters, digits, `_`, `-` and `.`",
    reserved: dots,
};

pub(super) const ACCOUNT: Rule = Rule {
    kind: "account name",
    max: 128,
    allows: |c| c.is_ascii_graphic() && !matches!(c, ',' | '='),
    allowed: "printable ASCII characters without space, `,` and `=`",
    reserved: |_| None,
};

/// A dot joins the prefix to the rest of a group, so it may not end in one.
pub(super) const GROUP_PREFIX: Rule = Rule {
    kind: "group prefix",
    max: 128,
    allows: topic_character,
    allowed: TOPIC_CHARACTERS,
    reserved: |text| {
        text.ends_with('.').then_some("ends in `.`, which comes after the prefix by itself; leave it out")
    },
};

pub(super) const CREDENTIAL: Rule = Rule {
    kind: "credential id",
    max: 63,
    allows: topic_character,
    allowed: TOPIC_CHARACTERS,
    reserved: dots,
};

pub(super) const CLUSTER: Rule = Rule {
    kind: "cluster name",
    max: 63,
    allows: topic_character,
    allowed: TOPIC_CHARACTERS,
    reserved: dots,
};

pub(super) const LISTENER: Rule = Rule {
    kind: "listener name",
    max: 63,
    allows: topic_character,
    allowed: TOPIC_CHARACTERS,
    reserved: dots,
};

pub(super) const PROVIDER: Rule = Rule {
    kind: "identity provider name",
    max: 63,
    allows: topic_character,
    allowed: TOPIC_CHARACTERS,
    reserved: dots,
};

fn topic_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

/// Kafka keeps topics as folders, where these two mean something else; in a URL they do as well.
fn dots(text: &str) -> Option<&'static str> {
    matches!(text, "." | "..").then_some("is a relative path, not a name; choose another name")
}

/// Kafka's own topics (offsets, transaction state, share state) all begin with two underscores.
fn dots_or_internal(text: &str) -> Option<&'static str> {
    dots(text).or_else(|| {
        text.starts_with("__")
            .then_some("begins with `__`, which is kept for Kafka's own topics; choose another topic")
    })
}

/// Kafka's limit: the name, a dash and the partition must fit into a folder name.
const KAFKA_TOPIC_MAX: usize = 249;
const TOPIC_CHARACTERS: &str = "letters, digits, `.`, `_` and `-`";
