//! The doors for partners: one port to begin with, and one for each node of the cluster.
//!
//! `bind` takes the ports, `accept` gives each connection its place, `socket` admits its address and brings it to the
//! point where it may log in, with `proxy` where a load balancer stands before; `shared` is what all connections of a listener have in common.

mod accept;
mod advertised;
mod bind;
mod proxy;
mod shared;
mod socket;

pub(crate) use self::accept::accept;
pub(crate) use self::bind::{Bound, bind};
pub(crate) use self::proxy::ProxyError;
pub(crate) use self::shared::{Common, ListenerShared};

/// The port that a client came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// The port to begin with: any broker will do.
    Bootstrap,
    /// The port of one node.
    Node(i32),
}
