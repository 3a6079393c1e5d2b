//! `listeners`: the doors for partners.

use std::net::SocketAddr;

use tidegate_core::document::{Fields, Place};
use tidegate_core::{ClusterName, ListenerName};
use tidegate_daemon::cluster::ClusterNames;
use tidegate_daemon::{Around, address, certificate_and_key};

use super::model::{ListenerConfig, ListenerTls, NodeAddress, NodeAddresses, SaslMechanism};
use super::ports::Ports;
use super::{advertised, client_auth, nodes, proxy, sni};

/// Reads one listener, and claims its ports. With `takes_tokens` there is somebody who issues tokens.
pub(super) fn read<'a>(
    place: &Place<'a>,
    clusters: &ClusterNames,
    takes_tokens: bool,
    around: &Around<'_>,
    ports: &mut Ports<'a>,
) -> Option<ListenerConfig> {
    let mut fields = place.fields()?;
    let name =
        fields.required("name", "name the listener").and_then(|place| place.parse(ListenerName::parse));
    let cluster =
        fields.required("cluster", "name one of `clusters`").and_then(|place| cluster(&place, clusters));
    let protocol = fields
        .required("protocol", "write SASL_SSL, SSL or SASL_PLAINTEXT")
        .and_then(|place| place.choice(PROTOCOLS));
    let mechanisms = match protocol {
        Some(Protocol { sasl: false, .. }) => no_mechanisms(&mut fields),
        _ => mechanisms(&mut fields, takes_tokens),
    };
    let tls_place = fields.optional("tls");
    let proxy_place = fields.optional("proxyProtocol");
    let bind_place = fields.required("bind", "write `{host, port}` to listen on");
    let bind = bind_place.as_ref().and_then(address::bind);
    if let (Some(bind), Some(place)) = (bind, &bind_place) {
        ports.bind(place, bind.ip(), bind.port(), 1);
    }
    let addresses = match fields.optional("sni") {
        Some(sni) => by_name(&sni, &mut fields, bind, protocol, ports),
        None => by_port(&mut fields, bind, ports),
    };
    fields.finish();
    let tls = tls_place.as_ref().and_then(|place| tls(place, protocol, around));
    let proxy_protocol = proxy_place.map(|place| proxy::read(&place));
    match (protocol, &tls_place) {
        (Some(Protocol { tls: true, .. }), None) => {
            place.fail("field `tls` is missing; SSL and SASL_SSL need `tls: {certificate, key}`");
        }
        (Some(Protocol { tls: false, .. }), Some(place)) => {
            place.fail("SASL_PLAINTEXT does not use TLS; remove `tls`, or write SASL_SSL");
        }
        _ => {}
    }
    let proxy_protocol = match proxy_protocol {
        None => None,
        Some(read) => Some(read?),
    };
    let (bootstrap, nodes) = addresses?;
    Some(ListenerConfig { name: name?, cluster: cluster?, mechanisms, tls, proxy_protocol, bootstrap, nodes })
}

/// One port for each node.
fn by_port<'a>(
    fields: &mut Fields<'a>,
    bind: Option<SocketAddr>,
    ports: &mut Ports<'a>,
) -> Option<(NodeAddress, NodeAddresses)> {
    let owner = fields.place().clone();
    let advertised = advertised::read(fields.optional("advertised"), bind, &owner);
    if let Some(advertised) = &advertised {
        ports.advertise(&owner, &advertised.host, advertised.port, 1);
    }
    let nodes = fields
        .required("nodes", "write `{bindPort, count}`, or `{map}` with an address for each node id")
        .and_then(|place| nodes::read(&place, bind, advertised.as_ref(), ports));
    let bootstrap = NodeAddress { bind: bind?, advertised: advertised? };
    Some((bootstrap, NodeAddresses::Ports(nodes?)))
}

/// One port for all nodes.
fn by_name<'a>(
    place: &Place<'a>,
    fields: &mut Fields<'a>,
    bind: Option<SocketAddr>,
    protocol: Option<Protocol>,
    ports: &mut Ports<'a>,
) -> Option<(NodeAddress, NodeAddresses)> {
    if protocol.is_some_and(|protocol| !protocol.tls) {
        place
            .fail("clients tell a name in TLS alone; write SSL or SASL_SSL, or use `nodes` instead of `sni`");
    }
    if let Some(nodes) = fields.optional("nodes") {
        nodes.fail("`sni` gives every node a name on one port; remove this, or remove `sni`");
    }
    let addresses = sni::read(place, bind, fields.optional("advertised"))?;
    let advertised = &addresses.0.advertised;
    ports.advertise(place, &advertised.host, advertised.port, 1);
    Some(addresses)
}

fn cluster(place: &Place<'_>, clusters: &ClusterNames) -> Option<ClusterName> {
    let name = place.parse(ClusterName::parse)?;
    if clusters.may_hold(&name) {
        return Some(name);
    }
    place.fail(format_args!("there is no cluster `{name}` under `clusters`; add it, or correct the name"));
    None
}

fn no_mechanisms(fields: &mut Fields<'_>) -> Vec<SaslMechanism> {
    if let Some(place) = fields.optional("mechanisms") {
        place.fail("SSL uses no SASL, the certificate logs in; remove this, or write SASL_SSL");
    }
    Vec::new()
}

fn mechanisms(fields: &mut Fields<'_>, takes_tokens: bool) -> Vec<SaslMechanism> {
    let Some(place) = fields.required("mechanisms", LIST_MECHANISMS) else {
        return Vec::new();
    };
    let items = place.items();
    if place.is_list() && items.is_empty() {
        place.fail(format_args!("no mechanism is listed; {LIST_MECHANISMS}"));
    }
    let mut mechanisms = Vec::new();
    for item in items {
        match item.choice(MECHANISMS) {
            Some(SaslMechanism::OauthBearer) if !takes_tokens => {
                item.fail("nobody issues tokens; add `identityProviders`, or remove OAUTHBEARER");
            }
            Some(again) if mechanisms.contains(&again) => {
                item.fail(format_args!("{again} is listed twice; remove one"));
            }
            found => mechanisms.extend(found),
        }
    }
    mechanisms
}

const LIST_MECHANISMS: &str = "list PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER";

/// Those that partners may use.
const MECHANISMS: &[(&str, SaslMechanism)] = &[
    ("PLAIN", SaslMechanism::Plain),
    ("SCRAM-SHA-256", SaslMechanism::ScramSha256),
    ("SCRAM-SHA-512", SaslMechanism::ScramSha512),
    ("OAUTHBEARER", SaslMechanism::OauthBearer),
];

fn tls(place: &Place<'_>, protocol: Option<Protocol>, around: &Around<'_>) -> Option<ListenerTls> {
    let mut fields = place.fields()?;
    let identity = certificate_and_key(&mut fields, around);
    let client_auth_place = fields.optional("clientAuth");
    fields.finish();
    if place.is_hollow() {
        place.fail("the certificate is missing; write `certificate` and `key`");
    }
    let client_auth = client_auth_place.as_ref().map(|place| client_auth::read(place, around));
    if protocol.is_some_and(|protocol| protocol.tls && !protocol.sasl) {
        match (&client_auth_place, &client_auth) {
            (None, _) => place.fail(
                "with SSL the client's certificate logs in; write `clientAuth: {ca, rules}`, or SASL_SSL",
            ),
            (Some(place), Some(Some(auth))) if !auth.required => {
                place.fail("with SSL nobody can log in without a certificate; remove `required: false`, or write SASL_SSL");
            }
            _ => {}
        }
    }
    let client_auth = match client_auth {
        None => None,
        Some(read) => Some(read?),
    };
    identity.map(|(certificate, key)| ListenerTls { certificate, key, client_auth })
}

#[derive(Clone, Copy)]
struct Protocol {
    tls: bool,
    sasl: bool,
}

const PROTOCOLS: &[(&str, Protocol)] = &[
    ("SASL_SSL", Protocol { tls: true, sasl: true }),
    ("SSL", Protocol { tls: true, sasl: false }),
    ("SASL_PLAINTEXT", Protocol { tls: false, sasl: true }),
];
