//! How long a broker wants to be left alone (KIP-219), as the half of a pipe hears it that reads, and the half heeds it that writes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::{Duration, Instant, sleep_until};

/// Until when nothing is sent. Clones are the same silence.
#[derive(Debug, Clone)]
pub(crate) struct Silence(Arc<Mutex<Instant>>);

impl Silence {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    /// The broker wants it for so long from now on.
    pub(crate) fn keep(&self, length: Duration) {
        let mut until = self.until();
        *until = (*until).max(Instant::now() + length);
    }

    /// Waits for its end, also if it is put off meanwhile.
    pub(crate) async fn over(&self) {
        loop {
            let until = *self.until();
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
    }

    fn until(&self) -> MutexGuard<'_, Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_lasts_until_the_last_answer_lets_it_end() {
        let (silence, begun) = (Silence::new(), Instant::now());
        silence.over().await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        silence.keep(Duration::from_secs(2));
        let reader = silence.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            reader.keep(Duration::from_secs(4));
            reader.keep(Duration::from_secs(1));
        });
        silence.over().await;
        assert_eq!(begun.elapsed(), Duration::from_secs(5));
    }
}
