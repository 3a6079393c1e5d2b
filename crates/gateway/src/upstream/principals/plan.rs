//! From zones and the ACLs that exist to the ACLs that are missing and those that are too many.

use std::collections::BTreeSet;

use tidegate_core::keys::ZoneKeys;
use tidegate_core::{Permission, ZoneKind, ZoneSpec};

use super::acl::{ANY_HOST, Acl, Effect, Kind, Operation, Pattern, USER};
use crate::config::UserPattern;

/// What the user of one zone should be allowed.
#[derive(Debug)]
pub(super) struct Rights {
    principal: String,
    acls: BTreeSet<Acl>,
}

/// What brings a cluster in step.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) create: Vec<Acl>,
    /// What proves that a principal is a former zone's of this installation comes last: should the gateway stop half
    /// way, the next pass still knows what to do with the rest.
    pub(super) delete: Vec<Acl>,
}

impl Plan {
    pub(super) fn is_empty(&self) -> bool {
        self.create.is_empty() && self.delete.is_empty()
    }
}

impl Rights {
    /// The rights of a zone: its topics one by one, groups and transactional ids under its prefix, nothing else.
    pub(super) fn of(zone: &ZoneSpec, keys: &ZoneKeys, pattern: &UserPattern, delete_groups: bool) -> Self {
        let principal = format!("{USER}{}", pattern.user(zone.name()));
        let mut acls = BTreeSet::new();
        let mut allow = |kind, pattern, name: &str, operations: &[Operation]| {
            acls.extend(operations.iter().map(|operation| Acl {
                principal: principal.clone(),
                kind,
                pattern,
                name: name.to_owned(),
                operation: *operation,
                permission: Effect::ALLOW,
                host: ANY_HOST.to_owned(),
            }));
        };
        for grant in zone.topics() {
            let name = grant.backing.as_str();
            allow(Kind::TOPIC, Pattern::LITERAL, name, TOPIC);
            if grant.permission == Permission::Write {
                allow(Kind::TOPIC, Pattern::LITERAL, name, &[Operation::WRITE]);
            }
        }
        let prefix = keys.tag().prefix();
        match zone.kind() {
            ZoneKind::Partner => {
                allow(Kind::GROUP, Pattern::PREFIXED, prefix, GROUP);
                if delete_groups {
                    allow(Kind::GROUP, Pattern::PREFIXED, prefix, &[Operation::DELETE]);
                }
                allow(Kind::TRANSACTIONAL_ID, Pattern::PREFIXED, prefix, TRANSACTIONAL_ID);
            }
            ZoneKind::Share(group) => {
                allow(Kind::GROUP, Pattern::LITERAL, group.as_str(), GROUP);
                allow(Kind::GROUP, Pattern::PREFIXED, &format!("{}.", group.as_str()), GROUP);
                // No such group can exist: it marks the user as this installation's, see `witness`.
                allow(Kind::GROUP, Pattern::PREFIXED, prefix, &[Operation::DESCRIBE]);
            }
        }
        Self { principal, acls }
    }
}

/// Compares `rights` with what exists. `prefix_of` tells the prefix that a principal's zone would have here, if it could be
/// the user of one.
///
/// A principal is of this installation when it is the user of a zone that is there, or when it has a right on the groups
/// under the very prefix that only this installation's root key yields: that is a zone of before. ACLs of anybody
/// else are left alone, and so is every DENY.
pub(super) fn plan(rights: &[Rights], existing: &[Acl], prefix_of: impl Fn(&str) -> Option<String>) -> Plan {
    let wanted: BTreeSet<&Acl> = rights.iter().flat_map(|rights| &rights.acls).collect();
    let present: BTreeSet<&Acl> = existing.iter().collect();
    let is_witness = |acl: &Acl| {
        acl.kind == Kind::GROUP && prefix_of(&acl.principal).is_some_and(|prefix| acl.name == prefix)
    };
    let mut ours: BTreeSet<&str> = rights.iter().map(|rights| rights.principal.as_str()).collect();
    ours.extend(
        existing
            .iter()
            .filter(|acl| acl.pattern == Pattern::PREFIXED && is_witness(acl))
            .map(|acl| acl.principal.as_str()),
    );
    let mut delete: Vec<Acl> = present
        .iter()
        .filter(|acl| acl.permission == Effect::ALLOW && ours.contains(acl.principal.as_str()))
        .filter(|acl| !wanted.contains(*acl))
        .map(|acl| (*acl).clone())
        .collect();
    delete.sort_by_key(|acl| is_witness(acl));
    let create = wanted.difference(&present).map(|acl| (*acl).clone()).collect();
    Plan { create, delete }
}

const TOPIC: &[Operation] = &[Operation::READ, Operation::DESCRIBE, Operation::DESCRIBE_CONFIGS];
const GROUP: &[Operation] = &[Operation::READ, Operation::DESCRIBE];
const TRANSACTIONAL_ID: &[Operation] = &[Operation::WRITE, Operation::DESCRIBE];

#[cfg(test)]
mod tests {
    use tidegate_core::{RootKey, ZoneName, parse_zones};

    use super::*;

    const READ_ONE: &str = "{name: a, backingTopic: t1, permission: READ}";
    const WRITE_ONE: &str = "{name: a, backingTopic: t1, permission: WRITE}";
    const READ_TWO: &str = "{name: b, backingTopic: t2, permission: READ}";

    fn root_key() -> RootKey {
        RootKey::from_bytes([1; 32])
    }

    fn pattern() -> UserPattern {
        UserPattern::parse("tidegate-{zone}").unwrap()
    }

    fn rights(zone: &str, topics: &str) -> Rights {
        let manifest = format!(
            "{{apiVersion: v2, kind: PartnerZone, metadata: {{name: {zone}}}, spec: {{cluster: c, serviceAccount: u, topics: [{topics}]}}}}"
        );
        let spec = parse_zones(&manifest).unwrap().remove(0);
        let keys = root_key().zone_keys(&root_key().zone_id(spec.name()));
        Rights::of(&spec, &keys, &pattern(), true)
    }

    fn prefix_of(principal: &str) -> Option<String> {
        let zone: ZoneName = pattern().zone(principal.strip_prefix(USER)?)?;
        Some(root_key().zone_keys(&root_key().zone_id(&zone)).tag().prefix().to_owned())
    }

    fn existing(rights: &[Rights]) -> Vec<Acl> {
        rights.iter().flat_map(|rights| rights.acls.iter().cloned()).collect()
    }

    fn lines(acls: &[Acl]) -> Vec<String> {
        acls.iter()
            .map(|acl| format!("{} {} {} {}", acl.principal, acl.kind.0, acl.name, acl.operation.0))
            .collect()
    }

    #[test]
    fn an_empty_cluster_gets_every_right_once_and_nothing_on_the_cluster() {
        let wanted = [rights("acme", &format!("{WRITE_ONE}, {READ_TWO}"))];
        let made = plan(&wanted, &[], prefix_of);
        assert_eq!(made.delete, []);
        assert_eq!(made.create.len(), 4 + 3 + 3 + 2);
        let kinds: BTreeSet<i8> = made.create.iter().map(|acl| acl.kind.0).collect();
        assert_eq!(kinds, BTreeSet::from([2, 3, 5]));
        assert!(made.create.iter().all(|acl| acl.principal == "User:tidegate-acme"));
        let again = plan(&wanted, &made.create, prefix_of);
        assert!(again.is_empty(), "{again:?}");
    }

    #[test]
    fn an_edit_takes_back_what_it_took_and_no_more() {
        let before = existing(&[rights("acme", &format!("{WRITE_ONE}, {READ_TWO}"))]);
        let demoted = plan(&[rights("acme", &format!("{READ_ONE}, {READ_TWO}"))], &before, prefix_of);
        assert_eq!(lines(&demoted.delete), ["User:tidegate-acme 2 t1 4"]);
        assert_eq!(demoted.create, []);
        let removed = plan(&[rights("acme", WRITE_ONE)], &before, prefix_of);
        assert_eq!(
            lines(&removed.delete),
            ["User:tidegate-acme 2 t2 3", "User:tidegate-acme 2 t2 8", "User:tidegate-acme 2 t2 10"]
        );
    }

    #[test]
    fn a_deleted_zone_loses_everything_and_its_proof_last() {
        let before = existing(&[rights("acme", WRITE_ONE), rights("stays", READ_TWO)]);
        let gone = plan(&[rights("stays", READ_TWO)], &before, prefix_of);
        assert_eq!(gone.create, []);
        assert_eq!(gone.delete.len(), 4 + 3 + 2);
        let kinds: Vec<i8> = gone.delete.iter().map(|acl| acl.kind.0).collect();
        assert_eq!(&kinds[kinds.len() - 3..], [3, 3, 3]);
        // Cut off after any number of deletes, the next pass finishes.
        for done in 0..gone.delete.len() {
            let left: Vec<Acl> =
                before.iter().filter(|acl| !gone.delete[..done].contains(acl)).cloned().collect();
            let rest = plan(&[rights("stays", READ_TWO)], &left, prefix_of);
            assert_eq!(rest.delete, gone.delete[done..]);
        }
    }

    #[test]
    fn nobody_elses_rights_are_touched() {
        let other_installation = {
            let key = RootKey::from_bytes([2; 32]);
            let prefix =
                key.zone_keys(&key.zone_id(&ZoneName::parse("gone").unwrap())).tag().prefix().to_owned();
            let mut acl = existing(&[rights("gone", READ_ONE)]).remove(0);
            (acl.kind, acl.pattern, acl.name) = (Kind::GROUP, Pattern::PREFIXED, prefix);
            acl
        };
        let one = existing(&[rights("acme", READ_ONE)]).remove(0);
        let of = |principal: &str| Acl { principal: principal.to_owned(), ..one.clone() };
        let foreign = [
            of("User:admin"),
            of("User:tidegate-"),
            // Named as a zone might be, and no zone of this root key ever was.
            of("User:tidegate-monitoring"),
            of("Group:tidegate-acme"),
            other_installation,
            Acl { permission: Effect(2), ..one.clone() },
        ];
        let planned = plan(&[rights("acme", READ_ONE)], &foreign, prefix_of);
        assert_eq!(planned.delete, []);
    }

    #[test]
    fn a_right_that_somebody_added_to_a_zones_user_is_taken_back() {
        let mut before = existing(&[rights("acme", READ_ONE)]);
        before.push(Acl { name: "hidden".to_owned(), ..before[0].clone() });
        before.push(Acl { host: "10.0.0.1".to_owned(), ..before[0].clone() });
        let planned = plan(&[rights("acme", READ_ONE)], &before, prefix_of);
        assert_eq!(planned.delete.len(), 2);
        assert_eq!(planned.create, []);
    }
}
