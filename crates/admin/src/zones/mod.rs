//! Partner zones: listed, shown, made, changed and deleted.

mod client_config;
mod credentials;
mod put;
mod resource;

use tidegate_core::records::{Recorded, ZoneRecord};
use tidegate_core::registry::{Found, RegistryError};
use tidegate_core::store::Kind;
use tidegate_core::{ZoneKind, ZoneName};

use crate::dispatch::Call;
use crate::refusal::Refusal;

pub(crate) use client_config::kafka_configuration;
pub(crate) use credentials::{
    CreatedCredential, ListedCredential, WantedCredential, create_credential, delete_credential,
    generate_credentials, list_credentials,
};
pub(crate) use put::{PutZone, put};
pub(crate) use resource::PartnerZone;

/// Every zone, by name. One that cannot be read is left out, so that one record of a later version hides no other zone.
pub(crate) fn list(call: &Call) -> Vec<PartnerZone> {
    call.admin.look(|registry| {
        let records = registry.image.of(&Kind::ZONE);
        let read = records.filter_map(|record| {
            let value = ZoneRecord::from_record(record, registry.sealing.sealer);
            let value = value.inspect_err(|error| tracing::warn!(%error, "a zone is not listed")).ok()?;
            Some(Found { record: record.clone(), value })
        });
        read.filter(is_partners).map(|found| shown(call, &found)).collect()
    })
}

/// The zone of the path.
pub(crate) fn get(call: &Call) -> Result<PartnerZone, Refusal> {
    Ok(shown(call, &find(call)?))
}

/// Deletes the zone of the path with its account: whoever is connected is cut off.
pub(crate) async fn delete(call: &Call) -> Result<(), Refusal> {
    let name = find(call)?.value.spec.name().clone();
    let action = format!("delete zone {name}");
    call.admin.change(&call.who(), &action, |registry| Ok((registry.delete_zone(&name)?, ()))).await
}

/// The zone that the path names. One of a share is not there: it is made and deleted with its share.
fn find(call: &Call) -> Result<Found<ZoneRecord>, Refusal> {
    let name = ZoneName::parse(&call.subject).map_err(|error| Refusal::wrong(format!("name: {error}")))?;
    let found = call.admin.look(|registry| registry.zone(&name))?;
    found.filter(is_partners).ok_or_else(|| RegistryError::NoZone(name).into())
}

fn is_partners(found: &Found<ZoneRecord>) -> bool {
    *found.value.spec.kind() == ZoneKind::Partner
}

fn shown(call: &Call, found: &Found<ZoneRecord>) -> PartnerZone {
    let revision = found.record.revision;
    let status = call.admin.daemon.status(&found.value.spec, revision);
    PartnerZone::kept(&found.value, revision, status)
}
