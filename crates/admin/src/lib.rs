//! The operators' REST: partner zones, the passwords of their accounts, and tokens, over any store and for any daemon.
//!
//! ```text
//! request ─▶ rate ─▶ caller ─▶ right ─▶ body ─▶ operation ─▶ one Change ─▶ answer
//!             429      401      403    400 413   404 409      409 500
//! ```
//!
//! `routes` is the one list of what is served; the router, the rights and the OpenAPI page are made of it. The shapes are
//! those that existing tools of partner zones speak, so a path has to stay as it is. Operators and partners never share a
//! listener: [`serve`](serve()) is given one of its own.
//!
//! What is wanted is written to the store and nowhere else; what a daemon makes of it is asked of the daemon, through
//! [`Daemon`].

#![forbid(unsafe_code)]

mod admin;
mod audit;
mod auth;
mod body;
mod change;
mod daemon;
mod dispatch;
mod expiry;
mod limits;
mod openapi;
mod peer;
mod rate;
mod refusal;
mod routes;
mod serve;
mod token;
mod tokens;
mod zones;

pub use admin::{Admin, Parts};
pub use audit::TARGET;
pub use auth::Access;
pub use daemon::{Daemon, Door, ZoneStatus};
pub use limits::{
    DEFAULT_BODY_DEADLINE, DEFAULT_CONNECTION_MAX, DEFAULT_FAILED_LOGIN_DELAY_MAX,
    DEFAULT_FAILED_LOGIN_MEMORY, DEFAULT_FAILED_LOGINS_AT_ONCE, DEFAULT_HEADER_DEADLINE,
    DEFAULT_MAX_BODY_BYTES, DEFAULT_MAX_CONNECTIONS, DEFAULT_MAX_CONNECTIONS_PER_ADDRESS,
    DEFAULT_REQUESTS_BURST_PER_ADDRESS, DEFAULT_REQUESTS_PER_SECOND_PER_ADDRESS, DEFAULT_STORE_STALENESS_MAX,
    DEFAULT_TLS_DEADLINE, Limits,
};
pub use peer::Peer;
pub use refusal::ErrorBody;
pub use serve::serve;
pub use token::{BEARER_PREFIX, NewToken};
