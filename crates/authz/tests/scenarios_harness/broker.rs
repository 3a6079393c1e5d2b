//! A broker that says too much.

use serde_json::{Value, json};
use tidegate_wire::api::ApiKey;

use super::schema::{self, Field, Message};
use super::senses::{self, Sense};
use super::world;

/// The answer with something to leak in every field that must not cross and that the author left out.
pub(crate) fn talkative(key: ApiKey, version: i16, mut answer: Value) -> Value {
    let message = schema::response(key);
    fill(message, &message.fields, version, "", &mut answer);
    answer
}

fn fill(message: &Message, fields: &[Field], version: i16, at: &str, value: &mut Value) {
    for field in fields.iter().filter(|field| field.is_in(version)) {
        let path = if at.is_empty() { field.name.clone() } else { format!("{at}.{}", field.name) };
        match (field.kind.fields(), value.get_mut(&field.name)) {
            (Some(inner), Some(Value::Array(all))) => {
                all.iter_mut().for_each(|one| fill(message, inner, version, &path, one));
            }
            (Some(inner), Some(one @ Value::Object(_))) => fill(message, inner, version, &path, one),
            (None, None) => {
                let said = match senses::of(message, &path, field) {
                    Some(Sense::Host) => json!(world::BROKER_HOST),
                    Some(Sense::Port) => json!(world::BROKER_PORT),
                    Some(Sense::Rack) => json!(world::BROKER_RACK),
                    Some(Sense::Text) => json!(world::BROKER_TEXT),
                    Some(Sense::Cluster) => json!(world::BROKER_CLUSTER),
                    Some(Sense::Pattern) => json!(world::BROKER_PATTERN),
                    Some(Sense::ClientId) => json!("{tag}/app"),
                    _ => continue,
                };
                value[&field.name] = said;
            }
            _ => {}
        }
    }
}
