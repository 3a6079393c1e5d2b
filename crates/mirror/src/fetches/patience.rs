//! What tells the two connections apart.

use tokio::sync::mpsc;
use tokio::time::{Duration, Instant};

use super::Want;

/// Bytes of an answer of the connection that does not wait: some partitions' worth.
const BUSY_BYTES: usize = 4 << 20;

/// And of the one that waits: whoever has more is busy from then on.
const IDLE_BYTES: usize = 512 << 10;

/// How long the waiting one waits while partitions come and go: one that comes back has to wait for its turn so long at most.
const SHORT_WAIT: Duration = Duration::from_millis(100);

/// And while none does, as stock consumers do (`fetch.max.wait.ms`): for each request a broker looks at every partition.
const LONG_WAIT: Duration = Duration::from_millis(500);

/// For how long a partition that had something may be expected back.
const AWAY: Duration = Duration::from_secs(1);

/// What is done with partitions that have nothing.
pub(super) enum Patience {
    /// They go where waiting costs least.
    None { quiet: mpsc::UnboundedSender<Want> },
    /// The broker waits for one that has something; when one had is known.
    Waits { last: Instant },
}

impl Patience {
    pub(super) fn waits() -> Self {
        Self::Waits { last: Instant::now() }
    }

    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::None { .. })
    }

    /// How long the broker may wait.
    pub(super) fn limit(&self) -> Duration {
        match self {
            Self::None { .. } => Duration::ZERO,
            Self::Waits { last } if last.elapsed() < AWAY => SHORT_WAIT,
            Self::Waits { .. } => LONG_WAIT,
        }
    }

    /// Bytes of an answer.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::None { .. } => BUSY_BYTES,
            Self::Waits { .. } => IDLE_BYTES,
        }
    }
}
