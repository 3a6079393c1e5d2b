//! A zone as JSON: what `get` prints, and `apply` takes again.

use std::collections::BTreeMap;

use serde::Serialize;
use tidegate_core::records::ZoneRecord;
use tidegate_core::store::Revision;
use tidegate_core::{AuthenticationMode, TopicGrant, TrafficPolicies, ZoneSpec};
use utoipa::ToSchema;

use crate::daemon::ZoneStatus;

/// A PartnerZone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PartnerZone {
    /// Always `v2`.
    #[schema(example = "v2", pattern = "^v2$")]
    pub(crate) api_version: String,
    /// Always `PartnerZone`.
    #[schema(example = "PartnerZone", pattern = "^PartnerZone$")]
    pub(crate) kind: String,
    pub(crate) metadata: Metadata,
    pub(crate) spec: Spec,
}

/// What the zone is called, and what the store knows of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Metadata {
    /// Its technical id: 1 to 63 lower-case letters, digits, `_`, `-` and `.`.
    #[schema(example = "acme", pattern = "^[a-z0-9_.-]{1,63}$")]
    pub(crate) name: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    pub(crate) labels: BTreeMap<String, String>,
    /// Told, and ignored where it is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// Told, and ignored where it is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) updated_at: Option<String>,
    /// Told, and ignored where it is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<ZoneStatus>,
    /// Told. Where it is sent, the zone must still be as it was then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) revision: Option<u64>,
}

/// What its owner wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Spec {
    /// A cluster of the daemon's configuration; it never changes.
    #[schema(example = "main", pattern = "^[A-Za-z0-9_.-]{1,63}$")]
    pub(crate) cluster: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://acme.example/")]
    pub(crate) url: Option<String>,
    /// The older place of `authenticationMode.serviceAccount`; one of the two is needed.
    #[schema(required = false, example = "acme", pattern = "^[!-+./-<>-~-]{1,128}$")]
    pub(crate) service_account: String,
    #[schema(required = false)]
    pub(crate) authentication_mode: Mode,
    /// At least one.
    #[schema(min_items = 1, max_items = 1000)]
    pub(crate) topics: Vec<Topic>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) partner: Option<Partner>,
    #[serde(skip_serializing_if = "Policies::is_none")]
    #[schema(required = false)]
    pub(crate) traffic_control_policies: Policies,
}

/// What the partner logs in with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Mode {
    /// `PLAIN`, `MTLS` or `OAUTHBEARER`.
    #[schema(example = "PLAIN", pattern = "^(PLAIN|MTLS|OAUTHBEARER)$")]
    pub(crate) r#type: String,
    #[schema(example = "acme", pattern = "^[!-+./-<>-~-]{1,128}$")]
    pub(crate) service_account: String,
}

/// A topic as the partner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Topic {
    /// What the partner sees.
    #[schema(example = "orders", pattern = "^[A-Za-z0-9_.-]{1,249}$")]
    pub(crate) name: String,
    /// The real topic.
    #[schema(example = "internal-orders-v3", pattern = "^[A-Za-z0-9_.-]{1,249}$")]
    pub(crate) backing_topic: String,
    /// `READ`, or `WRITE`, which includes it.
    #[schema(example = "READ", pattern = "^(READ|WRITE)$")]
    pub(crate) permission: String,
}

/// Whom to talk to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Partner {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phone: Option<String>,
}

/// What the partner may use up; none and 0 are no limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Policies {
    /// Bytes a second, on each gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 9223372036854775807i64)]
    pub(crate) max_produce_rate: Option<u64>,
    /// Bytes a second, on each gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 9223372036854775807i64)]
    pub(crate) max_consume_rate: Option<u64>,
    /// Commits a minute, on each gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 9223372036854775807i64)]
    pub(crate) limit_commit_offset: Option<u64>,
}

impl PartnerZone {
    /// As somebody would write it.
    pub(crate) fn wanted(zone: &ZoneSpec) -> Self {
        let metadata = Metadata {
            name: zone.name().to_string(),
            labels: zone.labels().clone(),
            id: None,
            updated_at: None,
            status: None,
            revision: None,
        };
        Self { api_version: "v2".to_owned(), kind: "PartnerZone".to_owned(), metadata, spec: Spec::of(zone) }
    }

    /// As it is kept, and where it stands.
    pub(crate) fn kept(zone: &ZoneRecord, revision: Revision, status: ZoneStatus) -> Self {
        let wanted = Self::wanted(&zone.spec);
        let metadata = Metadata {
            id: Some(zone.id.to_string()),
            updated_at: Some(zone.updated.to_rfc3339_micros()),
            status: Some(status),
            revision: Some(revision.0),
            ..wanted.metadata
        };
        Self { metadata, ..wanted }
    }
}

impl Spec {
    fn of(zone: &ZoneSpec) -> Self {
        let account = zone.account().to_string();
        Self {
            cluster: zone.cluster().to_string(),
            display_name: zone.display_name().map(str::to_owned),
            description: zone.description().map(str::to_owned),
            url: zone.url().map(str::to_owned),
            service_account: account.clone(),
            authentication_mode: Mode { r#type: mode(zone.authentication()), service_account: account },
            topics: zone.topics().iter().map(Topic::of).collect(),
            partner: zone.partner().map(Partner::of),
            traffic_control_policies: Policies::of(zone.traffic()),
        }
    }
}

impl Topic {
    fn of(grant: &TopicGrant) -> Self {
        let permission = if grant.permission.can_write() { "WRITE" } else { "READ" };
        Self {
            name: grant.alias.to_string(),
            backing_topic: grant.backing.to_string(),
            permission: permission.to_owned(),
        }
    }
}

impl Partner {
    fn of(partner: &tidegate_core::Partner) -> Self {
        let tidegate_core::Partner { name, role, email, phone } = partner.clone();
        Self { name, role, email, phone }
    }
}

impl Policies {
    fn of(traffic: &TrafficPolicies) -> Self {
        Self {
            max_produce_rate: traffic.max_produce_rate.map(u64::from),
            max_consume_rate: traffic.max_consume_rate.map(u64::from),
            limit_commit_offset: traffic.limit_commit_offset.map(u64::from),
        }
    }

    fn is_none(&self) -> bool {
        self.max_produce_rate.or(self.max_consume_rate).or(self.limit_commit_offset).is_none()
    }
}

fn mode(mode: AuthenticationMode) -> String {
    let text = match mode {
        AuthenticationMode::Plain => "PLAIN",
        AuthenticationMode::Mtls => "MTLS",
        AuthenticationMode::OauthBearer => "OAUTHBEARER",
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use tidegate_core::{ZoneId, parse_manifests};

    use super::*;
    use tidegate_core::records::{Moment, Unknown};

    const FULL: &str = r#"{"apiVersion":"v2","kind":"PartnerZone",
        "metadata":{"name":"z","labels":{"team":"a","yes":"no"}},
        "spec":{"cluster":"c","displayName":"The zone","description":"a\nb: [c]","url":"https://x.example/",
        "authenticationMode":{"type":"MTLS","serviceAccount":"u"},
        "topics":[{"name":"a","backingTopic":"t","permission":"WRITE"},{"name":"b","backingTopic":"s","permission":"READ"}],
        "partner":{"name":"P","role":"r","email":"p@x.example","phone":"1"},
        "trafficControlPolicies":{"maxProduceRate":1,"maxConsumeRate":2,"limitCommitOffset":3}}}"#;

    #[test]
    fn what_get_prints_is_read_as_the_same_zone_with_its_revision() {
        let spec = parse_manifests(FULL).unwrap().remove(0).spec;
        let record = ZoneRecord {
            id: ZoneId::from_bytes([7; 16]),
            spec: spec.clone(),
            created: Moment(1),
            updated: Moment(1_737_982_505_387_368),
            unknown: Unknown::default(),
        };
        let printed = PartnerZone::kept(&record, Revision(9), ZoneStatus::Ready);
        let text = serde_json::to_string(&printed).unwrap();
        assert!(
            text.contains(r#""updatedAt":"2025-01-27T12:55:05.387368Z","status":"READY","revision":9"#),
            "{text}"
        );
        let read = parse_manifests(&text).unwrap().remove(0);
        assert_eq!((read.spec, read.revision), (spec.clone(), Some(Revision(9))));
        let text = serde_json::to_string(&PartnerZone::wanted(&spec)).unwrap();
        let read = parse_manifests(&text).unwrap().remove(0);
        assert_eq!((read.spec, read.revision), (spec, None));
    }
}
