//! Kafka's message definitions, from the digest that `cargo xtask schema` writes.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;
use tidegate_wire::api::{ApiKey, Versions};

/// One request, response or blob.
pub(crate) struct Message {
    pub(crate) name: String,
    pub(crate) flexible: Versions,
    pub(crate) fields: Vec<Field>,
}

/// One field of a message.
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) entity: String,
    /// The message inside these bytes.
    pub(crate) blob: Option<&'static str>,
    pub(crate) default: Option<String>,
    versions: Versions,
    nullable: Versions,
    tagged: Option<(u64, Versions)>,
}

pub(crate) enum Kind {
    Bool,
    Int8,
    Int16,
    Uint16,
    Int32,
    Int64,
    Uuid,
    String,
    Bytes,
    Records,
    Struct(Vec<Field>),
    Array(Box<Kind>),
}

/// The message of this name.
pub(crate) fn message(name: &str) -> &'static Message {
    all().get(name).unwrap_or_else(|| panic!("the digest has no {name}: add it to xtask's list of APIs"))
}

pub(crate) fn request(key: ApiKey) -> &'static Message {
    message(&format!("{key:?}Request"))
}

pub(crate) fn response(key: ApiKey) -> &'static Message {
    message(&format!("{key:?}Response"))
}

/// Which bytes hold which message.
const BLOBS: [(&str, &str, &str); 6] = [
    ("JoinGroupRequest", "Metadata", SUBSCRIPTION),
    ("JoinGroupResponse", "Metadata", SUBSCRIPTION),
    ("SyncGroupRequest", "Assignment", ASSIGNMENT),
    ("SyncGroupResponse", "Assignment", ASSIGNMENT),
    ("DescribeGroupsResponse", "MemberMetadata", SUBSCRIPTION),
    ("DescribeGroupsResponse", "MemberAssignment", ASSIGNMENT),
];
const SUBSCRIPTION: &str = "ConsumerProtocolSubscription";
const ASSIGNMENT: &str = "ConsumerProtocolAssignment";

impl Message {
    pub(crate) fn is_flexible(&self, version: i16) -> bool {
        self.flexible.contains(version)
    }
}

impl Field {
    pub(crate) fn is_in(&self, version: i16) -> bool {
        self.versions.contains(version)
    }

    pub(crate) fn is_nullable(&self, version: i16) -> bool {
        self.nullable.contains(version)
    }

    /// Its tag, where it stands in the tag section.
    pub(crate) fn tag(&self, version: i16) -> Option<u64> {
        self.tagged.filter(|(_, versions)| versions.contains(version)).map(|(tag, _)| tag)
    }
}

impl Kind {
    /// The fields of a struct or of the structs of an array.
    pub(crate) fn fields(&self) -> Option<&[Field]> {
        match self {
            Self::Struct(fields) => Some(fields),
            Self::Array(element) => element.fields(),
            _ => None,
        }
    }
}

fn all() -> &'static BTreeMap<String, Message> {
    static ALL: OnceLock<BTreeMap<String, Message>> = OnceLock::new();
    ALL.get_or_init(|| {
        let digest: Value = serde_json::from_str(include_str!("schema.json")).expect("the digest is JSON");
        let messages = digest.as_object().expect("the digest is an object").iter();
        messages.filter(|(_, message)| message.is_object()).map(read_message).collect()
    })
}

fn read_message((name, message): (&String, &Value)) -> (String, Message) {
    let read = Message {
        name: name.clone(),
        flexible: versions(message, "flexibleVersions"),
        fields: fields(name, &message["fields"]),
    };
    (name.clone(), read)
}

fn fields(message: &str, fields: &Value) -> Vec<Field> {
    fields.as_array().expect("fields are a list").iter().map(|field| read_field(message, field)).collect()
}

fn read_field(message: &str, field: &Value) -> Field {
    let name = field["name"].as_str().expect("a field has a name");
    let text =
        |member: &str| field.get(member).map(|value| value.as_str().map_or(value.to_string(), str::to_owned));
    let blob = BLOBS.iter().find(|(owner, blob, _)| (*owner, *blob) == (message, name));
    Field {
        name: name.to_owned(),
        kind: kind(message, field, field["type"].as_str().expect("a field has a type")),
        entity: text("entityType").unwrap_or_default(),
        blob: blob.map(|(_, _, inside)| *inside),
        default: text("default"),
        versions: versions(field, "versions"),
        nullable: versions(field, "nullableVersions"),
        tagged: field["tag"].as_u64().map(|tag| (tag, versions(field, "taggedVersions"))),
    }
}

fn kind(message: &str, field: &Value, name: &str) -> Kind {
    match name {
        "bool" => Kind::Bool,
        "int8" => Kind::Int8,
        "int16" => Kind::Int16,
        "uint16" => Kind::Uint16,
        "int32" => Kind::Int32,
        "int64" => Kind::Int64,
        "uuid" => Kind::Uuid,
        "string" => Kind::String,
        "bytes" => Kind::Bytes,
        "records" => Kind::Records,
        _ => match name.strip_prefix("[]") {
            Some(element) => Kind::Array(Box::new(kind(message, field, element))),
            None => Kind::Struct(fields(message, &field["fields"])),
        },
    }
}

/// `3+`, `0-12`, `4`, `none` or nothing.
fn versions(owner: &Value, member: &str) -> Versions {
    let spec = owner[member].as_str().unwrap_or("none");
    parse_versions(spec).unwrap_or(Versions::new(0, -1))
}

/// `3+`, `0-12` or `4`.
pub(crate) fn parse_versions(spec: &str) -> Option<Versions> {
    if let Some(min) = spec.strip_suffix('+') {
        return Some(Versions::new(min.parse().ok()?, i16::MAX));
    }
    let (min, max) = spec.split_once('-').unwrap_or((spec, spec));
    Some(Versions::new(min.parse().ok()?, max.parse().ok()?))
}
