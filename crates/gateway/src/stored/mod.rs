//! Zones and accounts from a store, as they change: every replica on one store enforces the same.
//!
//! ```text
//! store --image--> [reader] --Desired--> compiled --> Snapshot --> connections
//!   |                                                    |
//!   +--behind--> [follow] <----------- its revision -----+
//!                   |
//!                   v
//!              [Freshness] --> logins, readiness
//! ```
//!
//! A replica that cannot reach the store does not know whether an account still stands. It lets nobody in once it has not
//! known for `storeStalenessMaxMs`, and after `storeCloseAfterMs` it serves nobody at all. What counts is not what was read but
//! what is enforced: a login is admitted only when the picture that it would enter is that of the confirmed end.

mod follow;
mod freshness;
mod open;
mod reader;

pub(crate) use follow::Stored;
pub(crate) use freshness::Freshness;

pub use open::{open_all, open_store};
pub use tidegate_daemon::store::StoreParts;
