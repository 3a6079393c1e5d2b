//! Fetch answers: the envelope is rewritten, the records stay where they are.
//!
//! A Fetch answer is almost wholly record bytes. [`rewrite_response`] walks it twice: once to check it and
//! to learn how much envelope there is, once to write that envelope anew around slices of the incoming
//! frame. It allocates a fixed number of buffers whatever the number of partitions, but for mirror topics: what is shown
//! of their records is in [`filler`](crate::filler).
//!
//! A large answer need not be whole if each of its topics appears once and nothing is hidden: [`Passing`] changes it
//! while it comes.

mod passing;
mod plan;
mod records;
mod span;
mod write;

pub use passing::{PassError, Passing};
pub use plan::{Partitions, RefusedTopic, ResponsePlan, Target};
pub use write::rewrite_response;

/// First version that names topics by id.
pub const BY_ID_SINCE: i16 = 13;
/// First version with compact lengths and tags.
const FLEXIBLE_SINCE: i16 = 12;
/// First version with a top-level error and a session id (KIP-227).
const SESSION_SINCE: i16 = 7;
/// First version with the log start offset.
const LOG_START_SINCE: i16 = 5;
/// First version with a preferred read replica (KIP-392).
const PREFERRED_REPLICA_SINCE: i16 = 11;
/// First version with node endpoints (KIP-951).
const ENDPOINTS_SINCE: i16 = 16;

#[cfg(test)]
mod tests;
