//! The silence of a connection (KIP-219): for a while nothing is read from its client, whatever the client sends.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Until when a connection is not read.
#[derive(Debug, Default)]
pub(super) struct Mute {
    until: Option<Instant>,
    /// Only a connection that was silent once has a timer: most never are.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Mute {
    /// Not read for `pause` from now on, or for longer if that was so already.
    pub(super) fn extend(&mut self, pause: Duration) {
        if !pause.is_zero() {
            self.until = self.until.max(Some(Instant::now() + pause));
        }
    }

    /// Whether the connection was silent at any time in the last `while_ago`.
    pub(super) fn was_within(&self, while_ago: Duration) -> bool {
        self.until.is_some_and(|until| until + while_ago > Instant::now())
    }

    /// Ready when the connection may be read.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(until) = self.until else { return Poll::Ready(()) };
        if until <= Instant::now() {
            return Poll::Ready(());
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if timer.deadline() != until {
            timer.as_mut().reset(until);
        }
        timer.as_mut().poll(context)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_longest_silence_asked_for_counts() {
        let mut mute = Mute::default();
        let start = Instant::now();
        poll_fn(|context| mute.poll(context)).await;
        mute.extend(Duration::from_secs(3));
        mute.extend(Duration::from_secs(1));
        mute.extend(Duration::ZERO);
        poll_fn(|context| mute.poll(context)).await;
        assert_eq!(start.elapsed().as_secs(), 3);
        assert!(mute.was_within(Duration::from_secs(2)));
        mute.extend(Duration::from_secs(2));
        poll_fn(|context| mute.poll(context)).await;
        assert_eq!(start.elapsed().as_secs(), 5);
    }
}
