//! Taking the ports of a listener.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::Door;
use crate::config::{ListenerConfig, NodeAddresses};
use crate::error::GatewayError;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// A port that is bound and not served yet.
pub(crate) struct Bound {
    pub(super) listener: TcpListener,
    pub(super) door: Door,
}

/// Binds every port of a listener, or none.
///
/// # Errors
/// [`GatewayError::Bind`] for the first that cannot be bound.
pub(crate) fn bind(config: &ListenerConfig) -> Result<Vec<Bound>, GatewayError> {
    let nodes = match &config.nodes {
        NodeAddresses::Ports(nodes) => Some(nodes.iter()),
        NodeAddresses::Names { .. } => None,
    };
    let nodes = nodes.into_iter().flatten().map(|(node, address)| (Door::Node(*node), address.bind));
    std::iter::once((Door::Bootstrap, config.bootstrap.bind))
        .chain(nodes)
        .map(|(door, address)| {
            let listener = listen(address).map_err(|source| GatewayError::Bind {
                listener: config.name.to_string(),
                address,
                source,
            })?;
            Ok(Bound { listener, door })
        })
        .collect()
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket =
        if address.is_ipv4() { tokio::net::TcpSocket::new_v4() } else { tokio::net::TcpSocket::new_v6() }?;
    // A restarted gateway must get its ports back at once.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
