//! `http`: where probes and metrics are served.

use std::net::SocketAddr;

use tidegate_core::document::Place;

use crate::address;
use crate::fields::inner;

/// Probes and metrics are for the own side, so they are not offered to the network unless somebody says so.
pub const DEFAULT_HTTP_HOST: &str = "127.0.0.1";

/// Where probes and metrics are served.
#[derive(Clone)]
pub struct Http<'a> {
    /// The address.
    pub bind: SocketAddr,
    /// Where it is written, if it is: for messages of whoever wants the same port.
    pub place: Option<Place<'a>>,
}

/// Reads `http`; the port is `port` unless written.
pub fn read(place: Option<Place<'_>>, port: u16) -> Option<Http<'_>> {
    let host = DEFAULT_HTTP_HOST.parse().ok()?;
    let Some(place) = place else { return Some(Http { bind: SocketAddr::new(host, port), place: None }) };
    let place = inner(Some(place), "bind", "write `http: {bind: {host, port}}`")?;
    let mut fields = place.fields()?;
    let host = fields.optional("host").map_or(Some(host), |place| address::ip(&place));
    let port = fields.optional("port").map_or(Some(port), |place| address::port(&place));
    fields.finish();
    Some(Http { bind: SocketAddr::new(host?, port?), place: Some(place) })
}
