//! Facts that last as long as the process: for tests and for embedding without state.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::{BINDING_RETENTION_S, Fact, Facts, Pending, Timestamp, Unbound};
use crate::names::{Alias, BackingTopic, CredentialId};
use crate::zone_id::ZoneId;

/// Facts in memory; gone with the process.
#[derive(Debug, Default)]
pub struct MemoryFacts(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    producers: HashMap<(ZoneId, i64), Timestamp>,
    bindings: HashMap<(ZoneId, String, BackingTopic), (Alias, Timestamp)>,
    logins: HashMap<(ZoneId, CredentialId), Timestamp>,
}

impl Known {
    /// The fact as it stands then.
    fn keep(&mut self, zone: ZoneId, fact: Fact) -> Fact {
        match fact {
            Fact::Producer { id, used } => {
                self.producers.insert((zone, id), used);
                fact
            }
            Fact::Login { ref credential, used } => {
                self.logins.insert((zone, credential.clone()), used);
                fact
            }
            Fact::Binding { group, backing, alias, used } => {
                let bound = self
                    .bindings
                    .entry((zone, group.clone(), backing.clone()))
                    .or_insert((alias.clone(), used));
                if bound.0 == alias || used.since(bound.1) >= BINDING_RETENTION_S {
                    *bound = (alias, used);
                }
                Fact::Binding { group, backing, alias: bound.0.clone(), used: bound.1 }
            }
        }
    }
}

impl MemoryFacts {
    /// Does something to the facts at once.
    fn now<T: Send + 'static>(&self, act: impl FnOnce(&mut Known) -> T) -> Pending<T> {
        let done = act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
        Box::pin(std::future::ready(Ok(done)))
    }
}

impl Facts for MemoryFacts {
    fn keep(&self, zone: ZoneId, facts: Vec<Fact>) -> Pending<Vec<Fact>> {
        self.now(|known| facts.into_iter().map(|fact| known.keep(zone, fact)).collect())
    }

    fn producers(&self, zone: ZoneId, ids: Vec<i64>) -> Pending<Vec<(i64, Timestamp)>> {
        self.now(|known| {
            ids.into_iter().filter_map(|id| Some((id, *known.producers.get(&(zone, id))?))).collect()
        })
    }

    fn bindings(&self) -> Pending<Vec<(ZoneId, Fact)>> {
        self.now(|known| {
            let bindings = known.bindings.iter().map(|((zone, group, backing), (alias, used))| {
                let (group, backing, alias) = (group.clone(), backing.clone(), alias.clone());
                (*zone, Fact::Binding { group, backing, alias, used: *used })
            });
            bindings.collect()
        })
    }

    fn logins(&self, zone: ZoneId) -> Pending<Vec<(CredentialId, Timestamp)>> {
        self.now(|known| {
            let logins = known.logins.iter().filter(|((of, _), _)| *of == zone);
            logins.map(|((_, credential), used)| (credential.clone(), *used)).collect()
        })
    }

    fn unbind(&self, zone: ZoneId, bindings: Vec<Unbound>) -> Pending<()> {
        self.now(|known| {
            for Unbound { group, backing, alias } in bindings {
                let key = (zone, group, backing);
                if known.bindings.get(&key).is_some_and(|(bound, _)| *bound == alias) {
                    known.bindings.remove(&key);
                }
            }
        })
    }

    fn expire(&self, limit: Timestamp) -> Pending<()> {
        self.now(|known| {
            known.producers.retain(|_, used| *used >= limit);
            known.bindings.retain(|_, (_, used)| *used >= limit);
            known.logins.retain(|_, used| *used >= limit);
        })
    }
}
