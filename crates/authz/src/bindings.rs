//! Which alias of a backing topic a consumer group uses.
//!
//! A broker keys committed offsets by (group, backing topic, partition). Two aliases of one topic in one
//! group would overwrite each other's offsets, so the first alias that a group uses is the only one it may
//! use. Zones whose aliases all have their own backing topic never need an entry.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use tidegate_core::facts::{BINDING_RETENTION_S, Fact, Timestamp, Unbound};
use tidegate_core::names::{Alias, BackingTopic};

/// Most entries of one zone. An entry is made by a partner's request, so the number must be bounded.
pub const MAX_BINDINGS: usize = 10_000;

/// Age from which the use of a binding is noted in the store anew.
const NOTE_USE_AFTER_S: u64 = 24 * 3_600;

/// The bindings of one zone, shared by its connections.
#[derive(Debug, Default)]
pub struct Bindings {
    bound: Mutex<HashMap<(String, BackingTopic), (Alias, Timestamp)>>,
}

/// An alias and the topic behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The topic.
    pub backing: BackingTopic,
    /// The alias.
    pub alias: Alias,
}

/// The group already uses another alias of the same backing topic, or there is no room for one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict;

impl Bindings {
    /// Binds `group` to each alias on its backing topic, unless it is bound to it already; all or none. Gives what
    /// must be kept and taken in before the group may be served.
    ///
    /// # Errors
    /// [`Conflict`].
    pub fn bind(&self, group: &str, wanted: &[Binding], now: Timestamp) -> Result<Vec<Fact>, Conflict> {
        let (bound, facts) = self.bind_some(group, wanted, now);
        if bound.contains(&false) { Err(Conflict) } else { Ok(facts) }
    }

    /// As [`Bindings::bind`], one by one: tells of each whether it is bound, and what must be kept.
    pub fn bind_some(&self, group: &str, wanted: &[Binding], now: Timestamp) -> (Vec<bool>, Vec<Fact>) {
        let mut bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        if bound.len() + wanted.len() > MAX_BINDINGS {
            bound.retain(|_, (_, used)| now.since(*used) < BINDING_RETENTION_S);
        }
        let mut new: HashMap<BackingTopic, Alias> = HashMap::new();
        let mut bind = |Binding { backing, alias }: &'_ Binding| {
            let known = bound.get(&(group.to_owned(), backing.clone()));
            let known = known.filter(|(_, used)| now.since(*used) < BINDING_RETENTION_S);
            if let Some((known, used)) = known
                && (known != alias || now.since(*used) < NOTE_USE_AFTER_S)
            {
                return known == alias;
            }
            if let Some(first) = new.get(backing) {
                return first == alias;
            }
            let room = known.is_some() || bound.len() + new.len() < MAX_BINDINGS;
            if room {
                new.insert(backing.clone(), alias.clone());
            }
            room
        };
        let accepted = wanted.iter().map(&mut bind).collect();
        let fact = |(backing, alias)| Fact::Binding { group: group.to_owned(), backing, alias, used: now };
        (accepted, new.into_iter().map(fact).collect())
    }

    /// Takes in a binding that the store keeps.
    pub(crate) fn take(&self, group: &str, backing: &BackingTopic, alias: &Alias, used: Timestamp) {
        let mut bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        bound.insert((group.to_owned(), backing.clone()), (alias.clone(), used));
    }

    /// The alias that `group` uses for `backing`.
    #[must_use]
    pub fn bound(&self, group: &str, backing: &BackingTopic) -> Option<Alias> {
        let bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        bound.get(&(group.to_owned(), backing.clone())).map(|(alias, _)| alias.clone())
    }

    /// What these groups are bound to.
    pub(crate) fn of_groups(&self, groups: &HashSet<String>) -> Vec<Unbound> {
        let bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        let own = bound.iter().filter(|((owner, _), _)| groups.contains(owner));
        own.map(|((group, backing), (alias, _))| Unbound {
            group: group.clone(),
            backing: backing.clone(),
            alias: alias.clone(),
        })
        .collect()
    }

    /// Forgets bindings that the store has forgotten.
    pub(crate) fn forget(&self, gone: &[Unbound]) {
        let mut bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        for Unbound { group, backing, alias } in gone {
            let key = (group.clone(), backing.clone());
            if bound.get(&key).is_some_and(|(bound, _)| bound == alias) {
                bound.remove(&key);
            }
        }
    }

    /// Forgets bindings to aliases that `keep` refuses, after the zone was edited; gives what the store must forget.
    pub(crate) fn retain(&self, keep: impl Fn(&BackingTopic, &Alias) -> bool) -> Vec<Unbound> {
        let mut gone = Vec::new();
        let mut bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        bound.retain(|(group, backing), (alias, _)| {
            let kept = keep(backing, alias);
            if !kept {
                gone.push(Unbound { group: group.clone(), backing: backing.clone(), alias: alias.clone() });
            }
            kept
        });
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn names() -> (BackingTopic, Alias, Alias) {
        (BackingTopic::parse("t").unwrap(), Alias::parse("a").unwrap(), Alias::parse("b").unwrap())
    }

    /// Binds and keeps, as rule and shell do together; gives how many facts were new.
    fn bind(bindings: &Bindings, group: &str, aliases: &[&Alias], now: Timestamp) -> Result<usize, Conflict> {
        let wanted: Vec<_> =
            aliases.iter().map(|alias| Binding { backing: names().0, alias: (*alias).clone() }).collect();
        let facts = bindings.bind(group, &wanted, now)?;
        for fact in &facts {
            let Fact::Binding { group, backing, alias, used } = fact else { panic!("{fact:?}") };
            bindings.take(group, backing, alias, *used);
        }
        Ok(facts.len())
    }

    #[test]
    fn the_first_alias_of_a_group_stays_its_only_one() {
        let (topic, a, b) = names();
        let bindings = Bindings::default();
        assert_eq!(bind(&bindings, "g", &[&a], NOW), Ok(1));
        assert_eq!(bind(&bindings, "g", &[&a], NOW), Ok(0));
        assert_eq!(bind(&bindings, "g", &[&b], NOW), Err(Conflict));
        assert_eq!(bind(&bindings, "h", &[&b], NOW), Ok(1));
        assert_eq!((bindings.bound("g", &topic), bindings.bound("h", &topic)), (Some(a), Some(b)));
    }

    #[test]
    fn nothing_is_bound_before_it_is_kept() {
        let (topic, a, b) = names();
        let bindings = Bindings::default();
        let wanted = [Binding { backing: topic, alias: a }];
        assert_eq!(bindings.bind("g", &wanted, NOW).unwrap().len(), 1);
        assert_eq!(bind(&bindings, "g", &[&b], NOW), Ok(1));
    }

    #[test]
    fn a_refused_pair_leaves_nothing_behind() {
        let (_, a, b) = names();
        let bindings = Bindings::default();
        assert_eq!(bind(&bindings, "g", &[&a, &b], NOW), Err(Conflict));
        assert_eq!(bind(&bindings, "g", &[&b], NOW), Ok(1));
    }

    #[test]
    fn use_is_noted_once_a_day_and_an_unused_binding_ends() {
        let (_, a, b) = names();
        let bindings = Bindings::default();
        let at = |days: u64| Timestamp(NOW.0 + days * 24 * 3_600);
        assert_eq!(bind(&bindings, "g", &[&a], NOW), Ok(1));
        assert_eq!(bind(&bindings, "g", &[&a], at(1)), Ok(1));
        assert_eq!(bind(&bindings, "g", &[&b], at(8)), Err(Conflict));
        assert_eq!(bind(&bindings, "g", &[&b], at(9)), Ok(1));
    }

    #[test]
    fn a_removed_alias_frees_its_groups() {
        let (topic, a, b) = names();
        let bindings = Bindings::default();
        bind(&bindings, "g", &[&a], NOW).unwrap();
        let gone = bindings.retain(|_, alias| *alias != a);
        assert_eq!(gone, [Unbound { group: "g".to_owned(), backing: topic, alias: a }]);
        assert_eq!(bind(&bindings, "g", &[&b], NOW), Ok(1));
    }

    #[test]
    fn a_deleted_group_is_free_again() {
        let (topic, a, b) = names();
        let bindings = Bindings::default();
        bind(&bindings, "g", &[&a], NOW).unwrap();
        bind(&bindings, "h", &[&a], NOW).unwrap();
        let g = HashSet::from(["g".to_owned()]);
        let gone = bindings.of_groups(&g);
        assert_eq!(gone, [Unbound { group: "g".to_owned(), backing: topic.clone(), alias: a.clone() }]);
        bindings.forget(&gone);
        assert_eq!((bindings.of_groups(&g), bindings.bound("h", &topic)), (Vec::new(), Some(a)));
        assert_eq!(bind(&bindings, "g", &[&b], NOW), Ok(1));
    }

    #[test]
    fn a_partner_cannot_make_entries_without_end() {
        let (_, a, _) = names();
        let bindings = Bindings::default();
        for group in 0..MAX_BINDINGS {
            bind(&bindings, &group.to_string(), &[&a], NOW).unwrap();
        }
        assert_eq!(bind(&bindings, "one more", &[&a], NOW), Err(Conflict));
        assert_eq!(bind(&bindings, "0", &[&a], NOW), Ok(0));
        let later = Timestamp(NOW.0 + BINDING_RETENTION_S);
        assert_eq!(bind(&bindings, "one more", &[&a], later), Ok(1));
    }
}
