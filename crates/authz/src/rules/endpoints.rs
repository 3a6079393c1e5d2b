//! Leaders and addresses in the answers of brokers.

use crate::addresses::AddressMap;

/// The leader of a partition as a client may see it: a node without an advertised address is no leader.
pub(crate) fn shown_leader(addresses: &AddressMap, leader: i32) -> Option<i32> {
    addresses.knows(leader).then_some(leader)
}
