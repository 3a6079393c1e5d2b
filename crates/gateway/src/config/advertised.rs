//! The hosts and ports that clients are told.

use std::net::{IpAddr, SocketAddr};

use tidegate_core::document::{Fields, Place};
use tidegate_daemon::HostPort;
use tidegate_daemon::address::{parse_host, port};

/// The address that clients are told. What is not written is the same as bound.
pub(super) fn read(
    place: Option<Place<'_>>,
    bind: Option<SocketAddr>,
    owner: &Place<'_>,
) -> Option<HostPort> {
    let mut fields = place.as_ref().and_then(Place::fields);
    let host = field(&mut fields, "host");
    let port_place = field(&mut fields, "port");
    if let Some(fields) = fields {
        fields.finish();
    }
    let host = match &host {
        Some(host) => self::host(host),
        None => bound_host(bind?.ip(), place.as_ref().unwrap_or(owner)),
    };
    let port = port_place.map_or_else(|| Some(bind?.port()), |place| port(&place));
    Some(HostPort { host: host?, port: port? })
}

/// A host that clients can connect to.
pub(super) fn host(place: &Place<'_>) -> Option<String> {
    check(place.text()?, place)
}

/// As [`host`], of a text that was made of the one at `place`.
pub(super) fn check(text: &str, place: &Place<'_>) -> Option<String> {
    let host = parse_host(text).map_err(|error| place.fail(error)).ok()?;
    if host.parse().is_ok_and(|ip: IpAddr| ip.is_unspecified()) {
        place.fail(format_args!("clients cannot connect to {host}; write the name or address that they use"));
        return None;
    }
    Some(host)
}

/// The bound address as the one that clients are told, which only works if it is a single one.
pub(super) fn bound_host(ip: IpAddr, place: &Place<'_>) -> Option<String> {
    if !ip.is_unspecified() {
        return Some(ip.to_string());
    }
    let what = format_args!(
        "clients cannot connect to {ip}; write `advertised: {{host: ...}}` with the host that they use"
    );
    place.fail(what);
    None
}

fn field<'a>(fields: &mut Option<Fields<'a>>, key: &'static str) -> Option<Place<'a>> {
    fields.as_mut().and_then(|fields| fields.optional(key))
}
