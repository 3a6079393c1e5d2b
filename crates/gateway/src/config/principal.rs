//! `clusters[].security.sasl.perZone` and `clusters[].acls`: each zone as a user of its own upstream.

use std::collections::BTreeMap;

use secrecy::SecretString;
use tidegate_core::ZoneName;
use tidegate_core::document::Place;
use tidegate_core::names::Shown;
use tidegate_wire::sasl::PasswordMechanism;

use tidegate_daemon::Around;

/// How each zone logs in upstream.
#[derive(Debug, Clone)]
pub struct PerZone {
    /// Who it is.
    pub username: UserPattern,
    /// How it proves that.
    pub passwords: ZonePasswords,
}

/// Where the passwords of the zones' users come from.
#[derive(Debug, Clone)]
pub enum ZonePasswords {
    /// From the root key; the gateway makes the SCRAM users itself.
    Derived,
    /// From files of a folder, each named as its zone.
    Files(BTreeMap<String, SecretString>),
}

/// What the gateway does with the ACLs of the zones' users.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AclPolicy {
    /// Nothing: somebody else grants them.
    #[default]
    Leave,
    /// It keeps them as the zones say.
    Manage,
}

/// A user name with a place for the zone's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPattern {
    before: String,
    after: String,
}

/// Why a text is no pattern of user names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UserPatternError {
    /// No place for the zone, or several.
    #[error(
        "`{0}` must hold `{{zone}}` once, where the zone's name comes; write for example `tidegate-{{zone}}`"
    )]
    Zone(Shown),
    /// A character that makes trouble in principals or SCRAM messages.
    #[error("`{0}` may hold letters, digits, `-`, `_` and `.` around `{{zone}}`, 64 at most")]
    Character(Shown),
}

impl UserPattern {
    /// Takes a text such as `tidegate-{zone}`.
    pub fn parse(text: &str) -> Result<Self, UserPatternError> {
        let no_zone = || UserPatternError::Zone(Shown::of(text));
        let (before, after) = text.split_once(ZONE).ok_or_else(no_zone)?;
        if after.contains(ZONE) {
            return Err(no_zone());
        }
        let is_plain =
            |part: &str| part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if !is_plain(before) || !is_plain(after) || before.len() + after.len() > MAX_AROUND {
            return Err(UserPatternError::Character(Shown::of(text)));
        }
        Ok(Self { before: before.to_owned(), after: after.to_owned() })
    }

    /// The user of a zone.
    #[must_use]
    pub fn user(&self, zone: &ZoneName) -> String {
        [&self.before, zone.as_str(), &self.after].concat()
    }

    /// The zone whose user this would be, whether it exists or not.
    #[must_use]
    pub fn zone(&self, user: &str) -> Option<ZoneName> {
        let zone = user.strip_prefix(&self.before)?.strip_suffix(&self.after)?;
        ZoneName::parse(zone).ok()
    }
}

/// Reads `perZone`.
pub(super) fn read(
    place: &Place<'_>,
    mechanism: Option<PasswordMechanism>,
    around: &Around<'_>,
) -> Option<PerZone> {
    let mut fields = place.fields()?;
    let username = fields
        .required("username", "write a name with a place for the zone's, such as `tidegate-{zone}`")
        .and_then(|place| place.parse(UserPattern::parse));
    let passwords = fields
        .required("passwords", "write `derived`, or `{folder: PATH}` with a file for each zone")
        .and_then(|place| passwords(&place, mechanism, around));
    fields.finish();
    Some(PerZone { username: username?, passwords: passwords? })
}

/// Reads `acls`, which without users of their own would have nobody to be for.
pub(super) fn acls(place: Option<&Place<'_>>, per_zone: bool) -> AclPolicy {
    let Some(place) = place else { return AclPolicy::default() };
    let policy = place.choice(POLICIES).unwrap_or_default();
    if policy == AclPolicy::Manage && !per_zone {
        place.fail("without `security.sasl.perZone` all zones are one user upstream, who cannot have the rights of each; write `perZone` as well, or `leave`");
    }
    policy
}

fn passwords(
    place: &Place<'_>,
    mechanism: Option<PasswordMechanism>,
    around: &Around<'_>,
) -> Option<ZonePasswords> {
    if place.is_map() {
        let mut fields = place.fields()?;
        let folder = fields.required("folder", "name the folder that holds a file for each zone");
        fields.finish();
        return around.secrets(&folder?).map(ZonePasswords::Files);
    }
    place.choice(&[("derived", ())])?;
    if mechanism == Some(PasswordMechanism::Plain) {
        place.fail(
            "the gateway can make SCRAM users only; choose a SCRAM mechanism, or write `{folder: PATH}`",
        );
        return None;
    }
    Some(ZonePasswords::Derived)
}

const POLICIES: &[(&str, AclPolicy)] = &[("leave", AclPolicy::Leave), ("manage", AclPolicy::Manage)];

/// Where the zone's name comes.
const ZONE: &str = "{zone}";

/// With the longest zone name far below what any broker takes.
const MAX_AROUND: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fills_in_the_zone_and_takes_it_out_again() {
        let pattern = UserPattern::parse("tidegate-{zone}.v1").unwrap();
        let zone = ZoneName::parse("acme").unwrap();
        assert_eq!(pattern.user(&zone), "tidegate-acme.v1");
        assert_eq!(pattern.zone("tidegate-acme.v1"), Some(zone));
        for foreign in ["tidegate-.v1", "tidegate-acme", "acme.v1", "tidegate-Acme.v1", "admin", ""] {
            assert_eq!(pattern.zone(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn patterns_without_or_with_two_zones_or_odd_characters_are_refused() {
        for bad in ["", "tidegate", "{zone}{zone}", "{zone", "a:{zone}", "a,{zone}", "{zone}=b", "ü{zone}"] {
            assert!(UserPattern::parse(bad).is_err(), "{bad}");
        }
        assert!(UserPattern::parse(&format!("{}{{zone}}", "a".repeat(65))).is_err());
        assert!(UserPattern::parse("{zone}").is_ok());
    }
}
