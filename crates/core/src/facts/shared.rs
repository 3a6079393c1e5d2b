//! Facts that several replicas write into one log: each reads the same log and comes to the same.
//!
//! A log is compacted, so a claim must not depend on records that may be gone. Every binding stands under a key of its own,
//! which has the alias in it, and carries the place of its first claim: of several claims to one group and topic the first
//! holds, whoever reads when. A claim that lost is taken back by whoever made it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::Hash;

use ring::hmac;
use serde::{Deserialize, Serialize};

use super::{BINDING_RETENTION_S, Fact, Timestamp, Unbound};
use crate::keys::RootKey;
use crate::names::{Alias, BackingTopic, CredentialId};
use crate::zone_id::ZoneId;

/// A fact as it lies in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactRecord {
    /// What it is about: JSON.
    pub key: Vec<u8>,
    /// What is true of it: JSON; `None` when nothing is any more.
    pub value: Option<Vec<u8>>,
    /// The proof that a replica of this installation wrote it.
    pub signature: [u8; 32],
}

/// Signs and checks facts; derived from the root key.
#[derive(Clone)]
pub struct FactKeys(hmac::Key);

/// What a log of facts comes to.
#[derive(Debug, Default)]
pub struct SharedFacts {
    producers: HashMap<(ZoneId, i64), Timestamp>,
    claims: HashMap<(ZoneId, String, BackingTopic), BTreeMap<Alias, Claim>>,
    logins: HashMap<(ZoneId, CredentialId), Timestamp>,
}

#[derive(Debug, Clone, Copy)]
struct Claim {
    /// The place of the first claim.
    since: i64,
    used: Timestamp,
}

#[derive(Serialize, Deserialize)]
enum Key {
    #[serde(rename = "producer")]
    Producer { zone: [u8; 16], id: i64 },
    #[serde(rename = "binding")]
    Binding { zone: [u8; 16], group: String, backing: BackingTopic, alias: Alias },
    #[serde(rename = "login")]
    Login { zone: [u8; 16], credential: CredentialId },
}

#[derive(Serialize, Deserialize)]
struct Value {
    used: u64,
    /// Absent in a first claim: its own place is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<i64>,
}

/// A record that is not taken: somebody else writes into the log, or a later version does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FactError {
    /// Nobody who has the root key wrote it.
    #[error("a fact is not signed by this installation")]
    Forged,
    /// It says nothing that is known here.
    #[error("a fact cannot be read: {0}")]
    Unknown(String),
}

impl FactKeys {
    /// The keys of an installation.
    #[must_use]
    pub fn new(root: &RootKey) -> Self {
        let mut bytes = [0; 32];
        root.derive(b"fact mac", &[], &mut bytes);
        Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
    }

    fn sign(&self, key: Vec<u8>, value: Option<Vec<u8>>) -> FactRecord {
        let tag = hmac::sign(&self.0, &message(&key, value.as_deref()));
        let signature = tag.as_ref().first_chunk().copied().unwrap_or_default();
        FactRecord { key, value, signature }
    }

    fn holds(&self, record: &FactRecord) -> bool {
        hmac::verify(&self.0, &message(&record.key, record.value.as_deref()), &record.signature).is_ok()
    }
}

/// What is signed. The length of the key keeps it from flowing into the value.
fn message(key: &[u8], value: Option<&[u8]>) -> Vec<u8> {
    let length = u64::try_from(key.len()).unwrap_or(u64::MAX).to_be_bytes();
    let there = [u8::from(value.is_some())];
    [b"tidegate fact v1", &length[..], key, &there, value.unwrap_or_default()].concat()
}

impl fmt::Debug for FactKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FactKeys(hidden)")
    }
}

impl SharedFacts {
    /// The record that states a fact.
    #[must_use]
    pub fn state(&self, keys: &FactKeys, zone: ZoneId, fact: &Fact) -> Option<FactRecord> {
        let (key, value) = match fact {
            Fact::Producer { id, used } => {
                (Key::Producer { zone: *zone.as_bytes(), id: *id }, Value { used: used.0, since: None })
            }
            Fact::Login { credential, used } => {
                let key = Key::Login { zone: *zone.as_bytes(), credential: credential.clone() };
                (key, Value { used: used.0, since: None })
            }
            Fact::Binding { group, backing, alias, used } => {
                let known = self.claims.get(&(zone, group.clone(), backing.clone()));
                let claim = known.and_then(|claims| claims.get(alias));
                // One that was out of use begins anew, behind whatever holds now.
                let since = claim.filter(|claim| is_in_use(claim, *used)).map(|claim| claim.since);
                (binding(zone, group, backing, alias), Value { used: used.0, since })
            }
        };
        Some(keys.sign(serde_json::to_vec(&key).ok()?, Some(serde_json::to_vec(&value).ok()?)))
    }

    /// The record that takes a binding back.
    #[must_use]
    pub fn take_back(keys: &FactKeys, zone: ZoneId, unbound: &Unbound) -> Option<FactRecord> {
        let Unbound { group, backing, alias } = unbound;
        Some(keys.sign(serde_json::to_vec(&binding(zone, group, backing, alias)).ok()?, None))
    }

    /// Takes the record at `place` of the log.
    ///
    /// # Errors
    /// [`FactError`]: then it changes nothing.
    pub fn take(&mut self, keys: &FactKeys, place: i64, record: &FactRecord) -> Result<(), FactError> {
        if !keys.holds(record) {
            return Err(FactError::Forged);
        }
        let unknown = |error: serde_json::Error| FactError::Unknown(error.to_string());
        let key: Key = serde_json::from_slice(&record.key).map_err(unknown)?;
        let value: Option<Value> =
            record.value.as_deref().map(serde_json::from_slice).transpose().map_err(unknown)?;
        match key {
            Key::Producer { zone, id } => {
                last_use(&mut self.producers, (ZoneId::from_bytes(zone), id), value.as_ref());
            }
            Key::Login { zone, credential } => {
                last_use(&mut self.logins, (ZoneId::from_bytes(zone), credential), value.as_ref());
            }
            Key::Binding { zone, group, backing, alias } => {
                let key = (ZoneId::from_bytes(zone), group, backing);
                let claims = self.claims.entry(key.clone()).or_default();
                match value {
                    Some(Value { used, since }) => {
                        let claim = Claim { since: since.unwrap_or(place), used: Timestamp(used) };
                        let known = claims.entry(alias).or_insert(claim);
                        if is_in_use(known, claim.used) {
                            known.used = known.used.max(claim.used);
                            known.since = known.since.min(claim.since);
                        } else {
                            *known = claim;
                        }
                    }
                    None => drop(claims.remove(&alias)),
                }
                if claims.is_empty() {
                    self.claims.remove(&key);
                }
            }
        }
        Ok(())
    }

    /// A fact that was stated, as it stands: of several bindings of one group and topic the first.
    #[must_use]
    pub fn standing(&self, zone: ZoneId, fact: Fact) -> Fact {
        match fact {
            Fact::Producer { .. } | Fact::Login { .. } => fact,
            Fact::Binding { group, backing, alias, used } => {
                let claims = self.claims.get(&(zone, group.clone(), backing.clone()));
                // The first may be out of use for so long that it holds no more.
                let in_use = claims.into_iter().flatten().filter(|(_, claim)| is_in_use(claim, used));
                let (alias, used) = match in_use.min_by_key(|(_, claim)| claim.since) {
                    Some((first, claim)) => (first.clone(), claim.used),
                    None => (alias, used),
                };
                Fact::Binding { group, backing, alias, used }
            }
        }
    }

    /// When a zone's producer id was last in use, if it was issued that.
    #[must_use]
    pub fn producer(&self, zone: ZoneId, id: i64) -> Option<Timestamp> {
        self.producers.get(&(zone, id)).copied()
    }

    /// When each credential of a zone's account was last in use.
    pub fn logins(&self, zone: ZoneId) -> impl Iterator<Item = (CredentialId, Timestamp)> {
        let logins = self.logins.iter().filter(move |((of, _), _)| *of == zone);
        logins.map(|((_, credential), used)| (credential.clone(), *used))
    }

    /// Every binding that holds.
    pub fn bindings(&self) -> impl Iterator<Item = (ZoneId, Fact)> {
        self.claims.iter().filter_map(|((zone, group, backing), claims)| {
            let (alias, claim) = first(claims)?;
            let (group, backing, alias) = (group.clone(), backing.clone(), alias.clone());
            Some((*zone, Fact::Binding { group, backing, alias, used: claim.used }))
        })
    }

    /// Forgets what was last in use before `limit`; the log forgets it by itself.
    pub fn expire(&mut self, limit: Timestamp) {
        self.producers.retain(|_, used| *used >= limit);
        self.logins.retain(|_, used| *used >= limit);
        for claims in self.claims.values_mut() {
            claims.retain(|_, claim| claim.used >= limit);
        }
        self.claims.retain(|_, claims| !claims.is_empty());
    }
}

/// Takes when something was last in use. What is shown again, or comes late, makes nothing older.
fn last_use<K: Hash + Eq>(known: &mut HashMap<K, Timestamp>, key: K, value: Option<&Value>) {
    match value {
        Some(value) => {
            let known = known.entry(key).or_default();
            *known = (*known).max(Timestamp(value.used));
        }
        None => drop(known.remove(&key)),
    }
}

fn binding(zone: ZoneId, group: &str, backing: &BackingTopic, alias: &Alias) -> Key {
    let (group, backing, alias) = (group.to_owned(), backing.clone(), alias.clone());
    Key::Binding { zone: *zone.as_bytes(), group, backing, alias }
}

/// The claim that holds: the first of those that are in use, as of the newest.
fn first(claims: &BTreeMap<Alias, Claim>) -> Option<(&Alias, &Claim)> {
    let newest = claims.values().map(|claim| claim.used).max()?;
    claims.iter().filter(|(_, claim)| is_in_use(claim, newest)).min_by_key(|(_, claim)| claim.since)
}

fn is_in_use(claim: &Claim, now: Timestamp) -> bool {
    now.since(claim.used) < BINDING_RETENTION_S
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: ZoneId = ZoneId::from_bytes([1; 16]);

    fn keys(byte: u8) -> FactKeys {
        FactKeys::new(&RootKey::from_bytes([byte; 32]))
    }

    fn binding(alias: &str, used: u64) -> Fact {
        Fact::Binding {
            group: "g/ü".to_owned(),
            backing: BackingTopic::parse("t").unwrap(),
            alias: Alias::parse(alias).unwrap(),
            used: Timestamp(used),
        }
    }

    fn unbound(alias: &str) -> Unbound {
        Unbound {
            group: "g/ü".to_owned(),
            backing: BackingTopic::parse("t").unwrap(),
            alias: Alias::parse(alias).unwrap(),
        }
    }

    fn bound(facts: &SharedFacts) -> Option<Fact> {
        facts.bindings().next().map(|(_, fact)| fact)
    }

    #[test]
    fn the_first_claim_holds_also_after_compaction() {
        let keys = keys(1);
        let mut facts = SharedFacts::default();
        // Two replicas that know nothing of one another claim, and the first goes on to use what it has.
        let (one, other) = (
            facts.state(&keys, ZONE, &binding("a", 10)).unwrap(),
            facts.state(&keys, ZONE, &binding("b", 11)).unwrap(),
        );
        facts.take(&keys, 0, &one).unwrap();
        facts.take(&keys, 1, &other).unwrap();
        assert_eq!(facts.standing(ZONE, binding("b", 11)), binding("a", 10));
        let again = facts.state(&keys, ZONE, &binding("a", 20)).unwrap();
        facts.take(&keys, 2, &again).unwrap();
        assert_eq!(bound(&facts), Some(binding("a", 20)));
        // Whoever starts now finds the last record of each key, in another order.
        let mut compacted = SharedFacts::default();
        compacted.take(&keys, 1, &other).unwrap();
        compacted.take(&keys, 2, &again).unwrap();
        assert_eq!(bound(&compacted), Some(binding("a", 20)));
        // What is taken back makes room.
        compacted.take(&keys, 3, &SharedFacts::take_back(&keys, ZONE, &unbound("a")).unwrap()).unwrap();
        assert_eq!(bound(&compacted), Some(binding("b", 11)));
        compacted.expire(Timestamp(12));
        assert_eq!(bound(&compacted), None);
    }

    #[test]
    fn a_claim_that_is_out_of_use_holds_no_more() {
        let keys = keys(1);
        let mut facts = SharedFacts::default();
        let late = 10 + BINDING_RETENTION_S;
        for (place, fact) in [(0, binding("a", 10)), (1, binding("b", late))] {
            let record = facts.state(&keys, ZONE, &fact).unwrap();
            facts.take(&keys, place, &record).unwrap();
        }
        assert_eq!(facts.standing(ZONE, binding("b", late - 1)), binding("a", 10));
        assert_eq!(facts.standing(ZONE, binding("b", late)), binding("b", late));
        assert_eq!(bound(&facts), Some(binding("b", late)));
        // And it does not come back with its old place.
        let again = facts.state(&keys, ZONE, &binding("a", late + 1)).unwrap();
        facts.take(&keys, 2, &again).unwrap();
        assert_eq!(facts.standing(ZONE, binding("a", late + 1)), binding("b", late));
    }

    #[test]
    fn producer_ids_are_those_of_their_zone_and_never_grow_older() {
        let keys = keys(1);
        let mut facts = SharedFacts::default();
        let stated = |used| facts_of(&keys, used);
        facts.take(&keys, 0, &stated(10)).unwrap();
        facts.take(&keys, 1, &stated(20)).unwrap();
        facts.take(&keys, 2, &stated(10)).unwrap();
        assert_eq!(facts.producer(ZONE, 7), Some(Timestamp(20)));
        assert_eq!(facts.producer(ZoneId::from_bytes([2; 16]), 7), None);
        facts.expire(Timestamp(21));
        assert_eq!(facts.producer(ZONE, 7), None);
    }

    #[test]
    fn a_credential_was_in_use_when_it_was_seen_last() {
        let keys = keys(1);
        let mut facts = SharedFacts::default();
        let credential = CredentialId::parse("c1").unwrap();
        for (place, used) in [(0, 10), (1, 30), (2, 20)] {
            let fact = Fact::Login { credential: credential.clone(), used: Timestamp(used) };
            let record = facts.state(&keys, ZONE, &fact).unwrap();
            facts.take(&keys, place, &record).unwrap();
        }
        assert_eq!(facts.logins(ZONE).collect::<Vec<_>>(), [(credential, Timestamp(30))]);
        assert_eq!(facts.logins(ZoneId::from_bytes([2; 16])).count(), 0);
        facts.expire(Timestamp(31));
        assert_eq!(facts.logins(ZONE).count(), 0);
    }

    fn facts_of(keys: &FactKeys, used: u64) -> FactRecord {
        let fact = Fact::Producer { id: 7, used: Timestamp(used) };
        SharedFacts::default().state(keys, ZONE, &fact).unwrap()
    }

    #[test]
    fn what_is_not_signed_or_not_known_is_not_taken() {
        let good = facts_of(&keys(1), 10);
        let mut facts = SharedFacts::default();
        assert_eq!(facts.take(&keys(2), 0, &good), Err(FactError::Forged));
        let others = [
            FactRecord { value: None, ..good.clone() },
            FactRecord { value: Some(b"{\"used\":99}".to_vec()), ..good.clone() },
            FactRecord { key: facts_of(&keys(1), 11).key.split_off(1), ..good.clone() },
        ];
        for other in others {
            assert_eq!(facts.take(&keys(1), 0, &other), Err(FactError::Forged));
        }
        let later = keys(1).sign(b"{\"lease\":{}}".to_vec(), None);
        assert!(matches!(facts.take(&keys(1), 0, &later), Err(FactError::Unknown(_))));
        assert_eq!(facts.producer(ZONE, 7), None);
    }
}
