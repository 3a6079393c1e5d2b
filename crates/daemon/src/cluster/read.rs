//! `clusters` as written.

use tidegate_core::ClusterName;
use tidegate_core::document::{Fields, Place};
use tidegate_wire::sasl::PasswordMechanism;

use super::{ClientIdentity, Cluster, UpstreamSasl, UpstreamTls, sasl};
use crate::fields::{Unique, list};
use crate::pem::certificate_and_key;
use crate::{Around, HostPort};

/// Reads `clusters`, each by `read`, and the names that the rest of the configuration may use.
pub fn read_all<'a, C: AsRef<Cluster>>(
    fields: &mut Fields<'a>,
    mut read: impl FnMut(&Place<'a>) -> Option<C>,
) -> (Vec<C>, ClusterNames) {
    let items = list(fields, "clusters", "list the upstream clusters");
    let mut names = Unique::default();
    let mut clusters = Vec::new();
    for place in &items {
        let Some(cluster) = read(place) else { continue };
        names.check(place, "cluster", &cluster.as_ref().name);
        clusters.push(cluster);
    }
    let is_all = !items.is_empty() && clusters.len() == items.len();
    let names = is_all.then(|| clusters.iter().map(|cluster| cluster.as_ref().name.clone()).collect());
    (clusters, ClusterNames(names))
}

/// The names of the clusters, for whoever refers to one.
#[derive(Debug)]
pub struct ClusterNames(Option<Vec<ClusterName>>);

impl ClusterNames {
    /// Whether there may be a cluster of that name: one that is broken must not make every mention of it a mistake too.
    #[must_use]
    pub fn may_hold(&self, name: &ClusterName) -> bool {
        self.0.as_ref().is_none_or(|names| names.contains(name))
    }
}

/// Reads one cluster of a daemon that has nothing to say of it besides.
pub fn read(place: &Place<'_>, around: &Around<'_>) -> Option<Cluster> {
    let mut fields = place.fields()?;
    let cluster = read_with(&mut fields, around, |_, _| {});
    fields.finish();
    cluster
}

/// Reads what every daemon has of a cluster, of fields among which there are others; those of `security.sasl` are read by
/// `sasl_besides`, which is told the mechanism too, where somebody logs in with a password.
pub fn read_with<'a>(
    fields: &mut Fields<'a>,
    around: &Around<'_>,
    sasl_besides: impl FnOnce(&mut Fields<'a>, Option<PasswordMechanism>),
) -> Option<Cluster> {
    let name = fields
        .required("name", "name the cluster, as what uses it refers to it")
        .and_then(|place| place.parse(ClusterName::parse));
    let bootstrap = bootstrap(fields);
    let (tls, sasl) = match fields.optional("security") {
        // What is wrong is reported; the cluster's name must stay known to those who refer to it.
        Some(place) => security(&place, around, sasl_besides).unwrap_or((None, None)),
        None => (None, None),
    };
    Some(Cluster { name: name?, bootstrap, tls, sasl })
}

fn bootstrap(fields: &mut Fields<'_>) -> Vec<HostPort> {
    let Some(place) = fields.required("bootstrap", "list brokers as `[\"host:port\"]`") else {
        return Vec::new();
    };
    let items = place.items();
    if place.is_list() && items.is_empty() {
        place.fail("no broker is listed; list one at least");
    }
    items.iter().filter_map(|place| place.parse(HostPort::parse)).collect()
}

/// TLS and SASL, as the protocol says; what it does not use must not be there.
fn security<'a>(
    place: &Place<'a>,
    around: &Around<'_>,
    sasl_besides: impl FnOnce(&mut Fields<'a>, Option<PasswordMechanism>),
) -> Option<(Option<UpstreamTls>, Option<UpstreamSasl>)> {
    let mut fields = place.fields()?;
    let protocol = fields
        .required("protocol", "write PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL")
        .and_then(|place| place.choice(PROTOCOLS));
    let tls_place = fields.optional("tls");
    let sasl_place = fields.optional("sasl");
    fields.finish();
    let tls = tls_place.as_ref().and_then(|place| tls(place, around));
    let sasl = sasl_place.as_ref().and_then(|place| sasl::read(place, around, sasl_besides));
    let protocol = protocol?;
    if let Some(place) = tls_place.as_ref().filter(|_| !protocol.tls) {
        place.fail("the protocol does not use TLS; remove `tls`, or write SSL or SASL_SSL");
    }
    if let Some(place) = sasl_place.as_ref().filter(|_| !protocol.sasl) {
        place.fail("the protocol does not use SASL; remove `sasl`, or write SASL_PLAINTEXT or SASL_SSL");
    }
    if protocol.sasl && sasl_place.is_none() {
        place.fail("field `sasl` is missing; write its mechanism, and who logs in");
    }
    let public = UpstreamTls { ca: None, identity: None, endpoint_identification: true };
    Some((protocol.tls.then(|| tls.unwrap_or(public)), sasl))
}

fn tls(place: &Place<'_>, around: &Around<'_>) -> Option<UpstreamTls> {
    let mut fields = place.fields()?;
    let ca = fields.optional("ca").and_then(|place| around.pem(&place));
    let identity = certificate_and_key(&mut fields, around)
        .map(|(certificate, key)| ClientIdentity { certificate, key });
    let endpoint_identification =
        fields.optional("endpointIdentification").and_then(|place| place.flag()).unwrap_or(true);
    fields.finish();
    Some(UpstreamTls { ca, identity, endpoint_identification })
}

#[derive(Clone, Copy)]
struct Protocol {
    tls: bool,
    sasl: bool,
}

const PROTOCOLS: &[(&str, Protocol)] = &[
    ("PLAINTEXT", Protocol { tls: false, sasl: false }),
    ("SSL", Protocol { tls: true, sasl: false }),
    ("SASL_PLAINTEXT", Protocol { tls: false, sasl: true }),
    ("SASL_SSL", Protocol { tls: true, sasl: true }),
];
