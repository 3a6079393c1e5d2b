//! Which alias of a backing topic a consumer group uses.
//!
//! A broker keys committed offsets by (group, backing topic, partition). Two aliases of one topic in one
//! group would overwrite each other's offsets, so the first alias that a group uses is the only one it may
//! use. Zones whose aliases all have their own backing topic never need an entry.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tidegate_core::names::{Alias, BackingTopic};

/// Most entries of one zone. An entry is made by a partner's request, so the number must be bounded.
pub const MAX_BINDINGS: usize = 10_000;

/// The bindings of one zone, shared by its connections.
#[derive(Debug, Default)]
pub struct Bindings {
    aliases: Mutex<HashMap<(String, BackingTopic), Alias>>,
}

/// The group already uses another alias of the same backing topic, or there is no room for one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict;

impl Bindings {
    /// Binds `group` to each alias on its backing topic, unless it is bound to it already; all or none.
    ///
    /// # Errors
    /// [`Conflict`].
    pub fn bind(&self, group: &str, wanted: &[(BackingTopic, Alias)]) -> Result<(), Conflict> {
        let mut aliases = self.aliases.lock().unwrap_or_else(PoisonError::into_inner);
        let mut new: HashMap<(String, BackingTopic), Alias> = HashMap::new();
        for (backing, alias) in wanted {
            let key = (group.to_owned(), backing.clone());
            match aliases.get(&key).or_else(|| new.get(&key)) {
                Some(bound) if bound == alias => {}
                Some(_) => return Err(Conflict),
                None => _ = new.insert(key, alias.clone()),
            }
        }
        if aliases.len() + new.len() > MAX_BINDINGS {
            return Err(Conflict);
        }
        aliases.extend(new);
        Ok(())
    }

    /// The alias that `group` uses for `backing`.
    #[must_use]
    pub fn bound(&self, group: &str, backing: &BackingTopic) -> Option<Alias> {
        let aliases = self.aliases.lock().unwrap_or_else(PoisonError::into_inner);
        aliases.get(&(group.to_owned(), backing.clone())).cloned()
    }

    /// Forgets what `group` uses, once it is deleted; gives the topics it was bound on.
    pub fn forget(&self, group: &str) -> Vec<BackingTopic> {
        let mut aliases = self.aliases.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = aliases.extract_if(|(bound, _), _| bound == group);
        gone.map(|((_, backing), _)| backing).collect()
    }

    /// Forgets what `group` uses for `backing`, once it has no offset of it left; tells whether it was bound.
    pub fn forget_topic(&self, group: &str, backing: &BackingTopic) -> bool {
        let mut aliases = self.aliases.lock().unwrap_or_else(PoisonError::into_inner);
        aliases.remove(&(group.to_owned(), backing.clone())).is_some()
    }

    /// Forgets bindings to aliases that `keep` refuses, after the zone was edited.
    pub fn retain(&self, keep: impl Fn(&BackingTopic, &Alias) -> bool) {
        let mut aliases = self.aliases.lock().unwrap_or_else(PoisonError::into_inner);
        aliases.retain(|(_, backing), alias| keep(backing, alias));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> (BackingTopic, Alias, Alias) {
        (BackingTopic::parse("t").unwrap(), Alias::parse("a").unwrap(), Alias::parse("b").unwrap())
    }

    #[test]
    fn the_first_alias_of_a_group_stays_its_only_one() {
        let (topic, a, b) = names();
        let bindings = Bindings::default();
        let bind = |group, alias: &Alias| bindings.bind(group, &[(topic.clone(), alias.clone())]);
        assert_eq!(bind("g", &a), Ok(()));
        assert_eq!(bind("g", &b), Err(Conflict));
        assert_eq!(bind("h", &b), Ok(()));
        assert_eq!((bindings.bound("g", &topic), bindings.bound("h", &topic)), (Some(a), Some(b)));
    }

    #[test]
    fn a_refused_pair_leaves_nothing_behind() {
        let (topic, a, b) = names();
        let bindings = Bindings::default();
        let pair = [(topic.clone(), a), (topic.clone(), b.clone())];
        assert_eq!(bindings.bind("g", &pair), Err(Conflict));
        assert_eq!(bindings.bind("g", &[(topic, b)]), Ok(()));
    }

    #[test]
    fn a_removed_alias_frees_its_groups() {
        let (topic, a, b) = names();
        let bindings = Bindings::default();
        bindings.bind("g", &[(topic.clone(), a.clone())]).unwrap();
        bindings.retain(|_, alias| *alias != a);
        assert_eq!(bindings.bind("g", &[(topic, b)]), Ok(()));
    }

    #[test]
    fn a_forgotten_group_and_a_forgotten_topic_are_free_again() {
        let (topic, a, b) = names();
        let other = BackingTopic::parse("u").unwrap();
        let bindings = Bindings::default();
        for group in ["g", "h"] {
            bindings.bind(group, &[(topic.clone(), a.clone()), (other.clone(), a.clone())]).unwrap();
        }
        assert!(bindings.forget_topic("g", &topic) && !bindings.forget_topic("g", &topic));
        assert_eq!((bindings.bound("g", &topic), bindings.bound("g", &other)), (None, Some(a.clone())));
        assert_eq!(bindings.forget("g"), std::slice::from_ref(&other));
        assert_eq!(bindings.bind("g", &[(topic.clone(), b.clone()), (other, b)]), Ok(()));
        assert_eq!(bindings.bound("h", &topic), Some(a));
    }

    #[test]
    fn a_partner_cannot_make_entries_without_end() {
        let (topic, a, _) = names();
        let bindings = Bindings::default();
        let wanted = [(topic, a)];
        for group in 0..MAX_BINDINGS {
            bindings.bind(&group.to_string(), &wanted).unwrap();
        }
        assert_eq!(bindings.bind("one more", &wanted), Err(Conflict));
    }
}
