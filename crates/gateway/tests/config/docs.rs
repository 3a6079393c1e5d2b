//! The reference page and the code say the same.

use std::fs;
use std::path::Path;

use tidegate_gateway::config::{
    DEFAULT_ADMIN_HOST, DEFAULT_ADMIN_PORT, DEFAULT_HTTP_HOST, DEFAULT_HTTP_PORT,
    DEFAULT_METADATA_REFRESH_MS, DEFAULT_PRINCIPAL_CLAIM, DEFAULT_WATCH_MS, LIMITS, PolicyConfig, parse,
};

use crate::world::World;

#[test]
fn every_limit_has_its_row() {
    let page = page();
    for spec in LIMITS {
        let row =
            format!("| `{}` | {} | {} to {} |{} |", spec.key, spec.default, spec.min, spec.max, spec.reason);
        assert!(page.contains(&row), "docs/configuration.md lacks the row\n{row}");
    }
}

#[test]
fn every_other_key_has_its_row_and_its_default() {
    let page = page();
    for key in KEYS {
        assert!(page.contains(&format!("| `{key}` |")), "docs/configuration.md lacks a row for {key}");
    }
    for (key, default) in [
        ("http.bind.host", DEFAULT_HTTP_HOST.to_owned()),
        ("http.bind.port", DEFAULT_HTTP_PORT.to_string()),
        ("admin.bind.host", DEFAULT_ADMIN_HOST.to_owned()),
        ("admin.bind.port", DEFAULT_ADMIN_PORT.to_string()),
        ("clusters[].metadataRefreshMs", DEFAULT_METADATA_REFRESH_MS.to_string()),
        ("identityProviders[].principalClaim", format!("`{DEFAULT_PRINCIPAL_CLAIM}`")),
        ("reload.watchMs", DEFAULT_WATCH_MS.to_string()),
        ("policy.deleteGroups", PolicyConfig::default().delete_groups.to_string()),
    ] {
        assert!(page.contains(&format!("| `{key}` | {default} |")), "the default of {key} is {default}");
    }
}

#[test]
fn the_examples_are_valid_and_use_every_key() {
    let page = page();
    let examples: Vec<&str> =
        page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(examples.len(), 7);
    for example in &examples[..6] {
        parse(example, Path::new("/etc/tidegate/gateway.yaml"), &World::default()).unwrap();
    }
    for key in KEYS {
        let last = key.rsplit('.').next().unwrap_or(key).trim_end_matches("[]");
        assert!(
            examples.iter().any(|example| example.contains(&format!("{last}:"))),
            "no example uses {key}"
        );
    }
}

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md")).unwrap()
}

const KEYS: &[&str] = &[
    "store.type",
    "store.cluster",
    "store.topic",
    "store.replication",
    "store.writers",
    "store.sealingKey",
    "store.previousSealingKey",
    "clusters[].name",
    "clusters[].bootstrap",
    "clusters[].security.protocol",
    "clusters[].security.tls.ca",
    "clusters[].security.tls.certificate",
    "clusters[].security.tls.key",
    "clusters[].security.tls.endpointIdentification",
    "clusters[].security.sasl.mechanism",
    "clusters[].security.sasl.username",
    "clusters[].security.sasl.password",
    "clusters[].security.sasl.tokenFile",
    "clusters[].security.sasl.tokenEndpoint.url",
    "clusters[].security.sasl.tokenEndpoint.clientId",
    "clusters[].security.sasl.tokenEndpoint.clientSecret",
    "clusters[].security.sasl.tokenEndpoint.scope",
    "clusters[].security.sasl.tokenEndpoint.ca",
    "clusters[].security.sasl.perZone.username",
    "clusters[].security.sasl.perZone.passwords",
    "clusters[].security.sasl.perZone.passwords.folder",
    "clusters[].acls",
    "clusters[].metadataRefreshMs",
    "listeners[].name",
    "listeners[].cluster",
    "listeners[].protocol",
    "listeners[].mechanisms",
    "listeners[].tls.certificate",
    "listeners[].tls.key",
    "listeners[].tls.clientAuth.ca",
    "listeners[].tls.clientAuth.crl",
    "listeners[].tls.clientAuth.required",
    "listeners[].tls.clientAuth.rules",
    "listeners[].proxyProtocol.from",
    "listeners[].bind.host",
    "listeners[].bind.port",
    "listeners[].advertised.host",
    "listeners[].advertised.port",
    "listeners[].nodes.bindPort",
    "listeners[].nodes.advertisedPort",
    "listeners[].nodes.advertisedHost",
    "listeners[].nodes.count",
    "listeners[].nodes.map",
    "listeners[].sni.domain",
    "identityProviders[].name",
    "identityProviders[].issuer",
    "identityProviders[].audiences",
    "identityProviders[].jwks.file",
    "identityProviders[].jwks.url",
    "identityProviders[].jwks.ca",
    "identityProviders[].principalClaim",
    "identityProviders[].rules",
    "identityProviders[].accounts",
    "zones.folder",
    "accounts.file",
    "state.file",
    "audit.file",
    "rootKey",
    "http.bind.host",
    "http.bind.port",
    "admin.bind.host",
    "admin.bind.port",
    "admin.tls.certificate",
    "admin.tls.key",
    "admin.insecure",
    "policy.deleteGroups",
    "reload.watchMs",
];
