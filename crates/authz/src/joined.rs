//! Members of classic groups, as far as this gateway has seen them join.
//!
//! A broker keeps a member that joined until it leaves or its session ends, up to half an hour later, with all the
//! metadata that it brought; a client that joins, disconnects and joins again fills the broker's memory. So each zone may
//! have so many members in a group, and so many bytes of metadata in all.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_core::facts::Timestamp;

use crate::policy::Policy;

/// A broker's ceiling of a session is half an hour (group.max.session.timeout.ms); no wish counts for longer than twice
/// that.
const LONGEST_SESSION_S: u64 = 3_600;

/// Looking for members whose session has ended costs time that grows with their number.
const SWEEP_EVERY_S: u64 = 10;

/// The members of one zone.
#[derive(Debug, Default)]
pub struct Joined {
    held: Mutex<Held>,
}

/// A member that asks to join.
#[derive(Debug, Clone, Copy)]
pub struct Joining<'a> {
    /// The group, as the partner names it.
    pub group: &'a str,
    /// The member id; empty for a new member.
    pub member: &'a str,
    /// The instance id of a static member, which it keeps through restarts.
    pub instance: Option<&'a str>,
    /// The bytes that it brings.
    pub bytes: usize,
    /// For how long the broker will keep it without hearing of it, in milliseconds.
    pub session_ms: i32,
}

/// A member whose JoinGroup is under way.
#[derive(Debug)]
pub struct Ticket {
    group: String,
    key: String,
    is_new: bool,
}

/// What the broker says of a member that asked to join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// It is kept, under this id.
    Kept(&'a str),
    /// There is no such member.
    Unknown,
    /// It failed: a member that stood before still stands.
    Failed,
}

/// The group has as many members, or the zone as many bytes of metadata, as it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRoom;

#[derive(Debug, Default)]
struct Held {
    groups: HashMap<String, HashMap<String, Member>>,
    bytes: usize,
    tickets: u64,
    swept: Timestamp,
}

#[derive(Debug)]
struct Member {
    bytes: usize,
    session_s: u64,
    heard: Timestamp,
}

impl Joined {
    /// Counts a member from before the broker knows it: an answer may be lost.
    ///
    /// # Errors
    /// [`NoRoom`]; nothing has changed then.
    pub fn begin(&self, joining: Joining<'_>, policy: &Policy, now: Timestamp) -> Result<Ticket, NoRoom> {
        let mut held = self.held();
        let is_new = joining.member.is_empty() && joining.instance.is_none();
        let key = match is_new {
            true => held.ticket(),
            false => key(joining.member, joining.instance),
        };
        if !held.has_room(&joining, &key, policy) {
            held.sweep(now);
            if !held.has_room(&joining, &key, policy) {
                return Err(NoRoom);
            }
        }
        let session_s = u64::try_from(joining.session_ms).unwrap_or(0) / 1_000 + 1;
        let session_s = session_s.min(LONGEST_SESSION_S);
        held.insert(joining.group, &key, Member { bytes: joining.weight(), session_s, heard: now });
        Ok(Ticket { group: joining.group.to_owned(), key, is_new })
    }

    /// The broker has answered: a new member is known by the id that it was given, or was not taken.
    pub fn answered(&self, ticket: &Ticket, verdict: Verdict<'_>) {
        let mut held = self.held();
        match verdict {
            Verdict::Kept(id) if ticket.is_new => {
                if let Some(member) = held.remove(&ticket.group, &ticket.key) {
                    held.insert(&ticket.group, id, member);
                }
            }
            Verdict::Kept(_) => {}
            Verdict::Failed if !ticket.is_new => {}
            Verdict::Failed | Verdict::Unknown => _ = held.remove(&ticket.group, &ticket.key),
        }
    }

    /// A member has been heard of: its session begins anew.
    pub fn heard(&self, group: &str, member: &str, instance: Option<&str>, now: Timestamp) {
        let mut held = self.held();
        let known = held.groups.get_mut(group).and_then(|members| members.get_mut(&key(member, instance)));
        if let Some(known) = known {
            known.heard = now;
        }
    }

    /// A member has left.
    pub fn left(&self, group: &str, member: &str, instance: Option<&str>) {
        self.held().remove(group, &key(member, instance));
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Joining<'_> {
    /// Names cost the broker, and this memory, as metadata do.
    fn weight(&self) -> usize {
        self.bytes + self.member.len() + self.instance.map_or(0, str::len)
    }
}

/// An instance id is a member of its own, whatever member ids it is given. No broker makes an id that begins so.
fn key(member: &str, instance: Option<&str>) -> String {
    instance.map_or_else(|| member.to_owned(), |instance| format!("\0i{instance}"))
}

impl Held {
    fn ticket(&mut self) -> String {
        self.tickets += 1;
        format!("\0t{}", self.tickets)
    }

    fn has_room(&self, joining: &Joining<'_>, key: &str, policy: &Policy) -> bool {
        let members = self.groups.get(joining.group);
        let before = members.and_then(|members| members.get(key));
        let count = members.map_or(0, HashMap::len) + usize::from(before.is_none());
        let bytes = self.bytes - before.map_or(0, |member| member.bytes) + joining.weight();
        count <= policy.members_per_group && bytes <= policy.member_bytes_per_zone
    }

    fn insert(&mut self, group: &str, key: &str, member: Member) {
        self.bytes += member.bytes;
        let members = self.groups.entry(group.to_owned()).or_default();
        if let Some(before) = members.insert(key.to_owned(), member) {
            self.bytes -= before.bytes;
        }
    }

    fn remove(&mut self, group: &str, key: &str) -> Option<Member> {
        let members = self.groups.get_mut(group)?;
        let member = members.remove(key)?;
        if members.is_empty() {
            self.groups.remove(group);
        }
        self.bytes -= member.bytes;
        Some(member)
    }

    fn sweep(&mut self, now: Timestamp) {
        if now.since(self.swept) < SWEEP_EVERY_S && self.swept <= now {
            return;
        }
        self.swept = now;
        let mut bytes = 0;
        self.groups.retain(|_, members| {
            members.retain(|_, member| now.since(member.heard) <= member.session_s);
            bytes += members.values().map(|member| member.bytes).sum::<usize>();
            !members.is_empty()
        });
        self.bytes = bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000);

    fn policy(members: usize, bytes: usize) -> Policy {
        Policy { members_per_group: members, member_bytes_per_zone: bytes, ..Policy::default() }
    }

    fn joining<'a>(group: &'a str, member: &'a str) -> Joining<'a> {
        Joining { group, member, instance: None, bytes: 10, session_ms: 45_000 }
    }

    #[test]
    fn a_new_member_is_counted_once_through_both_of_its_joins() {
        let (joined, policy) = (Joined::default(), policy(1, 1_000));
        let ticket = joined.begin(joining("g", ""), &policy, NOW).unwrap();
        joined.answered(&ticket, Verdict::Kept("m-1"));
        let ticket = joined.begin(joining("g", "m-1"), &policy, NOW).unwrap();
        joined.answered(&ticket, Verdict::Failed);
        assert_eq!(joined.begin(joining("g", ""), &policy, NOW).unwrap_err(), NoRoom);
        assert!(joined.begin(joining("other", ""), &policy, NOW).is_ok());
        joined.left("g", "m-1", None);
        assert!(joined.begin(joining("g", ""), &policy, NOW).is_ok());
    }

    #[test]
    fn who_joins_and_disconnects_is_counted_until_the_session_ends() {
        let (joined, policy) = (Joined::default(), policy(2, 1_000));
        for _ in 0..2 {
            joined.begin(joining("g", ""), &policy, NOW).unwrap();
        }
        assert_eq!(joined.begin(joining("g", ""), &policy, Timestamp(1_040)).unwrap_err(), NoRoom);
        assert!(joined.begin(joining("g", ""), &policy, Timestamp(1_100)).is_ok());
    }

    #[test]
    fn who_is_not_taken_is_not_counted() {
        let (joined, policy) = (Joined::default(), policy(1, 1_000));
        for (member, verdict) in
            [("", Verdict::Failed), ("", Verdict::Unknown), ("made-up", Verdict::Unknown)]
        {
            let ticket = joined.begin(joining("g", member), &policy, NOW).unwrap();
            joined.answered(&ticket, verdict);
        }
        assert!(joined.begin(joining("g", ""), &policy, NOW).is_ok());
    }

    #[test]
    fn a_member_that_is_heard_of_stays() {
        let (joined, policy) = (Joined::default(), policy(1, 1_000));
        let ticket = joined.begin(joining("g", ""), &policy, NOW).unwrap();
        joined.answered(&ticket, Verdict::Kept("m-1"));
        joined.heard("g", "m-1", None, Timestamp(1_090));
        assert_eq!(joined.begin(joining("g", ""), &policy, Timestamp(1_100)).unwrap_err(), NoRoom);
    }

    #[test]
    fn a_static_member_that_restarts_is_the_same_one() {
        let (joined, policy) = (Joined::default(), policy(1, 1_000));
        let fixed = Joining { instance: Some("one"), ..joining("g", "") };
        for _ in 0..3 {
            let ticket = joined.begin(fixed, &policy, NOW).unwrap();
            joined.answered(&ticket, Verdict::Kept("m-some"));
        }
        joined.left("g", "", Some("one"));
        assert!(joined.begin(joining("g", ""), &policy, NOW).is_ok());
    }

    #[test]
    fn bytes_are_counted_over_all_groups_and_given_back() {
        let (joined, policy) = (Joined::default(), policy(100, 27));
        for group in ["a", "b"] {
            joined.begin(joining(group, "m"), &policy, NOW).unwrap();
        }
        assert_eq!(joined.begin(joining("c", "m"), &policy, NOW).unwrap_err(), NoRoom);
        assert!(joined.begin(joining("a", "m"), &policy, NOW).is_ok(), "what it brought before is replaced");
        joined.left("a", "m", None);
        assert!(joined.begin(joining("c", "m"), &policy, NOW).is_ok());
    }
}
