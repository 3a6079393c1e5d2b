//! Turns at what is costly: each client address has a few of them at a time, so that many waiting at one address stand
//! behind one another and not before somebody else's.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Password checks of one address that are under way or wait for a core. Two is the most a gateway does at a time; more
/// would only lengthen the queue that others stand in.
const TURNS: usize = 2;

/// Addresses above which those that want nothing any more are looked for.
const SWEEP_AT: usize = 256;

/// Who has a turn.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    addresses: Mutex<HashMap<IpAddr, Arc<Semaphore>>>,
}

impl Turns {
    /// Waits for a turn of `address`. Who may wait is bounded by the places of logins under way.
    pub(crate) async fn take(&self, address: IpAddr) -> Option<OwnedSemaphorePermit> {
        let turns = {
            let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
            if addresses.len() >= SWEEP_AT {
                // Who waits or has a turn holds a clone.
                addresses.retain(|_, turns| Arc::strong_count(turns) > 1);
            }
            Arc::clone(addresses.entry(address).or_insert_with(|| Arc::new(Semaphore::new(TURNS))))
        };
        turns.acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_address_waits_for_its_own_turns_only() {
        let turns = Turns::default();
        let address = |n: u32| IpAddr::V4(Ipv4Addr::from(n));
        let take = |n| timeout(Duration::from_millis(1), turns.take(address(n)));
        let mut held = Vec::new();
        for _ in 0..TURNS {
            held.push(take(1).await.expect("a turn is free"));
        }
        assert!(take(1).await.is_err());
        assert!(take(2).await.is_ok());
        for n in 10..10_000 {
            take(n).await.expect("a turn is free");
        }
        assert!(take(1).await.is_err(), "a turn that is held is not swept away");
        assert!(turns.addresses.lock().unwrap().len() <= SWEEP_AT + 1);
        held.clear();
        assert!(take(1).await.is_ok());
    }
}
