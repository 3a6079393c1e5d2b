//! Every metric that is served, as the reference page lists it.

use metrics::{describe_counter, describe_gauge};

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows, until the process ends.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// One metric.
#[derive(Debug, Clone, Copy)]
pub struct MetricSpec {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: MetricKind,
    /// Its labels; the values of each are bounded.
    pub labels: &'static [&'static str],
    /// What it tells.
    pub meaning: &'static str,
}

impl MetricKind {
    /// As Prometheus writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

/// Tells the recorder what each metric means.
pub(crate) fn describe() {
    for spec in METRICS {
        match spec.kind {
            MetricKind::Counter => describe_counter!(spec.name, spec.meaning),
            MetricKind::Gauge => describe_gauge!(spec.name, spec.meaning),
        }
    }
}

/// Every metric, in the order of the reference.
pub const METRICS: &[MetricSpec] = &[
    MetricSpec {
        name: "tidegate_connections_accepted_total",
        kind: MetricKind::Counter,
        labels: &["listener"],
        meaning: "Connections accepted.",
    },
    MetricSpec {
        name: "tidegate_connections_refused_total",
        kind: MetricKind::Counter,
        labels: &["listener", "reason"],
        meaning: "Connections that found no place or came too soon; the reason is the key of the limit.",
    },
    MetricSpec {
        name: "tidegate_connections_open",
        kind: MetricKind::Gauge,
        labels: &["listener"],
        meaning: "Connections open now, logged in or not.",
    },
    MetricSpec {
        name: "tidegate_connections_closed_total",
        kind: MetricKind::Counter,
        labels: &["listener", "reason"],
        meaning: "Connections ended, by one of a fixed set of reasons.",
    },
    MetricSpec {
        name: "tidegate_connections_revoked_total",
        kind: MetricKind::Counter,
        labels: &["listener"],
        meaning: "Connections cut because the login no longer stands.",
    },
    MetricSpec {
        name: "tidegate_failed_logins_total",
        kind: MetricKind::Counter,
        labels: &["listener"],
        meaning: "Logins that failed; never by user name, which anybody may invent.",
    },
    MetricSpec {
        name: "tidegate_requests_total",
        kind: MetricKind::Counter,
        labels: &["listener", "api"],
        meaning: "Requests of partners by Kafka API.",
    },
    MetricSpec {
        name: "tidegate_unreachable_nodes",
        kind: MetricKind::Gauge,
        labels: &["listener"],
        meaning: "Brokers that no partner can reach for want of an address in `nodes`.",
    },
    MetricSpec {
        name: "tidegate_zone_connections_open",
        kind: MetricKind::Gauge,
        labels: &["zone"],
        meaning: "Connections of the zone that are logged in.",
    },
    MetricSpec {
        name: "tidegate_zone_requests_total",
        kind: MetricKind::Counter,
        labels: &["zone", "class"],
        meaning: "Requests of the zone: produce, fetch, groups, transactions, metadata.",
    },
    MetricSpec {
        name: "tidegate_zone_received_bytes_total",
        kind: MetricKind::Counter,
        labels: &["zone"],
        meaning: "Bytes of requests from the zone's partner.",
    },
    MetricSpec {
        name: "tidegate_zone_sent_bytes_total",
        kind: MetricKind::Counter,
        labels: &["zone"],
        meaning: "Bytes of answers to the zone's partner.",
    },
    MetricSpec {
        name: "tidegate_zone_refusals_total",
        kind: MetricKind::Counter,
        labels: &["zone", "kind"],
        meaning: "What was refused: topic, group, transactional_id, producer_id, hidden_api, connection.",
    },
    MetricSpec {
        name: "tidegate_zone_throttled_total",
        kind: MetricKind::Counter,
        labels: &["zone", "policy"],
        meaning: "Answers that told a client to wait: produce, consume, commits.",
    },
    MetricSpec {
        name: "tidegate_zone_throttle_milliseconds_total",
        kind: MetricKind::Counter,
        labels: &["zone", "policy"],
        meaning: "The time that they told it to wait.",
    },
    MetricSpec {
        name: "tidegate_upstream_up",
        kind: MetricKind::Gauge,
        labels: &["cluster"],
        meaning: "1 while the cluster answers the control connection, else 0.",
    },
    MetricSpec {
        name: "tidegate_upstream_dials_total",
        kind: MetricKind::Counter,
        labels: &["cluster"],
        meaning: "Connections to brokers made for partners, or tried.",
    },
    MetricSpec {
        name: "tidegate_upstream_dial_failures_total",
        kind: MetricKind::Counter,
        labels: &["cluster"],
        meaning: "Those that failed.",
    },
    MetricSpec {
        name: "tidegate_state_failures_total",
        kind: MetricKind::Counter,
        labels: &[],
        meaning: "Questions to the state store that failed or took too long.",
    },
    MetricSpec {
        name: "tidegate_reloads_total",
        kind: MetricKind::Counter,
        labels: &["result"],
        meaning: "Times that the files were read again: ok, refused.",
    },
    MetricSpec {
        name: "tidegate_reload_refused",
        kind: MetricKind::Gauge,
        labels: &[],
        meaning: "1 after files that were wrong, until they are read again without a mistake.",
    },
    MetricSpec {
        name: "tidegate_jwks_fetches_total",
        kind: MetricKind::Counter,
        labels: &["provider", "result"],
        meaning: "Times that the public keys of an identity provider were fetched: ok, failed.",
    },
    MetricSpec {
        name: "tidegate_jwks_age_seconds",
        kind: MetricKind::Gauge,
        labels: &["provider"],
        meaning: "Time since they were fetched last.",
    },
    MetricSpec {
        name: "tidegate_store_age_seconds",
        kind: MetricKind::Gauge,
        labels: &[],
        meaning: "For how long it has not been certain that what is enforced is what the store says.",
    },
    MetricSpec {
        name: "tidegate_store_alarms",
        kind: MetricKind::Gauge,
        labels: &[],
        meaning: "What somebody did to the store behind its back and still lies there.",
    },
    MetricSpec {
        name: "tidegate_store_unserved_records",
        kind: MetricKind::Gauge,
        labels: &[],
        meaning: "Zones, accounts and mirrors in the store that cannot be read or served; the log says why.",
    },
];
