//! Which scenarios each shown pair of API and version must have, as its definitions say.

use std::collections::BTreeSet;

use tidegate_authz::RuleTable;
use tidegate_authz::table::Service;
use tidegate_wire::api::ApiKey;

use super::cases::Scenario;
use super::schema::{self, Field, Kind, Message};
use super::senses::{self, Sense};
use super::shape::leaf_fields;
use super::world::World;

/// An API at a version.
pub(crate) type Pair = (ApiKey, i16);

/// Shown, and refused by closing as 4.x brokers do.
pub(crate) const SHOWN_AND_REFUSED: [Pair; 3] =
    [(ApiKey::Produce, 0), (ApiKey::Produce, 1), (ApiKey::Produce, 2)];

/// What ApiVersions shows: the pairs that rules serve, and the pairs that nobody serves. The two APIs of the
/// login are neither: `tidegate_wire::sasl` has their tests.
pub(crate) fn shown() -> (Vec<Pair>, Vec<Pair>) {
    let table = RuleTable::default();
    let (mut served, mut refused) = (Vec::new(), Vec::new());
    for (key, versions) in table.announced(&World::of("plain").cluster) {
        for version in versions.iter() {
            match table.service(key, version) {
                Some(Service::Rule(_) | Service::ApiVersions) => served.push((key, version)),
                Some(Service::Login) => {}
                None => refused.push((key, version)),
            }
        }
    }
    (served, refused)
}

/// Cases that a pair must have and has not.
pub(crate) fn lacking(scenarios: &[Scenario], key: ApiKey, version: i16) -> Vec<String> {
    let has = |case: &str| {
        let mut of_pair =
            scenarios.iter().filter(|scenario| (scenario.key, scenario.version) == (key, version));
        match case.contains('-') {
            true => of_pair.any(|scenario| scenario.case == case),
            false => of_pair.any(|scenario| scenario.kind() == case),
        }
    };
    let lacking = required(key, version).into_iter().filter(|case| !has(case));
    lacking.map(|case| format!("{key:?} {version} has no case {case}")).collect()
}

/// The cases of a pair: by what its request and answer name.
pub(crate) fn required(key: ApiKey, version: i16) -> BTreeSet<&'static str> {
    let (request, response) = (schema::request(key), schema::response(key));
    let mut cases = BTreeSet::from(["allowed"]);
    let asks = names(request, version);
    if !asks.is_empty() {
        cases.extend(["foreign", "empty"]);
    } else if has_list_of_names(response, version) {
        cases.extend(["foreign", "mixed"]);
    }
    if has_list_of_names(request, version) {
        cases.extend(["mixed", "duplicate"]);
    }
    if asks.iter().any(|sense| matches!(sense, Sense::TopicName | Sense::TopicId | Sense::Resource)) {
        cases.insert("duplicate-twins");
    }
    if has_nullable(&request.fields, version) {
        cases.insert("null");
    }
    if asks.contains(&Sense::TopicName) && asks.contains(&Sense::TopicId) {
        cases.extend(["allowed-by-id", "foreign-by-id", "mixed-by-id", "duplicate-by-id"]);
    }
    cases
}

/// Leaves of served messages that could carry a name and that `senses` does not know.
pub(crate) fn unknown(key: ApiKey, version: i16) -> Vec<String> {
    let messages = [schema::request(key), schema::response(key)];
    let unknown = messages.iter().flat_map(|message| {
        leaf_fields(message, version)
            .into_iter()
            .filter(|(path, field)| {
                senses::could_name(&field.kind) && senses::of(message, path, field).is_none()
            })
            .map(|(path, _)| format!("{} {version}: add {path} to senses.rs", message.name))
    });
    unknown.collect()
}

fn names(message: &'static Message, version: i16) -> BTreeSet<Sense> {
    let named = leaf_fields(message, version).into_iter();
    named.filter_map(|(path, field)| senses::of(message, &path, field)).filter(is_identity).collect()
}

fn is_identity(sense: &Sense) -> bool {
    use Sense::{CoordinatorKey, Group, Resource, TopicId, TopicName, TransactionalId};
    matches!(sense, TopicName | TopicId | Group | TransactionalId | CoordinatorKey | Resource)
}

fn has_list_of_names(message: &'static Message, version: i16) -> bool {
    list_of_names(message, &message.fields, version, "", false)
}

fn list_of_names(message: &Message, fields: &[Field], version: i16, at: &str, in_list: bool) -> bool {
    fields.iter().filter(|field| field.is_in(version)).any(|field| {
        let path = format!("{at}{}", field.name);
        let in_list = in_list || matches!(field.kind, Kind::Array(_));
        match field.kind.fields() {
            Some(inner) => list_of_names(message, inner, version, &format!("{path}."), in_list),
            None => in_list && senses::of(message, &path, field).is_some_and(|sense| is_identity(&sense)),
        }
    })
}

fn has_nullable(fields: &[Field], version: i16) -> bool {
    fields.iter().filter(|field| field.is_in(version)).any(|field| {
        field.is_nullable(version) || field.kind.fields().is_some_and(|inner| has_nullable(inner, version))
    })
}
