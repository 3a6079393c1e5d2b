//! `tidegate-gateway token` as an operator runs it, on a store in the state file.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const CONFIG: &str = "
clusters: [{name: main, bootstrap: [\"localhost:9092\"]}]
listeners:
  - {name: partners, cluster: main, protocol: SASL_PLAINTEXT, mechanisms: [PLAIN], bind: {host: 127.0.0.1, port: 9}, nodes: {bindPort: 10, count: 2}}
store: {type: SQLITE}
admin: {}
rootKey: file:root.key
";

fn installation() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tidegate.yaml"), CONFIG).unwrap();
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate-gateway"));
    command.current_dir(folder).args(arguments).output().unwrap()
}

fn done(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_first_token_is_made_where_nobody_has_one() {
    let folder = installation();
    let folder = folder.path();
    let token = done(folder, &["token", "create", "first", "--role", "admin"]);
    assert!(token.starts_with("tidegate_") && token.ends_with('\n'), "{token}");
    let pair = done(
        folder,
        &["token", "create", "CI of web", "--role", "viewer", "--key-secret", "--expires-in-days", "1"],
    );
    let (key, secret) = pair.trim_end().split_once(':').unwrap();
    let listed = done(folder, &["token", "list"]);
    let mut lines: Vec<Vec<&str>> = listed.lines().map(|line| line.split('\t').collect()).collect();
    lines.sort_by_key(|columns| columns[1]);
    assert_eq!(lines[0][..4], [key, "CI of web", "viewer", "key-secret"]);
    assert_eq!((lines[0][5].len(), lines[0][6]), ("2026-01-01T00:00:00Z".len(), "-"));
    assert_eq!((lines[1][1..4].to_vec(), lines[1][5]), (vec!["first", "admin", "bearer"], "-"));
    assert!(!listed.contains(secret) && !listed.contains(token.trim_end()));

    done(folder, &["token", "revoke", key]);
    assert_eq!(done(folder, &["token", "list"]).lines().count(), 1);
    let again = run(folder, &["token", "revoke", key]);
    assert!(!again.status.success());
    assert_eq!(String::from_utf8(again.stderr).unwrap(), format!("there is no token `{key}`\n"));
    let history = done(folder, &["store", "history"]);
    assert!(history.contains(&format!("create token {key} (CI of web)")), "{history}");
    assert!(history.contains(&format!("revoke token {key}")), "{history}");
}

#[test]
fn a_role_that_there_is_not_is_told_with_those_that_there_are() {
    let folder = installation();
    let output = run(folder.path(), &["token", "create", "x", "--role", "root"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && told.contains("viewer, operator, admin"), "{told}");
}

#[test]
fn what_is_no_token_in_the_environment_stops_it_and_is_not_shown() {
    let folder = installation();
    for (token, arguments) in [("hunter2", &["--check"][..]), ("tidegate_A_hunter2", &[])] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate-gateway"));
        command.current_dir(folder.path()).args(arguments).env("TIDEGATE_ADMIN_TOKEN", token);
        let output = command.output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && told.starts_with("TIDEGATE_ADMIN_TOKEN: is no token; "),
            "{told}"
        );
        assert!(!told.contains("hunter2") && output.stdout.is_empty(), "{told}");
    }
    let token = done(folder.path(), &["token", "create", "first", "--role", "admin"]);
    for good in [token.as_str(), ""] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate-gateway"));
        command.current_dir(folder.path()).arg("--check").env("TIDEGATE_ADMIN_TOKEN", good);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
