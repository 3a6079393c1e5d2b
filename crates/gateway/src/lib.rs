//! The gateway as a function: [`Gateway::start`] binds and connects, [`Gateway::run`] serves until it is told to stop.
//!
//! * [`config`] is what the operator wrote, understood; [`desired`] the zones and accounts;
//! * [`upstream`] keeps one picture of each cluster, [`snapshot`] joins both into what a request needs;
//! * [`Reloader`] reads all of that again while the gateway runs;
//! * `listener` accepts, `connection` pumps. What happens with a request is decided by `tidegate-authz` alone.
//!
//! A program that embeds the gateway brings what it likes of its own: [`Parts`]. `docs/embedding.md` tells the whole.
//!
//! ```no_run
//! use std::path::Path;
//! use std::sync::Arc;
//!
//! use tidegate_core::{MemoryFacts, SourcedZone, parse_zones};
//! use tidegate_gateway::desired::Desired;
//! use tidegate_gateway::logins::Authenticator;
//! use tidegate_gateway::{Gateway, Parts, config};
//! use tokio::sync::watch;
//!
//! # async fn embed(mine: Arc<dyn Authenticator>, configuration: &str, manifest: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let config = config::parse_embedded(configuration, Path::new("my program"), &config::Machine)?;
//! let zone = |zone| SourcedZone::new("my program", zone);
//! let zones = parse_zones(manifest)?.into_iter().map(zone).collect();
//! let (publish, desired) = watch::channel(Arc::new(Desired::of_zones(zones)?));
//!
//! let parts = Parts::new(mine, Arc::new(MemoryFacts::default())).with_desired(desired);
//! let gateway = Gateway::start_with(config, parts, None).await?;
//! gateway.run(std::future::pending()).await;
//! # drop(publish);
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod admission;
pub mod audit;
mod budget;
pub mod config;
mod connection;
pub mod desired;
mod error;
mod gateway;
mod http;
pub mod life;
mod listener;
pub mod logins;
mod meters;
pub mod operators;
mod parts;
pub mod principal;
mod reload;
pub mod snapshot;
mod socket;
mod source;
mod state;
pub mod stored;
mod tls;
mod tokens;
mod unreachable;
pub mod upstream;

pub use error::{GatewayError, UpstreamError};
pub use gateway::Gateway;
pub use meters::{METRICS, MetricKind, MetricSpec};
pub use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
pub use operators::Operators;
pub use parts::{Parts, RuleHook};
pub use reload::Reloader;
