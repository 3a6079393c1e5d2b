//! The time of day, which machines are told.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Milliseconds since 1970 that never go back, whatever somebody does to the clock: a wake that was asked for comes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    began: Instant,
    at: i64,
}

impl Default for Clock {
    fn default() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { began: Instant::now(), at: i64::try_from(since.as_millis()).unwrap_or(i64::MAX) }
    }
}

impl Clock {
    pub(crate) fn now(&self) -> i64 {
        let since = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.at.saturating_add(since)
    }
}
