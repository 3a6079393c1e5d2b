//! One ACL of a Kafka cluster, in Kafka's own words.

use serde::{Deserialize, Serialize};

/// One ACL of a Kafka cluster. Its texts are the broker's, and may hold anything.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AclBinding {
    /// What kind of thing it is about.
    pub resource: AclResource,
    /// How `name` is meant.
    pub pattern: AclPattern,
    /// The thing's name, or how it begins.
    pub name: String,
    /// Whom it is for, as in `User:ann`.
    pub principal: String,
    /// Where they come from; `*` is from anywhere.
    pub host: String,
    /// What they do.
    pub operation: AclOperation,
    /// Whether they may.
    pub permission: AclPermission,
}

/// What kind of thing an ACL is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AclResource {
    /// A topic.
    Topic,
    /// A consumer group.
    Group,
    /// The cluster itself.
    Cluster,
    /// A transactional id.
    TransactionalId,
    /// A delegation token.
    DelegationToken,
    /// A user.
    User,
}

/// How the name in an ACL is meant. A filter knows more of them; an ACL that exists has one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AclPattern {
    /// Exactly that name; `*` is every name.
    Literal,
    /// Every name that begins so.
    Prefixed,
}

/// What an ACL is about doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "each is the operation of that name in Kafka")]
pub enum AclOperation {
    All,
    Read,
    Write,
    Create,
    Delete,
    Alter,
    Describe,
    ClusterAction,
    DescribeConfigs,
    AlterConfigs,
    IdempotentWrite,
    CreateTokens,
    DescribeTokens,
}

/// Whether an ACL gives or takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AclPermission {
    /// They may.
    Allow,
    /// They may not, whatever else allows it.
    Deny,
}
