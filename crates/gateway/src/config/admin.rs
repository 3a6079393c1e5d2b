//! `admin`: where operators reach the REST. It is never on a partner's listener.

use std::net::SocketAddr;

use tidegate_core::document::{Fields, Place};
use tidegate_daemon::{Around, address, certificate_and_key};

use super::model::{AdminConfig, AdminTls};
use super::ports::Ports;
use super::{DEFAULT_ADMIN_HOST, DEFAULT_ADMIN_PORT};

/// Reads `admin`, and claims its port.
pub(super) fn read<'a>(
    place: &Place<'a>,
    has_store: bool,
    around: &Around<'_>,
    ports: &mut Ports<'a>,
) -> Option<AdminConfig> {
    let mut fields = place.fields()?;
    let bind_place = fields.optional("bind");
    let bind = match &bind_place {
        None => default_bind(),
        Some(place) => read_bind(place),
    };
    if let Some(bind) = bind {
        ports.bind(bind_place.as_ref().unwrap_or(place), bind.ip(), bind.port(), 1);
    }
    let tls_place = fields.optional("tls");
    let insecure_place = fields.optional("insecure");
    fields.finish();
    let tls = tls_place.as_ref().map(|place| tls(place, around));
    let insecure = insecure_place.as_ref().map_or(Some(false), Place::flag);
    if !has_store {
        place.fail("operators change records, and there is no `store`; add it, or remove `admin`");
    }
    if let Some(bind) = bind.filter(|bind| !bind.ip().is_loopback()) {
        if tls_place.is_none() {
            let ip = bind.ip();
            place.fail(format_args!(
                "tokens would cross the network in plain text: {ip} is no loopback address; add `tls: {{certificate, key}}`, or bind 127.0.0.1"
            ));
        }
        if let (Some(true), Some(place)) = (insecure, &insecure_place) {
            place.fail("without tokens whoever reaches the port is an admin; remove this, or bind 127.0.0.1");
        }
    }
    let tls = match tls {
        None => None,
        Some(read) => Some(read?),
    };
    Some(AdminConfig { bind: bind?, tls, is_insecure: insecure? })
}

fn default_bind() -> Option<SocketAddr> {
    Some(SocketAddr::new(DEFAULT_ADMIN_HOST.parse().ok()?, DEFAULT_ADMIN_PORT))
}

fn read_bind(place: &Place<'_>) -> Option<SocketAddr> {
    let mut fields: Fields<'_> = place.fields()?;
    let default = default_bind()?;
    let host = fields.optional("host").map_or(Some(default.ip()), |place| address::ip(&place));
    let port = fields.optional("port").map_or(Some(default.port()), |place| address::port(&place));
    fields.finish();
    Some(SocketAddr::new(host?, port?))
}

fn tls(place: &Place<'_>, around: &Around<'_>) -> Option<AdminTls> {
    let mut fields = place.fields()?;
    let identity = certificate_and_key(&mut fields, around);
    fields.finish();
    if place.is_hollow() {
        place.fail("the certificate is missing; write `certificate` and `key`");
    }
    identity.map(|(certificate, key)| AdminTls { certificate, key })
}
