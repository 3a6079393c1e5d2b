//! Which client can do which step, as far as its own library goes.

use super::{Client, Step};

impl Client {
    /// Whether this client's library can do a step at all; what it cannot do is left out, never refused.
    pub fn can(self, step: Step<'_>) -> bool {
        matches!(step, Step::List | Step::Produce { .. } | Step::Consume { .. })
    }
}
