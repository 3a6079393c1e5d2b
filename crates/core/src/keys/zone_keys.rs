//! What belongs to one zone and must be the same on every replica.

use std::fmt;

use ring::hmac;

use super::root_key::RootKey;
use super::topic_id::VirtualTopicId;
use super::zone_tag::ZoneTag;
use crate::names::Alias;
use crate::zone_id::ZoneId;

/// The derived values of one zone: the key of its topic ids, its cluster id, its tag.
#[derive(Clone)]
pub struct ZoneKeys {
    zone: ZoneId,
    vid: hmac::Key,
    cluster_id: String,
    tag: ZoneTag,
}

impl ZoneKeys {
    pub(super) fn derive(root: &RootKey, zone: &ZoneId) -> Self {
        let mut vid = [0; 32];
        root.derive(b"vid", zone.as_bytes(), &mut vid);
        let mut tag = [0; 16];
        root.derive(b"group tag", zone.as_bytes(), &mut tag);
        Self {
            zone: *zone,
            vid: hmac::Key::new(hmac::HMAC_SHA256, &vid),
            cluster_id: cluster_id(root, zone),
            tag: ZoneTag::from_random(tag),
        }
    }

    /// Whose keys these are.
    pub fn zone(&self) -> ZoneId {
        self.zone
    }

    /// The cluster id that the partner sees: 22 characters, as Kafka makes them.
    pub fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    /// The tag before the zone's groups and transactional ids.
    pub fn tag(&self) -> &ZoneTag {
        &self.tag
    }

    /// The id under which this zone knows a topic.
    ///
    /// It changes when the alias is re-pointed or the backing topic is made anew, and says nothing about the real id.
    pub fn virtual_topic_id(&self, alias: &Alias, backing_id: [u8; 16]) -> VirtualTopicId {
        first_usable(|counter| {
            let mut context = hmac::Context::with_key(&self.vid);
            context.update(alias.as_str().as_bytes());
            context.update(&[0]);
            context.update(&backing_id);
            context.update(counter);
            first_16(context.sign().as_ref())
        })
    }
}

impl fmt::Debug for ZoneKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZoneKeys").field("tag", &self.tag).finish_non_exhaustive()
    }
}

/// Kafka's cluster ids are made like its topic ids, so the same ones are passed over.
fn cluster_id(root: &RootKey, zone: &ZoneId) -> String {
    first_usable(|counter| {
        let owner = [zone.as_bytes().as_slice(), counter].concat();
        let mut bytes = [0; 16];
        root.derive(b"cluster id", &owner, &mut bytes);
        bytes
    })
    .to_string()
}

/// The first candidate that Kafka could have given out: the plain one, else with a counter byte 1, 2, ... appended.
/// One candidate in 64 is passed over, so 256 failures in a row do not happen.
fn first_usable(candidate: impl Fn(&[u8]) -> [u8; 16]) -> VirtualTopicId {
    let plain = VirtualTopicId::from_bytes(candidate(&[]));
    if plain.is_usable() {
        return plain;
    }
    (1..=u8::MAX)
        .map(|counter| VirtualTopicId::from_bytes(candidate(&[counter])))
        .find(VirtualTopicId::is_usable)
        .unwrap_or(plain)
}

fn first_16(digest: &[u8]) -> [u8; 16] {
    digest.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::names::ZoneName;

    fn root() -> RootKey {
        RootKey::from_bytes(std::array::from_fn(|i| u8::try_from(i).unwrap()))
    }

    fn keys(zone: &str) -> ZoneKeys {
        let root = root();
        root.zone_keys(&root.zone_id(&ZoneName::parse(zone).unwrap()))
    }

    #[test]
    fn derived_values_never_change() {
        let keys = keys("external-partner-zone");
        let alias = Alias::parse("topic-a").unwrap();
        // Computed once by another implementation.
        assert_eq!(keys.cluster_id(), "HyLENZBN0WRj1R5TiB7dDg");
        assert_eq!(keys.tag().as_str(), "tg-03ho5cc42k6dk");
        assert_eq!(keys.virtual_topic_id(&alias, [7; 16]).to_string(), "3qiwCgTuOyu2og9zb3qyBw");
    }

    #[test]
    fn ids_differ_by_zone_alias_and_backing_id() {
        let ids: HashSet<_> = ["z1", "z2"]
            .iter()
            .flat_map(|zone| ["a", "b"].map(|alias| (keys(zone), Alias::parse(alias).unwrap())))
            .flat_map(|(keys, alias)| [[1; 16], [2; 16]].map(|id| keys.virtual_topic_id(&alias, id)))
            .collect();
        assert_eq!(ids.len(), 8);
    }

    #[test]
    fn no_id_looks_like_an_option() {
        let keys = keys("z");
        let alias = Alias::parse("a").unwrap();
        // About 64 of these need a second try.
        for n in 0_u128..4096 {
            let id = keys.virtual_topic_id(&alias, n.to_be_bytes());
            assert!(!id.to_string().starts_with('-'), "{id}");
            assert_eq!(id.to_string().len(), 22);
        }
    }

    #[test]
    fn a_passed_over_id_is_derived_again_with_a_counter() {
        let id = first_usable(|counter| match counter {
            [] => [0xf8; 16],
            [1] => [0; 16],
            [n] => [*n; 16],
            _ => [9; 16],
        });
        assert_eq!(id.as_bytes(), &[2; 16]);
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", keys("z")), format!("ZoneKeys {{ tag: {:?}, .. }}", keys("z").tag()));
    }
}
