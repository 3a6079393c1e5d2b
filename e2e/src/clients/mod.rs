//! Stock clients.

use std::path::PathBuf;

use serde::Serialize;

/// How a client reaches a cluster or a gateway.
#[derive(Clone, Debug, Serialize)]
pub struct ClientConfig {
    /// `host:port`, several joined by commas.
    pub bootstrap: String,
    /// Kafka's `security.protocol`.
    pub protocol: String,
    /// Kafka's `sasl.mechanism`, where there is a login.
    pub mechanism: Option<String>,
    /// The user name, where there is a login.
    pub user: Option<String>,
    /// The password, where there is a login.
    pub password: Option<String>,
    /// The authority to trust, where the connection is encrypted.
    pub ca: Option<PathBuf>,
}
