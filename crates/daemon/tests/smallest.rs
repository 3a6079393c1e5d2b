//! The smallest daemon that could be: what all have in common, read and opened on this machine.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;
use tidegate_core::RootKey;
use tidegate_daemon::cluster::{self, Cluster};
use tidegate_daemon::config_file::{self, ConfigFile};
use tidegate_daemon::store::{self, StoreConfig, StoreKind, open_store};
use tidegate_daemon::{ConfigErrors, DaemonError, fields, http};

struct Config {
    clusters: Vec<Cluster>,
    store: StoreConfig,
    state_file: PathBuf,
    root_key: RootKey,
    http: String,
}

const GOOD: &str = "
clusters:
  - {name: source, bootstrap: [\"one:9092\", \"[::1]:9093\"]}
  - name: destination
    bootstrap: [\"two:9092\"]
    security: {protocol: SASL_PLAINTEXT, sasl: {mechanism: PLAIN, username: me, password: file:password}}
store: {type: KAFKA, cluster: destination, replication: 3, writers: [\"User:other\"]}
rootKey: file:root.key
";

#[test]
fn what_all_daemons_have_is_understood() {
    let folder = folder();
    let config = load(&folder, GOOD).unwrap();
    let [source, destination] = &config.clusters[..] else { panic!("{} clusters", config.clusters.len()) };
    let brokers: Vec<String> = source.endpoints().iter().map(ToString::to_string).collect();
    assert_eq!(brokers, ["one:9092", "[::1]:9093"]);
    let options = destination.connect_options("me too").unwrap();
    assert_eq!(options.client_id, "me too");
    assert_eq!(options.security.login.unwrap().user(), Some("me"));
    assert_eq!(config.state_file, folder.path().join("state.db"));
    assert_eq!(config.http, "127.0.0.1:9465");
    assert!(folder.path().join("root.key").exists());
}

#[test]
fn every_mistake_is_told_at_once_and_no_key_is_made() {
    let folder = folder();
    let text = GOOD.replace("[\"two:9092\"]", "[\"two\"]").replace("replication: 3", "replikation: 3");
    let errors = load(&folder, &text).err().unwrap();
    let problems: Vec<String> = errors.problems().iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "clusters[1].bootstrap[0] (line 5): `two` has no port; write `host:port`, and an IPv6 address in brackets",
            "store.replikation (line 7): unknown field; did you mean `replication`?",
        ]
    );
    assert!(!folder.path().join("root.key").exists());
}

#[test]
fn half_a_file_makes_no_key() {
    let folder = folder();
    let errors = load(&folder, &format!("{GOOD}http: {{bind: [")).err().unwrap();
    assert_eq!(errors.problems().len(), 1, "{errors}");
    assert!(!folder.path().join("root.key").exists());
}

#[tokio::test]
async fn a_state_file_has_one_owner() {
    let folder = folder();
    let text = GOOD.replace(
        "store: {type: KAFKA, cluster: destination, replication: 3, writers: [\"User:other\"]}",
        "store: {type: SQLITE}",
    );
    let config = load(&folder, &text).unwrap();
    let open = || open_store(&config.store, &config.clusters, &config.root_key, &config.state_file);
    let owned = open().await.unwrap();
    assert!(matches!(open().await, Err(DaemonError::State(_))));
    drop(owned);
    open().await.unwrap();
}

#[test]
fn the_topic_of_a_store_is_entered_as_its_cluster_is() {
    let config = load(&folder(), GOOD).unwrap();
    let StoreKind::Kafka(mut topic) = config.store.kind else { panic!("{:?}", config.store.kind) };
    let options = store::topic_options(&topic, &config.clusters).unwrap();
    assert_eq!((options.topic.as_str(), options.replication), ("tidegate-store", Some(3)));
    assert_eq!(options.connect.security.login.unwrap().user(), Some("me"));
    assert_eq!(options.writers, ["User:other"]);
    topic.cluster = tidegate_core::ClusterName::parse("elsewhere").unwrap();
    let error = store::topic_options(&topic, &config.clusters).unwrap_err();
    assert_eq!(error.to_string(), "the store: there is no cluster `elsewhere`; name one of `clusters`");
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("password"), "secret\n").unwrap();
    folder
}

fn load(folder: &TempDir, text: &str) -> Result<Config, ConfigErrors> {
    let path = folder.path().join("daemon.yaml");
    fs::write(&path, text).unwrap();
    config_file::load(&path, |text, path, surroundings| config_file::parse(text, path, surroundings, read))
}

fn read(file: &ConfigFile<'_>) -> Option<Config> {
    let mut fields = file.document.fields()?;
    let (clusters, names) = cluster::read_all(&mut fields, |place| cluster::read(place, &file.around));
    let store = fields.required("store", "write where records are kept");
    let store = store.and_then(|place| store::read(&place, &names, &file.around));
    let state_file = fields::state_file(fields.optional("state"), &file.around);
    let root_key = file.root_key(&mut fields);
    let http = http::read(fields.optional("http"), 9465);
    fields.finish();
    let root_key = file.make_root_key(root_key?)?;
    Some(Config { clusters, store: store?, state_file: state_file?, root_key, http: http?.bind.to_string() })
}
