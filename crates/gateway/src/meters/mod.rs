//! What is counted.
//!
//! Labels are bounded: listeners and API names come from the configuration and the rule table, never from a partner.

mod catalog;
mod zone;

use std::collections::HashMap;

use metrics::{Counter, Gauge, counter, gauge};
use tidegate_wire::api::ApiKey;

use crate::admission::Refusal;
pub(crate) use catalog::describe;
pub use catalog::{METRICS, MetricKind, MetricSpec};
pub(crate) use zone::{RefusalKind, ZoneMeters, ZoneRegistry};

/// The counters of one listener, looked up once.
pub(crate) struct Meters {
    requests: HashMap<ApiKey, Counter>,
    refused: HashMap<Refusal, Counter>,
    /// Connections accepted.
    pub accepted: Counter,
    /// Connections open now.
    pub open: Gauge,
    /// Logins that failed.
    pub failed_logins: Counter,
    /// Connections cut because the login no longer stands.
    pub revoked: Counter,
    listener: String,
}

impl Meters {
    /// The counters of `listener` for the APIs that are served.
    pub(crate) fn new(listener: &str, served: impl Iterator<Item = ApiKey>) -> Self {
        let listener = listener.to_owned();
        let request = |key: ApiKey| {
            let api = format!("{key:?}");
            (key, counter!("tidegate_requests_total", "listener" => listener.clone(), "api" => api))
        };
        let refused = |refusal: Refusal| {
            let (listener, reason) = (listener.clone(), refusal.reason());
            (
                refusal,
                counter!("tidegate_connections_refused_total", "listener" => listener, "reason" => reason),
            )
        };
        Self {
            requests: served.map(request).collect(),
            accepted: counter!("tidegate_connections_accepted_total", "listener" => listener.clone()),
            refused: Refusal::ALL.into_iter().map(refused).collect(),
            open: gauge!("tidegate_connections_open", "listener" => listener.clone()),
            failed_logins: counter!("tidegate_failed_logins_total", "listener" => listener.clone()),
            revoked: counter!("tidegate_connections_revoked_total", "listener" => listener.clone()),
            listener,
        }
    }

    /// Counts a connection that found no place or came too soon.
    pub(crate) fn refused(&self, refusal: Refusal) {
        if let Some(counter) = self.refused.get(&refusal) {
            counter.increment(1);
        }
    }

    /// Counts the end of a connection; `reason` is one of a fixed set.
    pub(crate) fn closed(&self, reason: &'static str) {
        counter!("tidegate_connections_closed_total", "listener" => self.listener.clone(), "reason" => reason)
            .increment(1);
    }

    /// Counts one request.
    pub(crate) fn request(&self, key: ApiKey) {
        if let Some(counter) = self.requests.get(&key) {
            counter.increment(1);
        }
    }
}

impl std::fmt::Debug for Meters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meters")
    }
}
