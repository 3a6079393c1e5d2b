//! `links`: what is mirrored from where to where.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::ops::RangeInclusive;

use tidegate_core::document::{Fields, Place};
use tidegate_core::registry::WantedMirror;
use tidegate_core::{ClusterName, LinkName, MirrorTopic, SourceTopic};
use tidegate_daemon::cluster::ClusterNames;
use tidegate_daemon::fields::{Unique, list, replicas};
use tidegate_daemon::store::FACTS;
use tidegate_link::copy::CopyLimits;
use tokio::time::Duration;

use super::LinkConfig;
use crate::worker::{Gaps, LinkSpec};

/// A worker that is killed is missed after this: more than a long pause of a busy machine, less than people wait.
pub const DEFAULT_SESSION_TIMEOUT_MS: u64 = 10_000;
/// What brokers take by default (`group.min.session.timeout.ms`, `group.max.session.timeout.ms`).
pub const SESSION_TIMEOUT_MS: RangeInclusive<u64> = 6_000..=1_800_000;

/// Below, a batch of common size would be waited for over seconds.
pub const LEAST_BYTES_PER_SECOND: u64 = 100_000;

/// Where a mirror topic lies: two links must not write the same one.
type Written = HashMap<(ClusterName, MirrorTopic), String>;

/// Reads all links. `store` is the topic of the store.
pub(super) fn read_all(
    fields: &mut Fields<'_>,
    clusters: &ClusterNames,
    store: Option<&str>,
) -> Option<Vec<LinkConfig>> {
    let places = list(fields, "links", "write `links: [{name, source, destination, topics}]`");
    let (mut names, mut written) = (Unique::default(), Written::new());
    let mut links = Vec::new();
    for place in &places {
        let link = read(place, clusters);
        if let Some(link) = &link {
            names.check(place, "link", &link.spec.name);
            check(place, link, store, &mut written);
        }
        links.push(link);
    }
    links.into_iter().collect()
}

fn read(place: &Place<'_>, clusters: &ClusterNames) -> Option<LinkConfig> {
    let mut fields = place.fields()?;
    let name = fields.required("name", "name the link").and_then(|place| place.parse(LinkName::parse));
    let mut side = |key, mend| fields.required(key, mend).and_then(|place| cluster(&place, clusters));
    let source = side("source", "name the cluster that topics come from");
    let destination = side("destination", "name the cluster that topics go to");
    let mirrors = list(&mut fields, "topics", "list topics as `[name]` or `[{source, mirror}]`");
    let mirrors: Vec<Option<WantedMirror>> = mirrors.iter().map(mirror).collect();
    let gaps = fields.optional("gaps").map_or(Some(Gaps::default()), |place| place.choice(GAPS));
    // A broken number must not look like none.
    let replication_factor = fields
        .optional("replicationFactor")
        .map_or(Some(None), |place| replicas(&place, "a mirror topic").map(Some));
    let bytes_per_second =
        fields.optional("bytesPerSecond").map_or(Some(None), |place| rate(&place).map(Some));
    let session_timeout = session_timeout(&mut fields);
    let is_paused = fields.optional("paused").map_or(Some(false), |place| place.flag());
    fields.finish();
    Some(LinkConfig {
        source: source?,
        destination: destination?,
        spec: LinkSpec {
            name: name?,
            is_paused: is_paused?,
            mirrors: mirrors.into_iter().collect::<Option<_>>()?,
            gaps: gaps?,
            replication_factor: replication_factor?,
            limits: CopyLimits::default(),
            bytes_per_second: bytes_per_second?,
            session_timeout: session_timeout?,
        },
    })
}

const GAPS: &[(&str, Gaps)] = &[("MARKERS", Gaps::Markers), ("RECORDS", Gaps::Records)];

fn cluster(place: &Place<'_>, clusters: &ClusterNames) -> Option<ClusterName> {
    let name = place.parse(ClusterName::parse)?;
    if clusters.may_hold(&name) {
        return Some(name);
    }
    place.fail(format_args!("there is no cluster `{name}`; write the name of one of `clusters`"));
    None
}

/// `name`, or `{source, mirror, paused}`.
fn mirror(place: &Place<'_>) -> Option<WantedMirror> {
    if !place.is_map() {
        let source = place.parse(SourceTopic::parse)?;
        let topic = place.parse(MirrorTopic::parse)?;
        return Some(WantedMirror { topic, source, is_paused: false });
    }
    let mut fields = place.fields()?;
    let source_place = fields.required("source", "name the topic of the source");
    let source = source_place.as_ref().and_then(|place| place.parse(SourceTopic::parse));
    let mirror = fields.optional("mirror").or(source_place);
    let is_paused = fields.optional("paused").map_or(Some(false), |place| place.flag());
    fields.finish();
    let topic = mirror.and_then(|place| place.parse(MirrorTopic::parse));
    Some(WantedMirror { topic: topic?, source: source?, is_paused: is_paused? })
}

fn rate(place: &Place<'_>) -> Option<NonZeroU64> {
    let number = place.whole_number()?;
    if number < LEAST_BYTES_PER_SECOND {
        place.fail(format_args!("{number} is out of range; write {LEAST_BYTES_PER_SECOND} at least"));
        return None;
    }
    NonZeroU64::new(number)
}

fn session_timeout(fields: &mut Fields<'_>) -> Option<Duration> {
    let Some(place) = fields.optional("sessionTimeoutMs") else {
        return Some(Duration::from_millis(DEFAULT_SESSION_TIMEOUT_MS));
    };
    let number = place.whole_number()?;
    if !SESSION_TIMEOUT_MS.contains(&number) {
        let (least, most) = (SESSION_TIMEOUT_MS.start(), SESSION_TIMEOUT_MS.end());
        place.fail(format_args!("{number} is out of range; write {least} to {most}"));
        return None;
    }
    Some(Duration::from_millis(number))
}

/// What is right by itself and wrong together.
fn check(place: &Place<'_>, link: &LinkConfig, store: Option<&str>, written: &mut Written) {
    for WantedMirror { topic, source, .. } in &link.spec.mirrors {
        if link.source == link.destination && topic.as_str() == source.as_str() {
            place.fail(format_args!(
                "topic `{topic}` would be its own mirror; name another cluster, or write `{{source: {source}, mirror: NAME}}`"
            ));
        }
        for name in [topic.as_str(), source.as_str()] {
            if store.is_some_and(|store| name == store || name.strip_prefix(store) == Some(FACTS)) {
                place.fail(format_args!("topic `{name}` is the store's own; take it out"));
            }
        }
        let at = (link.destination.clone(), topic.clone());
        if let Some(first) = written.insert(at, place.path().to_owned()) {
            place.fail(format_args!(
                "mirror topic `{topic}` is already written by {first}; give one of them another name"
            ));
        }
    }
}
