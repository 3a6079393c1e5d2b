//! The operators' REST over a running gateway, on a listener of its own.

use std::sync::Arc;

use anyhow::Context;
use secrecy::SecretString;
use tidegate_admin::{Access, Admin, Daemon, Door, Limits, Parts, ZoneStatus};
use tidegate_core::store::Revision;
use tidegate_core::{BackingTopic, ClusterName, Credential, CredentialId, ZoneSpec};
use tidegate_gateway::life::Status;
use tidegate_gateway::logins::{make_credential, make_password};
use tidegate_gateway::operators::Entrance;
use tidegate_gateway::{Operators, config};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Binds the listener and gives what serves it until `stop` says so; nothing where the configuration has no `admin`.
pub(crate) async fn start(
    operators: Option<Operators>,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<Option<impl Future<Output = ()>>> {
    let Some(operators) = operators else { return Ok(None) };
    let bind = operators.admin().bind;
    let listener = TcpListener::bind(bind)
        .await
        .with_context(|| format!("admin: cannot listen on {bind}; free the port or change `admin.bind`"))?;
    let access = match operators.admin().is_insecure {
        true => Access::AnyoneOnThisMachine,
        false => Access::Tokens,
    };
    if access == Access::AnyoneOnThisMachine {
        tracing::warn!(%bind, "`admin.insecure`: whoever is on this machine changes zones without a token");
    }
    let parts = Parts {
        store: Arc::clone(&operators.store().store),
        sealer: Arc::clone(&operators.store().sealer),
        facts: operators.facts(),
        access,
        limits: limits(&operators.limits()),
        daemon: Arc::new(Gateway(operators.clone())),
    };
    Ok(Some(tidegate_admin::serve(listener, operators.tls(), Admin::new(parts), stop)))
}

/// The limits of the configuration.
fn limits(limits: &config::Limits) -> Limits {
    Limits {
        max_body_bytes: limits.admin_max_body_bytes,
        requests_per_second_per_address: limits.admin_requests_per_second_per_address,
        requests_burst_per_address: limits.admin_requests_burst_per_address,
        max_connections: limits.admin_max_connections,
        max_connections_per_address: limits.admin_max_connections_per_address,
        header_deadline: limits.admin_header_deadline,
        body_deadline: limits.admin_body_deadline,
        tls_deadline: limits.tls_deadline,
        connection_max: limits.admin_connection_max,
        failed_login_delay_max: limits.failed_login_delay_max,
        failed_login_memory: limits.failed_login_memory,
        failed_logins_at_once: limits.failed_logins_at_once,
        store_staleness_max: limits.store_staleness_max,
    }
}

/// The gateway as the REST asks it.
#[derive(Debug)]
struct Gateway(Operators);

impl Daemon for Gateway {
    fn clusters(&self) -> Vec<ClusterName> {
        self.0.clusters()
    }

    fn owns(&self, cluster: &ClusterName, topic: &BackingTopic) -> bool {
        self.0.owns(cluster, topic)
    }

    fn status(&self, zone: &ZoneSpec, revision: Revision) -> ZoneStatus {
        match self.0.status(zone, revision) {
            Status::Pending => ZoneStatus::Pending,
            Status::Ready => ZoneStatus::Ready,
            Status::Failed => ZoneStatus::Failed,
        }
    }

    fn doors(&self, zone: &ZoneSpec) -> Vec<Door> {
        self.0.entrances(zone).into_iter().map(door).collect()
    }

    fn make_password(&self) -> Option<SecretString> {
        make_password()
    }

    fn make_credential(
        &self,
        id: CredentialId,
        password: &SecretString,
        others: &[Credential],
    ) -> Option<Credential> {
        make_credential(id, password, others)
    }
}

fn door(entrance: Entrance) -> Door {
    let Entrance { bootstrap, has_tls, mechanisms } = entrance;
    Door {
        bootstrap: bootstrap.to_string(),
        security_protocol: match (has_tls, mechanisms.is_empty()) {
            (true, true) => "SSL",
            (true, false) => "SASL_SSL",
            (false, _) => "SASL_PLAINTEXT",
        },
        mechanisms: mechanisms.into_iter().map(config::SaslMechanism::as_str).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_the_configuration_are_those_of_the_rest() {
        assert_eq!(limits(&config::Limits::default()), Limits::default());
    }
}
