//! What ends an answer that passes.

use thiserror::Error;

use crate::reader::ReadError;

/// Why an answer cannot pass; both sides must then be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PassError {
    /// The answer is malformed.
    #[error(transparent)]
    Malformed(#[from] ReadError),
    /// It names a topic that was not asked for, for the second time, or that may not be shown as it is.
    #[error("it names a topic that does not belong there")]
    Unplanned,
    /// It names more topics or fewer than were asked for by name.
    #[error("it names {named} topics and {asked} were asked for")]
    Miscounted {
        /// How many the broker was asked for.
        asked: usize,
        /// How many it says will come.
        named: usize,
    },
    /// Something between records is larger than a broker makes it.
    #[error("{0} bytes between records do not end")]
    Endless(usize),
    /// A section has more tags than there are numbers for what must not be shown.
    #[error("{0} tags in one section are more than can be hidden")]
    Crowded(u32),
}
