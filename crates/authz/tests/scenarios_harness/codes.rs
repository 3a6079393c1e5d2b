//! Error codes: what a stock broker with an authorizer says of a name that is not the client's.

use serde_json::Value;
use tidegate_wire::api::ApiKey;
use tidegate_wire::error_code::ErrorCode;

use super::cases::{Played, of_sense};
use super::entries::{self, Answered};
use super::senses::Sense;
use super::shape::leaves;

/// Entries of an answer that carry another code than they must.
pub(crate) fn wrong(played: &Played, answer: &Value) -> Vec<String> {
    let mut wrong = of_empty_ids(played, answer);
    if !matches!(played.scenario.kind(), "empty" | "refused") && !asks_by_id_too_early(played) {
        wrong.extend(of_foreign_topics(played, answer));
    }
    wrong
}

fn of_foreign_topics(played: &Played, answer: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    entries::answered(played.scenario.key, answer, &mut |Answered { topic, field, code }| {
        let Some(expected) = foreign(played, field, topic) else { return };
        if code != expected {
            wrong.push(format!(
                "{topic} is answered with {}, not with {}",
                ErrorCode(code),
                ErrorCode(expected)
            ));
        }
    });
    let subscribed =
        of_sense(played.scenario.request(), played.scenario.version, &played.client, Sense::TopicName);
    let is_heartbeat = played.scenario.key == ApiKey::ConsumerGroupHeartbeat;
    let names_foreign = subscribed.iter().any(|name| !played.world.aliases().any(|alias| alias == name));
    if is_heartbeat && names_foreign && answer["ErrorCode"] != ErrorCode::TOPIC_AUTHORIZATION_FAILED.0 {
        wrong.push("a subscription to a foreign name is not refused".to_owned());
    }
    wrong
}

/// The code for a topic that is not of the zone; `None` for one that is.
fn foreign(played: &Played, field: &str, topic: &Value) -> Option<i16> {
    let is = |own: &str| topic.as_str() == Some(own);
    match field {
        "Name" | "Topic" => {
            let own = played.world.aliases().any(is);
            (!own).then_some(ErrorCode::TOPIC_AUTHORIZATION_FAILED.0)
        }
        "TopicId" => {
            let own = played.world.virtual_ids().iter().any(|id| is(id));
            (!own).then_some(ErrorCode::UNKNOWN_TOPIC_ID.0)
        }
        _ => None,
    }
}

/// Metadata 10 and 11 know ids in answers only, and refuse the whole list.
fn asks_by_id_too_early(played: &Played) -> bool {
    let scenario = &played.scenario;
    let ids = of_sense(scenario.request(), scenario.version, &played.client, Sense::TopicId);
    let asks = ids.iter().any(|id| id.bytes().any(|digit| digit != b'0'));
    scenario.key == ApiKey::Metadata && scenario.version < 12 && asks
}

/// An empty group is INVALID_GROUP_ID and an empty transactional id INVALID_REQUEST. Produce cannot say that
/// of a whole request: it refuses each partition.
fn of_empty_ids(played: &Played, answer: &Value) -> Vec<String> {
    let scenario = &played.scenario;
    let has_empty = |sense| {
        of_sense(scenario.request(), scenario.version, &played.client, sense).iter().any(String::is_empty)
    };
    let transaction = match scenario.key {
        ApiKey::Produce => ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        _ => ErrorCode::INVALID_REQUEST,
    };
    let said =
        leaves(scenario.response(), scenario.version, answer, &|_, field| field.name.ends_with("ErrorCode"));
    [(Sense::Group, ErrorCode::INVALID_GROUP_ID), (Sense::TransactionalId, transaction)]
        .into_iter()
        .filter(|(sense, code)| has_empty(*sense) && !said.iter().any(|(_, said)| *said == code.0))
        .map(|(sense, code)| format!("an empty {sense:?} is not answered with {code}"))
        .collect()
}
