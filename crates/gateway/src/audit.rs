//! One event for each refusal that an operator wants to know of, and never so many that they fill the disk.
//!
//! Events go out with the target [`TARGET`]; where they end up is the program's business. They name what a partner asked for
//! as the partner named it, escaped and cut, and hold no secret, no record and no frame.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tidegate_authz::{Refusal, RefusedKind};
use tidegate_core::names::Shown;
use tidegate_wire::api::ApiKey;
use tokio::time::Instant;

/// The target of every event.
pub const TARGET: &str = "tidegate::audit";

/// The time over which events are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// Scopes that are counted apart; zones and listeners are the operator's own, so this is only reached by mistake.
const MAX_SCOPES: usize = 100_000;

/// What is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    FailedLogin,
    ConnectionLimit,
    Revoked,
    HiddenApi,
    Refused(RefusedKind),
}

/// What happened, to whom, and where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) event: Event,
    pub(crate) listener: &'a str,
    pub(crate) zone: Option<&'a str>,
    pub(crate) account: Option<&'a str>,
    pub(crate) client: SocketAddr,
    pub(crate) api: Option<(ApiKey, i16)>,
    /// Already fit for a log.
    pub(crate) name: Option<&'a Shown>,
    pub(crate) reason: &'a str,
}

/// Writes events, so many of each kind for each zone in a minute; of the rest it keeps the count.
#[derive(Debug)]
pub(crate) struct Audit {
    per_minute: u64,
    scopes: Mutex<HashMap<(String, Event), Scope>>,
}

/// One kind of events of one zone, or of a listener where there is no zone.
#[derive(Debug)]
struct Scope {
    since: Instant,
    told: u64,
    left_out: u64,
}

impl Event {
    fn as_str(self) -> &'static str {
        match self {
            Self::FailedLogin => "failed_login",
            Self::ConnectionLimit => "connection_limit",
            Self::Revoked => "revoked",
            Self::HiddenApi => "hidden_api",
            Self::Refused(RefusedKind::Topic) => "topic",
            Self::Refused(RefusedKind::Group) => "group",
            Self::Refused(RefusedKind::TransactionalId) => "transactional_id",
            Self::Refused(RefusedKind::ProducerId) => "producer_id",
        }
    }
}

impl Audit {
    pub(crate) fn new(per_minute: u64) -> Self {
        Self { per_minute, scopes: Mutex::default() }
    }

    /// Tells of a refusal inside a request.
    pub(crate) fn refusal(&self, refusal: &Refusal, entry: Entry<'_>) {
        self.tell(Entry { event: Event::Refused(refusal.kind), name: Some(&refusal.name), ..entry });
    }

    /// Tells of it, unless too many of the kind were told in this minute.
    pub(crate) fn tell(&self, entry: Entry<'_>) {
        let Some(left_out) = self.admit(&entry) else { return };
        let shown = |text: &str| Shown::of(text).to_string();
        tracing::info!(
            target: TARGET,
            event = entry.event.as_str(),
            listener = entry.listener,
            zone = entry.zone,
            account = entry.account.map(shown),
            client = %entry.client,
            api = entry.api.map(|(key, _)| format!("{key:?}")),
            version = entry.api.map(|(_, version)| version),
            name = entry.name.map(ToString::to_string),
            reason = Shown::of_sentence(entry.reason).to_string(),
            left_out,
        );
    }

    /// How many were left out before this one, if it may be told.
    fn admit(&self, entry: &Entry<'_>) -> Option<u64> {
        let key = (entry.zone.unwrap_or(entry.listener).to_owned(), entry.event);
        let now = Instant::now();
        let mut scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        if scopes.len() >= MAX_SCOPES && !scopes.contains_key(&key) {
            scopes.retain(|_, scope| now - scope.since < WINDOW);
        }
        let scope = scopes.entry(key).or_insert(Scope { since: now, told: 0, left_out: 0 });
        if now - scope.since >= WINDOW {
            (scope.since, scope.told) = (now, 0);
        }
        if scope.told >= self.per_minute {
            scope.left_out = scope.left_out.saturating_add(1);
            return None;
        }
        scope.told += 1;
        Some(std::mem::take(&mut scope.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(zone: Option<&str>, event: Event) -> Entry<'_> {
        Entry {
            event,
            listener: "partners",
            zone,
            account: None,
            client: SocketAddr::from(([127, 0, 0, 1], 1)),
            api: None,
            name: None,
            reason: "",
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_counted_and_silences_no_other_zone_or_kind() {
        let audit = Audit::new(2);
        let topic = Event::Refused(RefusedKind::Topic);
        let told: Vec<_> = (0..5).map(|_| audit.admit(&entry(Some("a"), topic))).collect();
        assert_eq!(told, [Some(0), Some(0), None, None, None]);
        assert_eq!(audit.admit(&entry(Some("b"), topic)), Some(0));
        assert_eq!(audit.admit(&entry(Some("a"), Event::HiddenApi)), Some(0));
        assert_eq!(audit.admit(&entry(None, topic)), Some(0));
        tokio::time::advance(WINDOW).await;
        assert_eq!(audit.admit(&entry(Some("a"), topic)), Some(3));
        assert_eq!(audit.admit(&entry(Some("a"), topic)), Some(0));
    }
}
