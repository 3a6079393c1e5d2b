//! Denied calls, told: in the log, and in the history of the store beside what was changed.
//!
//! The history has a thousand places, and whoever is denied must not be able to push out of it what operators did: so few
//! of them are kept there, and each tells how many were left out before it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The target of events in the log, that of the gateway's refusals.
pub const TARGET: &str = "tidegate::audit";

/// Denied calls that go into the history in [`KEPT_IN`]: a flood needs more than a day to fill the history.
const KEPT: u64 = 30;
const KEPT_IN: Duration = Duration::from_secs(3_600);

/// Denied calls that go into the log in [`LOGGED_IN`], so that a flood does not fill the disk.
const LOGGED: u64 = 600;
const LOGGED_IN: Duration = Duration::from_secs(60);

/// Who may still be told of.
#[derive(Debug)]
pub(crate) struct Denials {
    log: Mutex<Window>,
    history: Mutex<Window>,
}

#[derive(Debug)]
struct Window {
    since: Instant,
    told: u64,
    left_out: u64,
}

impl Denials {
    pub(crate) fn new() -> Self {
        let window = || Mutex::new(Window { since: Instant::now(), told: 0, left_out: 0 });
        Self { log: window(), history: window() }
    }

    /// How many were left out of the log before this one, if it may be in there.
    pub(crate) fn in_log(&self) -> Option<u64> {
        admit(&self.log, LOGGED, LOGGED_IN)
    }

    /// The same for the history.
    pub(crate) fn in_history(&self) -> Option<u64> {
        admit(&self.history, KEPT, KEPT_IN)
    }
}

fn admit(window: &Mutex<Window>, most: u64, within: Duration) -> Option<u64> {
    let now = Instant::now();
    let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
    if now.saturating_duration_since(window.since) >= within {
        (window.since, window.told) = (now, 0);
    }
    if window.told >= most {
        window.left_out = window.left_out.saturating_add(1);
        return None;
    }
    window.told += 1;
    Some(std::mem::take(&mut window.left_out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_counted_and_told_later() {
        let denials = Denials::new();
        let told = (0..KEPT + 5).filter(|_| denials.in_history().is_some()).count();
        assert_eq!(told as u64, KEPT);
        assert_eq!(denials.in_log(), Some(0));
        tokio::time::advance(KEPT_IN).await;
        assert_eq!(denials.in_history(), Some(5));
        assert_eq!(denials.in_history(), Some(0));
    }
}
