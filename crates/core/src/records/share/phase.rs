//! How far a share has come.

use crate::records::Moment;

/// How far a share has come. Every transition takes the phase and gives the next one.
///
/// ```text
///             redeem                deactivate
///  Invited ───────────▶ Active ───────────────▶ Deactivated
///    │  ▲                                           ▲
///    ▼  │ invite_again                              │
///  Expired ─────────────────────────────────────────┘
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharePhase {
    /// The consumer was written to.
    Invited {
        /// From when on nobody can redeem it.
        until: Moment,
    },
    /// The consumer redeemed it and reads.
    Active {
        /// When.
        redeemed: Moment,
    },
    /// Nobody redeemed it in time.
    Expired {
        /// When the time was over.
        expired: Moment,
    },
    /// It is over for good; what it was is remembered.
    Deactivated {
        /// When the consumer redeemed it, if ever.
        redeemed: Option<Moment>,
        /// When it ended.
        deactivated: Moment,
        /// Why.
        why: Deactivation,
    },
}

/// Why a share ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Deactivation {
    /// The provider took it back.
    Revoked,
    /// The consumer gave it back.
    Left,
    /// The end that it was given came.
    Ended,
    /// The provider gave up sharing as a whole.
    OptedOut,
}

/// A share is not in the phase for what is asked; whoever asks has to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShareRefused {
    /// The invite came to its end.
    #[error("the invite has expired; ask the provider for a new one")]
    Expired,
    /// A share is redeemed once.
    #[error("the share was redeemed already")]
    Redeemed,
    /// It is over for good.
    #[error("the share was deactivated; only a new share can take its place")]
    Deactivated,
}

impl SharePhase {
    /// The phase as of a time: nobody has to write down that an invite came to its end.
    #[must_use]
    pub fn at(self, now: Moment) -> Self {
        match self {
            Self::Invited { until } if until <= now => Self::Expired { expired: until },
            other => other,
        }
    }

    /// The consumer showed the token of an invite.
    ///
    /// # Errors
    /// [`ShareRefused`]: no invite is open.
    pub fn redeem(self, now: Moment) -> Result<Self, ShareRefused> {
        match self.at(now) {
            Self::Invited { .. } => Ok(Self::Active { redeemed: now }),
            Self::Expired { .. } => Err(ShareRefused::Expired),
            Self::Active { .. } => Err(ShareRefused::Redeemed),
            Self::Deactivated { .. } => Err(ShareRefused::Deactivated),
        }
    }

    /// The provider had the consumer written to once more.
    ///
    /// # Errors
    /// [`ShareRefused`]: it was redeemed, or is over.
    pub fn invite_again(self, until: Moment) -> Result<Self, ShareRefused> {
        match self {
            Self::Invited { .. } | Self::Expired { .. } => Ok(Self::Invited { until }),
            Self::Active { .. } => Err(ShareRefused::Redeemed),
            Self::Deactivated { .. } => Err(ShareRefused::Deactivated),
        }
    }

    /// It ends for good, in whatever phase it is; of two reasons the first one stays.
    #[must_use]
    pub fn deactivate(self, now: Moment, why: Deactivation) -> Self {
        let redeemed = match self {
            Self::Deactivated { .. } => return self,
            Self::Active { redeemed } => Some(redeemed),
            Self::Invited { .. } | Self::Expired { .. } => None,
        };
        Self::Deactivated { redeemed, deactivated: now, why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITED: SharePhase = SharePhase::Invited { until: Moment(10) };
    const EXPIRED: SharePhase = SharePhase::Expired { expired: Moment(10) };
    const ACTIVE: SharePhase = SharePhase::Active { redeemed: Moment(9) };

    fn deactivated(redeemed: Option<Moment>) -> SharePhase {
        SharePhase::Deactivated { redeemed, deactivated: Moment(20), why: Deactivation::Revoked }
    }

    #[test]
    fn an_invite_is_redeemed_once_and_in_time() {
        assert_eq!(INVITED.redeem(Moment(9)), Ok(ACTIVE));
        assert_eq!(INVITED.redeem(Moment(10)), Err(ShareRefused::Expired));
        assert_eq!(EXPIRED.redeem(Moment(9)), Err(ShareRefused::Expired));
        assert_eq!(ACTIVE.redeem(Moment(9)), Err(ShareRefused::Redeemed));
        assert_eq!(deactivated(None).redeem(Moment(9)), Err(ShareRefused::Deactivated));
        assert_eq!((INVITED.at(Moment(9)), INVITED.at(Moment(10))), (INVITED, EXPIRED));
    }

    #[test]
    fn whoever_has_not_redeemed_may_be_invited_again() {
        for phase in [INVITED, EXPIRED] {
            assert_eq!(phase.invite_again(Moment(30)), Ok(SharePhase::Invited { until: Moment(30) }));
        }
        assert_eq!(ACTIVE.invite_again(Moment(30)), Err(ShareRefused::Redeemed));
        assert_eq!(deactivated(None).invite_again(Moment(30)), Err(ShareRefused::Deactivated));
    }

    #[test]
    fn the_end_is_for_good_and_the_first_reason_stays() {
        let end = |phase: SharePhase| phase.deactivate(Moment(20), Deactivation::Revoked);
        assert_eq!(end(ACTIVE), deactivated(Some(Moment(9))));
        assert_eq!([end(INVITED), end(EXPIRED)], [deactivated(None); 2]);
        let again = end(ACTIVE).deactivate(Moment(30), Deactivation::OptedOut);
        assert_eq!(again, deactivated(Some(Moment(9))));
    }
}
