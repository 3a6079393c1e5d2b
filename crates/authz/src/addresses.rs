//! The addresses that a listener advertises in place of the brokers' own.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Advertised host and port of each node; a node without one does not exist for partners.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressMap {
    nodes: BTreeMap<i32, (Arc<str>, u16)>,
}

impl AddressMap {
    /// The address of `node`.
    #[must_use]
    pub fn of(&self, node: i32) -> Option<(&str, u16)> {
        self.nodes.get(&node).map(|(host, port)| (&**host, *port))
    }

    /// Whether `node` is advertised.
    #[must_use]
    pub fn knows(&self, node: i32) -> bool {
        self.nodes.contains_key(&node)
    }
}

impl FromIterator<(i32, Arc<str>, u16)> for AddressMap {
    fn from_iter<I: IntoIterator<Item = (i32, Arc<str>, u16)>>(nodes: I) -> Self {
        Self { nodes: nodes.into_iter().map(|(node, host, port)| (node, (host, port))).collect() }
    }
}
