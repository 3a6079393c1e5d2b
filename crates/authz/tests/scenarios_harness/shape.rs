//! Changing the shape of values: cutting to a version, leaving out defaults, visiting leaves.

use serde_json::{Map, Value, json};

use super::codec::BLOB_VERSION;
use super::schema::{self, Field, Kind, Message};

/// What a field is when it is left out.
pub(crate) fn default_of(field: &Field, version: i16) -> Value {
    let default = field.default.as_deref();
    if default == Some("null") {
        return Value::Null;
    }
    match &field.kind {
        Kind::Bool => json!(default == Some("true")),
        Kind::Uuid => json!("0".repeat(32)),
        Kind::String => json!(default.unwrap_or_default()),
        Kind::Records if field.is_nullable(version) => Value::Null,
        Kind::Bytes | Kind::Records => json!("hex:"),
        Kind::Array(_) => json!([]),
        Kind::Struct(fields) => {
            let fields = fields.iter().filter(|inner| inner.is_in(version));
            fields.map(|inner| (inner.name.clone(), default_of(inner, version))).collect::<Map<_, _>>().into()
        }
        _ => json!(default.map_or(0, number)),
    }
}

fn number(text: &str) -> i64 {
    let hex = text.strip_prefix("0x").map(|digits| i64::from_str_radix(digits, 16));
    hex.unwrap_or_else(|| text.parse()).unwrap_or_else(|_| panic!("{text} is not a number"))
}

/// `value` without the fields that `version` does not have. A field that no version has is a mistake.
pub(crate) fn cut(message: &Message, version: i16, value: &Value) -> Result<Value, String> {
    cut_fields(&message.fields, version, value).map_err(|error| format!("{}: {error}", message.name))
}

fn cut_fields(fields: &[Field], version: i16, value: &Value) -> Result<Value, String> {
    let given = value.as_object().ok_or_else(|| format!("{value} is not a struct"))?;
    let mut kept = Map::new();
    for (name, value) in given {
        let field = fields.iter().find(|field| field.name == *name);
        let field = field.ok_or_else(|| format!("no version has the field {name}"))?;
        if field.is_in(version) {
            let value = match (field.kind.fields(), value) {
                (Some(fields), Value::Object(_)) => cut_fields(fields, version, value)?,
                (Some(fields), Value::Array(all)) => {
                    all.iter().map(|one| cut_fields(fields, version, one)).collect::<Result<_, _>>()?
                }
                _ => value.clone(),
            };
            kept.insert(name.clone(), value);
        }
    }
    Ok(Value::Object(kept))
}

/// `value` without the fields that are as if left out.
pub(crate) fn trim(message: &Message, version: i16, value: &Value) -> Value {
    trim_fields(&message.fields, version, value)
}

fn trim_fields(fields: &[Field], version: i16, value: &Value) -> Value {
    let mut kept = Map::new();
    for field in fields.iter().filter(|field| field.is_in(version)) {
        let Some(value) = value.get(&field.name) else { continue };
        let trimmed = match (field.kind.fields(), field.blob, value) {
            (Some(fields), _, Value::Object(_)) => trim_fields(fields, version, value),
            (Some(fields), _, Value::Array(all)) => {
                all.iter().map(|one| trim_fields(fields, version, one)).collect()
            }
            (_, Some(inside), Value::Object(_)) => {
                let (message, blob_version) = blob(inside, value);
                let mut trimmed = trim(message, blob_version, &value[inside]);
                trimmed[BLOB_VERSION] = json!(blob_version);
                json!({ inside: trimmed })
            }
            _ => value.clone(),
        };
        if ALWAYS_SAID.contains(&field.name.as_str()) || *value != default_of(field, version) {
            kept.insert(field.name.clone(), trimmed);
        }
    }
    Value::Object(kept)
}

/// What a reader of a file wants to see even where it is as if left out.
const ALWAYS_SAID: [&str; 8] = [
    "Partition",
    "PartitionIndex",
    "Index",
    "NodeId",
    "ErrorCode",
    "PartitionErrorCode",
    "ApiKey",
    "MinVersion",
];

/// The message and version of an open blob.
pub(crate) fn blob(inside: &str, value: &Value) -> (&'static Message, i16) {
    let version = value[inside][BLOB_VERSION].as_i64().unwrap_or(0);
    (schema::message(inside), i16::try_from(version).expect("a version"))
}

/// Calls `each` with the path, field and value of every leaf: elements of lists, blobs, and the leaves
/// inside blobs.
pub(crate) fn visit(
    message: &Message,
    version: i16,
    value: &mut Value,
    each: &mut dyn FnMut(&str, &Field, &mut Value),
) {
    visit_fields(&message.fields, version, value, "", each);
}

fn visit_fields(
    fields: &[Field],
    version: i16,
    value: &mut Value,
    at: &str,
    each: &mut dyn FnMut(&str, &Field, &mut Value),
) {
    for field in fields.iter().filter(|field| field.is_in(version)) {
        let Some(value) = value.get_mut(&field.name) else { continue };
        let path = if at.is_empty() { field.name.clone() } else { format!("{at}.{}", field.name) };
        match (field.kind.fields(), field.blob, value) {
            (Some(fields), _, Value::Array(all)) => {
                all.iter_mut().for_each(|one| visit_fields(fields, version, one, &path, each));
            }
            (Some(_), _, Value::Null) => {}
            (Some(fields), _, value) => visit_fields(fields, version, value, &path, each),
            (None, Some(inside), value) => {
                each(&path, field, value);
                if value.is_object() {
                    let (message, version) = blob(inside, value);
                    visit_fields(&message.fields, version, &mut value[inside], &path, each);
                }
            }
            (None, _, Value::Array(all)) => all.iter_mut().for_each(|one| each(&path, field, one)),
            (None, _, value) => each(&path, field, value),
        }
    }
}

/// The leaves of `value` that `wanted` takes, with their paths.
pub(crate) fn leaves(
    message: &Message,
    version: i16,
    value: &Value,
    wanted: &dyn Fn(&str, &Field) -> bool,
) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    visit(message, version, &mut value.clone(), &mut |path, field, leaf| {
        if wanted(path, field) {
            found.push((path.to_owned(), leaf.clone()));
        }
    });
    found
}

/// Every leaf field of a message at `version`, with its path; those of blobs too.
pub(crate) fn leaf_fields(message: &'static Message, version: i16) -> Vec<(String, &'static Field)> {
    let mut found = Vec::new();
    collect(&message.fields, version, "", &mut found);
    found
}

fn collect(fields: &'static [Field], version: i16, at: &str, found: &mut Vec<(String, &'static Field)>) {
    for field in fields.iter().filter(|field| field.is_in(version)) {
        let path = if at.is_empty() { field.name.clone() } else { format!("{at}.{}", field.name) };
        match (field.kind.fields(), field.blob) {
            (Some(fields), _) => collect(fields, version, &path, found),
            (None, blob) => {
                if let Some(inside) = blob {
                    collect(&schema::message(inside).fields, NEWEST_BLOB, &path, found);
                }
                found.push((path, field));
            }
        }
    }
}

/// The newest version of both blobs.
const NEWEST_BLOB: i16 = 3;
