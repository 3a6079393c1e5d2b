//! One rule per kind of name.

use super::error::{NameError, Shown};

/// What a name of one kind may look like.
pub(super) struct Rule {
    pub(super) kind: &'static str,
    pub(super) max: usize,
    pub(super) allows: fn(char) -> bool,
    pub(super) allowed: &'static str,
    pub(super) reserved: fn(&str) -> Option<&'static str>,
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

/// As stream sharing writes it. It is a zone name too, since a share that is redeemed becomes a zone.
pub(super) const SHARE: Rule = Rule {
    kind: "share id",
    max: 63,
    allows: |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-',
    allowed: "lower-case letters, digits and `-`",
    reserved: |text| {
        let is_share = text.strip_prefix("ss-").is_some_and(|rest| !rest.is_empty());
        (!is_share).then_some("is not `ss-` with something behind it; copy the whole id")
    },
};

/// Registries allow nearly anything; what cannot be printed helps nobody.
pub(super) const SUBJECT: Rule = Rule {
    kind: "schema subject",
    max: 255,
    allows: |c| !c.is_control(),
    allowed: "printable characters",
    reserved: |_| None,
};

pub(super) const LINK: Rule =
    Rule { kind: "link name", max: 200, allows: topic_character, allowed: TOPIC_CHARACTERS, reserved: dots };

pub(super) const LINK_CONFIG: Rule = Rule {
    kind: "link config name",
    max: 128,
    allows: topic_character,
    allowed: TOPIC_CHARACTERS,
    reserved: dots,
};

pub(super) const CLUSTER_ID: Rule =
    Rule { kind: "cluster id", max: 128, allows: topic_character, allowed: TOPIC_CHARACTERS, reserved: dots };

pub(super) const SOURCE_TOPIC: Rule = Rule {
    kind: "source topic name",
    max: KAFKA_TOPIC_MAX,
    allows: topic_character,
    allowed: TOPIC_CHARACTERS,
    reserved: dots_or_internal,
};

pub(super) const MIRROR_TOPIC: Rule = Rule {
    kind: "mirror topic name",
    max: KAFKA_TOPIC_MAX,
    allows: topic_character,
    allowed: TOPIC_CHARACTERS,
    reserved: dots_or_internal,
};

/// Long enough for what it is about, such as a link.
pub(super) const LEASE: Rule = Rule {
    kind: "lease name",
    max: 255,
    allows: |c| c.is_ascii_graphic(),
    allowed: "printable ASCII characters without space",
    reserved: |_| None,
};

pub(super) const HOLDER: Rule = Rule {
    kind: "holder of a lease",
    max: 128,
    allows: |c| c.is_ascii_graphic(),
    allowed: "printable ASCII characters without space",
    reserved: |_| None,
};

/// An API key is one, and stands before the `:` of HTTP Basic.
pub(super) const TOKEN: Rule = Rule {
    kind: "token id",
    max: 63,
    allows: |c| c.is_ascii_alphanumeric() || c == '-',
    allowed: "letters, digits and `-`",
    reserved: |_| None,
};

/// Words of people stand in records beside secrets, and must not look like one: it would be opened when keys change.
pub(super) const LABEL: Rule = Rule {
    kind: "label",
    max: 128,
    allows: |c| !c.is_control(),
    allowed: "printable characters",
    reserved: |text| {
        text.starts_with("sealed:").then_some("begins with `sealed:`, which marks secrets; use other words")
    },
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
