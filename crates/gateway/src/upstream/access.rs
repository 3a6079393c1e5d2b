//! How the brokers of a cluster are entered: replaced whole when the configuration is read again.

use tidegate_client::{ConnectOptions, Endpoint, SaslLogin};
use tidegate_core::{RootKey, ZoneId, ZoneName};
use tidegate_wire::sasl::PasswordMechanism;

use super::connect::connect_options;
use crate::config::{AclPolicy, ClusterConfig, Limits, PerZone, UpstreamSasl, ZonePasswords};
use crate::error::GatewayError;

/// Where a cluster begins, and how its brokers are connected to.
#[derive(Debug)]
pub struct Access {
    /// Brokers to begin with.
    pub bootstrap: Vec<Endpoint>,
    /// How the gateway itself connects.
    pub options: ConnectOptions,
    /// How partners' connections log in; `None` is as the gateway itself.
    pub zones: Option<ZoneLogins>,
    /// What is done with the ACLs of the zones' users.
    pub acls: AclPolicy,
}

/// The login of each zone.
#[derive(Debug)]
pub struct ZoneLogins {
    /// The mechanism, for all the same.
    pub mechanism: PasswordMechanism,
    /// Names and passwords.
    pub config: PerZone,
    root_key: RootKey,
}

impl Access {
    /// What the configuration says; nothing is dialled.
    ///
    /// # Errors
    /// [`DaemonError::ClusterTls`](tidegate_daemon::DaemonError::ClusterTls) when certificate, key and authorities make no usable TLS.
    pub fn new(config: &ClusterConfig, limits: &Limits, root_key: &RootKey) -> Result<Self, GatewayError> {
        Ok(Self {
            bootstrap: config.endpoints(),
            options: connect_options(config, limits)?,
            zones: config.sasl.as_ref().and_then(|sasl| {
                let UpstreamSasl::Password { mechanism, .. } = sasl else { return None };
                let config = config.per_zone.clone()?;
                Some(ZoneLogins { mechanism: *mechanism, config, root_key: root_key.clone() })
            }),
            acls: config.acls,
        })
    }
}

impl ZoneLogins {
    /// The login of a zone; `None` while there is no password for it.
    #[must_use]
    pub fn of(&self, zone: &ZoneName, id: &ZoneId) -> Option<SaslLogin> {
        let password = match &self.config.passwords {
            ZonePasswords::Derived => self.root_key.upstream_password(id),
            ZonePasswords::Files(passwords) => passwords.get(zone.as_str())?.clone(),
        };
        let user = self.config.username.user(zone);
        Some(SaslLogin::Password { mechanism: self.mechanism, user, password })
    }
}
