//! Configurations as data: each file of `bad` has its exact error lines beside it in a `.expected` file.
//!
//! After a wanted change of messages, write the files anew with
//! `TIDEGATE_BLESS=1 cargo test -p tidegate-gateway --test config` and read the difference.

#![allow(clippy::panic, clippy::unwrap_used, reason = "helpers of tests may stop the test")]

mod docs;
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::ExposeSecret;
use tidegate_gateway::config::{
    Config, ConfigErrors, DEFAULT_WATCH_MS, Limits, ListenerConfig, NodeAddress, NodeAddresses, PolicyConfig,
    UpstreamSasl, load, parse,
};
use tidegate_wire::sasl::{PasswordMechanism, ScramHash};
use world::World;

#[test]
fn bad_configurations_say_what_is_wrong() {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder("bad")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "yaml"));
    files.sort();
    assert!(files.len() > 50, "only {} files found", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let world = World::default();
        let lines = format!("{}\n", read(&file, &world).expect_err(&file.display().to_string()));
        let expected = file.with_extension("expected");
        if std::env::var_os("TIDEGATE_BLESS").is_some() {
            fs::write(&expected, &lines).unwrap();
        }
        if fs::read_to_string(&expected).unwrap_or_default() != lines {
            wrong.push(lines);
        } else if !world.created().is_empty() {
            wrong.push(format!("{}: made a root key although it is wrong", file.display()));
        }
    }
    assert!(wrong.is_empty(), "these differ from their .expected files:\n{}", wrong.join("\n"));
}

#[test]
fn a_full_configuration_is_understood() {
    let config = read(&folder("good").join("full.yaml"), &World::default()).unwrap();
    let cluster = &config.clusters[0];
    assert_eq!(cluster.bootstrap[1].to_string(), "kafka-2.internal:9092");
    let Some(UpstreamSasl::Password { mechanism, username, password }) = &cluster.sasl else {
        panic!("{:?}", cluster.sasl)
    };
    assert_eq!((*mechanism, username.as_str()), (PasswordMechanism::Scram(ScramHash::Sha512), "tidegate"));
    assert_eq!(password.expose_secret(), "from the environment");
    let listener = &config.listeners[0];
    assert_eq!(config.cluster(&listener.cluster).unwrap().name, cluster.name);
    assert_eq!(listener.bootstrap.bind.to_string(), "0.0.0.0:9092");
    assert_eq!(listener.bootstrap.advertised.to_string(), "kafka.example.com:19092");
    let nodes = ports(listener);
    assert_eq!(nodes.keys().copied().collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
    assert_eq!(nodes[&9].bind.to_string(), "0.0.0.0:9109");
    assert_eq!(nodes[&9].advertised.to_string(), "kafka.example.com:19109");
    assert_eq!(listener.tls.as_ref().unwrap().key.path, Path::new("/etc/tidegate/gateway.key"));
    assert_eq!(config.state_file, Path::new("/var/lib/tidegate/state.db"));
    assert_eq!(config.root_key.to_hex().expose_secret(), &world::ROOT_KEY.repeat(32));
    assert!(!config.policy.delete_groups);
}

#[test]
fn what_is_not_written_has_its_default() {
    let world = World::default();
    let config = read(&folder("good").join("small.yaml"), &world).unwrap();
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.policy, PolicyConfig::default());
    assert_eq!(config.http_bind.to_string(), "127.0.0.1:9464");
    assert_eq!(config.state_file, Path::new("/etc/tidegate/state.db"));
    let cluster = &config.clusters[0];
    assert!(cluster.tls.is_none() && cluster.sasl.is_none());
    assert_eq!(cluster.metadata_refresh, Duration::from_secs(30));
    let listener = &config.listeners[0];
    assert!(listener.tls.is_none() && listener.proxy_protocol.is_none());
    assert_eq!(config.reload.watch, Some(Duration::from_millis(DEFAULT_WATCH_MS)));
    assert_eq!(listener.bootstrap.advertised.to_string(), "127.0.0.1:19092");
    let nodes: Vec<String> = ports(listener)
        .iter()
        .map(|(id, node)| format!("{id}: {} as {}", node.bind, node.advertised))
        .collect();
    assert_eq!(nodes, ["1: 127.0.0.1:19093 as 127.0.0.1:19093", "4: 127.0.0.2:19092 as four.example.com:9"]);
    assert_eq!(world.created(), [PathBuf::from("/etc/tidegate/missing.key")]);
}

#[test]
fn operators_are_served_on_this_machine_unless_it_is_written() {
    let admin = read(&folder("good").join("admin.yaml"), &World::default()).unwrap().admin.unwrap();
    assert_eq!((admin.bind.to_string().as_str(), admin.is_insecure), ("127.0.0.1:9466", true));
    assert!(admin.tls.is_none());
}

#[test]
fn a_listener_for_certificates_names_and_load_balancers_is_understood() {
    let config = read(&folder("good").join("certificates.yaml"), &World::default()).unwrap();
    let listener = &config.listeners[0];
    assert!(listener.mechanisms.is_empty());
    let auth = listener.tls.as_ref().unwrap().client_auth.as_ref().unwrap();
    assert!(auth.required && auth.crl.is_some());
    let from = &listener.proxy_protocol.as_ref().unwrap().from;
    assert_eq!(from.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.0/8", "2001:db8::1/128"]);
    assert_eq!(listener.nodes, NodeAddresses::Names { domain: "kafka.example.com".to_owned() });
    assert_eq!(listener.bootstrap.bind.to_string(), "0.0.0.0:9093");
    assert_eq!(listener.bootstrap.advertised.to_string(), "kafka.example.com:443");
    assert_eq!(config.reload.watch, None);
    let files = ["gateway.pem", "gateway.key", "ca.pem", "partners.crl", "root.key"];
    assert_eq!(config.files, files.map(|file| Path::new("/etc/tidegate").join(file)));
}

#[test]
fn every_node_may_have_a_host_of_its_own() {
    let text = fs::read_to_string(folder("good").join("full.yaml")).unwrap();
    let text = text.replace("advertisedPort: 19100", "advertisedHost: \"kafka-{node}.example.com\"");
    let config = parse(&text, Path::new("/etc/tidegate/gateway.yaml"), &World::default()).unwrap();
    assert_eq!(ports(&config.listeners[0])[&7].advertised.to_string(), "kafka-7.example.com:9107");
}

#[test]
fn a_part_that_is_not_written_is_lowered_to_its_whole() {
    let text = fs::read_to_string(folder("good").join("full.yaml")).unwrap();
    let text = text.replace("maxConnections: 10000", "maxConnections: 100\n  idleMs: 1500");
    let limits = parse(&text, Path::new("/etc/tidegate/gateway.yaml"), &World::default()).unwrap().limits;
    assert_eq!((limits.max_connections_per_zone, limits.max_connections_per_address), (100, 100));
    assert_eq!(limits.idle, Duration::from_millis(1500));
    assert_eq!(limits.max_frame_bytes, Limits::default().max_frame_bytes);
}

#[test]
fn no_secret_is_shown() {
    let config = read(&folder("good").join("full.yaml"), &World::default()).unwrap();
    let shown = format!("{config:?}");
    // The root key as text, and as a list of its bytes.
    for secret in ["from the environment", "BEGIN", &world::ROOT_KEY.repeat(2), "90, 90"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn files_are_read_from_the_folder_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("zones")).unwrap();
    let path = folder.path().join("gateway.yaml");
    fs::copy(self::folder("good").join("small.yaml"), &path).unwrap();
    let first = load(&path).unwrap();
    let again = load(&path).unwrap();
    assert_eq!(first.root_key.to_hex().expose_secret(), again.root_key.to_hex().expose_secret());
    assert_eq!(first.zones_folder, folder.path().join("zones"));
}

#[test]
fn a_missing_configuration_is_one_line() {
    let error = load(Path::new("/nowhere/gateway.yaml")).unwrap_err().to_string();
    assert!(
        error.starts_with("/nowhere/gateway.yaml: cannot read /nowhere/gateway.yaml: No such file"),
        "{error}"
    );
    assert!(!error.contains('\n'));
}

fn read(file: &Path, world: &World) -> Result<Config, ConfigErrors> {
    parse(&fs::read_to_string(file).unwrap(), Path::new("/etc/tidegate/gateway.yaml"), world)
}

fn ports(listener: &ListenerConfig) -> &BTreeMap<i32, NodeAddress> {
    match &listener.nodes {
        NodeAddresses::Ports(nodes) => nodes,
        NodeAddresses::Names { domain } => panic!("names under {domain}"),
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(name)
}
