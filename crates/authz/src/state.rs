//! What one zone remembers from request to request, shared by all its connections and by every view of it.

use tidegate_core::facts::{Fact, Unbound};
use tidegate_core::names::{Alias, BackingTopic};

use crate::bindings::Bindings;
use crate::joined::Joined;
use crate::ledger::Ledger;
use crate::members::Members;
use crate::traffic::Traffic;
use crate::uses::Uses;

/// The memory of one zone. What it holds as a fact, the store holds too.
#[derive(Debug, Default)]
pub struct ZoneState {
    bindings: Bindings,
    ledger: Ledger,
    members: Members,
    joined: Joined,
    groups: Uses,
    transactional_ids: Uses,
    traffic: Traffic,
}

impl ZoneState {
    /// Which alias each group uses.
    #[must_use]
    pub fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    /// Which producer ids are the zone's.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What the members of KIP-848 groups have subscribed to; in no store, for a member can always be asked again.
    #[must_use]
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// The members of classic groups; in no store, as brokers forget them too.
    #[must_use]
    pub fn joined(&self) -> &Joined {
        &self.joined
    }

    /// The groups in use.
    #[must_use]
    pub fn groups(&self) -> &Uses {
        &self.groups
    }

    /// The transactional ids in use.
    #[must_use]
    pub fn transactional_ids(&self) -> &Uses {
        &self.transactional_ids
    }

    /// What the zone has sent, read and committed lately; in no store, as it is a matter of seconds.
    #[must_use]
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// Takes in facts that the store keeps.
    pub fn take(&self, facts: &[Fact]) {
        for fact in facts {
            match fact {
                Fact::Producer { id, used } => self.ledger.take(*id, *used),
                Fact::Binding { group, backing, alias, used } => {
                    self.bindings.take(group, backing, alias, *used);
                }
                // Of no concern to any rule.
                Fact::Login { .. } => {}
            }
        }
    }

    /// Whether a fact holds already, so that keeping it only notes its use.
    #[must_use]
    pub fn knows(&self, fact: &Fact) -> bool {
        match fact {
            Fact::Producer { id, .. } => self.ledger.knows(*id),
            Fact::Binding { group, backing, alias, .. } => {
                self.bindings.bound(group, backing).as_ref() == Some(alias)
            }
            Fact::Login { .. } => false,
        }
    }

    /// Forgets bindings to aliases that `keep` refuses, after the zone was edited; gives what the store must forget.
    pub fn retain_bindings(&self, keep: impl Fn(&BackingTopic, &Alias) -> bool) -> Vec<Unbound> {
        self.bindings.retain(keep)
    }
}
