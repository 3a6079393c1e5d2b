//! What appends and questions have in common of time.

use tokio::time::Duration;

/// How long a broker may wait for its replicas: less than the time that an answer has.
pub(crate) const REPLICAS: Duration = Duration::from_secs(10);
