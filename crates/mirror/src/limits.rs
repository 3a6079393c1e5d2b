//! What appends and questions have in common of time.

use tokio::time::{Duration, Instant};

/// How long a broker may wait for its replicas: less than the time that an answer has.
pub(crate) const REPLICAS: Duration = Duration::from_secs(10);

/// A session is left before the broker ends it (KIP-368).
const BEFORE_END: Duration = Duration::from_secs(15);

/// Whether a session that ends then is to be left now; none is for ever.
pub(crate) fn ends_soon(session_ends_at: Option<Instant>) -> bool {
    session_ends_at.is_some_and(|end| Instant::now() + BEFORE_END >= end)
}
