//! When a connection drains at shutdown: not all in one instant, or the other gateways meet them all in one instant.

use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::listener::ListenerShared;

/// Room that each open connection adds to the spread: 500 close in a second, which a gateway's logins can follow.
const PACE: Duration = Duration::from_millis(2);

/// Resolves when it is this connection's turn to drain. Until then it is served as ever.
pub(super) async fn turn(shared: &ListenerShared, mut shutdown: watch::Receiver<bool>) {
    let _ = shutdown.wait_for(|stop| *stop).await;
    let spread = spread(shared.common.admission.open(), shared.deadlines.drain_deadline);
    sleep(spread.mul_f64(chance())).await;
}

/// The time over which turns are spread: half of the deadline at most, so that what is asked meanwhile is answered.
fn spread(open: usize, deadline: Duration) -> Duration {
    PACE.saturating_mul(u32::try_from(open).unwrap_or(u32::MAX)).min(deadline / 2)
}

/// A number from 0 to 1.
fn chance() -> f64 {
    let mut bytes = [0; 4];
    // Without randomness everybody is first.
    let _ = SystemRandom::new().fill(&mut bytes);
    f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_connections_wait_for_nothing_and_many_for_half_the_deadline() {
        let deadline = Duration::from_secs(20);
        assert_eq!(spread(1, deadline), Duration::from_millis(2));
        assert_eq!(spread(1_000, deadline), Duration::from_secs(2));
        assert_eq!(spread(1_000_000, deadline), Duration::from_secs(10));
        assert_eq!(spread(1_000, Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn turns_differ() {
        let turns: std::collections::BTreeSet<u64> = (0..100).map(|_| (chance() * 1e9) as u64).collect();
        assert!(turns.len() > 90 && *turns.last().unwrap() <= 1_000_000_000);
    }
}
