//! The gateway as a function: [`Gateway::start`] binds and connects, [`Gateway::run`] serves until it is told to stop.
//!
//! * [`config`] is what the operator wrote, understood; [`desired`] the zones and accounts;
//! * [`upstream`] keeps one picture of each cluster, [`snapshot`] joins both into what a request needs;
//! * `listener` accepts, `connection` pumps. What happens with a request is decided by `tidegate-authz` alone.

#![forbid(unsafe_code)]

mod admission;
mod budget;
pub mod config;
mod connection;
pub mod desired;
mod error;
mod gateway;
mod http;
mod listener;
pub mod logins;
mod meters;
mod parts;
pub mod snapshot;
mod socket;
mod source;
mod state;
mod tls;
mod unreachable;
pub mod upstream;

pub use error::{GatewayError, UpstreamError};
pub use gateway::{Gateway, Reloader};
pub use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
pub use parts::{Parts, RuleHook};
