//! What must hold whatever a file says, so that nobody can bless a leak.

use serde_json::{Value, json};

use super::cases::{Played, of_sense};
use super::codec::unhex;
use super::senses::{self, Sense};
use super::shape::visit;
use super::world::{self, World};
use super::{codes, entries};

/// The laws that an exchange breaks.
pub(crate) fn broken(played: &Played) -> Vec<String> {
    let mut broken = Vec::new();
    for (value, body) in played.upstream.iter().zip(&played.observed.upstream) {
        broken.extend(in_request(played, value, body));
        broken.extend(
            entries::repeated(played.scenario.key, value).map(|entry| format!("upstream asks {entry} twice")),
        );
    }
    if let (Some(answer), super::play::Answer::Body(body)) = (&played.answer, &played.observed.answer) {
        broken.extend(in_answer(played, answer, body));
        broken.extend(entries::missing(played, answer));
        broken.extend(codes::wrong(played, answer));
    }
    if let Some(body) = &played.observed.otherwise {
        let answer = super::play::read(played.scenario.response(), played.scenario.version, body);
        broken.extend(in_answer(played, &answer, body));
    }
    broken.into_iter().map(|law| format!("{}: {law}", played.scenario.place())).collect()
}

/// The laws that a request to the broker breaks.
pub(crate) fn in_request(played: &Played, upstream: &Value, body: &[u8]) -> Vec<String> {
    let (scenario, world) = (&played.scenario, &played.world);
    let transactional = upstream["KeyType"] == json!(1);
    let mut broken = Vec::new();
    visit(scenario.request(), scenario.version, &mut upstream.clone(), &mut |path, field, leaf| {
        let Some(sense) = senses::of(scenario.request(), path, field) else { return };
        if !may_go_up(world, sense, leaf, transactional) {
            broken.push(format!("upstream reads {leaf} in {path}"));
        }
    });
    broken.extend(found(body, &never_up(world), b"").map(|what| format!("upstream reads {what} somewhere")));
    broken
}

/// The laws that an answer to the client breaks.
pub(crate) fn in_answer(played: &Played, answer: &Value, body: &[u8]) -> Vec<String> {
    let scenario = &played.scenario;
    let mut broken = Vec::new();
    visit(scenario.response(), scenario.version, &mut answer.clone(), &mut |path, field, leaf| {
        let Some(sense) = senses::of(scenario.response(), path, field) else { return };
        if !may_go_down(played, sense, leaf) {
            broken.push(format!("the client reads {leaf} in {path}"));
        }
    });
    let never = never_down(&played.world);
    broken.extend(
        found(body, &never, &played.exchange.body).map(|what| format!("the client reads {what} somewhere")),
    );
    broken
}

fn may_go_up(world: &World, sense: Sense, leaf: &Value, transactional: bool) -> bool {
    let prefix = world.prefix();
    let prefixed =
        |with: &str| leaf.as_str().is_some_and(|id| id.strip_prefix(with).is_some_and(|id| !id.is_empty()));
    let absent = format!("{prefix}absent.");
    let is = |text: &str| leaf.as_str() == Some(text);
    match sense {
        Sense::TopicName => leaf.is_null() || world.backings().any(is) || prefixed(&absent),
        Sense::TopicId => is_zero(leaf) || world.real_ids().iter().any(|id| is(id)),
        Sense::Group => prefixed(&prefix),
        Sense::TransactionalId => leaf.is_null() || prefixed(&format!("{prefix}t.")),
        Sense::CoordinatorKey if transactional => prefixed(&format!("{prefix}t.")),
        Sense::CoordinatorKey => prefixed(&prefix),
        Sense::Resource => world.backings().any(is) || prefixed(&prefix),
        Sense::Rack | Sense::Cluster | Sense::Pattern => leaf.is_null() || is(""),
        Sense::Follower => is_zero(leaf) || *leaf == json!(-1) || *leaf == json!(i64::MAX),
        // What they hold is looked at by itself; a blob that nobody can read names nothing.
        Sense::Blob => true,
        Sense::Host | Sense::Port | Sense::Text | Sense::ClientId | Sense::Harmless => true,
    }
}

fn may_go_down(played: &Played, sense: Sense, leaf: &Value) -> bool {
    let world = &played.world;
    let is = |text: &str| leaf.as_str() == Some(text);
    let asked = |sense| {
        let scenario = &played.scenario;
        let asked = of_sense(scenario.request(), scenario.version, &played.client, sense);
        asked.iter().any(|asked| is(asked))
    };
    let without = |secret: &str| leaf.as_str().is_none_or(|text| !text.contains(secret));
    match sense {
        Sense::TopicName => {
            leaf.is_null() || is("") || world.aliases().any(is) || asked(sense) || was_absent(played, leaf)
        }
        Sense::TopicId => is_zero(leaf) || world.virtual_ids().iter().any(|id| is(id)) || asked(sense),
        Sense::Resource => world.aliases().any(is) || asked(sense),
        Sense::CoordinatorKey => asked(sense),
        Sense::Group | Sense::TransactionalId => {
            asked(sense) || without(world.zone.prefix().tag()) && without(&world::other_prefix())
        }
        Sense::Host | Sense::Text | Sense::Pattern => leaf.is_null() || without(world::LEAK),
        Sense::Port => [-1, 0].into_iter().chain(world::PORTS).any(|port| *leaf == json!(port)),
        Sense::Rack => leaf.is_null() || is(""),
        // An answer that is an error has none.
        Sense::Cluster => is("") || is(world.zone.cluster_id()),
        Sense::ClientId => without(world.zone.prefix().tag()),
        Sense::Follower | Sense::Blob | Sense::Harmless => true,
    }
}

/// Whether the broker knows the name only as one that exists nowhere, which a member of the partner made it.
fn was_absent(played: &Played, leaf: &Value) -> bool {
    let scenario = &played.scenario;
    let absent = format!("{}absent.{}", played.world.prefix(), leaf.as_str().unwrap_or_default());
    let said = |broker| of_sense(scenario.response(), scenario.version, broker, Sense::TopicName);
    played.broker.iter().any(|broker| said(broker).contains(&absent))
}

/// Zeros, as an id or a number.
fn is_zero(leaf: &Value) -> bool {
    *leaf == json!(0) || leaf.as_str().is_some_and(|id| id.bytes().all(|digit| digit == b'0'))
}

/// Bytes that no request upstream has anywhere, whichever field it is.
fn never_up(world: &World) -> Vec<(String, Vec<u8>)> {
    let mut never: Vec<_> =
        world.virtual_ids().iter().map(|id| ("a virtual id".to_owned(), unhex(id))).collect();
    never.push(("an id of another zone".to_owned(), world::other_virtual_id().to_vec()));
    never.push(("the shown cluster id".to_owned(), world.zone.cluster_id().into()));
    never
}

/// Bytes that no answer has anywhere, unless the client wrote them itself.
fn never_down(world: &World) -> Vec<(String, Vec<u8>)> {
    let mut never = vec![
        ("words of the broker".to_owned(), world::LEAK.into()),
        ("the zone's tag".to_owned(), world.zone.prefix().tag().into()),
        ("another zone's prefix".to_owned(), world::other_prefix().into()),
    ];
    for (name, id) in world::all_real_ids() {
        never.push((format!("the real id of {name}"), id.to_vec()));
        if !world.aliases().any(|alias| alias == name) {
            never.push((name.to_owned(), name.into()));
        }
    }
    never
}

fn found<'a>(
    body: &'a [u8],
    secrets: &'a [(String, Vec<u8>)],
    own: &'a [u8],
) -> impl Iterator<Item = &'a str> {
    let holds = |bytes: &[u8], secret: &[u8]| bytes.windows(secret.len()).any(|window| window == secret);
    let leaked = secrets.iter().filter(move |(_, secret)| holds(body, secret) && !holds(own, secret));
    leaked.map(|(what, _)| what.as_str())
}
