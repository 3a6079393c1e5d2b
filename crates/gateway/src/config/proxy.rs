//! `listeners[].proxyProtocol`: the load balancers before a listener.

use std::net::IpAddr;

use ipnet::IpNet;
use tidegate_core::document::Place;
use tidegate_core::names::Shown;

use super::model::ProxyProtocol;

/// Reads the networks of the load balancers.
pub(super) fn read(place: &Place<'_>) -> Option<ProxyProtocol> {
    let mut fields = place.fields()?;
    let from = fields.required("from", "list the networks of the load balancers, as 10.0.0.0/8");
    fields.finish();
    let from = from?;
    let items = from.items();
    if from.is_list() && items.is_empty() {
        from.fail("no network is listed, so nobody could connect; list one as 10.0.0.0/8, or remove `proxyProtocol`");
    }
    // All of them first: every mistake is told.
    let networks: Vec<Option<IpNet>> = items.iter().map(network).collect();
    let networks: Option<Vec<IpNet>> = networks.into_iter().collect();
    networks.filter(|networks| !networks.is_empty()).map(|from| ProxyProtocol { from })
}

/// A network, or a single address.
fn network(place: &Place<'_>) -> Option<IpNet> {
    let text = place.text()?;
    let network = text.parse().ok().or_else(|| text.parse().ok().map(|address: IpAddr| IpNet::from(address)));
    match network {
        Some(network) if network.prefix_len() == 0 => {
            place.fail("this lets everybody forge their address; list the load balancers alone");
            None
        }
        None => {
            let shown = Shown::of(text);
            place.fail(format_args!("`{shown}` is no network; write one as 10.0.0.0/8, or a single address"));
            None
        }
        network => network,
    }
}
