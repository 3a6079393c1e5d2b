//! How the brokers of a cluster are entered: replaced whole when the configuration is read again.

use tidegate_client::{ConnectOptions, Endpoint};

use super::connect_options;
use crate::config::{ClusterConfig, Limits};
use crate::error::GatewayError;

/// Where a cluster begins, and how its brokers are connected to.
#[derive(Debug)]
pub struct Access {
    /// Brokers to begin with.
    pub bootstrap: Vec<Endpoint>,
    /// How the gateway itself connects.
    pub options: ConnectOptions,
}

impl Access {
    /// What the configuration says; nothing is dialled.
    ///
    /// # Errors
    /// [`GatewayError::ClusterTls`] when certificate, key and authorities make no usable TLS.
    pub fn new(config: &ClusterConfig, limits: &Limits) -> Result<Self, GatewayError> {
        let endpoint = |server: &crate::config::HostPort| Endpoint::new(server.host.clone(), server.port);
        Ok(Self {
            bootstrap: config.bootstrap.iter().map(endpoint).collect(),
            options: connect_options(config, limits)?,
        })
    }
}
