//! From the configuration of a cluster to the way its brokers are connected to.

use secrecy::{ExposeSecret, SecretSlice};
use tidegate_client::{
    ClientCredentials, ConnectOptions, Endpoint, SaslLogin, Security, Tls, TlsError, TlsOptions, TokenFile,
};

use super::{Cluster, TokenOrigin, UpstreamSasl, UpstreamTls};
use crate::{DaemonError, HostPort};

impl Cluster {
    /// The brokers to begin with.
    #[must_use]
    pub fn endpoints(&self) -> Vec<Endpoint> {
        let endpoint = |server: &HostPort| Endpoint::new(server.host.clone(), server.port);
        self.bootstrap.iter().map(endpoint).collect()
    }

    /// TLS and SASL for every connection to it.
    ///
    /// # Errors
    /// [`DaemonError::ClusterTls`] when certificate, key and authorities, of the brokers or of the token endpoint, make no usable TLS.
    pub fn security(&self) -> Result<Security, DaemonError> {
        let failed = |source| DaemonError::ClusterTls { cluster: self.name.clone(), source };
        let security = match &self.tls {
            None => Security::plaintext(),
            Some(tls) => Security::tls(build(tls).map_err(failed)?),
        };
        Ok(match &self.sasl {
            None => security,
            Some(sasl) => security.with_login(login(sasl).map_err(failed)?),
        })
    }

    /// Options for connections to it, with the usual limits; brokers see `client_id` in their logs and quotas.
    ///
    /// # Errors
    /// As [`Self::security`].
    pub fn connect_options(&self, client_id: &str) -> Result<ConnectOptions, DaemonError> {
        Ok(ConnectOptions::new(client_id, self.security()?))
    }
}

fn login(sasl: &UpstreamSasl) -> Result<SaslLogin, TlsError> {
    Ok(match sasl {
        UpstreamSasl::Password { mechanism, username, password } => {
            SaslLogin::Password { mechanism: *mechanism, user: username.clone(), password: password.clone() }
        }
        UpstreamSasl::Token(TokenOrigin::File(path)) => SaslLogin::bearer(TokenFile::new(path)),
        UpstreamSasl::Token(TokenOrigin::Endpoint(endpoint)) => {
            SaslLogin::bearer(ClientCredentials::new(endpoint.clone())?)
        }
    })
}

fn build(tls: &UpstreamTls) -> Result<Tls, TlsError> {
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
    options.build()
}
