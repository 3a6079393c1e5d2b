//! The rules between zones.

use std::collections::HashMap;

use crate::names::{AccountName, ZoneName};
use crate::zone::ZoneSpec;
use crate::zone_id::ZoneId;

/// A zone and the file, or other place, that it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcedZone {
    /// The file, for messages.
    pub source: String,
    /// The zone.
    pub zone: ZoneSpec,
    /// What its keys and ledgers are bound to; without one that follows from its name, so that a zone of the same name is
    /// the same zone.
    pub id: Option<ZoneId>,
}

impl SourcedZone {
    /// A zone whose id follows from its name.
    #[must_use]
    pub fn new(source: impl Into<String>, zone: ZoneSpec) -> Self {
        Self { source: source.into(), zone, id: None }
    }
}

/// Two zones that cannot both be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ZoneConflict {
    /// One technical id twice.
    #[error("{source_again}: zone `{name}` is already defined in {source_first}; rename or remove one")]
    Name {
        /// The id.
        name: ZoneName,
        /// Where it is defined first.
        source_first: String,
        /// Where it is defined again.
        source_again: String,
    },
    /// The account decides which zone a connection enters, so it can belong to one zone only.
    #[error(
        "{source_again}: zone `{zone}` uses account `{account}`, which already belongs to zone `{first}` in {source_first}; give it an account of its own"
    )]
    Account {
        /// The account.
        account: AccountName,
        /// The zone that has it first.
        first: ZoneName,
        /// Where that zone is defined.
        source_first: String,
        /// The zone that is refused.
        zone: ZoneName,
        /// Where that zone is defined.
        source_again: String,
    },
}

/// Every conflict between the zones, in their order; none if all can be served together.
pub fn check_zones(zones: &[SourcedZone]) -> Vec<ZoneConflict> {
    let mut names: HashMap<&ZoneName, &SourcedZone> = HashMap::new();
    let mut accounts: HashMap<&AccountName, &SourcedZone> = HashMap::new();
    let mut conflicts = Vec::new();
    for again in zones {
        let zone = &again.zone;
        if let Some(first) = names.get(zone.name()) {
            // The account is most likely the same as well, which would only say the same thing twice.
            conflicts.push(ZoneConflict::Name {
                name: zone.name().clone(),
                source_first: first.source.clone(),
                source_again: again.source.clone(),
            });
            continue;
        }
        names.insert(zone.name(), again);
        if let Some(first) = accounts.get(zone.account()) {
            conflicts.push(ZoneConflict::Account {
                account: zone.account().clone(),
                first: first.zone.name().clone(),
                source_first: first.source.clone(),
                zone: zone.name().clone(),
                source_again: again.source.clone(),
            });
        } else {
            accounts.insert(zone.account(), again);
        }
    }
    conflicts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::parse_zones;

    fn zone(source: &str, name: &str, account: &str) -> SourcedZone {
        let text = format!(
            "{{apiVersion: v2, kind: PartnerZone, metadata: {{name: {name}}}, spec: {{cluster: c, serviceAccount: {account}, \
             topics: [{{name: a, backingTopic: t, permission: READ}}]}}}}"
        );
        SourcedZone::new(source, parse_zones(&text).unwrap().remove(0))
    }

    #[test]
    fn conflicts_name_both_sources() {
        let zones = [
            zone("a.yaml", "z1", "u1"),
            zone("b.yaml", "z2", "u2"),
            zone("c.yaml", "z1", "u1"),
            zone("d.yaml", "z3", "u2"),
        ];
        let lines: Vec<String> = check_zones(&zones).iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "c.yaml: zone `z1` is already defined in a.yaml; rename or remove one",
                "d.yaml: zone `z3` uses account `u2`, which already belongs to zone `z2` in b.yaml; give it an account of its own",
            ]
        );
    }

    #[test]
    fn zones_may_share_topics() {
        assert_eq!(check_zones(&[zone("a", "z1", "u1"), zone("a", "z2", "u2")]), []);
    }
}
