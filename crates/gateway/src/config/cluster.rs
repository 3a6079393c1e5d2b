//! `clusters`: the upstream Kafka clusters.

use std::time::Duration;

use tidegate_core::document::{Fields, Place};
use tidegate_daemon::{Around, cluster};

use super::DEFAULT_METADATA_REFRESH_MS;
use super::model::ClusterConfig;
use super::principal;

/// Reads one cluster.
pub(super) fn read(place: &Place<'_>, around: &Around<'_>) -> Option<ClusterConfig> {
    let mut fields = place.fields()?;
    let mut per_zone = None;
    let common = cluster::read_with(&mut fields, around, |sasl, mechanism| {
        let place = sasl.optional("perZone");
        per_zone = place.map(|place| principal::read(&place, mechanism, around));
    });
    let acls = principal::acls(fields.optional("acls").as_ref(), per_zone.is_some());
    let metadata_refresh = metadata_refresh(&mut fields);
    fields.finish();
    // A broken one is reported; the cluster's name must stay known to those who refer to it.
    Some(ClusterConfig { common: common?, per_zone: per_zone.flatten(), acls, metadata_refresh })
}

fn metadata_refresh(fields: &mut Fields<'_>) -> Duration {
    let place = fields.optional("metadataRefreshMs");
    let number = place.as_ref().and_then(Place::whole_number);
    if let (Some(place), Some(number)) = (&place, number)
        && !(1_000..=3_600_000).contains(&number)
    {
        place.fail(format_args!("{number} is out of range; write 1000 to 3600000"));
    }
    Duration::from_millis(number.unwrap_or(DEFAULT_METADATA_REFRESH_MS))
}
