//! `clusters`: the upstream Kafka clusters.

use std::time::Duration;

use secrecy::ExposeSecret;
use tidegate_core::ClusterName;
use tidegate_core::document::{Fields, Place};
use tidegate_wire::sasl::{PasswordMechanism, ScramHash};

use super::DEFAULT_METADATA_REFRESH_MS;
use super::address::HostPort;
use super::model::{ClientIdentity, ClusterConfig, PemFile, UpstreamSasl, UpstreamTls};
use super::principal;
use super::secret::Around;

/// Reads one cluster.
pub(super) fn read(place: &Place<'_>, around: &Around<'_>) -> Option<ClusterConfig> {
    let mut fields = place.fields()?;
    let name = fields
        .required("name", "name the cluster, as zones and listeners refer to it")
        .and_then(|place| place.parse(ClusterName::parse));
    let bootstrap = bootstrap(&mut fields);
    let (tls, sasl) = match fields.optional("security") {
        // What is wrong is reported; the cluster's name must stay known to those who refer to it.
        Some(place) => security(&place, around).unwrap_or((None, None)),
        None => (None, None),
    };
    let per_zone = sasl.as_ref().is_some_and(|sasl| sasl.per_zone.is_some());
    let acls = principal::acls(fields.optional("acls").as_ref(), per_zone);
    let metadata_refresh = metadata_refresh(&mut fields);
    fields.finish();
    Some(ClusterConfig { name: name?, bootstrap, tls, sasl, acls, metadata_refresh })
}

const MECHANISMS: &[(&str, PasswordMechanism)] = &[
    ("PLAIN", PasswordMechanism::Plain),
    ("SCRAM-SHA-256", PasswordMechanism::Scram(ScramHash::Sha256)),
    ("SCRAM-SHA-512", PasswordMechanism::Scram(ScramHash::Sha512)),
];

/// A certificate and its key, which are of no use alone.
pub(super) fn identity(fields: &mut Fields<'_>, around: &Around<'_>) -> Option<(PemFile, PemFile)> {
    let certificate = fields.optional("certificate");
    let key = fields.optional("key");
    match (&certificate, &key) {
        (Some(certificate), Some(key)) => {
            let (certificate, key) = (around.pem(certificate), around.pem(key));
            Some((certificate?, key?))
        }
        (None, None) => None,
        (Some(only), None) => {
            only.fail("there is a certificate without its private key; write `key` as well");
            None
        }
        (None, Some(only)) => {
            only.fail("there is a private key without its certificate; write `certificate` as well");
            None
        }
    }
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

fn metadata_refresh(fields: &mut Fields<'_>) -> Duration {
    let place = fields.optional("metadataRefreshMs");
    let number = place.as_ref().and_then(Place::whole_number);
    if let (Some(place), Some(number)) = (&place, number)
        && !(1_000..=3_600_000).contains(&number)
    {
        place.fail(format_args!("{number} is out of range; write 1000 to 3600000"));
    }
    Duration::from_millis(number.unwrap_or(DEFAULT_METADATA_REFRESH_MS))
}

/// TLS and SASL, as the protocol says; what it does not use must not be there.
fn security(place: &Place<'_>, around: &Around<'_>) -> Option<(Option<UpstreamTls>, Option<UpstreamSasl>)> {
    let mut fields = place.fields()?;
    let protocol = fields
        .required("protocol", "write PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL")
        .and_then(|place| place.choice(PROTOCOLS));
    let tls_place = fields.optional("tls");
    let sasl_place = fields.optional("sasl");
    fields.finish();
    let tls = tls_place.as_ref().and_then(|place| tls(place, around));
    let sasl = sasl_place.as_ref().and_then(|place| sasl(place, around));
    let protocol = protocol?;
    if let Some(place) = tls_place.as_ref().filter(|_| !protocol.tls) {
        place.fail("the protocol does not use TLS; remove `tls`, or write SSL or SASL_SSL");
    }
    if let Some(place) = sasl_place.as_ref().filter(|_| !protocol.sasl) {
        place.fail("the protocol does not use SASL; remove `sasl`, or write SASL_PLAINTEXT or SASL_SSL");
    }
    if protocol.sasl && sasl_place.is_none() {
        place.fail("field `sasl` is missing; write its mechanism, username and password");
    }
    let public = UpstreamTls { ca: None, identity: None, endpoint_identification: true };
    Some((protocol.tls.then(|| tls.unwrap_or(public)), sasl))
}

fn tls(place: &Place<'_>, around: &Around<'_>) -> Option<UpstreamTls> {
    let mut fields = place.fields()?;
    let ca = fields.optional("ca").and_then(|place| around.pem(&place));
    let identity =
        identity(&mut fields, around).map(|(certificate, key)| ClientIdentity { certificate, key });
    let endpoint_identification =
        fields.optional("endpointIdentification").and_then(|place| place.flag()).unwrap_or(true);
    fields.finish();
    Some(UpstreamTls { ca, identity, endpoint_identification })
}

fn sasl(place: &Place<'_>, around: &Around<'_>) -> Option<UpstreamSasl> {
    let mut fields = place.fields()?;
    let mechanism = fields
        .required("mechanism", "write PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
        .and_then(|place| place.choice(MECHANISMS));
    let username =
        fields.required("username", "name the gateway's user").and_then(|place| around.secret(&place));
    let password = fields
        .required("password", "write `${env:NAME}` or `file:PATH`")
        .and_then(|place| around.secret(&place));
    let per_zone_place = fields.optional("perZone");
    let per_zone = per_zone_place.as_ref().map(|place| principal::read(place, mechanism, around));
    fields.finish();
    Some(UpstreamSasl {
        mechanism: mechanism?,
        username: username?.expose_secret().to_owned(),
        password: password?,
        // A broken one must not look like none.
        per_zone: per_zone.map_or(Some(None), |read| read.map(Some))?,
    })
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
