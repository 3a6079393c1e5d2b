//! Writes values as YAML, fields in the order of the message.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::codec::BLOB_VERSION;
use super::schema::{self, Field};

/// `name: value` at `depth`, with the rest of the value below it.
pub(crate) fn member(out: &mut String, name: &str, fields: &[Field], value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(_) | Value::Array(_) if !fits(fields, value, name.len() + indent.len()) => {
            writeln!(out, "{indent}{name}:").unwrap();
            block(out, fields, value, depth + 1);
        }
        value => writeln!(out, "{indent}{name}: {}", flow(fields, value)).unwrap(),
    }
}

fn block(out: &mut String, fields: &[Field], value: &Value, depth: usize) {
    match value {
        Value::Object(object) => {
            for (name, inner, value) in ordered(fields, object) {
                member(out, name, inner, value, depth);
            }
        }
        Value::Array(all) => {
            let indent = "  ".repeat(depth);
            for one in all {
                if fits(fields, one, indent.len()) {
                    writeln!(out, "{indent}- {}", flow(fields, one)).unwrap();
                } else {
                    let mut below = String::new();
                    block(&mut below, fields, one, depth + 1);
                    write!(out, "{indent}- {}", below.trim_start()).unwrap();
                }
            }
        }
        _ => unreachable!("a scalar fits"),
    }
}

const WIDTH: usize = 100;

fn fits(fields: &[Field], value: &Value, before: usize) -> bool {
    !(value.is_object() || value.is_array()) || flow(fields, value).len() + before + 4 <= WIDTH
}

fn flow(fields: &[Field], value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let members = ordered(fields, object).into_iter();
            let members: Vec<_> =
                members.map(|(name, inner, value)| format!("{name}: {}", flow(inner, value))).collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::Array(all) => {
            let all: Vec<_> = all.iter().map(|one| flow(fields, one)).collect();
            format!("[{}]", all.join(", "))
        }
        Value::String(text) if is_plain(text) => text.clone(),
        value => value.to_string(),
    }
}

/// Whether nobody could take `text` for anything but itself.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 8] = ["true", "false", "null", "yes", "no", "on", "off", "y"];
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c))
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// The members of an object in the order of their fields, each with the fields inside it.
fn ordered<'a>(
    fields: &'a [Field],
    object: &'a Map<String, Value>,
) -> Vec<(&'a str, &'a [Field], &'a Value)> {
    if let Some((name, value)) = object.iter().find(|(name, _)| name.starts_with("ConsumerProtocol")) {
        return vec![(name, &schema::message(name).fields, value)];
    }
    let version = object.get(BLOB_VERSION).map(|value| (BLOB_VERSION, &[][..], value));
    let rest = fields.iter().filter_map(|field| {
        let value = object.get(&field.name)?;
        Some((field.name.as_str(), field.kind.fields().unwrap_or_default(), value))
    });
    version.into_iter().chain(rest).collect()
}
