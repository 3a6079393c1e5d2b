//! Zones are made, changed and deleted together with their accounts.

use super::{Applied, Found, Registry, RegistryError};
use crate::account::Account;
use crate::names::{AccountName, ZoneName};
use crate::records::{AccountRecord, Recorded, Unknown, ZoneRecord};
use crate::store::{Change, Kind, RecordKey};
use crate::zone::ZoneSpec;
use crate::zone_id::ZoneId;

impl Registry<'_> {
    /// A zone, if there is one of that name.
    ///
    /// # Errors
    /// [`RegistryError::Record`].
    pub fn zone(&self, name: &ZoneName) -> Result<Option<Found<ZoneRecord>>, RegistryError> {
        self.find(&RecordKey::new(Kind::ZONE, name.as_str()).map_err(crate::records::RecordError::from)?)
    }

    /// An account, if there is one of that name.
    ///
    /// # Errors
    /// [`RegistryError::Record`].
    pub fn account(&self, name: &AccountName) -> Result<Option<Found<AccountRecord>>, RegistryError> {
        self.find(&RecordKey::new(Kind::ACCOUNT, name.as_str()).map_err(crate::records::RecordError::from)?)
    }

    /// Makes a zone as it is wanted. A new one gets `id`, which must be random unless it is the one that it had elsewhere,
    /// and its account: as it was elsewhere, or without credentials.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub fn put_zone(
        &self,
        spec: &ZoneSpec,
        id: ZoneId,
        account: Option<&Account>,
    ) -> Result<(Change, Applied), RegistryError> {
        match self.zone(spec.name())? {
            Some(found) => self.update(found, spec),
            None => self.create(spec, id, account),
        }
    }

    /// Deletes a zone and its account: whoever is connected is cut off.
    ///
    /// # Errors
    /// [`RegistryError::NoZone`].
    pub fn delete_zone(&self, name: &ZoneName) -> Result<Change, RegistryError> {
        let found = self.zone(name)?.ok_or_else(|| RegistryError::NoZone(name.clone()))?;
        let change = Change::new().delete(&found.record);
        Ok(match self.account(found.value.spec.account())? {
            Some(account) if account.value.zone == *name => change.delete(&account.record),
            _ => change,
        })
    }

    fn create(
        &self,
        spec: &ZoneSpec,
        id: ZoneId,
        account: Option<&Account>,
    ) -> Result<(Change, Applied), RegistryError> {
        let record = ZoneRecord {
            id,
            spec: spec.clone(),
            created: self.now,
            updated: self.now,
            unknown: Unknown::default(),
        };
        let change = Change::new().create(record.key()?, record.to_body(&self.sealing)?);
        let zone = spec.name().clone();
        if let Some(taken) = self.account(spec.account())? {
            return Err(RegistryError::AccountTaken {
                account: spec.account().clone(),
                zone: taken.value.zone,
            });
        }
        let account = match account {
            Some(account) => account.clone(),
            None => Account::new(spec.account().clone(), Vec::new()).map_err(|problem| {
                RegistryError::Credential { account: spec.account().clone(), what: problem.to_string() }
            })?,
        };
        let account = AccountRecord::new(account, zone);
        let change = change.create(account.key()?, account.to_body(&self.sealing)?);
        Ok((change, Applied::Created))
    }

    fn update(&self, found: Found<ZoneRecord>, spec: &ZoneSpec) -> Result<(Change, Applied), RegistryError> {
        let Found { record, value } = found;
        if value.spec == *spec {
            return Ok((Change::new(), Applied::NotChanged));
        }
        let zone = spec.name().clone();
        if value.spec.account() != spec.account() {
            let (is, wanted) = (value.spec.account().clone(), spec.account().clone());
            return Err(RegistryError::AccountFixed { zone, is, wanted });
        }
        if value.spec.cluster() != spec.cluster() {
            return Err(RegistryError::ClusterFixed(zone));
        }
        let next = ZoneRecord { spec: spec.clone(), updated: self.now, ..value };
        Ok((Change::new().update(&record, next.to_body(&self.sealing)?), Applied::Updated))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::parse_zones;
    use crate::records::Moment;
    use crate::registry::testing::with;
    use crate::store::Image;

    const FRESH: ZoneId = ZoneId::from_bytes([7; 16]);

    fn zone(name: &str, account: &str, topic: &str) -> ZoneSpec {
        let text = format!(
            "{{apiVersion: v2, kind: PartnerZone, metadata: {{name: {name}}}, spec: {{cluster: c, serviceAccount: {account}, topics: [{{name: a, backingTopic: {topic}, permission: READ}}]}}}}"
        );
        parse_zones(&text).unwrap().remove(0)
    }

    fn put(image: &Image, now: u64, spec: &ZoneSpec) -> Result<(Image, Applied), RegistryError> {
        with(image, now, |registry| {
            registry
                .put_zone(spec, FRESH, None)
                .map(|(change, applied)| (image.with(&change).unwrap(), applied))
        })
    }

    #[test]
    fn a_zone_is_made_with_its_account_and_changed_without() {
        let (image, applied) = put(&Image::default(), 1, &zone("z", "u", "t")).unwrap();
        assert_eq!((applied, image.len()), (Applied::Created, 2));
        assert_eq!(put(&image, 2, &zone("z", "u", "t")).unwrap().1, Applied::NotChanged);
        let (after, applied) = put(&image, 3, &zone("z", "u", "other")).unwrap();
        assert_eq!(applied, Applied::Updated);
        with(&after, 4, |registry| {
            let found = registry.zone(&ZoneName::parse("z").unwrap()).unwrap().unwrap().value;
            assert_eq!((found.id, found.created, found.updated), (FRESH, Moment(1), Moment(3)));
            let account = registry.account(&AccountName::parse("u").unwrap()).unwrap().unwrap();
            assert_eq!(account.value.zone.as_str(), "z");
            assert_eq!(account.record.revision, image.revision(), "the account is as it was");
        });
    }

    #[test]
    fn an_account_belongs_to_one_zone_for_good() {
        let (image, _) = put(&Image::default(), 1, &zone("z", "u", "t")).unwrap();
        let error = put(&image, 2, &zone("y", "u", "t")).unwrap_err().to_string();
        assert_eq!(error, "account `u` belongs to zone `z`; give this zone an account of its own");
        let error = put(&image, 2, &zone("z", "v", "t")).unwrap_err().to_string();
        assert!(error.contains("is `u` and cannot become `v`"), "{error}");
    }

    #[test]
    fn a_deleted_zone_takes_its_account_along() {
        let (image, _) = put(&Image::default(), 1, &zone("z", "u", "t")).unwrap();
        let name = ZoneName::parse("z").unwrap();
        let gone = with(&image, 2, |registry| image.with(&registry.delete_zone(&name).unwrap()).unwrap());
        assert!(gone.is_empty());
        with(&gone, 3, |registry| {
            assert_eq!(registry.delete_zone(&name).unwrap_err(), RegistryError::NoZone(name));
        });
    }
}
