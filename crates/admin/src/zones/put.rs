//! A zone is made as it is wanted, or told what stands against it.

use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;
use tidegate_core::registry::{Applied, Registry};
use tidegate_core::store::{Change, Revision};
use tidegate_core::{ZoneId, ZoneManifest, ZoneName, ZoneSpec, parse_manifests};
use utoipa::ToSchema;

use super::{PartnerZone, is_partners};
use crate::dispatch::Call;
use crate::refusal::Refusal;

/// What became of a wish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PutZone {
    /// As it was understood.
    pub(crate) resource: PartnerZone,
    pub(crate) upsert_result: UpsertResult,
}

/// What became of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) enum UpsertResult {
    /// There was none.
    Created,
    /// It was another one.
    Updated,
    /// It was so already.
    NotChanged,
}

/// Makes the zone of a manifest as it is wanted; with `?dryMode=true` only tells what would come of it.
pub(crate) async fn put(call: &Call, body: &str) -> Result<PutZone, Refusal> {
    let is_dry = dry_mode(&call.query)?;
    let ZoneManifest { spec, revision } = one_manifest(body)?;
    check(call, &spec)?;
    let id = random_id()?;
    let decide = |registry: &Registry<'_>| decide(registry, &spec, revision, id);
    let applied = match is_dry {
        true => call.admin.look(decide).map(|(_, applied)| applied)?,
        false => {
            let action = format!("put zone {}", spec.name());
            call.admin.change(&call.who(), &action, decide).await?
        }
    };
    Ok(PutZone { resource: PartnerZone::wanted(&spec), upsert_result: applied.into() })
}

fn decide(
    registry: &Registry<'_>,
    spec: &ZoneSpec,
    seen: Option<Revision>,
    id: ZoneId,
) -> Result<(Change, Applied), Refusal> {
    let found = registry.zone(spec.name())?;
    if found.as_ref().is_some_and(|found| !is_partners(found)) {
        let name = spec.name();
        return Err(Refusal::Conflict(format!("zone `{name}` belongs to a share; choose another name")));
    }
    let (change, applied) = registry.put_zone(spec, id, None)?;
    // Who sends the same thing again, since no answer came, is not in conflict with themselves.
    if applied != Applied::NotChanged {
        is_as_seen(spec.name(), seen, found.map(|found| found.record.revision))?;
    }
    Ok((change, applied))
}

/// Whether a zone still is as whoever changes it has seen it.
fn is_as_seen(name: &ZoneName, seen: Option<Revision>, is: Option<Revision>) -> Result<(), Refusal> {
    let what = match (seen, is) {
        (None, _) => return Ok(()),
        (Some(seen), Some(is)) if seen == is => return Ok(()),
        (Some(seen), Some(is)) => format!("zone `{name}` was changed from revision {seen} to {is}"),
        (Some(seen), None) => format!("zone `{name}` was deleted after revision {seen}"),
    };
    Err(Refusal::Conflict(format!("{what}; get it again, or leave out `metadata.revision` to overwrite it")))
}

fn one_manifest(body: &str) -> Result<ZoneManifest, Refusal> {
    let mut manifests = parse_manifests(body)?;
    match (manifests.pop(), manifests.len()) {
        (Some(manifest), 0) => Ok(manifest),
        (_, more) => Err(Refusal::wrong(format!("there are {} zones in it; send one at a time", more + 1))),
    }
}

/// What only this daemon knows to be wrong; all of it at once.
fn check(call: &Call, spec: &ZoneSpec) -> Result<(), Refusal> {
    let daemon = &call.admin.daemon;
    let (clusters, cluster) = (daemon.clusters(), spec.cluster());
    let mut mistakes = Vec::new();
    if !clusters.contains(cluster) {
        let known: Vec<String> = clusters.iter().map(|name| format!("`{name}`")).collect();
        mistakes.push(format!(
            "spec.cluster: there is no cluster `{cluster}` in the configuration; use {}",
            known.join(" or ")
        ));
    }
    for (n, grant) in spec.topics().iter().enumerate() {
        if daemon.owns(cluster, &grant.backing) {
            mistakes.push(format!(
                "spec.topics[{n}].backingTopic: `{}` is Tidegate's own and cannot be shared; use another topic",
                grant.backing
            ));
        }
    }
    if mistakes.is_empty() { Ok(()) } else { Err(Refusal::Wrong(mistakes)) }
}

fn dry_mode(query: &str) -> Result<bool, Refusal> {
    let given = query.split('&').filter_map(|pair| pair.strip_prefix("dryMode=")).next_back();
    match given {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Refusal::wrong("dryMode: write `true` or `false`")),
    }
}

/// The id of a zone that is new.
fn random_id() -> Result<ZoneId, Refusal> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Refusal::no_randomness())?;
    Ok(ZoneId::from_bytes(bytes))
}

impl From<Applied> for UpsertResult {
    fn from(applied: Applied) -> Self {
        match applied {
            Applied::Created => Self::Created,
            Applied::Updated => Self::Updated,
            Applied::NotChanged => Self::NotChanged,
        }
    }
}
