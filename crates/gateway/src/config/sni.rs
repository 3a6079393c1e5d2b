//! `listeners[].sni`: one port for all nodes, which clients tell apart by name.

use std::net::SocketAddr;

use tidegate_core::document::Place;
use tidegate_core::names::Shown;
use tidegate_daemon::{HostPort, address};

use super::NodeAddresses;
use super::model::NodeAddress;

/// Reads the domain; the bootstrap address with it.
pub(super) fn read(
    place: &Place<'_>,
    bind: Option<SocketAddr>,
    advertised: Option<Place<'_>>,
) -> Option<(NodeAddress, NodeAddresses)> {
    let mut fields = place.fields()?;
    let domain = fields
        .required("domain", "write the domain whose names lead here, as kafka.example.com")
        .and_then(|place| domain(&place));
    fields.finish();
    let port = advertised_port(advertised, bind);
    let (domain, bind) = (domain?, bind?);
    let advertised = HostPort { host: domain.clone(), port: port? };
    Some((NodeAddress { bind, advertised }, NodeAddresses::Names { domain }))
}

/// The names come from zone and node, so the port alone may be advertised apart from the bound one.
fn advertised_port(place: Option<Place<'_>>, bind: Option<SocketAddr>) -> Option<u16> {
    let bound = bind.map(|bind| bind.port());
    let Some(place) = place else { return bound };
    let mut fields = place.fields()?;
    if let Some(host) = fields.optional("host") {
        host.fail("with `sni` the names are made of `domain`; remove this");
    }
    let port = fields.optional("port").map_or(bound, |place| address::port(&place));
    fields.finish();
    port
}

fn domain(place: &Place<'_>) -> Option<String> {
    let text = place.text()?;
    let label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if text.len() <= MAX_DOMAIN && text.split('.').all(label) && text.parse::<std::net::IpAddr>().is_err() {
        return Some(text.to_ascii_lowercase());
    }
    let shown = Shown::of(text);
    place.fail(format_args!(
        "`{shown}` is no domain of at most {MAX_DOMAIN} characters; write letters, digits, `-` and `.`, as kafka.example.com"
    ));
    None
}

/// What DNS allows between two dots.
const MAX_LABEL: usize = 63;
/// Leaves room before it for the longest zone name and node id: DNS allows 253 in all.
const MAX_DOMAIN: usize = 253 - "b2147483647.".len() - MAX_LABEL - ".".len();
