//! Who sees what under which name, and what the gateway does with every Kafka API.
//!
//! * [`cluster`] is what is known of the upstream cluster, [`view`] what one zone shows of it;
//! * [`table`] is the only list of Kafka APIs: what is announced is what is served;
//! * [`rules`] has one file per API, each with the same parts: versions, request, response, helpers;
//! * [`outcome`] is what a rule asks of the shell. Nothing here awaits, reads a clock or owns a socket.
//!
//! Names cross between the partner's and the cluster's space in [`view`] alone, groups and transactional
//! ids in [`groups`] alone.

#![forbid(unsafe_code)]

pub mod addresses;
pub mod bindings;
pub mod cluster;
pub mod context;
pub mod groups;
pub mod ledger;
pub mod members;
pub mod outcome;
pub mod policy;
pub mod rules;
pub mod state;
pub mod table;
pub mod traffic;
pub mod view;

#[cfg(test)]
mod share_tests;
#[cfg(test)]
mod testing;

pub use addresses::AddressMap;
pub use bindings::Bindings;
pub use cluster::ClusterView;
pub use context::{ConnectionState, ReplyContext, RequestContext};
pub use outcome::{Outcome, Question, Replied, Reply, ReplyError, RuleError};
pub use policy::Policy;
pub use rules::Rule;
pub use state::ZoneState;
pub use table::{RuleMisfit, RuleTable};
pub use traffic::{Flow, Traffic};
pub use view::ZoneView;
