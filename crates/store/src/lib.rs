//! Where facts outlive a crash.
//!
//! [`SqliteFacts`] keeps them in one file that one process owns. A change is acknowledged only when it is on the disk,
//! and changes that wait together are written together.

#![forbid(unsafe_code)]

mod open;
mod schema;
mod sqlite;

pub use open::OpenError;
pub use sqlite::SqliteFacts;
