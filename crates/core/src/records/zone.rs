//! A zone as it is kept.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::json::{self, Migration};
use super::{Moment, RecordError, Recorded, Sealing, Unknown};
use crate::names::{AccountName, Alias, BackingTopic, ClusterName, GroupPrefix, ZoneName};
use crate::permission::Permission;
use crate::store::{Body, Kind, Record, Sealer};
use crate::zone::{AuthenticationMode, Partner, TopicGrant, TrafficPolicies, ZoneDraft, ZoneKind, ZoneSpec};
use crate::zone_id::ZoneId;

/// A zone and what the store knows of it. Its record's id is its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneRecord {
    /// What its keys and ledgers are bound to. A zone that is deleted and made again is another one: whoever gets its name
    /// next must not find the groups of the partner before.
    pub id: ZoneId,
    /// What its owner wants.
    pub spec: ZoneSpec,
    /// When it was made.
    pub created: Moment,
    /// When it was changed last.
    pub updated: Moment,
    /// Fields of a later version.
    pub unknown: Unknown,
}

const MIGRATIONS: [Migration; 0] = [];

#[derive(Serialize, Deserialize)]
struct ZoneBody {
    id: Uuid,
    cluster: ClusterName,
    account: AccountName,
    authentication: Authentication,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    share: Option<GroupPrefix>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    partner: Option<PartnerBody>,
    topics: Vec<TopicBody>,
    #[serde(default)]
    traffic: TrafficBody,
    created: Moment,
    updated: Moment,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Authentication {
    Plain,
    Mtls,
    OauthBearer,
}

#[derive(Serialize, Deserialize)]
struct PartnerBody {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct TopicBody {
    alias: Alias,
    backing: BackingTopic,
    permission: PermissionBody,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum PermissionBody {
    Read,
    Write,
}

#[derive(Default, Serialize, Deserialize)]
struct TrafficBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_produce_rate: Option<NonZeroU64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_consume_rate: Option<NonZeroU64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit_commit_offset: Option<NonZeroU64>,
}

impl Recorded for ZoneRecord {
    const KIND: Kind = Kind::ZONE;

    fn id(&self) -> String {
        self.spec.name().to_string()
    }

    fn to_body(&self, _sealing: &Sealing<'_>) -> Result<Body, RecordError> {
        json::write(&self.key()?, &ZoneBody::from(self), &MIGRATIONS)
    }

    fn from_record(record: &Record, _sealer: &Sealer) -> Result<Self, RecordError> {
        let body: ZoneBody = json::read(record, &MIGRATIONS)?;
        let name = ZoneName::parse(record.key.id()).map_err(|error| RecordError::malformed(record, error))?;
        let (id, created, updated) = (ZoneId::from_bytes(body.id.into_bytes()), body.created, body.updated);
        let unknown = body.unknown.clone();
        let spec = ZoneSpec::new(body.into_draft(name)).map_err(|problems| {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            RecordError::malformed(record, problems.join("; "))
        })?;
        Ok(Self { id, spec, created, updated, unknown })
    }
}

impl From<&ZoneRecord> for ZoneBody {
    fn from(record: &ZoneRecord) -> Self {
        let spec = &record.spec;
        let partner = spec.partner().map(|partner| PartnerBody {
            name: partner.name.clone(),
            role: partner.role.clone(),
            email: partner.email.clone(),
            phone: partner.phone.clone(),
        });
        let topics = spec.topics().iter().map(|grant| TopicBody {
            alias: grant.alias.clone(),
            backing: grant.backing.clone(),
            permission: if grant.permission.can_write() {
                PermissionBody::Write
            } else {
                PermissionBody::Read
            },
        });
        let traffic = spec.traffic();
        Self {
            id: Uuid::from_bytes(*record.id.as_bytes()),
            cluster: spec.cluster().clone(),
            account: spec.account().clone(),
            authentication: match spec.authentication() {
                AuthenticationMode::Plain => Authentication::Plain,
                AuthenticationMode::Mtls => Authentication::Mtls,
                AuthenticationMode::OauthBearer => Authentication::OauthBearer,
            },
            share: match spec.kind() {
                ZoneKind::Share(prefix) => Some(prefix.clone()),
                ZoneKind::Partner => None,
            },
            display_name: spec.display_name().map(str::to_owned),
            description: spec.description().map(str::to_owned),
            url: spec.url().map(str::to_owned),
            labels: spec.labels().clone(),
            partner,
            topics: topics.collect(),
            traffic: TrafficBody {
                max_produce_rate: traffic.max_produce_rate,
                max_consume_rate: traffic.max_consume_rate,
                limit_commit_offset: traffic.limit_commit_offset,
            },
            created: record.created,
            updated: record.updated,
            unknown: record.unknown.clone(),
        }
    }
}

impl ZoneBody {
    fn into_draft(self, name: ZoneName) -> ZoneDraft {
        let topics = self.topics.into_iter().map(|topic| TopicGrant {
            alias: topic.alias,
            backing: topic.backing,
            permission: match topic.permission {
                PermissionBody::Read => Permission::Read,
                PermissionBody::Write => Permission::Write,
            },
        });
        ZoneDraft {
            name,
            cluster: self.cluster,
            account: self.account,
            authentication: match self.authentication {
                Authentication::Plain => AuthenticationMode::Plain,
                Authentication::Mtls => AuthenticationMode::Mtls,
                Authentication::OauthBearer => AuthenticationMode::OauthBearer,
            },
            kind: self.share.map_or(ZoneKind::Partner, ZoneKind::Share),
            display_name: self.display_name,
            description: self.description,
            url: self.url,
            labels: self.labels,
            partner: self.partner.map(|partner| Partner {
                name: partner.name,
                role: partner.role,
                email: partner.email,
                phone: partner.phone,
            }),
            topics: topics.collect(),
            traffic: TrafficPolicies {
                max_produce_rate: self.traffic.max_produce_rate,
                max_consume_rate: self.traffic.max_consume_rate,
                limit_commit_offset: self.traffic.limit_commit_offset,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;

    use super::*;
    use crate::manifest::parse_zones;
    use crate::store::{Revision, SealingKey};

    const FULL: &str = "
apiVersion: v2
kind: PartnerZone
metadata: {name: acme, labels: {team: a}}
spec:
  cluster: main
  displayName: Acme
  description: why
  url: https://acme.example
  authenticationMode: {type: MTLS, serviceAccount: acme-account}
  partner: {name: A, role: b, email: c@d, phone: '1'}
  topics:
    - {name: orders, backingTopic: internal, permission: WRITE}
    - {name: other, backingTopic: internal, permission: READ}
  trafficControlPolicies: {maxProduceRate: 1, maxConsumeRate: 2, limitCommitOffset: 3}
";

    fn record(text: &str) -> ZoneRecord {
        let spec = parse_zones(text).unwrap().remove(0);
        let id = ZoneId::from_bytes([7; 16]);
        ZoneRecord { id, spec, created: Moment(1), updated: Moment(2), unknown: Unknown::default() }
    }

    fn kept(zone: &ZoneRecord) -> Record {
        let (sealer, random) = (sealer(), SystemRandom::new());
        let body = zone.to_body(&Sealing { sealer: &sealer, random: &random }).unwrap();
        Record { key: zone.key().unwrap(), revision: Revision(1), body }
    }

    fn sealer() -> Sealer {
        Sealer::new(SealingKey::from_bytes(&[1; 32]).unwrap())
    }

    #[test]
    fn a_zone_is_read_as_it_was_written() {
        let mut share = record(FULL).spec.into_draft();
        share.kind = ZoneKind::Share(GroupPrefix::parse("stream-share.ss-1").unwrap());
        share.authentication = AuthenticationMode::Plain;
        share.partner = None;
        share.topics.truncate(1);
        share.topics.iter_mut().for_each(|grant| grant.permission = Permission::Read);
        let share = ZoneRecord { spec: ZoneSpec::new(share).unwrap(), ..record(FULL) };
        for zone in [record(FULL), share] {
            assert_eq!(ZoneRecord::from_record(&kept(&zone), &sealer()).unwrap(), zone);
        }
    }

    #[test]
    fn fields_of_a_later_version_are_kept() {
        let record = kept(&record(FULL));
        let text = record.body.text().replacen('{', r#"{"later":{"x":[1,null]},"#, 1);
        let mut read =
            ZoneRecord::from_record(&Record { body: Body::new(1, &text), ..record }, &sealer()).unwrap();
        read.updated = Moment(3);
        assert!(kept(&read).body.text().contains(r#""later":{"x":[1,null]}"#));
    }

    #[test]
    fn what_was_written_stays_readable() {
        // Of the first schema; a change here breaks the stores that are out there.
        insta::assert_snapshot!(kept(&record(FULL)).body.text());
    }
}
