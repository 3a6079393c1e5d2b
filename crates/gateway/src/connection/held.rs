//! What the last login of a connection has proven, for those who watch whether it still holds.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::snapshot::Standing;
use crate::tokens::Proof;

/// What has been proven last; a renewal may prove it by another credential or token.
#[derive(Debug, Default)]
pub(super) struct Held(Mutex<Proofs>);

#[derive(Debug, Default)]
struct Proofs {
    /// What the login is bound to.
    standing: Option<Standing>,
    token: Option<Proof>,
}

impl Held {
    /// From now on this is what has been proven.
    pub(super) fn put(&self, standing: Standing, token: Option<Proof>) {
        *self.proofs() = Proofs { standing: Some(standing), token };
    }

    /// What the login is bound to; none before there is one.
    pub(super) fn standing(&self) -> Option<Standing> {
        self.proofs().standing.clone()
    }

    /// Whether the token would still be taken; where none was shown none can be lost.
    pub(super) fn holds_token(&self, still: impl FnOnce(&Proof) -> bool) -> bool {
        self.proofs().token.as_ref().is_none_or(still)
    }

    fn proofs(&self) -> MutexGuard<'_, Proofs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
