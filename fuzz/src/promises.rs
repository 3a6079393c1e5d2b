//! What must hold for every frame that a rule makes.

use tidegate_wire::Bytes;
use tidegate_wire::api::ApiKey;
use tidegate_wire::group_blob::{BlobError, Renamed, rewrite_assignment, rewrite_subscription};
use tidegate_wire::guard;
use tidegate_wire::header::Request;

use crate::visit::{Value, visit};
use crate::words::BROKER_WORD;
use crate::world::{ADVERTISED, HIDDEN_ID, ORDERS, ORDERS_ID, PRICES, PRICES_ID, SHARE_PREFIX, World};

/// No topic outside the zone, no group or transactional id without its prefix, no pattern.
pub(crate) fn request_stays_in_the_zone(world: &World, request: &Request) {
    let Request { key, version, body, .. } = request;
    let table = guard::schema(*key).expect("every rule has a table");
    let prefix = world.zone.prefix();
    let is_topic = |name: &str| name == ORDERS || name == PRICES || prefix.strip_absent_topic(name).is_some();
    // Without a type it is taken for one of consumers; what other members tell each other is theirs.
    let mut of_consumers = true;
    visit(table, table.request, *version, body, &mut |field, value| {
        if let ("ProtocolType", Value::Text(kind)) = (field, value) {
            of_consumers = kind == "consumer";
        }
        let holds = match (field, value) {
            ("Name", Value::Text(_)) if *key == ApiKey::JoinGroup => true,
            ("Name" | "Topic" | "SubscribedTopicNames", Value::Text(name)) => is_topic(name),
            ("ResourceName", Value::Text(name)) => is_topic(name) || prefix.strip_group(name).is_some(),
            ("TopicId", Value::Id(id)) => id == ORDERS_ID || id == PRICES_ID,
            ("TransactionalId", Value::Text(id)) => prefix.strip_transactional_id(id).is_some(),
            ("GroupId" | "Groups" | "GroupIds" | "GroupsNames", Value::Text(group)) => {
                prefix.strip_group(group).is_some()
            }
            ("Key" | "CoordinatorKeys", Value::Text(id)) => prefix.strip_group(id).is_some(),
            ("SubscribedTopicRegex" | "RackId", Value::Text(text)) => text.is_empty(),
            ("ReplicaId", Value::Number(id)) => id == -1,
            ("Metadata", Value::Bytes(blob)) if of_consumers => {
                named(blob, |blob, rename| rewrite_subscription(blob, rename))
                    .iter()
                    .all(|name| is_topic(name))
            }
            ("Assignment", Value::Bytes(blob)) if of_consumers => {
                named(blob, |blob, rename| rewrite_assignment(blob, rename)).iter().all(|name| is_topic(name))
            }
            _ => true,
        };
        assert!(holds, "{key:?} v{version} sends {field} {value:?} upstream");
    })
    .expect("the guard has read it");
}

/// The topics in a blob; Kafka reads none in one that ends early.
fn named(blob: &[u8], rewrite: Rewrite) -> Vec<String> {
    let mut topics = Vec::new();
    let read = rewrite(&Bytes::copy_from_slice(blob), &mut |name| {
        topics.push(name.to_owned());
        Renamed::Drop
    });
    if read.is_ok() { topics } else { Vec::new() }
}

type Rewrite = fn(&Bytes, &mut dyn FnMut(&str) -> Renamed) -> Result<Bytes, BlobError>;

/// No id, host or word of the cluster; nor a name of it, unless the partner may have said it first.
pub(crate) fn answer_shows_the_zone_alone(world: &World, key: ApiKey, version: i16, body: &[u8], evil: bool) {
    let table = guard::schema(key).expect("every rule has a table");
    let prefix = world.zone.prefix().tag();
    visit(table, table.response, version, body, &mut |field, value| {
        let holds = match value {
            Value::Id(id) => evil || ![ORDERS_ID, PRICES_ID, HIDDEN_ID].contains(&id),
            Value::Text(host) if field == "Host" => host.is_empty() || host == ADVERTISED,
            Value::Text(text) if field == "Rack" => text.is_empty(),
            Value::Text(_) if evil => true,
            Value::Text(text) => {
                let is_name =
                    text.contains("acme-internal") || (text.contains(prefix) && prefix != SHARE_PREFIX);
                !is_name && (OPAQUE.contains(&field) || !text.contains(BROKER_WORD))
            }
            Value::Bytes(_) | Value::Number(_) => true,
        };
        assert!(holds, "{key:?} v{version} shows {field} {value:?}");
    })
    .expect("the guard has read it");
}

/// Words that members of a group tell each other through the broker.
const OPAQUE: [&str; 13] = [
    "MemberId",
    "Leader",
    "ProtocolName",
    "ProtocolType",
    "ProtocolData",
    "GroupInstanceId",
    "InstanceId",
    "ClientId",
    "AssignorName",
    "GroupState",
    "GroupType",
    "Metadata",
    "State",
];
