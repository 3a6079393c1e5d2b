//! A zone as the manifest that makes it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ZoneManifest, parse_zones};
use crate::zone::{AuthenticationMode, ZoneKind, ZoneSpec};

/// The PartnerZone that makes this zone: YAML, or JSON where that could be misread. `None` for a zone of a share, which no
/// manifest makes.
#[must_use]
pub fn render_zone(zone: &ZoneSpec) -> Option<String> {
    if *zone.kind() != ZoneKind::Partner {
        return None;
    }
    let manifest = Manifest::of(zone);
    let yaml = serde_saphyr::to_string(&manifest).ok();
    let json = || serde_json::to_string_pretty(&manifest).ok().map(|text| text + "\n");
    // What people write into a description is anything: it must come out as it went in.
    yaml.filter(|text| parse_zones(text).is_ok_and(|read| read == [zone.clone()])).or_else(json)
}

/// The same as JSON, with what its writer has seen: as it is sent to a server. `None` for a zone of a share.
#[must_use]
pub fn manifest_json(manifest: &ZoneManifest) -> Option<String> {
    let ZoneManifest { spec, revision } = manifest;
    if *spec.kind() != ZoneKind::Partner {
        return None;
    }
    let mut json = Manifest::of(spec);
    json.metadata.revision = revision.map(|revision| revision.0);
    serde_json::to_string(&json).ok()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
    spec: Spec<'a>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    cluster: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    service_account: &'a str,
    authentication_mode: Mode<'a>,
    topics: Vec<Topic<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partner: Option<Partner<'a>>,
    #[serde(skip_serializing_if = "Policies::is_none")]
    traffic_control_policies: Policies,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Mode<'a> {
    r#type: &'static str,
    service_account: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Topic<'a> {
    name: &'a str,
    backing_topic: &'a str,
    permission: &'static str,
}

#[derive(Serialize)]
struct Partner<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Policies {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_produce_rate: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_consume_rate: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_commit_offset: Option<u64>,
}

impl<'a> Manifest<'a> {
    fn of(zone: &'a ZoneSpec) -> Self {
        let account = zone.account().as_str();
        Self {
            api_version: "v2",
            kind: "PartnerZone",
            metadata: Metadata { name: zone.name().as_str(), labels: zone.labels(), revision: None },
            spec: Spec {
                cluster: zone.cluster().as_str(),
                display_name: zone.display_name(),
                description: zone.description(),
                url: zone.url(),
                service_account: account,
                authentication_mode: Mode { r#type: mode(zone.authentication()), service_account: account },
                topics: topics(zone),
                partner: zone.partner().map(|partner| Partner {
                    name: &partner.name,
                    role: partner.role.as_deref(),
                    email: partner.email.as_deref(),
                    phone: partner.phone.as_deref(),
                }),
                traffic_control_policies: Policies::of(zone),
            },
        }
    }
}

fn topics(zone: &ZoneSpec) -> Vec<Topic<'_>> {
    let topics = zone.topics().iter().map(|grant| Topic {
        name: grant.alias.as_str(),
        backing_topic: grant.backing.as_str(),
        permission: if grant.permission.can_write() { "WRITE" } else { "READ" },
    });
    topics.collect()
}

fn mode(mode: AuthenticationMode) -> &'static str {
    match mode {
        AuthenticationMode::Plain => "PLAIN",
        AuthenticationMode::Mtls => "MTLS",
        AuthenticationMode::OauthBearer => "OAUTHBEARER",
    }
}

impl Policies {
    fn of(zone: &ZoneSpec) -> Self {
        let traffic = zone.traffic();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::parse_manifests;
    use crate::store::Revision;

    #[test]
    fn what_is_sent_is_read_as_the_same_manifest() {
        let text = "{apiVersion: v2, kind: PartnerZone, metadata: {name: z, labels: {a: 'no'}, revision: 7}, \
                    spec: {cluster: c, serviceAccount: u, topics: [{name: a, backingTopic: t, permission: READ}]}}";
        let mut manifest = parse_manifests(text).unwrap().remove(0);
        assert_eq!(manifest.revision, Some(Revision(7)));
        for revision in [Some(Revision(7)), None] {
            manifest.revision = revision;
            let json = manifest_json(&manifest).unwrap();
            assert_eq!(parse_manifests(&json).unwrap(), std::slice::from_ref(&manifest));
        }
    }
}
