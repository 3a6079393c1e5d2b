//! What a partner gets: topics under aliases, one account, limits.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU64;

use crate::names::{AccountName, Alias, BackingTopic, ClusterName, GroupPrefix, ZoneName};
use crate::permission::Permission;

/// A zone that obeys every rule a zone can obey by itself.
///
/// There is at least one topic; no alias occurs twice, nor twice up to `.` and `_`; at most one alias of a backing
/// topic is WRITE. Rules between zones are [`check_zones`](crate::manifest::check_zones)'s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneSpec(ZoneDraft);

/// The fields of a zone before the rules that bind them together are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneDraft {
    /// The technical id.
    pub name: ZoneName,
    /// The upstream cluster that holds the backing topics.
    pub cluster: ClusterName,
    /// The one account that enters this zone.
    pub account: AccountName,
    /// How that account logs in.
    pub authentication: AuthenticationMode,
    /// How its partner may use it.
    pub kind: ZoneKind,
    /// The name shown to people.
    pub display_name: Option<String>,
    /// Why this zone exists.
    pub description: Option<String>,
    /// A page of the partner.
    pub url: Option<String>,
    /// Labels of the owner; no meaning of ours.
    pub labels: BTreeMap<String, String>,
    /// Whom to call.
    pub partner: Option<Partner>,
    /// The topics shared.
    pub topics: Vec<TopicGrant>,
    /// The limits on traffic.
    pub traffic: TrafficPolicies,
}

/// How the partner of a zone may use it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ZoneKind {
    /// READ and WRITE as each topic says; groups and transactional ids are the partner's own, under a prefix that it
    /// does not see.
    #[default]
    Partner,
    /// READ only; groups carry a prefix that the partner sees and has to use, and there are no transactions.
    Share(GroupPrefix),
}

/// How the account of a zone logs in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AuthenticationMode {
    /// With a password, or a certificate that stands for the account.
    #[default]
    Plain,
    /// With a certificate alone; the account has no password and needs no entry in the accounts file.
    Mtls,
    /// With a token of an identity provider alone; the account has no password and needs no entry in the accounts file.
    OauthBearer,
}

/// The person on the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partner {
    /// Name of the person or company.
    pub name: String,
    /// Role, as free text.
    pub role: Option<String>,
    /// E-mail address, as free text.
    pub email: Option<String>,
    /// Phone number, as free text.
    pub phone: Option<String>,
}

/// One backing topic under one alias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicGrant {
    /// The name the partner sees.
    pub alias: Alias,
    /// The real topic.
    pub backing: BackingTopic,
    /// What the partner may do.
    pub permission: Permission,
}

/// Limits per gateway node. `None` is no limit; a manifest's 0 means the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrafficPolicies {
    /// Bytes produced per second.
    pub max_produce_rate: Option<NonZeroU64>,
    /// Bytes consumed per second.
    pub max_consume_rate: Option<NonZeroU64>,
    /// Offset commit requests per minute.
    pub limit_commit_offset: Option<NonZeroU64>,
}

/// A rule of zones that a draft breaks. Numbers are places in the list of topics, from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ZoneProblem {
    /// Nothing is shared.
    #[error("a zone must share at least one topic; add one, or delete the zone")]
    NoTopics,
    /// One alias twice.
    #[error("alias `{alias}` is already used by `topics[{first}]`; give each topic its own alias")]
    DuplicateAlias {
        /// The alias.
        alias: Alias,
        /// Its first use.
        first: usize,
        /// The use that is refused.
        again: usize,
    },
    /// Two aliases that Kafka's metric names cannot tell apart.
    #[error(
        "alias `{alias}` and alias `{other}` of `topics[{first}]` differ only by `.` and `_`, which collide in Kafka's metric names; rename one"
    )]
    AliasesCollide {
        /// The alias that is refused.
        alias: Alias,
        /// The one before it.
        other: Alias,
        /// The place of the one before it.
        first: usize,
        /// The place of the one that is refused.
        again: usize,
    },
    /// A share is for reading.
    #[error("alias `{alias}` is WRITE in a share, which can only be read; make it READ")]
    WritableShare {
        /// The alias.
        alias: Alias,
        /// Its place.
        topic: usize,
    },
    /// Two aliases write into one topic: the sequences of idempotent producers would mix and lose records.
    #[error(
        "backing topic `{backing}` is already WRITE under alias `{writer}`; one zone may write to a topic through one alias only, so make this one READ"
    )]
    TwoWriters {
        /// The topic.
        backing: BackingTopic,
        /// The alias that writes already.
        writer: Alias,
        /// The place of that alias.
        first: usize,
        /// The place of the one that is refused.
        again: usize,
    },
}

impl ZoneProblem {
    /// The place of the topic that has to change; `None` if the list as a whole is wrong.
    pub fn topic(&self) -> Option<usize> {
        match self {
            Self::NoTopics => None,
            Self::DuplicateAlias { again, .. }
            | Self::AliasesCollide { again, .. }
            | Self::TwoWriters { again, .. } => Some(*again),
            Self::WritableShare { topic, .. } => Some(*topic),
        }
    }
}

impl ZoneSpec {
    /// Makes a zone of the draft, or tells every rule it breaks.
    pub fn new(draft: ZoneDraft) -> Result<Self, Vec<ZoneProblem>> {
        let mut problems = topic_problems(draft.topics.iter().enumerate());
        if let ZoneKind::Share(_) = draft.kind {
            let writable = draft.topics.iter().enumerate().filter(|(_, grant)| grant.permission.can_write());
            problems.extend(
                writable
                    .map(|(topic, grant)| ZoneProblem::WritableShare { alias: grant.alias.clone(), topic }),
            );
        }
        if draft.topics.is_empty() {
            problems.push(ZoneProblem::NoTopics);
        }
        if problems.is_empty() { Ok(Self(draft)) } else { Err(problems) }
    }

    /// The technical id.
    pub fn name(&self) -> &ZoneName {
        &self.0.name
    }

    /// The upstream cluster that holds the backing topics.
    pub fn cluster(&self) -> &ClusterName {
        &self.0.cluster
    }

    /// The one account that enters this zone.
    pub fn account(&self) -> &AccountName {
        &self.0.account
    }

    /// How that account logs in.
    pub fn authentication(&self) -> AuthenticationMode {
        self.0.authentication
    }

    /// How its partner may use it.
    pub fn kind(&self) -> &ZoneKind {
        &self.0.kind
    }

    /// The name shown to people.
    pub fn display_name(&self) -> Option<&str> {
        self.0.display_name.as_deref()
    }

    /// Why this zone exists.
    pub fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// A page of the partner.
    pub fn url(&self) -> Option<&str> {
        self.0.url.as_deref()
    }

    /// Labels of the owner.
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.0.labels
    }

    /// Whom to call.
    pub fn partner(&self) -> Option<&Partner> {
        self.0.partner.as_ref()
    }

    /// The topics shared: at least one.
    pub fn topics(&self) -> &[TopicGrant] {
        &self.0.topics
    }

    /// The limits on traffic.
    pub fn traffic(&self) -> &TrafficPolicies {
        &self.0.traffic
    }

    /// The fields, to change them and make a new zone of them.
    pub fn into_draft(self) -> ZoneDraft {
        self.0
    }
}

/// Every rule that binds one topic to another and is broken, in the order given. Numbers are the topics' places.
pub(crate) fn topic_problems<'a>(topics: impl Iterator<Item = (usize, &'a TopicGrant)>) -> Vec<ZoneProblem> {
    let mut problems = Vec::new();
    let mut aliases: HashMap<String, (usize, &Alias)> = HashMap::new();
    let mut writers: HashMap<&BackingTopic, (usize, &Alias)> = HashMap::new();
    for (again, grant) in topics {
        let alias = &grant.alias;
        // Kafka turns `.` into `_` in metric names, so this is the form in which two names must differ.
        match aliases.get(&alias.as_str().replace('.', "_")) {
            Some((first, other)) if *other == alias => {
                problems.push(ZoneProblem::DuplicateAlias { alias: alias.clone(), first: *first, again });
            }
            Some((first, other)) => {
                let (other, first) = ((*other).clone(), *first);
                problems.push(ZoneProblem::AliasesCollide { alias: alias.clone(), other, first, again });
            }
            None => {
                aliases.insert(alias.as_str().replace('.', "_"), (again, alias));
            }
        }
        if !grant.permission.can_write() {
            continue;
        }
        if let Some((first, writer)) = writers.get(&grant.backing) {
            let (backing, writer) = (grant.backing.clone(), (*writer).clone());
            problems.push(ZoneProblem::TwoWriters { backing, writer, first: *first, again });
        } else {
            writers.insert(&grant.backing, (again, alias));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(alias: &str, backing: &str, permission: Permission) -> TopicGrant {
        TopicGrant {
            alias: Alias::parse(alias).unwrap(),
            backing: BackingTopic::parse(backing).unwrap(),
            permission,
        }
    }

    #[test]
    fn one_backing_topic_may_have_one_writer_and_many_readers() {
        use Permission::{Read, Write};
        let topics =
            [grant("a", "t", Write), grant("b", "t", Read), grant("c", "t", Read), grant("t", "u", Write)];
        assert_eq!(topic_problems(topics.iter().enumerate()), []);
    }

    #[test]
    fn every_broken_rule_is_told() {
        use Permission::{Read, Write};
        let topics = [
            grant("a.b", "t", Write),
            grant("a_b", "u", Read),
            grant("a.b", "v", Read),
            grant("d", "t", Write),
        ];
        let problems = topic_problems(topics.iter().enumerate());
        assert_eq!(problems.iter().map(ZoneProblem::topic).collect::<Vec<_>>(), [Some(1), Some(2), Some(3)]);
        assert!(matches!(problems[0], ZoneProblem::AliasesCollide { first: 0, .. }));
        assert!(matches!(problems[1], ZoneProblem::DuplicateAlias { first: 0, .. }));
        assert!(matches!(problems[2], ZoneProblem::TwoWriters { first: 0, .. }));
    }

    #[test]
    fn a_share_is_for_reading() {
        let draft = |permission| ZoneDraft {
            kind: ZoneKind::Share(GroupPrefix::parse("stream-share.ss-1").unwrap()),
            topics: vec![grant("a", "t", Permission::Read), grant("b", "u", permission)],
            ..empty()
        };
        assert!(ZoneSpec::new(draft(Permission::Read)).is_ok());
        let problems = ZoneSpec::new(draft(Permission::Write)).unwrap_err();
        assert_eq!(problems.iter().map(ZoneProblem::topic).collect::<Vec<_>>(), [Some(1)]);
        assert!(GroupPrefix::parse("stream-share.").is_err());
    }

    #[test]
    fn a_zone_without_topics_does_not_exist() {
        assert_eq!(ZoneSpec::new(empty()), Err(vec![ZoneProblem::NoTopics]));
    }

    fn empty() -> ZoneDraft {
        ZoneDraft {
            name: ZoneName::parse("z").unwrap(),
            cluster: ClusterName::parse("c").unwrap(),
            account: AccountName::parse("u").unwrap(),
            authentication: AuthenticationMode::default(),
            kind: ZoneKind::default(),
            display_name: None,
            description: None,
            url: None,
            labels: BTreeMap::new(),
            partner: None,
            topics: Vec::new(),
            traffic: TrafficPolicies::default(),
        }
    }
}
