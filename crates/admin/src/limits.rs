//! What callers may use up.

use std::time::Duration;

/// Size of a request's body: what core reads of a manifest, five times the biggest sensible one.
pub const DEFAULT_MAX_BODY_BYTES: usize = tidegate_core::document::MAX_TEXT_BYTES;
/// Requests a second of one client address in the long run: a pipeline that applies zone after zone on one connection does
/// about as many.
pub const DEFAULT_REQUESTS_PER_SECOND_PER_ADDRESS: usize = 100;
/// Requests of one client address at once: a thousand zones are applied without a pause.
pub const DEFAULT_REQUESTS_BURST_PER_ADDRESS: usize = 1_000;
/// Connections in all: a team, its pipelines and its dashboards have some dozens, and each costs up to 64 KiB.
pub const DEFAULT_MAX_CONNECTIONS: usize = 512;
/// Connections of one client address: half of all, so that one host that goes wrong leaves room for the others.
pub const DEFAULT_MAX_CONNECTIONS_PER_ADDRESS: usize = 256;
/// Time for the headers of a request, and for which a connection may wait for the next one.
pub const DEFAULT_HEADER_DEADLINE: Duration = Duration::from_secs(10);
/// Time for the body of a request once its headers are there: 1 MiB over a poor line.
pub const DEFAULT_BODY_DEADLINE: Duration = Duration::from_secs(30);
/// Time for the TLS handshake.
pub const DEFAULT_TLS_DEADLINE: Duration = Duration::from_secs(10);
/// Longest time that a connection is kept: whoever reads answers too slowly gives the place back.
pub const DEFAULT_CONNECTION_MAX: Duration = Duration::from_secs(300);
/// Longest wait before a failed login is refused; it begins at 100 ms and doubles with each failure of that address.
pub const DEFAULT_FAILED_LOGIN_DELAY_MAX: Duration = Duration::from_secs(5);
/// Time after which the failures of an address are forgotten; with the longest wait it is worth nothing to sit it out.
pub const DEFAULT_FAILED_LOGIN_MEMORY: Duration = Duration::from_secs(900);
/// Refusals of one address that wait at once; beyond it an address is refused without a look at what it shows.
pub const DEFAULT_FAILED_LOGINS_AT_ONCE: usize = 16;

/// Longest time for which it need not be certain that the store says nothing newer: beyond it no token opens, since it may
/// have been revoked. A broker that dies keeps its topics without a leader for ten seconds.
pub const DEFAULT_STORE_STALENESS_MAX: Duration = Duration::from_secs(30);

/// What callers may use up; each default has its reason beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// [`DEFAULT_MAX_BODY_BYTES`].
    pub max_body_bytes: usize,
    /// [`DEFAULT_REQUESTS_PER_SECOND_PER_ADDRESS`].
    pub requests_per_second_per_address: usize,
    /// [`DEFAULT_REQUESTS_BURST_PER_ADDRESS`].
    pub requests_burst_per_address: usize,
    /// [`DEFAULT_MAX_CONNECTIONS`].
    pub max_connections: usize,
    /// [`DEFAULT_MAX_CONNECTIONS_PER_ADDRESS`].
    pub max_connections_per_address: usize,
    /// [`DEFAULT_HEADER_DEADLINE`].
    pub header_deadline: Duration,
    /// [`DEFAULT_BODY_DEADLINE`].
    pub body_deadline: Duration,
    /// [`DEFAULT_TLS_DEADLINE`].
    pub tls_deadline: Duration,
    /// [`DEFAULT_CONNECTION_MAX`].
    pub connection_max: Duration,
    /// [`DEFAULT_FAILED_LOGIN_DELAY_MAX`].
    pub failed_login_delay_max: Duration,
    /// [`DEFAULT_FAILED_LOGIN_MEMORY`].
    pub failed_login_memory: Duration,
    /// [`DEFAULT_FAILED_LOGINS_AT_ONCE`].
    pub failed_logins_at_once: usize,
    /// [`DEFAULT_STORE_STALENESS_MAX`].
    pub store_staleness_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: DEFAULT_MAX_BODY_BYTES,
            requests_per_second_per_address: DEFAULT_REQUESTS_PER_SECOND_PER_ADDRESS,
            requests_burst_per_address: DEFAULT_REQUESTS_BURST_PER_ADDRESS,
            max_connections: DEFAULT_MAX_CONNECTIONS,
            max_connections_per_address: DEFAULT_MAX_CONNECTIONS_PER_ADDRESS,
            header_deadline: DEFAULT_HEADER_DEADLINE,
            body_deadline: DEFAULT_BODY_DEADLINE,
            tls_deadline: DEFAULT_TLS_DEADLINE,
            connection_max: DEFAULT_CONNECTION_MAX,
            failed_login_delay_max: DEFAULT_FAILED_LOGIN_DELAY_MAX,
            failed_login_memory: DEFAULT_FAILED_LOGIN_MEMORY,
            failed_logins_at_once: DEFAULT_FAILED_LOGINS_AT_ONCE,
            store_staleness_max: DEFAULT_STORE_STALENESS_MAX,
        }
    }
}
