//! The test binaries of the workspace, as Cargo tells of them.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::command;

/// A test binary.
#[derive(Debug)]
pub(super) struct Binary {
    /// Its package and its file, such as `tidegate-e2e/flood`.
    pub(super) name: String,
    path: PathBuf,
    /// Where Cargo runs it.
    folder: PathBuf,
}

impl Binary {
    /// As Cargo would start it.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.current_dir(&self.folder).env("CARGO_MANIFEST_DIR", &self.folder);
        command
    }

    #[cfg(test)]
    pub(super) fn of(name: &str) -> Self {
        Self { name: name.to_owned(), path: PathBuf::new(), folder: PathBuf::new() }
    }
}

/// Builds the tests of all default members.
pub(super) fn build() -> Result<Vec<Binary>> {
    let mut cargo =
        command::cargo(["test", "--locked", "--no-run", "--message-format=json-render-diagnostics"]);
    let text = command::text(&cargo);
    eprintln!("> {text}");
    let done = cargo.stderr(Stdio::inherit()).output().with_context(|| format!("starting {text}"))?;
    ensure!(done.status.success(), "{text} ended with {}", done.status);
    let told = String::from_utf8(done.stdout).with_context(|| format!("reading what {text} printed"))?;
    let binaries: Vec<_> = told.lines().filter_map(binary).collect();
    ensure!(!binaries.is_empty(), "{text} told of no test binary");
    Ok(binaries)
}

/// What a line tells of, if that is a test binary.
fn binary(line: &str) -> Option<Binary> {
    let told: Value = serde_json::from_str(line).ok()?;
    if told.get("reason")? != "compiler-artifact" || told.get("profile")?.get("test")? != true {
        return None;
    }
    let folder = PathBuf::from(told.get("manifest_path")?.as_str()?).parent()?.to_owned();
    let target = told.get("target")?.get("name")?.as_str()?;
    let package = package(told.get("package_id")?.as_str()?);
    let path = PathBuf::from(told.get("executable")?.as_str()?);
    Some(Binary { name: format!("{package}/{target}"), path, folder })
}

/// The name in `path+file:///somewhere/core#tidegate-core@0.1.0`, or `path+file:///somewhere/core#0.1.0`.
fn package(id: &str) -> &str {
    let (place, rest) = id.rsplit_once('#').unwrap_or((id, ""));
    match rest.split_once('@') {
        Some((name, _)) => name,
        None => place.rsplit('/').next().unwrap_or(place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_binary_is_told_from_all_else() {
        let line = r#"{"reason":"compiler-artifact","package_id":"path+file:///w/e2e#tidegate-e2e@0.1.0","manifest_path":"/w/e2e/Cargo.toml",
            "target":{"name":"flood"},"profile":{"test":true},"executable":"/w/target/debug/deps/flood-1"}"#;
        let found = binary(line).unwrap();
        assert_eq!((found.name.as_str(), found.folder), ("tidegate-e2e/flood", PathBuf::from("/w/e2e")));
        assert!(binary(&line.replace("true", "false")).is_none(), "a program");
        assert!(binary(&line.replace(r#""/w/target/debug/deps/flood-1""#, "null")).is_none(), "a library");
        assert!(binary(r#"{"reason":"build-finished","success":true}"#).is_none());
        assert!(binary("text").is_none());
    }

    #[test]
    fn packages_have_their_names_in_both_spellings() {
        assert_eq!(package("path+file:///w/crates/core#tidegate-core@0.1.0"), "tidegate-core");
        assert_eq!(package("path+file:///w/xtask#0.1.0"), "xtask");
    }
}
