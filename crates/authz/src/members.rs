//! What the members of KIP-848 groups have subscribed to.
//!
//! A member tells its subscription once and from then on only what has changed. A pattern never reaches a broker, where
//! it would match hidden topics: the gateway sends the names that it matches, and must know it to send others when the
//! zone changes.
//!
//! ```text
//! unknown ──begin──▶ in doubt ──accepted──▶ known ──begin──▶ in doubt ──accepted or refused──▶ known
//! ```
//!
//! While a change is on its way nobody knows what the broker holds. Is its answer lost, the member stays in doubt, and a
//! heartbeat that relies on what was sent before is fenced.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tidegate_core::facts::Timestamp;
use tidegate_core::names::{Alias, BackingTopic};

use crate::view::ZoneView;

/// Most members of one zone. A member is made by a partner's request, so the number must be bounded; a broker's own
/// ceiling is for one group (group.consumer.max.size), and a partner makes as many groups as it likes.
pub const MAX_MEMBERS: usize = 10_000;

/// Most subscribed topics of all members of one zone: fifty for each member, some 30 MB.
pub const MAX_TOPICS: usize = 500_000;

/// Silence after which a member is forgotten; brokers let no session last longer than a minute unless told to
/// (group.consumer.max.session.timeout.ms).
pub const EXPIRY_S: u64 = 3_600;

/// Looking for silent members costs time that grows with their number.
const SWEEP_EVERY_S: u64 = 60;

/// The members of one zone, shared by its connections.
#[derive(Debug, Default)]
pub struct Members {
    held: Mutex<Held>,
}

/// What one member has subscribed to.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// The topics whose names the broker gets, sorted by alias.
    pub topics: Vec<SubscribedTopic>,
    /// The pattern, if there is one.
    pub pattern: Option<String>,
    /// The view in which the topics were looked up.
    pub view: Weak<ZoneView>,
    /// Whether the broker is sure to hold these topics.
    pub told: bool,
}

/// A topic of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscribedTopic {
    /// As the member knows it.
    pub alias: Alias,
    /// As the broker knows it.
    pub backing: BackingTopic,
    /// The id under which the member was last shown it; `None` while it did not exist.
    pub virtual_id: Option<[u8; 16]>,
    /// Whether the member named it, rather than matched it.
    pub by_name: bool,
}

/// A member that the gateway knows.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its subscription.
    pub subscription: Arc<Subscription>,
    /// Upstream ids of topics that were assigned to it before the picture of the cluster held them.
    pub owed: Vec<[u8; 16]>,
}

/// A change on its way to the broker.
#[derive(Debug)]
pub(crate) struct Change {
    key: Key,
    ticket: u64,
    earlier: Option<Arc<Subscription>>,
    next: Subscription,
}

/// The zone holds as many members or topics as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRoom;

type Key = (String, String);

#[derive(Debug, Default)]
struct Held {
    members: HashMap<Key, Entry>,
    /// The sum of the weights of all entries.
    topics: usize,
    tickets: u64,
    swept: Timestamp,
}

#[derive(Debug, Default)]
struct Entry {
    /// Of the latest change: an answer to an earlier one says nothing any more.
    ticket: u64,
    heard: Timestamp,
    weight: usize,
    /// `None` while in doubt.
    subscription: Option<Arc<Subscription>>,
    owed: Vec<[u8; 16]>,
}

impl Members {
    /// What is known of a member, which has just been heard.
    pub fn known(&self, group: &str, member: &str, now: Timestamp) -> Option<Known> {
        let mut held = self.held();
        let entry = held.members.get_mut(&key(group, member))?;
        if now.since(entry.heard) >= EXPIRY_S {
            return None;
        }
        entry.heard = now;
        let subscription = Arc::clone(entry.subscription.as_ref()?);
        Some(Known { subscription, owed: entry.owed.clone() })
    }

    /// Puts a member in doubt until its change is [accepted](Self::accepted) or [refused](Self::refused); not when the
    /// change is the zone's and the member (`by_member`) has said nothing. A member that has no id yet only needs to
    /// find room.
    ///
    /// # Errors
    /// [`NoRoom`]; nothing has changed then.
    pub(crate) fn begin(
        &self,
        group: &str,
        member: &str,
        next: Subscription,
        by_member: bool,
        now: Timestamp,
    ) -> Result<Change, NoRoom> {
        let mut held = self.held();
        held.sweep(now);
        let key = key(group, member);
        held.room_for(&key, next.topics.len())?;
        held.tickets += 1;
        let ticket = held.tickets;
        let mut earlier = None;
        if !member.is_empty() {
            let entry = held.entry(key.clone(), next.topics.len());
            entry.ticket = ticket;
            entry.heard = now;
            earlier = entry.subscription.take();
            if !by_member {
                entry.subscription = earlier.as_deref().map(untold);
            }
        }
        Ok(Change { key, ticket, earlier, next })
    }

    /// The broker has taken the change. `given` is the id of a member that had none before.
    pub(crate) fn accepted(&self, change: Change, given: &str, now: Timestamp) {
        let mut held = self.held();
        let Change { mut key, ticket, next, .. } = change;
        let weight = next.topics.len();
        if key.1.is_empty() {
            given.clone_into(&mut key.1);
            if given.is_empty() || held.room_for(&key, weight).is_err() {
                return;
            }
        } else if !held.is_latest(&key, ticket) {
            return;
        }
        let entry = held.entry(key, weight);
        entry.ticket = ticket;
        entry.heard = now;
        entry.subscription = Some(Arc::new(next));
    }

    /// The broker has refused the change: it stands as it stood, though the broker may have taken it before it failed.
    pub(crate) fn refused(&self, change: Change) {
        let mut held = self.held();
        let Change { key, ticket, earlier, .. } = change;
        if !held.is_latest(&key, ticket) {
            return;
        }
        match earlier {
            None => held.remove(&key),
            Some(earlier) => {
                let entry = held.entry(key, earlier.topics.len());
                entry.subscription = Some(untold(&earlier));
            }
        }
    }

    /// The same subscription, looked up in a newer view: the broker need not be told.
    pub(crate) fn renew(&self, group: &str, member: &str, subscription: Subscription) {
        if let Some(entry) = self.held().members.get_mut(&key(group, member)) {
            entry.subscription = Some(Arc::new(subscription));
        }
    }

    /// Notes which topics of the latest assignment could not be shown.
    pub(crate) fn owe(&self, group: &str, member: &str, owed: Vec<[u8; 16]>) {
        if let Some(entry) = self.held().members.get_mut(&key(group, member)) {
            entry.owed = owed;
        }
    }

    /// Forgets a member that has left or must begin anew.
    pub fn forget(&self, group: &str, member: &str) {
        self.held().remove(&key(group, member));
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn room_for(&self, key: &Key, weight: usize) -> Result<(), NoRoom> {
        let earlier = self.members.get(key);
        let is_full = earlier.is_none() && self.members.len() >= MAX_MEMBERS;
        let topics = self.topics - earlier.map_or(0, |entry| entry.weight) + weight;
        if is_full || topics > MAX_TOPICS { Err(NoRoom) } else { Ok(()) }
    }

    /// The entry of a member, made if need be, with a new weight.
    fn entry(&mut self, key: Key, weight: usize) -> &mut Entry {
        let entry = self.members.entry(key).or_default();
        self.topics = self.topics - entry.weight + weight;
        entry.weight = weight;
        entry
    }

    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.members.remove(key) {
            self.topics -= entry.weight;
        }
    }

    fn is_latest(&self, key: &Key, ticket: u64) -> bool {
        self.members.get(key).is_some_and(|entry| entry.ticket == ticket)
    }

    fn sweep(&mut self, now: Timestamp) {
        if now.since(self.swept) < SWEEP_EVERY_S && self.swept <= now {
            return;
        }
        self.swept = now;
        self.members.retain(|_, entry| now.since(entry.heard) < EXPIRY_S);
        self.topics = self.members.values().map(|entry| entry.weight).sum();
    }
}

/// The same subscription, of which the broker must be told again.
fn untold(subscription: &Subscription) -> Arc<Subscription> {
    Arc::new(Subscription { told: false, ..subscription.clone() })
}

fn key(group: &str, member: &str) -> Key {
    (group.to_owned(), member.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn subscription(aliases: &[&str]) -> Subscription {
        let topic = |alias: &&str| SubscribedTopic {
            alias: Alias::parse(alias).unwrap(),
            backing: BackingTopic::parse(&format!("real-{alias}")).unwrap(),
            virtual_id: None,
            by_name: true,
        };
        let topics = aliases.iter().map(topic).collect();
        Subscription { topics, pattern: None, view: Weak::new(), told: true }
    }

    fn join(members: &Members, member: &str, now: Timestamp) -> Result<(), NoRoom> {
        let change = members.begin("g", member, subscription(&["a"]), true, now)?;
        members.accepted(change, member, now);
        Ok(())
    }

    fn aliases(members: &Members, member: &str) -> Option<(Vec<String>, bool)> {
        let subscription = members.known("g", member, NOW)?.subscription;
        let aliases = subscription.topics.iter().map(|topic| topic.alias.to_string()).collect();
        Some((aliases, subscription.told))
    }

    #[test]
    fn a_member_is_known_once_the_broker_has_accepted_it() {
        let members = Members::default();
        let change = members.begin("g", "m", subscription(&["a"]), true, NOW).unwrap();
        assert_eq!(aliases(&members, "m"), None);
        members.accepted(change, "m", NOW);
        assert_eq!(aliases(&members, "m"), Some((vec!["a".to_owned()], true)));
        assert!(members.known("other", "m", NOW).is_none());
        members.forget("g", "m");
        assert_eq!(aliases(&members, "m"), None);
        assert_eq!(members.held().topics, 0);
    }

    #[test]
    fn a_refused_change_leaves_what_was_and_a_refused_join_nothing() {
        let members = Members::default();
        let change = members.begin("g", "m", subscription(&["a"]), true, NOW).unwrap();
        members.refused(change);
        assert_eq!((aliases(&members, "m"), members.held().members.len()), (None, 0));
        join(&members, "m", NOW).unwrap();
        let change = members.begin("g", "m", subscription(&["b", "c"]), true, NOW).unwrap();
        members.refused(change);
        assert_eq!(aliases(&members, "m"), Some((vec!["a".to_owned()], false)));
        assert_eq!(members.held().topics, 1);
    }

    #[test]
    fn what_is_owed_to_a_member_outlives_its_changes() {
        let members = Members::default();
        join(&members, "m", NOW).unwrap();
        members.owe("g", "m", vec![[1; 16]]);
        join(&members, "m", NOW).unwrap();
        assert_eq!(members.known("g", "m", NOW).unwrap().owed, [[1; 16]]);
        members.owe("g", "m", Vec::new());
        assert!(members.known("g", "m", NOW).unwrap().owed.is_empty());
    }

    #[test]
    fn a_change_without_an_answer_leaves_doubt_of_what_the_member_said() {
        let members = Members::default();
        join(&members, "m", NOW).unwrap();
        drop(members.begin("g", "m", subscription(&["b"]), true, NOW).unwrap());
        assert_eq!(aliases(&members, "m"), None);
        join(&members, "m", NOW).unwrap();
        drop(members.begin("g", "m", subscription(&["b"]), false, NOW).unwrap());
        assert_eq!(aliases(&members, "m"), Some((vec!["a".to_owned()], false)));
    }

    #[test]
    fn an_answer_that_comes_after_leaving_or_a_later_change_counts_no_more() {
        let members = Members::default();
        let join = members.begin("g", "m", subscription(&["a"]), true, NOW).unwrap();
        members.forget("g", "m");
        members.accepted(join, "m", NOW);
        assert_eq!(aliases(&members, "m"), None);
        let first = members.begin("g", "m", subscription(&["a"]), true, NOW).unwrap();
        let second = members.begin("g", "m", subscription(&["b"]), true, NOW).unwrap();
        members.accepted(second, "m", NOW);
        members.refused(first);
        assert_eq!(aliases(&members, "m"), Some((vec!["b".to_owned()], true)));
    }

    #[test]
    fn a_member_without_an_id_is_kept_under_the_one_it_is_given() {
        let members = Members::default();
        let change = members.begin("g", "", subscription(&["a"]), true, NOW).unwrap();
        assert_eq!(members.held().members.len(), 0);
        members.accepted(change, "given", NOW);
        assert!(aliases(&members, "given").is_some());
    }

    #[test]
    fn a_partner_cannot_make_members_or_topics_without_end() {
        let members = Members::default();
        (0..MAX_MEMBERS).for_each(|member| join(&members, &member.to_string(), NOW).unwrap());
        assert_eq!(join(&members, "one more", NOW), Err(NoRoom));
        assert_eq!(join(&members, "", NOW), Err(NoRoom));
        assert_eq!(join(&members, "0", NOW), Ok(()));
        members.held().topics = MAX_TOPICS;
        let more = members.begin("g", "0", subscription(&["a", "b"]), true, NOW);
        assert_eq!(more.map(drop), Err(NoRoom));
        assert_eq!(members.begin("g", "0", subscription(&["b"]), true, NOW).map(drop), Ok(()));
    }

    #[test]
    fn a_silent_member_expires_and_makes_room() {
        let members = Members::default();
        (0..MAX_MEMBERS).for_each(|member| join(&members, &member.to_string(), NOW).unwrap());
        let half = Timestamp(NOW.0 + EXPIRY_S / 2);
        assert!(members.known("g", "1", half).is_some());
        let later = Timestamp(NOW.0 + EXPIRY_S);
        assert!(members.known("g", "0", later).is_none());
        assert!(members.known("g", "1", later).is_some());
        join(&members, "one more", later).unwrap();
        let held = members.held();
        assert_eq!((held.members.len(), held.topics), (2, 2));
    }
}
