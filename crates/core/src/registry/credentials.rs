//! Credentials of a zone's account: several may be good at once, so that a partner can change over.

use ipnet::IpNet;

use super::{Found, Registry, RegistryError};
use crate::account::{Account, Credential};
use crate::names::{CredentialId, ZoneName};
use crate::records::{AccountRecord, Recorded};
use crate::store::Change;

impl Registry<'_> {
    /// Adds a credential to the account of a zone.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub fn add_credential(&self, zone: &ZoneName, credential: Credential) -> Result<Change, RegistryError> {
        self.edit(zone, |mut credentials| {
            credentials.push(credential);
            Ok(credentials)
        })
    }

    /// Takes a credential away: who is connected with the account is cut off, and comes back with another one.
    ///
    /// # Errors
    /// [`RegistryError::NoCredential`].
    pub fn revoke_credential(&self, zone: &ZoneName, id: &CredentialId) -> Result<Change, RegistryError> {
        let account = self.account_of(zone)?.value.account.name().clone();
        self.edit(zone, |mut credentials| {
            let before = credentials.len();
            credentials.retain(|credential| credential.id() != id);
            match credentials.len() < before {
                true => Ok(credentials),
                false => Err(RegistryError::NoCredential { account, credential: id.clone() }),
            }
        })
    }

    /// Says from which networks clients of a zone may come; none is from anywhere. Who is elsewhere is cut off.
    ///
    /// # Errors
    /// [`RegistryError::NoZone`].
    pub fn allow_networks(&self, zone: &ZoneName, networks: Vec<IpNet>) -> Result<Change, RegistryError> {
        let Found { record, value } = self.account_of(zone)?;
        let account = value.account.clone().from_networks(networks);
        let next = AccountRecord { account, ..value };
        Ok(Change::new().update(&record, next.to_body(&self.sealing)?))
    }

    /// The account of a zone.
    ///
    /// # Errors
    /// [`RegistryError::NoZone`].
    pub fn account_of(&self, zone: &ZoneName) -> Result<Found<AccountRecord>, RegistryError> {
        let none = || RegistryError::NoZone(zone.clone());
        let found = self.zone(zone)?.ok_or_else(none)?;
        let account = self.account(found.value.spec.account())?;
        account.filter(|account| account.value.zone == *zone).ok_or_else(none)
    }

    fn edit(
        &self,
        zone: &ZoneName,
        edit: impl FnOnce(Vec<Credential>) -> Result<Vec<Credential>, RegistryError>,
    ) -> Result<Change, RegistryError> {
        let Found { record, value } = self.account_of(zone)?;
        let name = value.account.name().clone();
        let credentials = edit(value.account.credentials().to_vec())?;
        let networks = value.account.networks().to_vec();
        let account = Account::new(name.clone(), credentials)
            .map_err(|problem| RegistryError::Credential { account: name, what: problem.to_string() })?
            .from_networks(networks);
        let next = AccountRecord { account, ..value };
        Ok(Change::new().update(&record, next.to_body(&self.sealing)?))
    }
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;

    use super::*;
    use crate::account::tests::credential;
    use crate::manifest::parse_zones;
    use crate::records::{Moment, Sealing};
    use crate::store::{Image, Sealer, SealingKey};
    use crate::zone_id::ZoneId;

    #[test]
    fn credentials_come_and_go_one_by_one() {
        let sealer = Sealer::new(SealingKey::from_bytes(&[1; 32]).unwrap());
        let random = SystemRandom::new();
        let sealing = Sealing { sealer: &sealer, random: &random };
        let zone = "{apiVersion: v2, kind: PartnerZone, metadata: {name: z}, spec: {cluster: c, serviceAccount: u, topics: [{name: a, backingTopic: t, permission: READ}]}}";
        let spec = parse_zones(zone).unwrap().remove(0);
        let name = spec.name().clone();
        let mut image = Image::default();
        let make = |image: &Image, change: &dyn Fn(&Registry<'_>) -> Result<Change, RegistryError>| {
            change(&Registry { image, sealing, now: Moment(1) }).map(|change| image.with(&change).unwrap())
        };
        image =
            make(&image, &|r| r.put_zone(&spec, ZoneId::from_bytes([1; 16]), None).map(|(change, _)| change))
                .unwrap();
        image = make(&image, &|r| r.add_credential(&name, credential("first", 1, 1))).unwrap();
        image = make(&image, &|r| r.add_credential(&name, credential("second", 1, 2))).unwrap();
        let twice = make(&image, &|r| r.add_credential(&name, credential("first", 1, 3))).unwrap_err();
        assert!(matches!(twice, RegistryError::Credential { .. }), "{twice}");
        let first = CredentialId::parse("first").unwrap();
        image = make(&image, &|r| r.revoke_credential(&name, &first)).unwrap();
        let gone = make(&image, &|r| r.revoke_credential(&name, &first)).unwrap_err();
        assert_eq!(gone.to_string(), "account `u` has no credential `first`");
        let left =
            Registry { image: &image, sealing, now: Moment(1) }.account_of(&name).unwrap().value.account;
        assert_eq!(left.credentials().iter().map(|c| c.id().as_str()).collect::<Vec<_>>(), ["second"]);
    }
}
