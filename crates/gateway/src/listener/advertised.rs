//! The addresses that a listener's partners are told.

use std::sync::Arc;

use tidegate_authz::AddressMap;
use tidegate_core::ZoneName;

use crate::config::{ListenerConfig, NodeAddresses};
use crate::tls::node_host;

/// The addresses of a listener's nodes.
#[derive(Debug)]
pub(super) enum Advertised {
    /// The same for every zone.
    Ports(AddressMap),
    /// Made of node, zone and domain.
    Names { domain: String, port: u16 },
}

impl Advertised {
    /// As configured.
    pub(super) fn new(config: &ListenerConfig) -> Self {
        match &config.nodes {
            NodeAddresses::Ports(nodes) => {
                let nodes = nodes.iter().map(|(node, address)| {
                    (*node, Arc::from(address.advertised.host.as_str()), address.advertised.port)
                });
                Self::Ports(nodes.collect())
            }
            NodeAddresses::Names { domain } => {
                Self::Names { domain: domain.clone(), port: config.bootstrap.advertised.port }
            }
        }
    }

    /// Those of `nodes`, as `zone` is told them.
    pub(super) fn of(&self, nodes: &[i32], zone: &ZoneName) -> Arc<AddressMap> {
        let addresses = nodes.iter().filter_map(|node| match self {
            Self::Ports(map) => {
                let (host, port) = map.of(*node)?;
                Some((*node, Arc::from(host), port))
            }
            Self::Names { domain, port } => Some((*node, Arc::from(node_host(*node, zone, domain)), *port)),
        });
        Arc::new(addresses.collect())
    }

    /// Whether `node` has an address.
    pub(super) fn knows(&self, node: i32) -> bool {
        match self {
            Self::Ports(map) => map.knows(node),
            Self::Names { .. } => true,
        }
    }
}
