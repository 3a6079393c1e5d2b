//! Mutants: for each field that carries a name, an address or a text, a gateway that forgets to map it.
//!
//! In a request the client's own value stands where the mapped one was, in an answer the broker's. Where the
//! gateway answers alone, the cluster's own value stands in its place. The laws must see each of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidegate_wire::api::ApiKey;

use super::cases::Played;
use super::codec;
use super::laws;
use super::play::Answer;
use super::schema::Message;
use super::senses::{self, Sense};
use super::shape::{leaf_fields, leaves, visit};
use super::world;

/// Mutants of each field at each version: (message, version, path) to how many were made.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) made: BTreeMap<(String, i16, String), usize>,
    pub(crate) missed: Vec<String>,
}

impl Tally {
    pub(crate) fn add(&mut self, played: &Played) {
        // Where an alias is a backing name, an unmapped name looks like a mapped one: there the file's
        // expectation judges.
        if played.scenario.zone == "swapped" {
            return;
        }
        self.requests(played);
        self.answers(played);
    }

    fn requests(&mut self, played: &Played) {
        let (message, version) = (played.scenario.request(), played.scenario.version);
        for (path, _, upstream) in sensitive(message, version).flat_map(|(path, sense)| {
            played.upstream.iter().map(move |upstream| (path.clone(), sense, upstream))
        }) {
            for raw in values(message, version, &played.client, &path) {
                let Some(mutant) = put(message, version, upstream, &played.client, &path, &raw) else {
                    continue;
                };
                let body = codec::encode(message, version, &mutant);
                let caught = !laws::in_request(played, &mutant, &body).is_empty();
                self.note(played, message, &path, &raw, caught);
            }
        }
    }

    fn answers(&mut self, played: &Played) {
        let (message, version) = (played.scenario.response(), played.scenario.version);
        let (Some(answer), Answer::Body(_)) = (&played.answer, &played.observed.answer) else { return };
        let known = leaves(played.scenario.request(), version, &played.client, &|_, _| true);
        for (path, sense) in sensitive(message, version) {
            let nothing = json!({});
            let own: Vec<(Value, &Value)> = match played.broker.as_slice() {
                [] => of_cluster(sense).into_iter().map(|raw| (raw, &nothing)).collect(),
                all => all
                    .iter()
                    .flat_map(|broker| {
                        values(message, version, broker, &path).into_iter().map(move |raw| (raw, broker))
                    })
                    .collect(),
            };
            for (raw, broker) in own {
                if known.iter().any(|(_, own)| *own == raw) {
                    continue;
                }
                let Some(mutant) = put(message, version, answer, broker, &path, &raw) else { continue };
                let body = codec::encode(message, version, &mutant);
                let caught = !laws::in_answer(played, &mutant, &body).is_empty();
                self.note(played, message, &path, &raw, caught);
            }
        }
    }

    fn note(&mut self, played: &Played, message: &Message, path: &str, raw: &Value, caught: bool) {
        let version = played.scenario.version;
        *self.made.entry((message.name.clone(), version, path.to_owned())).or_default() += 1;
        if !caught {
            self.missed.push(format!(
                "{}: nobody sees {raw} in {} of {path}",
                played.scenario.place(),
                message.name
            ));
        }
    }
}

/// Fields without a mutant, each with its reason.
const NEVER: &[(&str, &str, &str)] = &[
    ("MetadataRequest", "", "it never goes upstream"),
    ("DescribeClusterRequest", "", "it never goes upstream"),
];

/// Fields of served versions that no scenario has a mutant of, and that are not excused.
pub(crate) fn unexercised(tally: &Tally, pairs: &[(ApiKey, i16)]) -> Vec<String> {
    let mut bare = Vec::new();
    for (key, version) in pairs {
        for message in [super::schema::request(*key), super::schema::response(*key)] {
            for (path, _) in sensitive(message, *version) {
                let excused = NEVER
                    .iter()
                    .any(|(owner, field, _)| *owner == message.name && (field.is_empty() || *field == path));
                let made = tally.made.contains_key(&(message.name.clone(), *version, path.clone()));
                if !made && !excused {
                    bare.push(format!("{} {version}: no scenario has a mutant of {path}", message.name));
                }
            }
        }
    }
    bare
}

fn sensitive(message: &'static Message, version: i16) -> impl Iterator<Item = (String, Sense)> {
    leaf_fields(message, version).into_iter().filter_map(|(path, field)| {
        let sense = senses::of(message, &path, field)?;
        (sense != Sense::Harmless).then_some((path, sense))
    })
}

/// The distinct values at `path` that say something.
fn values(message: &Message, version: i16, value: &Value, path: &str) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for (_, leaf) in leaves(message, version, value, &|at, _| at == path) {
        let is_blank =
            leaf.is_null() || leaf == json!("") || leaf == json!("0".repeat(32)) || leaf == json!(-1);
        // Bytes that are no blob, and blobs without topics, name nothing.
        let is_opaque = leaf.as_str().is_some_and(|text| text.starts_with("hex:"));
        let is_empty = leaf.is_object() && !names_topics(&leaf);
        if !is_blank && !is_opaque && !is_empty && !found.contains(&leaf) {
            found.push(leaf);
        }
    }
    found
}

fn names_topics(blob: &Value) -> bool {
    let lists = ["Topics", "OwnedPartitions", "AssignedPartitions"];
    let mut messages = blob.as_object().into_iter().flat_map(|blob| blob.values());
    messages
        .any(|message| lists.iter().any(|list| message[*list].as_array().is_some_and(|all| !all.is_empty())))
}

/// `target` with `raw` at each place of `path`, or with the whole field of `source` where it has no such
/// place; `None` when that changes nothing.
fn put(
    message: &Message,
    version: i16,
    target: &Value,
    source: &Value,
    path: &str,
    raw: &Value,
) -> Option<Value> {
    let mut mutant = target.clone();
    let mut places = 0;
    visit(message, version, &mut mutant, &mut |at, _, leaf| {
        if at == path {
            places += 1;
            *leaf = raw.clone();
        }
    });
    if places == 0 {
        let top = path.split('.').next()?;
        mutant[top] = source.get(top)?.clone();
    }
    (mutant != *target).then_some(mutant)
}

/// What the gateway knows of the cluster and must not tell.
fn of_cluster(sense: Sense) -> Option<Value> {
    Some(match sense {
        Sense::TopicName => json!(world::ORDERS),
        Sense::TopicId => json!(codec::hex(&world::all_real_ids()[0].1)),
        Sense::Host => json!(world::BROKER_HOST),
        Sense::Port => json!(world::BROKER_PORT),
        Sense::Rack => json!(world::BROKER_RACK),
        Sense::Text => json!(world::BROKER_TEXT),
        Sense::Cluster => json!(world::BROKER_CLUSTER),
        _ => return None,
    })
}
