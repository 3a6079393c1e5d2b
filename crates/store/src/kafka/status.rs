//! How fresh the records are, and what is wrong with the topic.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What the worker tells and anybody may ask.
#[derive(Debug)]
pub(super) struct Status(Mutex<Told>);

#[derive(Debug)]
struct Told {
    confirmed: Instant,
    alarms: Vec<String>,
}

impl Status {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Told { confirmed: Instant::now(), alarms: Vec::new() }))
    }

    /// Replaces what is wrong, and moves on the time at which the end was known.
    pub(super) fn tell(&self, confirmed: Option<Instant>, alarms: impl Iterator<Item = String>) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.confirmed = confirmed.map_or(told.confirmed, |confirmed| told.confirmed.max(confirmed));
        told.alarms.clear();
        told.alarms.extend(alarms);
    }

    /// For how long the end has not been known.
    pub(super) fn behind(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).confirmed.elapsed()
    }

    /// What is wrong, in words.
    pub(super) fn alarms(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).alarms.clone()
    }
}
