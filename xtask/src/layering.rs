//! Who may depend on whom: the rules of the workspace's layout, read from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::command;

/// What each library may use of the workspace. A library that is not listed may use nothing of it.
const MAY_USE: [(&str, &[&str]); 11] = [
    ("tidegate-core", &[]),
    ("tidegate-wire", &[]),
    ("tidegate-authz", &["tidegate-core", "tidegate-wire"]),
    ("tidegate-link", &["tidegate-core", "tidegate-wire"]),
    ("tidegate-client", &["tidegate-wire"]),
    ("tidegate-store", &["tidegate-core", "tidegate-wire", "tidegate-client"]),
    ("tidegate-daemon", &["tidegate-core", "tidegate-wire", "tidegate-client", "tidegate-store"]),
    (
        "tidegate-gateway",
        &[
            "tidegate-core",
            "tidegate-wire",
            "tidegate-authz",
            "tidegate-client",
            "tidegate-store",
            "tidegate-daemon",
        ],
    ),
    (
        "tidegate-mirror",
        &[
            "tidegate-core",
            "tidegate-wire",
            "tidegate-link",
            "tidegate-client",
            "tidegate-store",
            "tidegate-daemon",
        ],
    ),
    ("tidegate-admin", &["tidegate-core"]),
    ("tidegate-portal", &["tidegate-core"]),
];

/// Bytes and `now` go in, events and bytes come out.
const PURE: [&str; 4] = ["tidegate-core", "tidegate-wire", "tidegate-authz", "tidegate-link"];

/// Nothing of these in the whole tree below a pure crate.
const IMPURE: [&str; 7] = ["tokio", "mio", "socket2", "async-std", "smol", "rustls", "rusqlite"];

/// Its `rewrite` writes anew what no stock broker takes as it is.
const UNPACKS: &str = "tidegate-link";

/// What unpacks records: a record byte leaves as it came, and a filler is known by its bytes. Only what a crate names itself
/// counts: the codecs that tests of one member turn on in a shared dependency show below all of them.
const UNPACKING: [&str; 5] = ["zstd", "lz4", "lz4_flex", "snap", "flate2"];

/// A member of the workspace.
#[derive(Debug, Default)]
struct Member {
    name: String,
    manifest: PathBuf,
    /// Whether it lies in `crates/`: a library of the SDK, not a program or a tool.
    is_library: bool,
    /// What it depends on itself, tests and build scripts left out.
    direct: BTreeSet<String>,
    /// What it depends on in the end.
    all: BTreeSet<String>,
}

/// Checks every member against every rule, and names all that break one.
pub(crate) fn run() -> Result<()> {
    let text = command::output(&mut command::cargo(["metadata", "--format-version", "1", "--locked"]))?;
    let metadata: Value = serde_json::from_str(&text).context("reading cargo metadata")?;
    let mut broken = Vec::new();
    for member in members(&metadata)? {
        broken.extend(breaches(&member));
        let manifest = fs::read_to_string(&member.manifest)
            .with_context(|| format!("reading {}", member.manifest.display()))?;
        if !inherits_lints(&manifest) {
            broken.push(format!("{} does not inherit the lints: add [lints] workspace = true", member.name));
        }
    }
    if !broken.is_empty() {
        bail!("{}", broken.join("; "));
    }
    Ok(())
}

fn breaches(member: &Member) -> Vec<String> {
    let name = &member.name;
    let mut broken = Vec::new();
    if member.is_library {
        let allowed = MAY_USE.iter().find(|(library, _)| library == name).map_or(&[][..], |(_, uses)| uses);
        for used in member.direct.iter().filter(|used| used.starts_with("tidegate-")) {
            if !allowed.contains(&used.as_str()) {
                broken.push(format!("{name} may not use {used}"));
            }
        }
        if member.direct.contains("anyhow") {
            broken.push(format!("{name} uses anyhow, which is for programs: give it an error enum"));
        }
    }
    if PURE.contains(&name.as_str()) {
        for used in IMPURE.iter().filter(|&&used| member.all.contains(used)) {
            broken.push(format!("{name} is pure and may not depend on {used}, not even by another crate"));
        }
        let unpacking: &[&str] = if name == UNPACKS { &[] } else { &UNPACKING };
        for used in unpacking.iter().filter(|&&used| member.direct.contains(used)) {
            broken.push(format!("{name} may not depend on {used}: nothing is decompressed"));
        }
    }
    broken
}

/// Whether a manifest holds the table `[lints]` with `workspace = true`.
fn inherits_lints(manifest: &str) -> bool {
    let mut lines = manifest.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
    lines.find(|line| !line.is_empty() && !line.starts_with('#')) == Some("workspace = true")
}

fn members(metadata: &Value) -> Result<Vec<Member>> {
    let names = names(metadata)?;
    let graph = graph(metadata)?;
    let ids = metadata["workspace_members"].as_array().context("no workspace_members")?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    ids.iter()
        .map(|id| {
            let id = id.as_str().context("a member's id is not text")?;
            let package =
                packages.iter().find(|package| package["id"] == id).context("a member is no package")?;
            let manifest = PathBuf::from(package["manifest_path"].as_str().context("no manifest_path")?);
            let named = |ids: BTreeSet<&str>| ids.iter().filter_map(|id| names.get(id).cloned()).collect();
            Ok(Member {
                name: names.get(id).cloned().context("a member has no name")?,
                is_library: lies_in_crates(&manifest),
                manifest,
                direct: named(graph.get(id).cloned().unwrap_or_default()),
                all: named(reachable(&graph, id)),
            })
        })
        .collect()
}

fn lies_in_crates(manifest: &Path) -> bool {
    manifest.ancestors().nth(2).is_some_and(|folder| folder.ends_with("crates"))
}

fn names(metadata: &Value) -> Result<BTreeMap<&str, String>> {
    let packages = metadata["packages"].as_array().context("no packages")?;
    let named =
        packages.iter().filter_map(|package| Some((package["id"].as_str()?, package["name"].as_str()?)));
    Ok(named.map(|(id, name)| (id, name.to_owned())).collect())
}

type Graph<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Normal dependencies only: a pure crate may test itself with whatever it likes.
fn graph(metadata: &Value) -> Result<Graph<'_>> {
    let nodes = metadata.pointer("/resolve/nodes").and_then(Value::as_array).context("no resolved graph")?;
    let edges = nodes.iter().filter_map(|node| {
        let normal = node["deps"].as_array()?.iter().filter(|dependency| is_normal(dependency));
        Some((node["id"].as_str()?, normal.filter_map(|dependency| dependency["pkg"].as_str()).collect()))
    });
    Ok(edges.collect())
}

fn is_normal(dependency: &Value) -> bool {
    dependency["dep_kinds"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
}

fn reachable<'a>(graph: &Graph<'a>, from: &str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut next: Vec<&str> = graph.get(from).into_iter().flatten().copied().collect();
    while let Some(id) = next.pop() {
        if let Some((&id, below)) = graph.get_key_value(id)
            && seen.insert(id)
        {
            next.extend(below);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library(name: &str, direct: &[&str], all: &[&str]) -> Member {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let (direct, all) = (set(direct), set(all));
        Member { name: name.to_owned(), is_library: true, direct, all, ..Member::default() }
    }

    #[test]
    fn this_workspace_keeps_its_rules() {
        run().unwrap();
    }

    #[test]
    fn allowed_edges_pass() {
        assert_eq!(breaches(&library("tidegate-authz", &["tidegate-core", "bytes"], &["bytes"])), [""; 0]);
    }

    #[test]
    fn core_and_wire_do_not_know_each_other() {
        let broken = breaches(&library("tidegate-wire", &["tidegate-core"], &[]));
        assert_eq!(broken, ["tidegate-wire may not use tidegate-core"]);
    }

    #[test]
    fn a_pure_crate_has_no_runtime_far_below() {
        let broken = breaches(&library("tidegate-core", &["serde"], &["serde", "tokio"]));
        assert!(broken[0].contains("may not depend on tokio"), "{broken:?}");
    }

    #[test]
    fn nothing_is_decompressed() {
        let broken = breaches(&library("tidegate-wire", &["bytes", "zstd"], &["bytes", "zstd"]));
        assert_eq!(broken, ["tidegate-wire may not depend on zstd: nothing is decompressed"]);
    }

    #[test]
    fn anyhow_is_for_programs() {
        assert!(breaches(&library("tidegate-client", &["anyhow"], &[]))[0].contains("anyhow"));
        let program = Member { is_library: false, ..library("tidegate-gateway-bin", &["anyhow"], &[]) };
        assert_eq!(breaches(&program), [""; 0]);
    }

    #[test]
    fn what_is_reachable_is_found_through_others() {
        let graph: Graph<'_> = [("a", ["b"].into()), ("b", ["c"].into()), ("c", ["a"].into())].into();
        assert_eq!(reachable(&graph, "a"), ["a", "b", "c"].into());
    }

    #[test]
    fn lints_are_inherited_by_a_table() {
        assert!(inherits_lints("[package]\n\n[lints]\nworkspace = true\n"));
        assert!(!inherits_lints("[package]\nname = \"x\"\n"));
        assert!(!inherits_lints("[lints]\nrust.unsafe_code = \"allow\"\n"));
    }
}
