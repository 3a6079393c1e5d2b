//! The digest of message definitions that the scenario tests of `crates/authz` read and write bytes by.
//!
//! It is test data: a second reading of Kafka's definitions beside the codec crate. It keeps what the wire
//! and the kind of a value depend on and drops the prose; a common struct stands at each place where it is
//! used.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{APIS, definition, list, text};

/// Where the digest lies, from the root of the workspace.
const PATH: &str = "crates/authz/tests/scenarios_harness/schema.json";

/// The messages inside the opaque bytes of classic groups.
const BLOBS: [&str; 2] = ["ConsumerProtocolSubscription", "ConsumerProtocolAssignment"];

const SOURCE: &str = "cargo xtask schema, from Apache Kafka 4.1.1 message definitions (Apache-2.0)";

/// What is kept of a field beside the fields inside it.
const KEPT: [&str; 8] =
    ["name", "type", "versions", "nullableVersions", "taggedVersions", "tag", "default", "entityType"];

/// Writes the digest; with `check` it writes nothing and fails when it differs.
pub(super) fn run(jar: &Path, check: bool) -> Result<()> {
    let digest = digest(jar)?;
    let path = Path::new(PATH);
    if fs::read_to_string(path).is_ok_and(|old| old == digest) {
        return Ok(());
    }
    ensure!(!check, "{PATH} differs from the message definitions; run `cargo xtask schema`");
    fs::write(path, digest).with_context(|| format!("cannot write {PATH}"))
}

fn digest(jar: &Path) -> Result<String> {
    let mut out = format!("{{\n\"source\": {SOURCE:?}");
    let requests = APIS.iter().flat_map(|api| [format!("{api}Request"), format!("{api}Response")]);
    for name in requests.chain(BLOBS.map(str::to_owned)) {
        let message = definition(jar, &name)?;
        write_message(&mut out, &name, &message).with_context(|| format!("in the definition of {name}"))?;
    }
    out.push_str("\n}\n");
    Ok(out)
}

fn write_message(out: &mut String, name: &str, message: &Value) -> Result<()> {
    let head = |member: &str| message.get(member).unwrap_or(&Value::Null);
    write!(
        out,
        ",\n{name:?}: {{\"apiKey\": {}, \"validVersions\": {}, \"flexibleVersions\": {}, \"fields\": ",
        head("apiKey"),
        head("validVersions"),
        head("flexibleVersions")
    )?;
    write_fields(out, list(message, "fields")?, message, 1)?;
    out.push('}');
    Ok(())
}

fn write_fields(out: &mut String, fields: &[Value], message: &Value, depth: usize) -> Result<()> {
    let indent = "  ".repeat(depth);
    for (at, field) in fields.iter().enumerate() {
        let kept = KEPT.iter().filter_map(|name| Some(format!("{name:?}: {}", field.get(*name)?)));
        let kept = kept.collect::<Vec<_>>().join(", ");
        write!(out, "{}\n{indent}{{{kept}", if at == 0 { "[" } else { "," })?;
        if let Some(inner) = inner_fields(field, message)? {
            out.push_str(", \"fields\": ");
            write_fields(out, inner, message, depth + 1)?;
        }
        out.push('}');
    }
    out.push_str(if fields.is_empty() { "[]" } else { "]" });
    Ok(())
}

/// The fields of a struct, whether they stand in the field or among the common structs.
fn inner_fields<'a>(field: &'a Value, message: &'a Value) -> Result<Option<&'a [Value]>> {
    if field.get("fields").is_some() {
        return list(field, "fields").map(Some);
    }
    let kind = text(field, "type")?;
    let name = kind.strip_prefix("[]").unwrap_or(kind);
    let common =
        message.get("commonStructs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    match common.iter().find(|common| common.get("name").and_then(Value::as_str) == Some(name)) {
        Some(common) => list(common, "fields").map(Some),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_struct_stands_where_it_is_used_and_the_prose_is_dropped() {
        let json = r#"{"apiKey": 1, "validVersions": "0-2", "flexibleVersions": "none",
            "commonStructs": [{"name": "S", "fields": [{"name": "A", "type": "int8", "versions": "0+", "about": "x"}]}],
            "fields": [{"name": "All", "type": "[]S", "versions": "1+", "about": "y"}]}"#;
        let mut out = "{\"source\": 0".to_owned();
        write_message(&mut out, "XRequest", &serde_json::from_str(json).unwrap()).unwrap();
        let digest: Value = serde_json::from_str(&(out + "}")).unwrap();
        let message = digest.get("XRequest").unwrap();
        let field = message.pointer("/fields/0").unwrap();
        assert_eq!(message.get("validVersions").unwrap(), "0-2");
        assert_eq!(field.pointer("/fields/0/name").unwrap(), "A");
        assert!(field.get("about").is_none() && field.pointer("/fields/0/about").is_none());
    }
}
