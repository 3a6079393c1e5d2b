//! Facts that last as long as the process: for tests and for embedding without state.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::{Fact, Facts, Pending, Timestamp, Unbound};
use crate::names::{Alias, BackingTopic};
use crate::zone_id::ZoneId;

/// Facts in memory; gone with the process.
#[derive(Debug, Default)]
pub struct MemoryFacts(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    producers: HashMap<(ZoneId, i64), Timestamp>,
    bindings: HashMap<(ZoneId, String, BackingTopic), (Alias, Timestamp)>,
}

impl MemoryFacts {
    /// Does something to the facts at once.
    fn now<T: Send + 'static>(&self, act: impl FnOnce(&mut Known) -> T) -> Pending<'_, T> {
        let done = act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
        Box::pin(std::future::ready(Ok(done)))
    }
}

impl Facts for MemoryFacts {
    fn keep(&self, zone: ZoneId, facts: Vec<Fact>) -> Pending<'_, ()> {
        self.now(|known| {
            for fact in facts {
                match fact {
                    Fact::Producer { id, used } => _ = known.producers.insert((zone, id), used),
                    Fact::Binding { group, backing, alias, used } => {
                        known.bindings.insert((zone, group, backing), (alias, used));
                    }
                }
            }
        })
    }

    fn producers(&self, zone: ZoneId, ids: Vec<i64>) -> Pending<'_, Vec<(i64, Timestamp)>> {
        self.now(|known| {
            ids.into_iter().filter_map(|id| Some((id, *known.producers.get(&(zone, id))?))).collect()
        })
    }

    fn bindings(&self) -> Pending<'_, Vec<(ZoneId, Fact)>> {
        self.now(|known| {
            let bindings = known.bindings.iter().map(|((zone, group, backing), (alias, used))| {
                let (group, backing, alias) = (group.clone(), backing.clone(), alias.clone());
                (*zone, Fact::Binding { group, backing, alias, used: *used })
            });
            bindings.collect()
        })
    }

    fn unbind(&self, zone: ZoneId, bindings: Vec<Unbound>) -> Pending<'_, ()> {
        self.now(|known| {
            for Unbound { group, backing } in bindings {
                known.bindings.remove(&(zone, group, backing));
            }
        })
    }

    fn expire(&self, limit: Timestamp) -> Pending<'_, ()> {
        self.now(|known| {
            known.producers.retain(|_, used| *used >= limit);
            known.bindings.retain(|_, (_, used)| *used >= limit);
        })
    }
}
