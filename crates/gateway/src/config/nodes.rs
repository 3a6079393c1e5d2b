//! `listeners[].nodes`: one address per broker, so that the port a client chooses says which broker it means.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tidegate_core::document::{Fields, Place};
use tidegate_daemon::{HostPort, address};

use super::advertised;
use super::model::NodeAddress;
use super::ports::Ports;

/// Reads the addresses: base ports and a count, or a map.
pub(super) fn read<'a>(
    place: &Place<'a>,
    bind: Option<SocketAddr>,
    advertised: Option<&HostPort>,
    ports: &mut Ports<'a>,
) -> Option<BTreeMap<i32, NodeAddress>> {
    let mut fields = place.fields()?;
    let map_place = fields.optional("map");
    let range = ["bindPort", "advertisedPort", "count", "advertisedHost"].map(|key| fields.optional(key));
    match map_place {
        Some(map_place) => {
            if let Some(extra) = range.iter().flatten().next() {
                extra.fail("`map` gives every address already; remove this, or remove `map`");
            }
            fields.finish();
            map(&map_place, bind, advertised, ports)
        }
        None => by_base(fields, range, bind, advertised, ports),
    }
}

/// port = base + node id, for the ids from 0 to count - 1.
fn by_base<'a>(
    mut fields: Fields<'a>,
    [_, advertised_place, _, host_place]: [Option<Place<'a>>; 4],
    bind: Option<SocketAddr>,
    advertised: Option<&HostPort>,
    ports: &mut Ports<'a>,
) -> Option<BTreeMap<i32, NodeAddress>> {
    let place = fields.place().clone();
    let bind_base =
        fields.required("bindPort", "write the port of node 0").and_then(|place| address::port(&place));
    let count_place = fields.required("count", "write the highest node id plus 1");
    fields.finish();
    let count = count_place.as_ref().and_then(count);
    let advertised_base = advertised_place.map_or(bind_base, |place| address::port(&place));
    let (bind_base, advertised_base, count) = (bind_base?, advertised_base?, count?);
    for (key, base) in [("bindPort", bind_base), ("advertisedPort", advertised_base)] {
        if base.checked_add(count - 1).is_none() {
            place.fail(format_args!(
                "`{key}` {base} and `count` {count} go past port 65535; lower one of them"
            ));
            return None;
        }
    }
    let (bind, advertised) = (bind?, advertised?);
    ports.bind(&place, bind.ip(), bind_base, count);
    let host = match host_place {
        None => HostPattern::one(&advertised.host),
        Some(place) => HostPattern::read(&place)?,
    };
    if !host.names_node() {
        ports.advertise(&place, &host.of(0), advertised_base, count);
    }
    let address = |id: u16| NodeAddress {
        bind: SocketAddr::new(bind.ip(), bind_base.saturating_add(id)),
        advertised: HostPort { host: host.of(id), port: advertised_base.saturating_add(id) },
    };
    Some((0..count).map(|id| (i32::from(id), address(id))).collect())
}

/// A host name in which `{node}` stands for the node id.
struct HostPattern(String);

impl HostPattern {
    /// The same host for every node.
    fn one(host: &str) -> Self {
        Self(host.to_owned())
    }

    fn read(place: &Place<'_>) -> Option<Self> {
        let text = place.text()?;
        // The longest that it can become.
        advertised::check(&text.replace(NODE, &MAX_NODES.to_string()), place)?;
        Some(Self(text.to_owned()))
    }

    /// Whether every node has a host of its own, so that ports may repeat.
    fn names_node(&self) -> bool {
        self.0.contains(NODE)
    }

    fn of(&self, node: u16) -> String {
        self.0.replace(NODE, &node.to_string())
    }
}

const NODE: &str = "{node}";

fn count(place: &Place<'_>) -> Option<u16> {
    let number = place.whole_number()?;
    let count = u16::try_from(number).ok().filter(|count| (1..=MAX_NODES).contains(count));
    if count.is_none() {
        place.fail(format_args!(
            "{number} is out of range; write 1 to {MAX_NODES}, or use `map` for scattered node ids"
        ));
    }
    count
}

fn map<'a>(
    place: &Place<'a>,
    bind: Option<SocketAddr>,
    advertised: Option<&HostPort>,
    ports: &mut Ports<'a>,
) -> Option<BTreeMap<i32, NodeAddress>> {
    let entries = place.entries();
    if entries.is_empty() {
        place.fail("no node is listed; list one at least, as `\"1\": {bind: {port: 9094}}`");
        return None;
    }
    let mut nodes = BTreeMap::new();
    for (key, place) in entries {
        let id = key.parse::<i32>().ok().filter(|id| *id >= 0 && id.to_string() == key);
        if id.is_none() {
            place.fail("the key is no node id; write the broker's `node.id` as a whole number");
        }
        let address = node(&place, bind, advertised, ports);
        nodes.extend(id.zip(address));
    }
    Some(nodes)
}

fn node<'a>(
    place: &Place<'a>,
    bind: Option<SocketAddr>,
    advertised: Option<&HostPort>,
    ports: &mut Ports<'a>,
) -> Option<NodeAddress> {
    let mut fields = place.fields()?;
    let bind_place = fields.required("bind", "write `bind: {port: ...}`");
    let advertised_place = fields.optional("advertised");
    fields.finish();
    let bind_place = bind_place?;
    let bind = node_bind(&bind_place, bind);
    let advertised = node_advertised(advertised_place.as_ref(), advertised, bind);
    let (bind, advertised) = (bind?, advertised?);
    ports.bind(&bind_place, bind.ip(), bind.port(), 1);
    ports.advertise(place, &advertised.host, advertised.port, 1);
    Some(NodeAddress { bind, advertised })
}

/// A node is bound to its listener's address unless it has its own.
fn node_bind(place: &Place<'_>, listener: Option<SocketAddr>) -> Option<SocketAddr> {
    let mut fields = place.fields()?;
    let host = fields.optional("host");
    let port = fields.required("port", "write the port to listen on").and_then(|place| address::port(&place));
    fields.finish();
    let host = host.map_or_else(|| listener.map(|bind| bind.ip()), |place| address::ip(&place));
    Some(SocketAddr::new(host?, port?))
}

/// A node is advertised under its listener's host and its own bound port unless it says otherwise.
fn node_advertised(
    place: Option<&Place<'_>>,
    listener: Option<&HostPort>,
    bind: Option<SocketAddr>,
) -> Option<HostPort> {
    let bound_port = bind.map(|bind| bind.port());
    let Some(place) = place else {
        return Some(HostPort { host: listener?.host.clone(), port: bound_port? });
    };
    let mut fields = place.fields()?;
    let host = fields.optional("host");
    let port = fields.optional("port");
    fields.finish();
    let host = host
        .map_or_else(|| listener.map(|advertised| advertised.host.clone()), |place| advertised::host(&place));
    let port = port.map_or(bound_port, |place| address::port(&place));
    Some(HostPort { host: host?, port: port? })
}

/// Each node is a socket that is always open; clusters with more brokers, or scattered ids, use a map.
const MAX_NODES: u16 = 1_000;
