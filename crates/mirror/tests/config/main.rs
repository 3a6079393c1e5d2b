//! Configurations as data: each file of `bad` has its exact error lines beside it in a `.expected` file.
//!
//! After a wanted change of messages, write the files anew with
//! `TIDEGATE_BLESS=1 cargo test -p tidegate-mirror --test config` and read the difference.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tidegate_core::registry::WantedMirror;
use tidegate_core::{MirrorTopic, SourceTopic};
use tidegate_daemon::store::StoreKind;
use tidegate_mirror::Gaps;
use tidegate_mirror::config::{Config, load};

#[test]
fn bad_configurations_say_what_is_wrong() {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder().join("bad")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "yaml"));
    files.sort();
    assert!(files.len() > 12, "only {} files found", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let error = load(&file).unwrap_err().to_string();
        // Not where the files lie here.
        let lines = format!("{}\n", error.replace(&format!("{}/", file.parent().unwrap().display()), ""));
        let expected = file.with_extension("expected");
        if std::env::var_os("TIDEGATE_BLESS").is_some() {
            fs::write(&expected, &lines).unwrap();
        }
        if fs::read_to_string(&expected).unwrap_or_default() != lines {
            wrong.push(lines);
        }
    }
    assert!(wrong.is_empty(), "these differ from their .expected files:\n{}", wrong.join("\n"));
}

#[test]
fn a_full_configuration_is_understood() {
    let config = load(&folder().join("good.yaml")).unwrap();
    assert_eq!(config.http_bind.to_string(), "127.0.0.1:9999");
    assert!(matches!(&config.store.kind, StoreKind::Kafka(topic) if topic.topic == "tidegate-store"));
    let link = &config.links[0];
    assert_eq!((link.source.as_str(), link.destination.as_str()), ("there", "here"));
    assert_eq!(config.cluster(&link.destination).unwrap().bootstrap.len(), 2);
    let mirror = |topic, source, is_paused| WantedMirror {
        topic: MirrorTopic::parse(topic).unwrap(),
        source: SourceTopic::parse(source).unwrap(),
        is_paused,
    };
    let spec = &link.spec;
    assert_eq!(spec.mirrors, [mirror("orders", "orders", false), mirror("there.bills", "bills", true)]);
    assert_eq!((spec.gaps, spec.replication_factor, spec.is_paused), (Gaps::Records, Some(3), true));
    assert_eq!(spec.session_timeout, Duration::from_secs(6));
    assert_eq!(spec.bytes_per_second.map(u64::from), Some(50_000_000));
    let back = &config.links[1].spec;
    assert_eq!((back.gaps, back.replication_factor, back.is_paused), (Gaps::Markers, None, false));
    assert_eq!(back.session_timeout, Duration::from_secs(10));
}

/// What `docs/mirror.md` shows is understood.
#[test]
fn the_example_of_the_docs_is_understood() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/mirror.md");
    let docs = fs::read_to_string(docs).unwrap();
    let example = docs.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tidegate-mirror.yaml");
    fs::write(&path, example).unwrap();
    let config: Config = load(&path).unwrap();
    assert_eq!(config.links[0].spec.mirrors.len(), 2);
    assert_eq!(config.state_file, folder.path().join("state.db"));
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config")
}
