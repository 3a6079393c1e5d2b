//! Gateways that are away, that nobody can believe, and that a token is not shown to.

use std::sync::Arc;
use std::time::Instant;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tidegate_admin::{Access, Limits};
use tokio_rustls::TlsAcceptor;

use crate::world::{World, bare, done};

#[test]
fn a_gateway_that_is_away_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let begin = Instant::now();
    let mut command = bare(&folder, ["get", "zones"]);
    command.env("TIDEGATE_URL", format!("http://{free}")).env("TIDEGATE_TOKEN", "tidegate_A_secret");
    let ran = done(command, "");
    assert_eq!(ran.code, 6);
    assert!(ran.err.contains("cannot be reached") && ran.err.contains("`admin.bind`"), "{ran:?}");
    assert!(!ran.err.contains("secret"), "{ran:?}");
    assert!(begin.elapsed().as_secs() < 5);
    let mut command = bare(&folder, ["get", "zones"]);
    command.env("TIDEGATE_URL", "http://gateway.invalid:1");
    assert_eq!(done(command, "").code, 6);
}

#[test]
fn a_token_is_not_sent_where_others_could_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = bare(&folder, ["get", "zones"]);
    command.env("TIDEGATE_URL", "http://192.0.2.1:1").env("TIDEGATE_TOKEN", "tidegate_A_secret");
    let ran = done(command, "");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("a token is not sent over a network without TLS"), "{ran:?}");
}

#[test]
fn with_tls_the_ca_is_named_or_the_gateway_is_not_believed() {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let world = World::with(Limits::default(), Access::Tokens, Some(TlsAcceptor::from(Arc::new(server))));
    let stranger = world.run("get zones");
    assert_eq!(stranger.code, 6);
    assert!(stranger.err.contains("name the CA that signed its certificate"), "{stranger:?}");

    world.file("ca.pem", &cert.pem());
    let mut command = world.command(["get", "zones"]);
    command.env("TIDEGATE_CA", "ca.pem");
    let ran = done(command, "");
    assert_eq!((ran.code, ran.out.lines().count()), (0, 1), "{ran:?}");
    let add = ["context", "add", "tls", "--url", &world.url, "--ca", "ca.pem", "--token-stdin"];
    assert_eq!(done(bare(&world.folder, add), &world.viewer).code, 0);
    assert_eq!(done(bare(&world.folder, ["get", "zones"]), "").code, 0);

    world.file("empty.pem", "");
    for (file, code) in [("empty.pem", 1), ("missing.pem", 1)] {
        let mut command = world.command(["get", "zones"]);
        command.env("TIDEGATE_CA", file);
        assert_eq!(done(command, "").code, code, "{file}");
    }
}

#[test]
fn a_gateway_that_wants_a_pause_gets_one() {
    let limits =
        Limits { requests_per_second_per_address: 5, requests_burst_per_address: 2, ..Limits::default() };
    let world = World::with(limits, Access::Tokens, None);
    let text: Vec<String> = ["a", "b", "c", "d"].map(crate::world::zone).to_vec();
    let ran = done(world.command(["apply", "-f", "-"]), &text.join("---\n"));
    assert_eq!((ran.code, ran.out.matches("Created").count()), (0, 4), "{ran:?}");
}

#[test]
fn a_gateway_that_asks_for_no_token_is_shown_none() {
    let world = World::with(Limits::default(), Access::AnyoneOnThisMachine, None);
    let mut command = world.command(["get", "zones"]);
    command.env_remove("TIDEGATE_TOKEN");
    assert_eq!(done(command, "").code, 0);
}

#[test]
fn what_is_not_sealed_by_tls_goes_through_no_proxy() {
    let world = World::new();
    let mut command = world.command(["get", "zones"]);
    for name in ["http_proxy", "HTTP_PROXY", "ALL_PROXY", "HTTPS_PROXY"] {
        command.env(name, "http://127.0.0.1:9");
    }
    let ran = done(command, "");
    assert_eq!(ran.code, 0, "{ran:?}");
}
