//! The HTTP client: deadlines, which certificates are believed, and where nothing is ever sent to.

use std::fs;
use std::path::Path;
use std::time::Duration;

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use crate::contexts::Gateway;
use crate::failure::Failure;

/// Time to connect and to agree on TLS, over a poor line.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// Time for one request and its answer; the gateway gives a body 30 s.
const DEADLINE: Duration = Duration::from_secs(60);

/// A connection that waited longer is not used again: the gateway closes one after 10 s.
const IDLE_MAX: Duration = Duration::from_secs(5);

/// A client for a gateway.
pub(super) fn agent(gateway: &Gateway) -> Result<ureq::Agent, Failure> {
    let mut config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        // A redirect would take the token, or the manifest, to somebody else.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(CONNECT_DEADLINE))
        .timeout_global(Some(DEADLINE))
        .max_idle_age(IDLE_MAX)
        .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")));
    if !gateway.address.is_tls() {
        // A proxy would read it; with TLS it sees only where it goes.
        config = config.proxy(None);
    }
    if let Some(ca) = &gateway.ca {
        config = config.tls_config(TlsConfig::builder().root_certs(roots(ca)?).build());
    }
    Ok(config.build().into())
}

fn roots(path: &Path) -> Result<RootCerts, Failure> {
    let file = path.display();
    let pem = fs::read(path).map_err(|error| {
        Failure::Here(format!("{file}: cannot read the certificates to believe: {error}"))
    })?;
    let items: Result<Vec<PemItem<'static>>, _> = parse_pem(&pem).collect();
    let items = items.map_err(|error| Failure::Here(format!("{file}: not valid PEM: {error}")))?;
    let certificates = items.into_iter().filter_map(|item| match item {
        PemItem::Certificate(certificate) => Some(certificate),
        _ => None,
    });
    let certificates: Vec<Certificate<'static>> = certificates.collect();
    match certificates.is_empty() {
        true => {
            Err(Failure::Here(format!("{file}: there is no certificate in it; name the PEM file of the CA")))
        }
        false => Ok(RootCerts::from(certificates)),
    }
}
