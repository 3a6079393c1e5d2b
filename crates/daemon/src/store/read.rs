//! `store` as written.

use secrecy::ExposeSecret;
use tidegate_core::document::{Fields, Place};
use tidegate_core::store::SealingKey;
use tidegate_core::{ClusterName, RootKey, RootKeyError};

use super::{StoreConfig, StoreKind, TopicConfig};
use crate::Around;
use crate::cluster::ClusterNames;
use crate::fields::replicas;

/// Reads `store`.
pub fn read(place: &Place<'_>, clusters: &ClusterNames, around: &Around<'_>) -> Option<StoreConfig> {
    let mut fields = place.fields()?;
    let kind = fields.required("type", "write `type: SQLITE` or `type: KAFKA`");
    let kind = kind.and_then(|place| place.choice(&[("SQLITE", false), ("KAFKA", true)]));
    let kind = match kind {
        None => None,
        Some(false) => Some(StoreKind::Sqlite),
        Some(true) => topic(&mut fields, clusters).map(StoreKind::Kafka),
    };
    // A broken key must not look like none.
    let mut key =
        |name| fields.optional(name).map_or(Some(None), |place| sealing_key(&place, around).map(Some));
    let (present, previous) = (key("sealingKey"), key("previousSealingKey"));
    fields.finish();
    Some(StoreConfig { kind: kind?, sealing_key: present?, previous_sealing_key: previous? })
}

fn topic(fields: &mut Fields<'_>, clusters: &ClusterNames) -> Option<TopicConfig> {
    let known = fields
        .required("cluster", "write the name of the cluster that holds the store")
        .and_then(|place| cluster(&place, clusters));
    let topic = match fields.optional("topic") {
        Some(place) => place.text().map(str::to_owned),
        None => Some(DEFAULT_TOPIC.to_owned()),
    };
    // A broken number must not look like none.
    let replicas =
        fields.optional("replication").map_or(Some(None), |place| replicas(&place, "the topic").map(Some));
    let writers = fields.optional("writers").map_or_else(Vec::new, |place| {
        place.items().iter().filter_map(|item| item.text().map(str::to_owned)).collect()
    });
    Some(TopicConfig { cluster: known?, topic: topic?, replication: replicas?, writers })
}

/// In one place, so that replicas of a stock configuration find one another.
const DEFAULT_TOPIC: &str = "tidegate-store";

fn cluster(place: &Place<'_>, clusters: &ClusterNames) -> Option<ClusterName> {
    let name = place.parse(ClusterName::parse)?;
    if clusters.may_hold(&name) {
        return Some(name);
    }
    place.fail(format_args!("there is no cluster `{name}`; write the name of one of `clusters`"));
    None
}

/// 32 bytes in the forms of a root key.
fn sealing_key(place: &Place<'_>, around: &Around<'_>) -> Option<SealingKey> {
    let text = around.secret(place)?;
    let told = |error: RootKeyError| error.to_string().replace("root key", "the sealing key");
    let key = RootKey::parse(text.expose_secret()).map_err(|error| place.fail(told(error))).ok()?;
    SealingKey::derived(&key).map_err(|error| place.fail(error)).ok()
}
