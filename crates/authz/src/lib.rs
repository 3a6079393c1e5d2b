//! Who sees what under which name, and what the gateway does with every Kafka API.
//!
//! * [`cluster`] is what is known of the upstream cluster, [`view`] what one zone shows of it;
//! * [`table`] is the only list of Kafka APIs: what is announced is what is served;
//! * [`rules`] has one file per API, each with the same parts: versions, request, response, helpers;
//! * [`outcome`] is what a rule asks of the shell. Nothing here awaits, reads a clock or owns a socket.
//!
//! Names cross between the partner's and the cluster's space in [`view`] alone, groups and transactional
//! ids in [`groups`] alone.
//!
//! A program may change the table: add a rule, put its own in place of one or around one, take one out. A whole
//! exchange, bytes in and bytes out, is in `examples/pure_rules.rs`.
//!
//! ```
//! use tidegate_authz::{Outcome, RequestContext, Rule, RuleError, RuleTable};
//! use tidegate_wire::api::{ApiKey, Versions};
//! use tidegate_wire::header::Request;
//!
//! /// Serves only versions that name topics by id.
//! struct ById(Box<dyn Rule>);
//!
//! impl Rule for ById {
//!     fn key(&self) -> ApiKey {
//!         self.0.key()
//!     }
//!
//!     fn versions(&self) -> Versions {
//!         Versions::new(13, self.0.versions().max)
//!     }
//!
//!     fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
//!         self.0.on_request(context, request)
//!     }
//! }
//!
//! # fn main() -> Result<(), tidegate_authz::RuleMisfit> {
//! let table = RuleTable::default().wrap(ApiKey::Fetch, |inner| Box::new(ById(inner)))?;
//! assert!(table.serves(ApiKey::Fetch, 13) && !table.serves(ApiKey::Fetch, 12));
//! let table = table.without(ApiKey::ListGroups);
//! assert!(!table.serves(ApiKey::ListGroups, 5));
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

pub mod addresses;
pub mod bindings;
pub mod cluster;
pub mod context;
pub mod groups;
pub mod joined;
pub mod ledger;
pub mod members;
pub mod mirrors;
pub mod outcome;
pub mod policy;
pub mod refusal;
pub mod rules;
pub mod state;
pub mod table;
pub mod traffic;
pub mod uses;
pub mod view;

#[cfg(test)]
mod share_tests;
#[cfg(test)]
mod testing;

pub use addresses::AddressMap;
pub use bindings::Bindings;
pub use cluster::ClusterView;
pub use context::{ConnectionState, ReplyContext, RequestContext};
pub use mirrors::Mirrors;
pub use outcome::{Outcome, Passed, Question, Replied, Reply, ReplyError, RuleError};
pub use policy::Policy;
pub use refusal::{Refusal, RefusedKind};
pub use rules::Rule;
pub use state::ZoneState;
pub use table::{RuleMisfit, RuleTable};
pub use traffic::{Flow, Traffic};
pub use view::ZoneView;
