//! `listeners`: the doors for partners.

use tidegate_core::document::{Fields, Place};
use tidegate_core::{ClusterName, ListenerName};

use super::address;
use super::cluster::{MECHANISMS, identity};
use super::model::{ClusterConfig, ListenerConfig, ListenerTls, NodeAddress, SaslMechanism};
use super::nodes;
use super::ports::Ports;
use super::secret::Around;

/// Reads one listener, and claims its ports.
pub(super) fn read<'a>(
    place: &Place<'a>,
    clusters: Option<&[ClusterConfig]>,
    around: &Around<'_>,
    ports: &mut Ports<'a>,
) -> Option<ListenerConfig> {
    let mut fields = place.fields()?;
    let name =
        fields.required("name", "name the listener").and_then(|place| place.parse(ListenerName::parse));
    let cluster =
        fields.required("cluster", "name one of `clusters`").and_then(|place| cluster(&place, clusters));
    let protocol = fields
        .required("protocol", "write SASL_SSL or SASL_PLAINTEXT")
        .and_then(|place| place.choice(&[("SASL_SSL", true), ("SASL_PLAINTEXT", false)]));
    let mechanisms = mechanisms(&mut fields);
    let tls_place = fields.optional("tls");
    let bind_place = fields.required("bind", "write `{host, port}` to listen on");
    let bind = bind_place.as_ref().and_then(address::bind);
    let advertised = address::advertised(fields.optional("advertised"), bind, place);
    if let (Some(bind), Some(place)) = (bind, &bind_place) {
        ports.bind(place, bind.ip(), bind.port(), 1);
    }
    if let Some(advertised) = &advertised {
        ports.advertise(place, &advertised.host, advertised.port, 1);
    }
    let nodes = fields
        .required("nodes", "write `{bindPort, count}`, or `{map}` with an address for each node id")
        .and_then(|place| nodes::read(&place, bind, advertised.as_ref(), ports));
    fields.finish();
    let tls = tls_place.as_ref().and_then(|place| tls(place, around));
    match (protocol, &tls_place) {
        (Some(true), None) => place.fail("field `tls` is missing; SASL_SSL needs `tls: {certificate, key}`"),
        (Some(false), Some(place)) => {
            place.fail("SASL_PLAINTEXT does not use TLS; remove `tls`, or write SASL_SSL");
        }
        _ => {}
    }
    let bootstrap = NodeAddress { bind: bind?, advertised: advertised? };
    Some(ListenerConfig { name: name?, cluster: cluster?, mechanisms, tls, bootstrap, nodes: nodes? })
}

fn cluster(place: &Place<'_>, clusters: Option<&[ClusterConfig]>) -> Option<ClusterName> {
    let name = place.parse(ClusterName::parse)?;
    if clusters.is_none_or(|known| known.iter().any(|cluster| cluster.name == name)) {
        return Some(name);
    }
    place.fail(format_args!("there is no cluster `{name}` under `clusters`; add it, or correct the name"));
    None
}

fn mechanisms(fields: &mut Fields<'_>) -> Vec<SaslMechanism> {
    let Some(place) = fields.required("mechanisms", "list PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512") else {
        return Vec::new();
    };
    let items = place.items();
    if place.is_list() && items.is_empty() {
        place.fail("no mechanism is listed; list PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512");
    }
    let mut mechanisms = Vec::new();
    for item in items {
        match item.choice(MECHANISMS) {
            Some(again) if mechanisms.contains(&again) => {
                item.fail(format_args!("{again} is listed twice; remove one"));
            }
            found => mechanisms.extend(found),
        }
    }
    mechanisms
}

fn tls(place: &Place<'_>, around: &Around<'_>) -> Option<ListenerTls> {
    let mut fields = place.fields()?;
    let identity = identity(&mut fields, around);
    fields.finish();
    if place.is_hollow() {
        place.fail("the certificate is missing; write `certificate` and `key`");
    }
    identity.map(|(certificate, key)| ListenerTls { certificate, key })
}
