//! From the configuration of a cluster to the way its brokers are connected to.

use secrecy::{ExposeSecret, SecretSlice};
use tidegate_client::{ConnectOptions, SaslLogin, Security, TlsOptions};
use tidegate_wire::sasl::Mechanism;

use crate::config::{ClusterConfig, Limits, SaslMechanism, UpstreamTls};
use crate::error::GatewayError;

/// What the control connection calls itself.
const CLIENT_ID: &str = "tidegate-gateway";

/// Largest answer of a broker: the largest Fetch that the limits allow, and one batch above it, which a broker may
/// add to make progress.
fn max_response_bytes(limits: &Limits) -> usize {
    limits.fetch_max_bytes.saturating_add(limits.max_produce_frame_bytes)
}

/// The options for every connection to a cluster.
pub(crate) fn connect_options(
    config: &ClusterConfig,
    limits: &Limits,
) -> Result<ConnectOptions, GatewayError> {
    let mut security = match &config.tls {
        None => Security::plaintext(),
        Some(tls) => Security::tls(
            tls_options(tls)
                .build()
                .map_err(|source| GatewayError::ClusterTls { cluster: config.name.to_string(), source })?,
        ),
    };
    if let Some(sasl) = &config.sasl {
        security = security.with_login(SaslLogin::Password {
            mechanism: sasl.mechanism,
            user: sasl.username.clone(),
            password: sasl.password.clone(),
        });
    }
    let mut options = ConnectOptions::new(CLIENT_ID, security);
    options.connect_timeout = limits.upstream_deadline;
    options.tls_timeout = limits.upstream_deadline;
    options.max_response_bytes = max_response_bytes(limits);
    Ok(options)
}

fn tls_options(tls: &UpstreamTls) -> TlsOptions {
    let mut options = TlsOptions::new();
    if let Some(ca) = &tls.ca {
        options = options.authorities(ca.pem.expose_secret().to_vec());
    }
    if let Some(identity) = &tls.identity {
        let key = SecretSlice::from(identity.key.pem.expose_secret().to_vec());
        options = options.identity(identity.certificate.pem.expose_secret().to_vec(), key);
    }
    if !tls.endpoint_identification {
        options = options.without_endpoint_identification();
    }
    options
}

/// The mechanism of the same name.
pub(crate) fn mechanism(configured: SaslMechanism) -> Mechanism {
    match configured {
        SaslMechanism::Plain => Mechanism::Plain,
        SaslMechanism::ScramSha256 => Mechanism::ScramSha256,
        SaslMechanism::ScramSha512 => Mechanism::ScramSha512,
        SaslMechanism::OauthBearer => Mechanism::OauthBearer,
    }
}
