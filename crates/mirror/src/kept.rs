//! Connections that are kept between requests.

use tidegate_client::Connection;
use tokio::time::{Duration, Instant, sleep_until};

/// A session is left before the broker ends it (KIP-368), as it does at the end of a token, too: whatever is asked then is answered in
/// time.
const BEFORE_END: Duration = Duration::from_secs(15);

/// A connection that was not used for so long may have been closed by the broker (`connections.max.idle.ms`, ten minutes by default),
/// which shows only when something is lost on it.
const IDLE: Duration = Duration::from_secs(240);

/// A connection, with what is known of when it may be used.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) connection: Connection,
    times: Times,
}

/// Until when a connection may be used, and from when on.
#[derive(Debug)]
pub(crate) struct Times {
    leave_at: Option<Instant>,
    used: Instant,
    silent_until: Option<Instant>,
}

impl Kept {
    pub(crate) fn new(connection: Connection) -> Self {
        let times = Times::new(connection.session_ends_at());
        Self { connection, times }
    }

    /// Whether another request may go out on it.
    pub(crate) fn serves(&self) -> bool {
        !self.connection.is_broken() && self.times.serve()
    }

    /// Waits until the broker wants to hear of it again.
    pub(crate) async fn silence(&mut self) {
        self.times.silence().await;
    }

    /// The connection, once the broker wants to hear of it again.
    pub(crate) async fn ready(&mut self) -> &mut Connection {
        self.times.ready().await;
        &mut self.connection
    }

    /// The broker wants to be left alone for so long (KIP-219).
    pub(crate) fn be_silent(&mut self, length: Duration) {
        self.times.be_silent(length);
    }
}

impl Times {
    /// Of a connection that was just made, whose session ends then.
    pub(crate) fn new(session_ends_at: Option<Instant>) -> Self {
        let now = Instant::now();
        // A session that is shorter than usual serves for half of its time.
        let leave_at =
            session_ends_at.map(|end| end - BEFORE_END.min(end.saturating_duration_since(now) / 2));
        Self { leave_at, used: now, silent_until: None }
    }

    pub(crate) fn serve(&self) -> bool {
        self.leave_at.is_none_or(|at| Instant::now() < at) && self.used.elapsed() <= IDLE
    }

    /// Waits until the broker wants to hear of it, and takes note that it is used.
    pub(crate) async fn ready(&mut self) {
        self.silence().await;
        self.used = Instant::now();
    }

    async fn silence(&mut self) {
        if let Some(until) = self.silent_until {
            sleep_until(until).await;
            self.silent_until = None;
        }
    }

    fn be_silent(&mut self, length: Duration) {
        self.silent_until = (!length.is_zero()).then(|| Instant::now() + length);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_session_is_left_before_its_end_and_serves_however_short_it_is() {
        for (lasts, serves) in [(3_600, 3_585), (40, 25), (20, 10), (2, 1)] {
            let mut times = Times::new(Some(Instant::now() + Duration::from_secs(lasts)));
            for _ in 0..serves {
                assert!(times.serve(), "of {lasts} s");
                times.ready().await;
                advance(Duration::from_secs(1)).await;
            }
            assert!(!times.serve(), "of {lasts} s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_used_for_long_is_left() {
        let mut times = Times::new(None);
        for _ in 0..100 {
            advance(IDLE).await;
            assert!(times.serve());
            times.ready().await;
        }
        advance(IDLE + Duration::from_millis(1)).await;
        assert!(!times.serve());
    }

    #[tokio::test(start_paused = true)]
    async fn whom_the_broker_does_not_want_to_hear_is_silent() {
        let mut times = Times::new(None);
        let begun = Instant::now();
        times.be_silent(Duration::from_secs(3));
        advance(Duration::from_secs(1)).await;
        times.ready().await;
        times.ready().await;
        assert_eq!(begun.elapsed(), Duration::from_secs(3));
    }
}
